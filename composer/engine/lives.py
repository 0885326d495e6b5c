"""Follows running containers by pidfd: when PID 1 ends, the exit is recorded and what the container held is given back."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import ExitStack

from composer.engine.scene import Scene
from composer.errors import ComposerError, StorageError
from composer.events import Event
from composer.observed import Container, Process
from composer.procfs import boot_id

#: Seconds until a record that could not be written is tried again.
ROOM_PAUSE = 1.0


class Lives:
    """One entry a container whose PID 1 exists (created or running). All methods belong to the event loop's thread."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._ended: dict[str, asyncio.Future[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._empty: set[str] = set()

    def follow(self, id_: str, process: Process) -> None:
        """From now until PID 1's end; one that has ended already is put away at once."""
        loop = asyncio.get_running_loop()
        self._empty.discard(id_)
        self._ended[id_] = loop.create_future()
        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            self._begin_end(id_)
            return
        if not self._scene.host.runtime.alive(process):
            os.close(descriptor)
            self._begin_end(id_)
            return
        loop.add_reader(descriptor, self._readable, descriptor, id_)

    def follows(self, id_: str) -> bool:
        return id_ in self._ended

    def is_empty(self, id_: str) -> bool:
        """Whether a container's end was seen, and all that its processes held was given back."""
        return id_ in self._empty

    async def end(self, id_: str, timeout: float | None = None) -> bool:
        """Wait until the container has ended and its exit is recorded; False when `timeout` seconds were not enough."""
        future = self._ended.get(id_)
        if future is None:
            return True
        done, _ = await asyncio.wait([future], timeout=timeout)
        return bool(done)

    def _readable(self, descriptor: int, id_: str) -> None:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        self._begin_end(id_)

    def _begin_end(self, id_: str) -> None:
        task = asyncio.create_task(self._put_away(id_))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _put_away(self, id_: str) -> None:
        scene = self._scene
        container = scene.records.get(id_)
        try:
            if container:
                ended = await _recorded(scene, container)
                if container.status in ("running", "paused"):
                    if ended.oom_killed and not container.oom_killed:
                        scene.say(ended, "oom", "the kernel killed it for memory")
                    scene.say(ended, "exited", _how(ended))
                    scene.keeper.ended(ended)
                await asyncio.to_thread(_give_back, scene, ended)
                self._empty.add(id_)
        except ComposerError as error:
            scene.tell(Event(time.time(), f"container/{container.name if container else id_[:12]}", "error", error.message))
        finally:
            future = self._ended.pop(id_, None)
            if future and not future.done():
                future.set_result(None)
            scene.changes.ring()


async def _recorded(scene: Scene, container: Container) -> Container:
    """Its record with its end. On a full disk that waits: who restarts or removes it goes by the record."""
    told = False
    while True:
        try:
            return await asyncio.to_thread(_record_end, scene, container)
        except (StorageError, OSError) as refused:
            if not told:
                scene.say(container, "error", f"its end cannot be recorded yet: {refused}")
            told = True
            await asyncio.sleep(ROOM_PAUSE)


def _record_end(scene: Scene, container: Container) -> Container:
    if container.status not in ("running", "paused"):
        return scene.records.change(container.id, process=None)
    ended = scene.host.runtime.ended(container.id)
    code, error = (255, _why_unknown(container)) if ended.code is None else (ended.code, container.error)
    return scene.records.change(
        container.id,
        status="exited",
        process=None,
        finished_at=time.time(),
        exit_code=code,
        oom_killed=ended.oom_killed and code != 0,  # one of its processes may have been, long ago
        error=error,
        health="",
    )


def _give_back(scene: Scene, container: Container) -> None:
    """What the container's processes held: rules, links, cgroup, ports. Who fails does not keep the others."""
    with ExitStack() as rest:
        if not container.oneoff and (container.stop_asked or not scene.keeper.will_restart(container)):
            rest.callback(scene.ports.release, container.name)
        rest.callback(scene.host.runtime.delete, container.id, container.runtime)
        rest.callback(scene.host.network.detach, container.endpoints)
        scene.host.network.unpublish(container.id)


def _why_unknown(container: Container) -> str:
    """Nobody holds the exit code: its conmon was killed, or everything was, with the machine."""
    same_boot = container.process and container.process.boot_id == boot_id()
    return "holder lost" if same_boot else "the machine went down"


def _how(container: Container) -> str:
    reason = " (out of memory)" if container.oom_killed else f" ({container.error})" if container.error else ""
    return f"code {container.exit_code}{reason}"
