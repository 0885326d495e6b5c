"""The door through which loading looks at files, so that whoever follows a project knows what it was made of."""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SEEN: ContextVar[set[str] | None] = ContextVar("seen", default=None)


@contextmanager
def recorded() -> Iterator[set[str]]:
    """Paths that are read or looked for within, also where loading fails half-way: those whose change may change the project."""
    seen: set[str] = set()
    token = _SEEN.set(seen)
    try:
        yield seen
    finally:
        _SEEN.reset(token)


def text(path: str, encoding: str = "utf-8") -> str:
    """What is in the file; raises OSError and UnicodeDecodeError."""
    _note(path)
    with open(path, encoding=encoding) as file:
        return file.read()


def is_there(path: str) -> bool:
    """Whether there is such a file, which may come or go later."""
    _note(path)
    return os.path.isfile(path)


def _note(path: str) -> None:
    seen = _SEEN.get()
    if seen is not None:
        seen.add(os.path.abspath(path))
