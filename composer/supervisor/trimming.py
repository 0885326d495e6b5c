"""Trims what was put by of a log to a number of bytes: the newest stays, without a gap, from a line's beginning.

A file is trimmed by putting a copy of its end in its place (rename(2)): who reads the whole one goes on reading it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from composer.supervisor.logs import BLOCK, rotated


def trim(path: Path, most: int) -> None:
    """Leave `most` bytes at most in path.1, path.2...; the file `path` itself, which is written to, is left alone."""
    left = most
    for name in rotated(path):
        with suppress(FileNotFoundError):
            size = name.stat().st_size
            if left <= 0:
                name.unlink()
            elif size > left:
                _keep_end(name, left)
            left -= size


def _keep_end(path: Path, most: int) -> None:
    draft = path.with_name(f"{path.name}.draft")
    with open(path, "rb") as whole, open(draft, "wb") as end:
        status = os.fstat(whole.fileno())
        whole.seek(max(0, status.st_size - most - 1))
        whole.readline()  # the line that begins before
        while block := whole.read(BLOCK):
            end.write(block)
        end.flush()
        os.fchmod(end.fileno(), status.st_mode & 0o777)
        os.utime(end.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))  # `logs --since` goes by it
    draft.rename(path)
