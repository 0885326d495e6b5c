"""One container: create, start, stop, remove. Each is undone as a whole when a part of it fails."""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from pydantic import ValidationError

from composer.engine import sharing
from composer.engine.endpoints import plan_endpoints
from composer.engine.hooks import run as run_hook
from composer.engine.inherited import with_inherited
from composer.engine.lives import Lives
from composer.engine.ports import exposed, publications
from composer.engine.scene import Scene
from composer.engine.sources import outdated, stamp
from composer.engine.specification import describe
from composer.errors import ComposerError, ContainerError, ImageError
from composer.host import ContainerSpec, Image, RootfsRequest
from composer.model.blueprint import Blueprint
from composer.model.service import Service
from composer.observed import Container, VolumeState
from composer.plan.actions import CreateContainer, RemoveContainer, RunBefore, StopContainer
from composer.store import read_json, write_json

#: Seconds between the looks at a PID 1 that may be deaf to the stop signal (docs/architecture.md, "Stopping").
LOOKS = (0.0, 0.02, 0.02, 0.1)
DEFAULT_GRACE = 10.0


@dataclass(slots=True)
class Containers:
    scene: Scene
    lives: Lives
    find_runtime: Callable[[str | None], str]  # a service's `runtime` -> what to call; raises when it is not installed
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)  # one thing at a time with one container
    # So that a start, which others may wait for, finds a free worker while many containers are being prepared.
    preparing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(max(4, os.cpu_count() or 1)))

    async def create(self, action: CreateContainer) -> None:
        """Record the intent, then make it: all of it or nothing."""
        async with self.preparing:
            await self._prepare(action)

    async def _prepare(self, action: CreateContainer) -> None:
        if action.blueprint.service.volumes_from:
            action = replace(action, blueprint=await asyncio.to_thread(with_inherited, self.scene, action.blueprint))
        container = await self._record(action)
        try:
            image = await asyncio.to_thread(self._image, container.image_id)
            container = await asyncio.to_thread(self._anonymous_volumes, container, action, image)
            await self._make(container, image, stdin=action.stdin)
        except BaseException as problem:
            await asyncio.to_thread(self._unmake, container)
            if isinstance(problem, ContainerError) and action.name not in problem.message:
                raise ContainerError(f"container {action.name}: {problem.message}", hint=problem.hint) from problem
            raise

    async def start(self, name: str, *, hooks: bool = False) -> None:
        """Start what is created, or make an ended container's processes anew in its old file system. `hooks`: those of `post_start` are
        due then."""
        async with self.lock(name):
            await self._start(name, hooks=hooks)

    async def _start(self, name: str, *, hooks: bool) -> None:
        scene = self.scene
        container = scene.records.named(name)
        if container.status == "running":
            return
        if container.status != "created" and not self._waits(container):
            await self.lives.end(container.id)  # it may be on its way out
        blueprint = self.blueprint(container.id)
        await self._drop_outdated(container, blueprint)
        if not self.lives.follows(container.id):
            image = await asyncio.to_thread(self._image, container.image_id)
            container = await self._make(container, image, stdin=False)
        scene.keeper.starting(container)
        await asyncio.to_thread(self._go, container, blueprint.service, len(blueprint.service.post_start) if hooks else 0)
        container = scene.records.get(container.id) or container
        scene.keeper.started(container)
        scene.changes.ring()

    async def _drop_outdated(self, container: Container, blueprint: Blueprint) -> None:
        """The processes of who was created with files that others have taken the place of since."""
        if container.status != "created" or not self.lives.follows(container.id):
            return
        if await asyncio.to_thread(outdated, self.scene, container, blueprint):
            await asyncio.to_thread(self.scene.host.runtime.kill, container.id, container.runtime, container.process)
            await self.lives.end(container.id)

    async def stop(self, action: StopContainer) -> str:
        """Stop signal, grace period, SIGKILL; what cannot hear the signal is not waited for. Who has gone (`run --rm`) has stopped."""
        scene = self.scene
        if action.final and (container := scene.records.find(action.name)):
            scene.records.change(container.id, stop_asked=True)
        async with self.lock(action.name):  # a restart under way ends first; it will not begin any more
            container = scene.records.find(action.name)
            if container is None:
                return ""
            if not action.final:
                return await self._bring_down(container, action)
            await self._bring_down(scene.records.change(container.id, stop_asked=True), action)
            scene.ports.release(action.name)
            return ""

    async def _bring_down(self, container: Container, action: StopContainer) -> str:
        scene = self.scene
        if not self.lives.follows(container.id) or container.process is None:
            return ""
        if container.status == "paused":
            with suppress(ContainerError):  # then it is killed, which thaws by other means
                container = await self._resume(container)
        if container.status == "running":
            await self._ask_to_stop(container, action)
        if self.lives.follows(container.id):
            scene.say(container, "signalled", "SIGKILL")
            await asyncio.to_thread(scene.host.runtime.kill, container.id, container.runtime, container.process)
            if not await self.lives.end(container.id, 10):
                raise ContainerError(
                    f"container {container.name} does not end, not even by SIGKILL",
                    hint="a process in uninterruptible sleep (state D) holds it: look at `composer top`, `dmesg`",
                )
        return ""

    async def kill(self, container: Container) -> None:
        """SIGKILL now; the restart policy stays away."""
        self.scene.records.change(container.id, stop_asked=True)
        if container.process:
            await asyncio.to_thread(self.scene.host.runtime.kill, container.id, container.runtime, container.process)
            await self.lives.end(container.id, 10)

    async def signal(self, container: Container, signal: str, *, ending: bool) -> None:
        """Send a signal; a frozen container is thawed, else it would never hear it. `ending`: the restart policy stays away."""
        if ending:
            container = self.scene.records.change(container.id, stop_asked=True)
        if container.process is not None:
            self.scene.host.runtime.signal(container.process, signal)
        if container.status == "paused":
            await self.unpause(container.name)

    async def pause(self, name: str) -> None:
        """Freeze a container that runs; one that does not by now stays as it is."""
        async with self.lock(name):
            container = self.scene.records.named(name)
            if container.status != "running":
                return
            self.scene.keeper.paused(container)
            try:
                await asyncio.to_thread(self.scene.host.runtime.pause, container.id, container.runtime)
            except ComposerError:
                self.scene.keeper.unpaused(container)
                raise
            self.scene.records.change(container.id, status="paused")

    async def unpause(self, name: str) -> None:
        async with self.lock(name):
            container = self.scene.records.named(name)
            if container.status == "paused":
                await self._resume(container)

    async def _resume(self, container: Container) -> Container:
        await asyncio.to_thread(self.scene.host.runtime.resume, container.id, container.runtime)
        container = self.scene.records.change(container.id, status="running")
        self.scene.keeper.unpaused(container)
        return container

    async def remove(self, action: RemoveContainer) -> None:
        """Two may want it gone (`run --rm` and `down`): the second finds that it is."""
        async with self.lock(action.name):
            if container := self.scene.records.find(action.name):
                await self._remove(container, action)

    async def _remove(self, container: Container, action: RemoveContainer) -> None:
        scene = self.scene
        container = scene.records.change(container.id, status="removing", stop_asked=True)
        if self.lives.follows(container.id):
            await asyncio.to_thread(scene.host.runtime.kill, container.id, container.runtime, container.process)
            await self.lives.end(container.id, 10)
        scene.ports.release(container.name)
        await asyncio.to_thread(self._unmake, container)
        if action.volumes:
            for _, volume in container.anonymous:
                await asyncio.to_thread(scene.host.storage.remove_volume, volume)
        scene.keeper.forget(container.id)

    async def sweep(self) -> None:
        """What a writer that was killed left half-made: folders without a record, one-off containers, by which no plan comes, and
        processes, links and rules of containers that have none by their record."""
        scene = self.scene
        for folder in scene.places.containers.glob("*"):
            container = scene.records.get(folder.name)
            if container is None:
                await asyncio.to_thread(scene.host.runtime.delete, folder.name, self.find_runtime(None))
                await asyncio.to_thread(scene.host.storage.remove_container, folder.name)
            elif container.oneoff and container.status in ("creating", "removing"):
                await asyncio.to_thread(self._unmake, container)
            elif container.process is None or container.status not in ("created", "running", "paused"):
                with suppress(ComposerError):  # who needs the container is told what is wrong with it
                    await asyncio.to_thread(self._clear, container)

    def _waits(self, container: Container) -> bool:
        """Whether there is a new PID 1 for it already: a start that failed after `create` leaves it waiting."""
        runtime = self.scene.host.runtime
        return container.process is not None and runtime.alive(container.process) and runtime.waits(container.id)

    def blueprint(self, id_: str) -> Blueprint:
        value = read_json(self.scene.places.container(id_).service)
        try:
            return Blueprint.model_validate(value)
        except ValidationError as unknown:  # a crash of the machine emptied it, or another composer wrote it
            why = "gone" if value is None else "of another version of composer"
            raise ContainerError(f"container {id_[:12]}: its description is {why}", hint="composer up --force-recreate") from unknown

    def service_of(self, container: Container) -> Service:
        """As it is described; where nobody knows any more, with defaults, so that it can be stopped and made anew."""
        try:
            return self.blueprint(container.id).service
        except ContainerError:
            return Service(name=container.service, image=container.image)

    def lock(self, name: str) -> asyncio.Lock:
        """Held by whoever starts, stops, pauses or removes the container of that name."""
        return self.locks.setdefault(name, asyncio.Lock())

    # -- parts, in the order in which they are used

    async def _record(self, action: CreateContainer) -> Container:
        """The intent, with id and addresses, on disk before anything is made."""
        scene = self.scene
        image = await asyncio.to_thread(self._image, action.blueprint.service.image)
        async with scene.addresses:  # two creates at once must not choose the same address
            return await asyncio.to_thread(self._give_addresses, action, image)

    def _give_addresses(self, action: CreateContainer, image: Image) -> Container:
        scene, service = self.scene, action.blueprint.service
        id_, networks = secrets.token_hex(32), scene.records.networks
        names = [networks[key].name for key in service.networks]
        with sharing.settled(scene.places.top):
            endpoints = plan_endpoints(
                id_,
                service.networks,
                networks,
                scene.records.all(),
                service.mac_address,
                promised=scene.promised,
                elsewhere=sharing.taken(scene.places, names),
            )
            container = Container(
                id=id_,
                name=action.name,
                service=service.name,
                number=action.number,
                oneoff=action.oneoff,
                fingerprint=action.fingerprint,
                image=service.image,
                image_id=image.id,
                command=_command_text(service, image),
                runtime=self.find_runtime(service.runtime),
                created_at=time.time(),
                endpoints=endpoints,
                publications=scene.ports.of(action.name),
                exposed=exposed(service, image) if endpoints else (),
                mounts=_mounts(action.blueprint),
                anonymous=action.anonymous,
                labels={**image.config.labels, **dict(action.labels)},
            )
            write_json(scene.places.container(id_).service, action.blueprint.model_dump(mode="json"))
            return scene.records.put(container)

    async def _make(self, container: Container, image: Image, *, stdin: bool) -> Container:
        """The processes of the container, waiting for `start`, and their network."""
        scene = self.scene
        spec, request = await asyncio.to_thread(describe, scene, self.blueprint, container, image, stdin=stdin)
        container, shortfalls = await asyncio.to_thread(self._create, container, spec, request)
        if container.process:
            self.lives.follow(container.id, container.process)
        for shortfall in shortfalls:
            scene.say(container, "warning", f"services.{container.service}.{shortfall}")
        return container

    def _create(self, container: Container, spec: ContainerSpec, request: RootfsRequest) -> tuple[Container, tuple[str, ...]]:
        """What blocks of `_make`. What the machine does not give is told when the container is new."""
        scene, sources = self.scene, stamp(request)
        created = scene.host.runtime.create(spec, partial(scene.host.storage.prepare, request))
        status = container.status if container.status == "exited" else "created"
        shortfalls = created.shortfalls if container.status == "creating" else ()
        container = scene.records.change(
            container.id, process=created.process, holder=created.holder, status=status, boot=created.process.boot_id, sources=sources
        )
        try:
            if container.endpoints:
                scene.host.network.attach(created.process, container.endpoints, scene.records.networks)
        except ComposerError:
            scene.host.runtime.delete(container.id, container.runtime)
            scene.records.change(container.id, process=None)
            raise
        return container, shortfalls

    def _go(self, container: Container, service: Service, hooks_due: int) -> None:
        """Publish, let PID 1 go, and record it as running before anybody can see it end."""
        scene = self.scene
        if service.ports and container.endpoints and not scene.ports.of(container.name):
            scene.ports.claim({container.name: publications(service.ports)}, ())
            scene.ports.settle([container.name])
        held = scene.ports.of(container.name)
        if held and container.endpoints:
            scene.host.network.publish(container.id, held, container.endpoints)
        scene.records.change(
            container.id,
            status="running",
            started_at=time.time(),
            finished_at=0,
            exit_code=None,
            oom_killed=False,
            error="",
            stop_asked=False,
            restart_at=0,
            health="",
            hooks_due=hooks_due,
            publications=held or publications(service.ports),
        )
        try:
            scene.host.runtime.start(container.id, container.runtime)
        except ComposerError:
            scene.records.put(container)
            scene.host.network.unpublish(container.id)
            raise
        self.tidy(container)

    def tidy(self, container: Container) -> None:
        """A writer of files into the container may have been killed while it did not run, or by whom we were killed."""
        if container.process:
            with suppress(ComposerError):  # who brings files next is told what is wrong
                self.scene.host.storage.tidy(container.id, container.process, container.holder)

    async def _ask_to_stop(self, container: Container, action: StopContainer) -> None:
        scene, process = self.scene, container.process
        assert process is not None
        service = self.service_of(container)
        if action.final:
            await self._before_stop(container, service, insist=action.insist)
        signal = await asyncio.to_thread(self.stop_signal, container)
        grace = next(value for value in (action.timeout, service.stop_grace_period, DEFAULT_GRACE) if value is not None)
        deadline = time.monotonic() + grace
        scene.host.runtime.signal(process, signal)
        scene.say(container, "signalled", signal)
        patient = service.stop_grace_period is not None or container.oneoff or action.awaited
        if not patient and await self.is_deaf(container, signal, deadline):
            return
        await self.lives.end(container.id, max(0.0, deadline - time.monotonic()))

    async def _before_stop(self, container: Container, service: Service, *, insist: bool) -> None:
        """The hooks; one that fails leaves the container running, unless it is to go in any case. Whoever has ended needs none."""
        try:
            for hook in service.pre_stop:
                await run_hook(self.scene, container, hook, "pre_stop")
        except ContainerError as failed:
            if not self.lives.follows(container.id):
                return
            if not insist:
                self.scene.records.change(container.id, stop_asked=False)
                raise
            self.scene.say(container, "warning", failed.message)

    async def run_before(self, action: RunBefore) -> None:
        """A container of `pre_start`, from its creation to its success, after which it is removed."""
        create, beside = action.create, self.scene.records.named(action.beside)
        await self.create(replace(create, anonymous=beside.anonymous))
        await self.start(create.name)
        container = self.scene.records.named(create.name)
        try:
            await self.lives.end(container.id)
        except asyncio.CancelledError:
            await self.kill(container)
            raise
        container = self.scene.records.named(create.name)
        own = tuple(pair for pair in container.anonymous if pair not in beside.anonymous)
        container = self.scene.records.change(container.id, anonymous=own)  # the others are the service's
        if container.exit_code:
            said = "\n  ".join(self.scene.keeper.report(container))
            raise ContainerError(f"container {container.name}: pre_start hook failed with exit code {container.exit_code}\n  {said}")
        await self.remove(RemoveContainer(create.name, volumes=True))

    async def is_deaf(self, container: Container, signal: str, deadline: float) -> bool:
        """Whether PID 1 could hear the signal in none of the looks; False also when it has ended meanwhile."""
        assert container.process is not None
        for pause in LOOKS:
            if await self.lives.end(container.id, max(0.0, min(pause, deadline - time.monotonic()))):
                return False
            if not self.scene.host.runtime.deaf(container.process, signal):
                return False
        return True

    def _image(self, reference: str) -> Image:
        image = self.scene.host.images.find(reference)
        if image is None:
            raise ImageError(
                f"image {reference} is not in composer's image store (any more)", hint="composer build, or composer up --build"
            )
        return image

    def stop_signal(self, container: Container) -> str:
        """What asks the container to end: the service's word, else the image's."""
        return self._own_stop_signal(container) or "SIGTERM"

    def _own_stop_signal(self, container: Container) -> str:
        image = self.scene.host.images.find(container.image_id)
        return self.service_of(container).stop_signal or (image.config.stop_signal if image else "")

    def ended_by(self, container: Container) -> str:
        """The only signal with which a `kill` keeps the restart policy away, "" for any (moby, daemon/kill.go): so where no stop signal is
        declared, and with `unless-stopped`."""
        own, service = self._own_stop_signal(container), self.service_of(container)
        return "" if not service.deploy.restart_policy and service.restart == "unless-stopped" else own

    def _anonymous_volumes(self, container: Container, action: CreateContainer, image: Image) -> Container:
        """A volume for each `- /path` of the service and each VOLUME of the image that nothing else is mounted on."""
        service = action.blueprint.service
        kept = {target for target, _ in action.anonymous}
        named = {mount.target for mount in service.volumes if mount.source or mount.type == "tmpfs"}
        named |= {one.split(":")[0] for one in service.tmpfs}
        wanted = [mount.target for mount in service.volumes if mount.type == "volume" and not mount.source]
        missing = [target for target in dict.fromkeys([*wanted, *image.config.volumes]) if target not in kept | named]
        if not missing:
            return container
        left = {} if container.oneoff else self._left_by(container.name)
        made = tuple((target, left.get(target) or secrets.token_hex(32)) for target in missing)
        container = self.scene.records.change(container.id, anonymous=(*container.anonymous, *made))
        for target, name in made:
            self.scene.host.storage.create_volume(VolumeState(name, target, "", {"container": container.name}, anonymous=True))
        return container

    def _left_by(self, name: str) -> dict[str, str]:
        """Anonymous volumes (by target) of a container of that name that was removed, and whose successor could not be made."""
        used = {volume for one in self.scene.records.all() for _, volume in one.anonymous}
        volumes = self.scene.host.storage.volumes().values()
        return {one.key: one.name for one in volumes if one.anonymous and one.labels.get("container") == name and one.name not in used}

    def _unmake(self, container: Container) -> None:
        """Remove all that a record says may be there, the record last."""
        scene = self.scene
        if not self.lives.is_empty(container.id):
            self._clear(container)
        scene.host.storage.remove_container(container.id)
        scene.records.drop(container.id)

    def _clear(self, container: Container) -> None:
        """End its processes and take away what they have; files and record stay."""
        scene = self.scene
        scene.host.network.unpublish(container.id)
        scene.host.runtime.delete(container.id, container.runtime)
        scene.host.network.detach(container.endpoints)


def _mounts(blueprint: Blueprint) -> tuple[tuple[str, str], ...]:
    """What `ps` shows as mounts, but for anonymous volumes."""
    named = [one for one in blueprint.service.volumes if one.source and one.type in ("bind", "volume")]
    return tuple((one.type, one.source if one.type == "bind" else blueprint.volumes[one.source].name) for one in named)


def _command_text(service: Service, image: Image) -> str:
    """What `ps` shows under COMMAND."""
    entrypoint = image.config.entrypoint if service.entrypoint is None else service.entrypoint
    inherited = image.config.command if service.entrypoint is None else ()
    command = inherited if service.command is None else service.command
    return shlex.join((*entrypoint, *command))
