"""One action -> the drivers. Takes no decisions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar, assert_never

from composer.engine import hooks, providers, sharing
from composer.engine.container import Containers
from composer.engine.inside import run_inside, sync
from composer.engine.scene import Scene
from composer.engine.waiting import await_service
from composer.errors import ImageError, InUseError, NetworkError
from composer.events import Event
from composer.host import NO_ACCESS, Access, Progress
from composer.model.network import Network
from composer.observed import NetworkState, VolumeState
from composer.plan.actions import (
    Action,
    AwaitService,
    BuildImage,
    CreateContainer,
    CreateNetwork,
    CreateSandbox,
    CreateVolume,
    JoinNetwork,
    LeaveNetwork,
    PauseContainer,
    Provide,
    PullImage,
    PushImage,
    RemoveContainer,
    RemoveImage,
    RemoveNetwork,
    RemoveSandbox,
    RemoveVolume,
    RunBefore,
    RunInside,
    StartContainer,
    StopContainer,
    SyncFiles,
    UnpauseContainer,
    Withdraw,
)
from composer.process import GRACE, GivingUp
from composer.store import room_on_disk

T = TypeVar("T")


def _volume_state(action: CreateVolume) -> VolumeState:
    volume = action.volume
    return VolumeState(
        volume.name, volume.key, action.fingerprint, volume.labels, driver_opts=volume.driver_opts, created_at=time.time()
    )


class _GivenUp(Exception):
    """Nobody wants the image any more."""


@dataclass(slots=True)
class Performer:
    scene: Scene
    containers: Containers
    access: Access = NO_ACCESS
    environ: Mapping[str, str] = field(default_factory=dict)  # the caller's, for the programs of providers

    async def __call__(self, action: Action) -> str:
        """Do it; returns a word for the user where "created" and so on would not say enough."""
        with room_on_disk():
            return await self._do(action)

    async def _do(self, action: Action) -> str:
        match action:
            case CreateContainer():
                await self.containers.create(action)
            case StartContainer():
                await self._start(action)
            case StopContainer():
                return await self.containers.stop(action)
            case RemoveContainer():
                await self.containers.remove(action)
            case RunBefore():
                await self.containers.run_before(action)
            case PauseContainer() | UnpauseContainer():
                await self._freeze(action)
            case AwaitService():
                return await await_service(self.scene, action)
            case SyncFiles() | RunInside() | Provide() | Withdraw():
                await self._by_others(action)
            case PullImage() | PushImage():
                return await self._move_image(action)
            case _:
                await self._machine(action)
        return ""

    async def _by_others(self, action: SyncFiles | RunInside | Provide | Withdraw) -> None:
        """Inside a container, and by the programs of providers."""
        match action:
            case SyncFiles():
                await sync(self.scene, self.containers, action)
            case Provide() | Withdraw():
                await providers.ask(self.scene, action, self.environ)
            case RunInside():
                await run_inside(self.scene, action)

    async def _move_image(self, action: PullImage | PushImage) -> str:
        match action:
            case PullImage():
                return await self._transfer(lambda progress: self._pull(action, progress), action.subject, "pulling")
            case PushImage():
                return await self._transfer(lambda progress: self._push(action, progress), action.subject, "pushing")

    async def _freeze(self, action: PauseContainer | UnpauseContainer) -> None:
        await (self.containers.pause if isinstance(action, PauseContainer) else self.containers.unpause)(action.name)

    async def _start(self, action: StartContainer) -> None:
        """Cancelled: the start itself is finished, its hooks are given up."""
        work = asyncio.ensure_future(self.containers.start(action.name, hooks=not action.by_policy))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait({work})
            work.exception()
            raise
        container = self.scene.records.named(action.name)
        if container.hooks_due:
            await hooks.post_start(self.scene, container, self.containers.blueprint(container.id).service.post_start)

    async def _machine(
        self,
        action: BuildImage
        | RemoveImage
        | CreateSandbox
        | RemoveSandbox
        | CreateNetwork
        | RemoveNetwork
        | JoinNetwork
        | LeaveNetwork
        | CreateVolume
        | RemoveVolume,
    ) -> None:
        host = self.scene.host
        match action:
            case BuildImage():
                await _until_given_up(GivingUp(), partial(self._build, action))
            case RemoveImage():
                await asyncio.to_thread(host.images.remove, action.reference)
            case CreateSandbox():
                await asyncio.to_thread(host.network.create_sandbox)
                await self.scene.keeper.sandbox_made()
            case RemoveSandbox():
                await self.scene.keeper.sandbox_ends()
                await asyncio.to_thread(host.network.remove_sandbox)
            case CreateNetwork():
                await self._create_network(action)
            case JoinNetwork():
                await self._join_network(action)
            case RemoveNetwork() | LeaveNetwork():
                await asyncio.to_thread(self._leave_network, action.key)
            case CreateVolume():
                state = _volume_state(action)
                await asyncio.to_thread(host.storage.create_volume, state, action.volume)
            case RemoveVolume():
                await self._remove_volume(action.name)
            case _:
                assert_never(action)

    async def _create_network(self, action: CreateNetwork) -> None:
        """A network whose record is there (the machine went down) comes back with its subnet."""
        host, records = self.scene.host, self.scene.records
        async with self.scene.addresses:  # two at once must not choose the same subnet
            state = records.networks.get(action.network.key)
            if state is None or state.joined or state.fingerprint != action.fingerprint:
                state = await asyncio.to_thread(self._plan_network, action)
        await asyncio.to_thread(host.network.create_network, state)

    def _plan_network(self, action: CreateNetwork) -> NetworkState:
        """Away from all networks of this machine, so that any two can be joined. One that others are still on stays as it is."""
        scene, network = self.scene, action.network
        with sharing.settled(scene.places.top):
            own, kept = tuple(scene.records.networks.values()), sharing.recorded(scene.places.top.network(network.name))
            if kept and kept.owner == scene.places.hash:
                state = self._come_back(action, kept, own)
            else:
                others = [one for one in sharing.everywhere(scene.places.top) if one.owner != scene.places.hash]
                elsewhere = [subnet for one in others for subnet in (one.subnet, one.subnet6) if subnet]
                state = scene.host.network.plan_network(network, own, action.fingerprint, elsewhere=elsewhere)
                state = replace(state, created_at=time.time())
            scene.records.put_network(state)
            return state

    def _come_back(self, action: CreateNetwork, kept: NetworkState, own: Sequence[NetworkState]) -> NetworkState:
        if kept.fingerprint != action.fingerprint:
            users = ", ".join(one.project for one in sharing.members(self.scene.places.top, kept.name))
            raise NetworkError(f"network {kept.name} is not what networks.{action.network.key} says, and cannot change: {users} use it",
                               hint="take them down first, or leave the network as it was")
        state = self.scene.host.network.adopt_network(action.network, kept, own)
        sharing.join(self.scene.places, kept, state)
        return state

    async def _remove_volume(self, name: str) -> None:
        try:
            await asyncio.to_thread(self.scene.host.storage.remove_volume, name)
        except InUseError as kept:
            self.scene.tell(Event(time.time(), f"volume/{name}", "warning", kept.message))

    async def _join_network(self, action: JoinNetwork) -> None:
        network = self.scene.host.network
        async with self.scene.addresses:
            state = await asyncio.to_thread(self._join, action.network)
        if state.owner:
            await asyncio.to_thread(network.connect, state.name, state.owner)
        await asyncio.to_thread(network.create_network, state)

    def _join(self, network: Network) -> NetworkState:
        scene = self.scene
        others = [state for key, state in scene.records.networks.items() if key != network.key]
        with sharing.settled(scene.places.top):
            found = sharing.find(scene.places.top, network.name, scene.places.hash)
            if found is None:
                raise NetworkError(f"networks.{network.key}: external network {network.name} does not exist",
                                   hint=f"composer network create {network.name}")
            state = replace(scene.host.network.adopt_network(network, found, others), joined=True)
            sharing.join(scene.places, found, state)
            scene.records.put_network(state)
        return state

    def _leave_network(self, key: str) -> None:
        scene = self.scene
        state = scene.records.networks[key]
        scene.host.network.remove_network(state)
        with sharing.settled(scene.places.top):
            if sharing.leave(scene.places, state.name):
                scene.host.network.disconnect(state.name)
        scene.records.drop_network(key)

    async def _transfer(self, do: Callable[[Progress], str], subject: str, word: str) -> str:
        """`do` in a thread, its bytes told as events. Cancelled: it ends with the next word of progress."""
        giving_up, said = GivingUp(), ""

        def progress(amount: str) -> None:
            nonlocal said
            if giving_up.done:
                raise _GivenUp
            if amount != said:
                said = amount
                self.scene.tell(Event(time.time(), subject, word, amount))

        return await _until_given_up(giving_up, partial(do, progress))

    def _push(self, action: PushImage, progress: Progress) -> str:
        self.scene.host.images.push(action.reference, progress, self.access)
        return ""

    def _pull(self, action: PullImage, progress: Progress) -> str:
        try:
            self.scene.host.images.pull(action.reference, progress, self.access)
        except ImageError as refused:
            if action.otherwise is None:
                raise
            self.scene.tell(Event(time.time(), action.subject, "building", refused.message))
            self._build(action.otherwise)
            return "built"
        return ""

    def _build(self, action: BuildImage) -> None:
        contents = self.scene.places.contents
        secrets = {one.id: Path(one.file) if one.file else contents / f"secrets.{one.source}" for one in action.build.secrets}
        self.scene.host.images.build(
            action.build, action.reference, self._lines(action.subject), self.access, no_cache=action.no_cache, pull=action.pull,
            secrets=secrets,
        )

    def _lines(self, subject: str) -> Progress:
        """What a program says while it works, as events."""
        return lambda line: self.scene.tell(Event(time.time(), subject, "line", line))


async def _until_given_up(giving_up: GivingUp, do: Callable[[], T]) -> T:
    """`do` in a thread. Cancelled: the program that it runs is ended, and then it is over."""
    with giving_up:
        work = asyncio.ensure_future(asyncio.to_thread(do))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        giving_up.ask()  # not in a thread: all of them may be busy with what is to end
        _, late = await asyncio.wait({work}, timeout=GRACE)
        if late:
            giving_up.insist()
            await asyncio.wait({work})
        work.exception()
        raise
