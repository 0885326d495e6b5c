"""A command of composer's on a pseudo-terminal that is the test's: what it shows, keys pressed, the window's size."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from select import select

from tests.command_line import Composer


class Terminal:
    """A command whose terminal is ours: what it shows, and keys pressed."""

    def __init__(self, composer: Composer, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self.resize(24, 80)
        self.before = self.settings()
        self.shown = ""
        self.process = subprocess.Popen(composer.argv(*arguments), stdin=slave, stdout=slave, stderr=slave, cwd=composer.folder,
                                        env=composer.environment({"TERM": "xterm-256color"}), preexec_fn=_own_terminal)
        os.close(slave)

    def until(self, text: str, timeout: float = 15.0) -> str:
        """Everything shown so far, as soon as the text is in it."""
        deadline = time.monotonic() + timeout
        while text not in self.shown:
            assert self._read(deadline - time.monotonic()), f"{text!r} did not come:\n{self.shown}"
        return self.shown

    def until_after(self, begin: int, text: str, timeout: float = 15.0) -> str:
        """What was shown from the `begin`th character on, as soon as the text is in it."""
        deadline = time.monotonic() + timeout
        while text not in self.shown[begin:]:
            assert self._read(deadline - time.monotonic()), f"{text!r} did not come:\n{self.shown[begin:]}"
        return self.shown[begin:]

    def interrupt(self) -> None:
        self.type("\x03")

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def resize(self, rows: int, columns: int) -> None:
        """As a window does it: the kernel sends SIGWINCH to the foreground."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def settings(self) -> list[object]:
        """What stty shows: raw or not, echo (termios(3))."""
        return termios.tcgetattr(self._master)

    def end(self, timeout: float = 15.0) -> int:
        """Wait for the end; the exit code."""
        deadline = time.monotonic() + timeout
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def _read(self, patience: float) -> bool:
        """One piece more; False at the end, or when nothing came."""
        if not select([self._master], [], [], max(0.0, patience))[0]:
            return False
        with suppress(OSError):  # EIO: nobody has the terminal open any more
            data = os.read(self._master, 1 << 16)
            self.shown += data.decode(errors="replace")
            return bool(data)
        return False


def _own_terminal() -> None:
    """Ctrl-C reaches the process group in the terminal's foreground: a session of its own (tty_ioctl(4), TIOCSCTTY)."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def on_terminal(composer: Composer, *arguments: str) -> Iterator[Terminal]:
    terminal = Terminal(composer, *arguments)
    try:
        yield terminal
    finally:
        terminal.close()
