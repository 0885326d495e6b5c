"""The supervisor's own log: two files of bounded size. stderr leads there too, so that whatever ends the supervisor leaves its words."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

#: Bytes at which the log becomes `supervisor.log.1`, in the place of an older one.
LIMIT = 1 << 20
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


class Journal(logging.Handler):
    """Writes to descriptor 2. What cannot be written is lost: a full disk or a removed folder is no reason to end."""

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__()
        self._path, self._limit = path, limit
        self._open()

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            os.write(2, f"{self.format(record)}\n".encode())
            status = os.fstat(2)
            if status.st_size > self._limit:
                os.replace(self._path, f"{self._path}.1")
            if status.st_size > self._limit or not status.st_nlink:
                self._open()

    def _open(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, 2)
        os.close(descriptor)


def begin(path: Path, level: str, limit: int = LIMIT) -> None:
    """Log to `path` from now on; `level` is a word of LEVELS, any other one means info."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    journal = Journal(path, limit)
    journal.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    logging.basicConfig(level=LEVELS.get(level.lower(), logging.INFO), handlers=[journal])
