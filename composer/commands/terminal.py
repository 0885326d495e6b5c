"""The caller's terminal: raw while a container's terminal is shown on it, as it was found afterwards, whatever happens."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from composer.errors import UsageError

#: ctrl-p, ctrl-q: Docker's keys to leave a container alone.
DETACH_KEYS = b"\x10\x11"


@contextmanager
def as_found() -> Iterator[None]:
    """Whatever changes the settings of the terminal on stdin, they are put back."""
    descriptor = _stdin()
    try:
        old = termios.tcgetattr(descriptor)
    except termios.error:  # no terminal
        yield
        return
    try:
        yield
    finally:
        with suppress(termios.error):  # it may have gone meanwhile
            termios.tcsetattr(descriptor, termios.TCSADRAIN, old)


@contextmanager
def raw() -> Iterator[None]:
    """Keys arrive as they are pressed and mean nothing to this side: the container's terminal interprets them."""
    with as_found():
        tty.setraw(_stdin(), termios.TCSANOW)
        yield


def size() -> tuple[int, int] | None:
    """Rows and columns of the terminal that we write to; None when nobody knows."""
    with suppress(OSError, ValueError):
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        return (rows, columns) if rows and columns else None
    return None


def set_size(path: str, rows: int, columns: int) -> bool:
    """Give a terminal device this size; False when it is none (any more)."""
    with suppress(OSError):
        device = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            termios.tcsetwinsize(device, (rows, columns))
            return True
        except termios.error:
            return False
        finally:
            os.close(device)
    return False


def keys(text: str) -> bytes:
    """The bytes of keys as Docker writes them: single characters or ctrl-X (a to z, @, [, \\\\, ], ^, _), separated by commas."""
    return bytes(_key(word, text) for word in text.split(",")) if text else b""


def _key(word: str, text: str) -> int:
    if len(word) == 1 and word.isascii():
        return ord(word)
    letter = word.removeprefix("ctrl-").upper()
    if word.startswith("ctrl-") and len(letter) == 1 and "@" <= letter <= "_":
        return ord(letter) & 0x1F
    raise UsageError(f"--detach-keys {text}: {word!r} is no key", hint="for example ctrl-p,ctrl-q")


class KeyWatch:
    """Finds the detach keys in what is typed. The beginning of a sequence is held back until it is clear what comes of it."""

    def __init__(self, sequence: bytes) -> None:
        self._sequence = sequence
        self._held = b""

    def feed(self, typed: bytes) -> tuple[bytes, bool]:
        """What to pass on of the keys typed, and whether the sequence is complete; what is typed behind it is dropped."""
        if not self._sequence:
            return typed, False
        self._held += typed
        before, found, _ = self._held.partition(self._sequence)
        if found:
            self._held = b""
            return before, True
        kept = next(length for length in range(len(self._sequence) - 1, -1, -1) if self._held.endswith(self._sequence[:length]))
        passed, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        return passed, False


def _stdin() -> int:
    try:
        return sys.stdin.fileno()
    except (ValueError, AttributeError):  # closed
        return -1
