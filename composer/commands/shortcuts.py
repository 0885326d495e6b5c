"""Keys that an attached `up` listens to."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from composer.commands.terminal import as_found

HINT = "press w to watch files, d to detach"


class Keys:
    """What is typed, key by key; `fileno` for select."""

    def fileno(self) -> int:
        return sys.stdin.fileno()

    def read(self) -> str:
        """The keys; "" when nobody types any more."""
        return os.read(self.fileno(), 64).decode(errors="replace").lower()


@contextmanager
def keys() -> Iterator[Keys | None]:
    """Without echo, and without waiting for Enter; Ctrl-C means what it means. None where nobody can type to us."""
    if not _is_ours():
        yield None
        return
    with as_found():
        tty.setcbreak(sys.stdin.fileno(), termios.TCSANOW)
        yield Keys()


def _is_ours() -> bool:
    """Whether stdin is a terminal with us in its foreground: to touch it from the background would stop us (SIGTTOU)."""
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):
        return False
