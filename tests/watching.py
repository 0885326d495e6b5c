"""`composer watch` in the background."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.command_line import Composer
from tests.eventually import eventually


@contextmanager
def watching(composer: Composer, *arguments: str) -> Iterator[Path]:
    """From the moment it watches until the end of the block; the value is the file with what it says."""
    output = composer.folder.parent / f"{composer.folder.name}.output"
    with output.open("w") as file:
        command = subprocess.Popen(composer.argv("watch", *arguments), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                   cwd=composer.folder, env=composer.environment())
    try:
        eventually(lambda: "Watching" in output.read_text() or command.poll() is not None, timeout=120)
        assert command.poll() is None, output.read_text()
        yield output
    finally:
        command.send_signal(signal.SIGINT)
        command.wait(30)
