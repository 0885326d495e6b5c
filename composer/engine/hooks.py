"""Life-cycle hooks: commands that run inside a container after it has been started (`post_start`) and before it is stopped
(`pre_stop`). Both block the step that they belong to, and fail it."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections import deque

from composer.engine.scene import Scene
from composer.errors import ContainerError
from composer.events import Event
from composer.model.hook import Hook
from composer.observed import Container
from composer.process import start
from composer.procfs import kill_tree

#: Lines of output in the message about a hook that failed.
TAIL = 10
#: Longest line of output that is told in one piece, in bytes.
LINE = 1 << 16


async def post_start(scene: Scene, container: Container, hooks: tuple[Hook, ...]) -> None:
    """Those that are still due in this life of the container (the record says how many), so that a supervisor that was killed
    amid them leaves the rest to the next one; the one that it was at runs again."""
    due = container.hooks_due
    try:
        for left, hook in zip(range(due, 0, -1), hooks[-due:] if due else (), strict=True):
            await run(scene, container, hook, "post_start")
            scene.records.change(container.id, hooks_due=left - 1)
    except ContainerError:
        scene.records.change(container.id, hooks_due=0)
        raise


async def run(scene: Scene, container: Container, hook: Hook, moment: str) -> None:
    """One command to its end, its output told line by line; ContainerError with the last lines when it fails. Cancelled: it is killed."""
    runtime, tail = scene.host.runtime, deque[str](maxlen=TAIL)
    scene.say(container, "hook", f"{moment}: {shlex.join(hook.command)}")
    argv = await asyncio.to_thread(
        runtime.exec_argv, container.id, container.runtime, hook.command, user=hook.user or "", environment=hook.environment,
        working_dir=hook.working_dir or "", privileged=hook.privileged,
    )
    child = await start(argv)
    assert child.stdout is not None
    try:
        while line := await next_line(child.stdout):
            tail.append(line.decode(errors="replace").rstrip("\n"))
            scene.tell(Event(time.time(), f"container/{container.name}", "line", tail[-1], container.service))
        code = await child.wait()
    except asyncio.CancelledError:
        kill_tree(child.pid)
        await child.wait()
        raise
    if code:
        said = "".join(f"\n  | {line}" for line in tail)
        raise ContainerError(f"container {container.name}: {moment} hook `{shlex.join(hook.command)}` failed with exit code {code}{said}")


async def next_line(stream: asyncio.StreamReader) -> bytes:
    """The next line; of one without end, a part."""
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError:
        return await stream.read(LINE)
