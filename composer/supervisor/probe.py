"""Runs one health test in a container, to its end or to its timeout; then the whole process tree is killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from composer.process import start
from composer.procfs import kill_tree
from composer.supervisor.health import OUTPUT_LIMIT, Check, ProbeResult, completed, timed_out

#: When the runtime cannot run the test at all (no such program, no such user).
CANNOT_RUN = 126


async def probe(argv: Sequence[str], check: Check, *, early: bool = False) -> ProbeResult:
    """`argv` is the runtime's exec command line. Never raises for what the test does."""
    began = time.time()
    try:
        child = await start(argv)
    except OSError as error:
        return completed(began, CANNOT_RUN, str(error), early=early)
    output = bytearray()
    reading = asyncio.create_task(_read(child, output))
    try:
        async with asyncio.timeout(check.timeout):
            code = await child.wait()
            await reading
    except TimeoutError:
        kill_tree(child.pid)
        await child.wait()
        reading.cancel()
        return timed_out(check, began, _text(output), early=early)
    except asyncio.CancelledError:
        kill_tree(child.pid)
        reading.cancel()
        raise
    return completed(began, code, _text(output), early=early)


async def _read(child: asyncio.subprocess.Process, output: bytearray) -> None:
    """Keeps what is kept of the output, and reads on so that the test never blocks."""
    assert child.stdout is not None
    while data := await child.stdout.read(8192):
        output += data[: max(0, OUTPUT_LIMIT + 1 - len(output))]


def _text(output: bytearray) -> str:
    return output.decode(errors="replace").strip()
