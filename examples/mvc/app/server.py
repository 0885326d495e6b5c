"""Controller: GET / shows the entries, POST / writes one and leads back (Post/Redirect/Get), /api/entries is for programs."""

from __future__ import annotations

import json
import logging
import signal
import sys
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

import psycopg
from waitress import serve

import entries
from page import render

Environ = dict[str, Any]
Answer = tuple[HTTPStatus, dict[str, str], str]

LARGEST_FORM = 16 * 1024
HTML = {"Content-Type": "text/html; charset=utf-8"}
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


def show(_environ: Environ) -> Answer:
    return HTTPStatus.OK, HTML, render(entries.latest())


def write(environ: Environ) -> Answer:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > LARGEST_FORM:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, PLAIN, "That is too long for a guest book.\n"
    form = parse_qs(environ["wsgi.input"].read(length).decode(errors="replace"))
    try:
        entries.add(form.get("author", [""])[0], form.get("message", [""])[0])
    except ValueError as problem:
        return HTTPStatus.BAD_REQUEST, HTML, render(entries.latest(), str(problem))
    return HTTPStatus.SEE_OTHER, {**PLAIN, "Location": "/"}, ""


def listing(_environ: Environ) -> Answer:
    rows = [{"author": entry.author, "message": entry.message, "written": entry.written.isoformat()} for entry in entries.latest()]
    return HTTPStatus.OK, {"Content-Type": "application/json"}, json.dumps(rows)


def health(_environ: Environ) -> Answer:
    entries.latest(1)
    return HTTPStatus.OK, PLAIN, "ok\n"


ROUTES: dict[tuple[str, str], Callable[[Environ], Answer]] = {
    ("GET", "/"): show,
    ("POST", "/"): write,
    ("GET", "/api/entries"): listing,
    ("GET", "/health"): health,
}


def answer(environ: Environ) -> Answer:
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"] or "/"
    handler = ROUTES.get(("GET" if method == "HEAD" else method, path))
    if handler is None:
        known = any(path == route for _, route in ROUTES)
        status = HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND
        return status, PLAIN, f"{status.phrase}\n"
    try:
        return handler(environ)
    except psycopg.OperationalError:
        logging.exception("the database does not answer")
        return HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, "The database does not answer; please try again.\n"


def application(environ: Environ, start_response: Callable[..., object]) -> Iterable[bytes]:
    """The WSGI entry point (PEP 3333)."""
    status, headers, text = answer(environ)
    body = text.encode()
    start_response(f"{status.value} {status.phrase}", [*headers.items(), ("Content-Length", str(len(body)))])
    logging.info("%s %s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"], status.value)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    # waitress lets the running requests finish when its loop is left by SystemExit.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    serve(application, listen="*:8000", threads=8, ident="guestbook")
    logging.info("stopped")


if __name__ == "__main__":
    main()
