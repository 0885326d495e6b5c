"""The part of a Docker engine's API that hands out images (`GET /images/get?names=NAME`, what `docker save` uses), on a Unix socket."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

_GET = re.compile(r"(?:/v[\d.]+)?/images/get\?names=(.+)")


@contextmanager
def docker_engine(path: Path, images: Mapping[str, Path]) -> Iterator[None]:
    """`images`: name -> what `docker save` would write."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's name
            match = _GET.fullmatch(unquote(self.path))
            archive = images.get(match[1]) if match else None
            self.send_response(200 if archive else 404)
            self.end_headers()
            self.wfile.write(archive.read_bytes() if archive else b'{"message": "no such image"}')

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

        def address_string(self) -> str:
            return "unix"

    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
