"""The verbs for containers as they are: `kill`, `rm`, `pause`, `unpause`, `hold`, and `events`, which only listens."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from composer.engine.container import Containers
from composer.engine.observe import observe
from composer.engine.scene import Scene
from composer.observed import Container, Observed
from composer.plan import teardown
from composer.plan.steps import Plan
from composer.runtime.signals import number_of
from composer.supervisor.protocol import HELD

Args = dict[str, Any]

#: Verbs that end when the client is gone: they do nothing but tell.
WATCHING = frozenset({"events", "hold", "follow", "wait", "first_end", "watch"})


@dataclass(frozen=True, slots=True)
class Tending:
    scene: Scene
    containers: Containers
    leaving: asyncio.Event
    do: Callable[[Plan], Awaitable[dict[str, Any]]]
    leave_if_empty: Callable[[], None]

    def table(self) -> dict[str, Callable[[Args], Awaitable[Any]]]:
        verbs = (self.kill, self.rm, self.pause, self.unpause, self.hold, self.events)
        return {verb.__name__: verb for verb in verbs}

    async def kill(self, args: Args) -> dict[str, Any]:
        """`services` (none: all), `signal` (SIGKILL), `known`: the file's services, when the containers of others are to be removed.

        At once, also in the middle of another plan (the second Ctrl-C)."""
        name = args.get("signal") or "SIGKILL"
        number, known = number_of(name), args.get("known")
        chosen = meant(self.scene.records.all(), args)
        await asyncio.gather(*(self._kill(one, name, number) for one in chosen if one.process or self.scene.keeper.will_restart(one)))
        if known is None:
            return {"steps": len(chosen)}
        async with self.scene.plans:
            removed = await self.do(teardown.orphans(await self._observe(), known))
        return {"steps": len(chosen) + removed["steps"]}

    async def _kill(self, container: Container, name: str, number: int) -> None:
        if number == signal.SIGKILL:  # also what is between two lives: its restart policy is about to bring it back
            await self.containers.kill(container)
        else:
            only = await asyncio.to_thread(self.containers.ended_by, container)
            await self.containers.signal(container, name, ending=not only or number_of(only) == number)
        self.scene.say(container, "killed", signal_name(number))

    async def rm(self, args: Args) -> dict[str, Any]:
        """`services`, `stop`, `volumes` (anonymous ones)."""
        async with self.scene.plans:
            return await self.do(teardown.remove(await self._observe(), args["services"], stop=args["stop"], volumes=args["volumes"]))

    async def pause(self, args: Args) -> dict[str, Any]:
        """`services`; `names`: only these containers of theirs."""
        async with self.scene.plans:
            return await self.do(teardown.pause(await self._observe(), args["services"], args.get("names", ())))

    async def unpause(self, args: Args) -> dict[str, Any]:
        async with self.scene.plans:
            return await self.do(teardown.unpause(await self._observe(), args["services"], args.get("names", ())))

    async def hold(self, args: Args) -> dict[str, Any]:
        """Keep the container `name` as it is, nobody starts or removes it, until the client is done; it hears "held" when that is so."""
        async with self.containers.lock(args["name"]):
            self.scene.say(self.scene.records.named(args["name"]), HELD)
            await self.leaving.wait()
        return {}

    async def events(self, _args: Args) -> dict[str, Any]:
        """Until the client has heard enough, or the project is gone. What happened before comes first (`since`), see the loop."""
        try:
            await self.leaving.wait()
        finally:
            if not self.scene.plans.locked():
                self.leave_if_empty()  # the supervisor may have been started for somebody who only wanted to listen
        return {}

    async def _observe(self) -> Observed:
        return await asyncio.to_thread(observe, self.scene.places, self.scene.host, None, self.scene.records.all())


def meant(containers: Iterable[Container], args: Args) -> list[Container]:
    """Whom a `kill` is about."""
    services, known = args["services"], args.get("known")
    return [one for one in containers if (one.service in services if services else known is None or one.service in known)]


def signal_name(number: int) -> str:
    """`SIGHUP`; real-time signals as numbers."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
