"""The door through which loading looks at files, so that whoever follows a project knows what it was made of, and of which state."""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from composer.store import Stamp, stamp

_SEEN: ContextVar[dict[str, Stamp] | None] = ContextVar("seen", default=None)


@contextmanager
def recorded() -> Iterator[dict[str, Stamp]]:
    """Paths that are read or looked for within, also where loading fails half-way: those whose change may change the project. Pipes and
    devices are not among them."""
    seen: dict[str, Stamp] = {}
    token = _SEEN.set(seen)
    try:
        yield seen
    finally:
        _SEEN.reset(token)


def text(path: str, encoding: str = "utf-8") -> str:
    """What is in the file; raises OSError and UnicodeDecodeError."""
    note(path)
    with open(path, encoding=encoding) as file:
        return file.read()


def is_there(path: str) -> bool:
    """Whether there is such a file, which may come or go later."""
    note(path)
    return os.path.isfile(path)


def note(path: str) -> None:
    """Before it is looked at, so that a change in between shows."""
    seen = _SEEN.get()
    if seen is not None and (os.path.isfile(path) or not os.path.exists(path)):
        seen.setdefault(os.path.abspath(path), stamp(path))
