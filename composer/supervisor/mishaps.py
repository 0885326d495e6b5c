"""What befalls a container that goes on running, told by the kernel: a process of it killed for memory, the end of its holder (conmon)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from contextlib import suppress

from composer.engine.scene import Scene
from composer.observed import Container, Process

HOLDER_LOST = "holder lost"
#: Seconds from the kernel's alarm until its killing is counted, and from a conmon's end until its container's is known.
PAUSE = 0.05


async def attend(scene: Scene, container: Container) -> None:
    """Tell it as long as the container runs; to be cancelled at its end."""
    runtime, id_ = scene.host.runtime, container.id
    kills = runtime.memory_kills(id_)
    alarm, holder = runtime.memory_alarm(id_), _open(container.holder)
    watched = {one for one in (alarm, holder) if one is not None}
    try:
        if holder is None:
            _lost(scene, id_)
        while watched:
            ready = await _readable(watched)
            await asyncio.sleep(PAUSE)
            if alarm in ready:
                os.read(alarm, 1 << 12)
                kills, before = runtime.memory_kills(id_), kills
                if kills > before:
                    _killed(scene, id_)
            if holder in ready:
                _lost(scene, id_)
                watched.discard(holder)
    finally:
        for descriptor in (alarm, holder):
            if descriptor is not None:
                os.close(descriptor)


def _open(process: Process | None) -> int | None:
    """A pidfd; None for a process that is gone."""
    with suppress(ProcessLookupError):
        return os.pidfd_open(process.pid) if process else None
    return None


async def _readable(descriptors: Collection[int]) -> set[int]:
    """Those that have become readable, at least one."""
    loop, found, some = asyncio.get_running_loop(), set[int](), asyncio.Event()

    def note(descriptor: int) -> None:
        loop.remove_reader(descriptor)
        found.add(descriptor)
        some.set()

    for one in descriptors:
        loop.add_reader(one, note, one)
    try:
        await some.wait()
    finally:
        for one in descriptors:
            loop.remove_reader(one)
    return found


def _lives(scene: Scene, id_: str) -> Container | None:
    now = scene.records.get(id_)
    return now if now and now.status in ("running", "paused") and now.process and scene.host.runtime.alive(now.process) else None


def _killed(scene: Scene, id_: str) -> None:
    if now := _lives(scene, id_):
        scene.records.change(id_, oom_killed=True)
        scene.say(now, "oom", "the kernel killed a process of it for memory")


def _lost(scene: Scene, id_: str) -> None:
    now = _lives(scene, id_)
    if now and now.error != HOLDER_LOST:
        scene.records.change(id_, error=HOLDER_LOST)
        scene.say(now, "orphaned", "its conmon was killed: what it writes is lost from now on, and so will be its exit code")
