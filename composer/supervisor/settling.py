"""`up -d` says what died in its first moments, and `up --wait` waits for them. Who has gone to sleep by itself, or listens, is believed at
once; who still works, or waits for a program of its own, is looked at longer (docs/decisions/0011)."""

from __future__ import annotations

import asyncio
import os.path
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from composer.engine.scene import Scene
from composer.observed import Container, Process

#: Seconds after its start that a container may work before it is believed to stay, and between two looks.
WINDOW, LOOK = 1.0, 0.03
#: What is PID 1 for another program's sake.
INITS = frozenset(("init", "tini", "dumb-init", "docker-init", "catatonit"))
#: Seconds of processor time between two looks that are work.
WORK = 0.005


@dataclass(frozen=True, slots=True)
class Settling:
    """`started`: names of the containers that were started; `restarts`: how often each (by id) had been restarted before."""

    scene: Scene
    started: frozenset[str]
    restarts: Mapping[str, int]

    async def deaths(self) -> list[str]:
        """One message for each of them that has no health check and has failed by now."""
        await self.settle()
        return [self._message(one) for one in self._watched() if failed(one, self.restarts.get(one.id, 0))]

    async def settle(self) -> None:
        """Until they have got over their first moments, well or not."""
        young = [one for one in self._watched() if time.time() < one.started_at + WINDOW]
        spent = await asyncio.to_thread(self._spent, young)
        while young:
            await asyncio.sleep(LOOK)
            now = await asyncio.to_thread(self._spent, young)
            busy = [one for one in young if self._works(one, now[one.id] - spent[one.id])]
            young, spent = await asyncio.to_thread(self._silent, busy), now

    def _watched(self) -> list[Container]:
        return [one for one in self.scene.records.all() if one.name in self.started and not self.scene.keeper.checked(one)]

    def _works(self, container: Container, spent: float) -> bool:
        now = self.scene.records.get(container.id)
        if now is None or now.status != "running" or now.process is None or time.time() >= now.started_at + WINDOW:
            return False
        return spent > WORK or self._waits_for_a_program(now.process)

    def _waits_for_a_program(self, process: Process) -> bool:
        """A shell, say. An init has nothing else to do."""
        first, *children = self.scene.host.runtime.commands(process) or ((),)
        return bool(children) and bool(first) and os.path.basename(first[0]) not in INITS

    def _spent(self, containers: Sequence[Container]) -> dict[str, float]:
        effort = self.scene.host.runtime.effort
        return {one.id: effort(one.process) if one.process else 0.0 for one in containers}

    def _silent(self, containers: Sequence[Container]) -> list[Container]:
        """Those that nobody could talk to by now."""
        return [one for one in containers if one.process and not self.scene.host.runtime.listening(one.process)]

    def _message(self, container: Container) -> str:
        end = "was restarted" if container.status == "running" else f"exited ({container.exit_code})"
        again = "; its restart policy starts it again" if self.scene.keeper.will_restart(container) else ""
        return "\n  ".join([f"container {container.name} {end} right after its start{again}", *self.scene.keeper.report(container)])


def failed(container: Container, restarts: int) -> bool:
    """Whether a container that was started has failed since, or was brought back by its restart policy: it had `restarts` before."""
    if container.stop_asked:
        return False
    return container.restarts > restarts if container.status == "running" else container.status == "exited" and container.exit_code != 0
