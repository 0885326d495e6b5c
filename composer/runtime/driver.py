"""The contract `composer.host.Runtime` on an OCI runtime and conmon."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from signal import SIGKILL
from typing import Any, TypeVar

from composer.errors import ContainerError
from composer.host import ContainerSpec, Created, Ended, Rootfs
from composer.model.service import Service
from composer.observed import Process
from composer.process import run
from composer.runtime import blkio, bundle, cdi, conmon, execution, exits, facts, hearing, limits, listening, seccomp, sight, signals, users
from composer.runtime.cgroups import Groups
from composer.runtime.launcher import in_own_mounts
from composer.runtime.machine import Device, Facts
from composer.runtime.programs import find_init, program
from composer.runtime.security import UNCONFINED, security
from composer.runtime.shares import lend_realtime, weigh
from composer.runtime.sharing import shared_memory
from composer.store import ContainerPlaces, ProjectPlaces, read_json, remove_tree, write_json

T = TypeVar("T")

#: How long the end of a conmon is waited for, in seconds; it comes milliseconds after its container's.
HOLDER_PATIENCE = 10.0


class OciRuntime:
    """The runtime driver of one project."""

    def __init__(self, places: ProjectPlaces) -> None:
        self.places = places
        self.filters = seccomp.FilterStore(places.top.root / "seccomp")

    @cached_property
    def groups(self) -> Groups:
        return Groups.of_project(self.places.hash)

    @cached_property
    def facts(self) -> Facts:
        return facts.read(self.groups.layout)

    # ------------------------------------------------------------ life

    def check(self, service: Service) -> None:
        _named_devices(service)
        _cdi_edits(service)
        try:
            bundle.container_capabilities(service, self.facts)
        except ContainerError as lacking:
            raise ContainerError(f"services.{service.name}.{lacking.message}", hint=lacking.hint) from lacking
        limits.resources(service, self.facts, _block_devices(service))
        if security(service.security_opt).labels and self.facts.selinux:
            raise ContainerError(f"services.{service.name}.security_opt: composer gives containers no SELinux labels",
                                 hint="label=disable says that it may run without")

    def create(self, spec: ContainerSpec, prepare: Callable[[], Rootfs]) -> Created:
        place = self.places.container(spec.id)
        runtime = program(spec.runtime)
        if not conmon.await_end(place, HOLDER_PATIENCE):
            raise ContainerError(f"container {spec.name}: the conmon of its last run has not ended", hint="composer kill ends it")
        try:
            self._make_folders(place)
            pid = in_own_mounts(partial(self._launch, spec, runtime, prepare), hidden=self.groups.layout.hidden)
            return self._created(spec, pid)
        except OSError as refused:
            self._undo(spec)
            raise ContainerError(f"container {spec.name}: {refused}") from refused
        except BaseException:
            self._undo(spec)
            raise

    def start(self, id_: str, runtime: str) -> None:
        self._call(runtime, "start", id_)

    def pause(self, id_: str, runtime: str) -> None:
        self._call(runtime, "pause", id_)

    def resume(self, id_: str, runtime: str) -> None:
        self._call(runtime, "resume", id_)

    def signal(self, process: Process, signal: str) -> None:
        signals.send(process, signals.number_of(signal))

    def kill(self, id_: str, runtime: str, process: Process | None) -> None:  # noqa: ARG002 the kernel's own means do
        if process is not None:
            signals.send(process, SIGKILL)
        self.groups.kill(id_)

    def delete(self, id_: str, runtime: str) -> None:
        place = self.places.container(id_)
        self.groups.kill(id_)
        if (self.places.oci / id_).is_dir():
            # A half-made container has no `status`, and the runtime cannot delete it: what it leaves is removed by hand below.
            with suppress(ContainerError):
                run([program(runtime), f"--root={self.places.oci}", "delete", "--force", id_], check=False, error=ContainerError)
        conmon.end(place, HOLDER_PATIENCE)
        self.groups.kill(id_)  # a `create` that was still on its way when we began
        remove_tree(self.places.oci / id_)
        remove_tree(self._requests(id_))
        conmon.clean(place)
        self.groups.remove(id_)

    # ------------------------------------------------------------ looking

    def deaf(self, process: Process, signal: str) -> bool:
        number = signals.number_of(signal)
        sample = hearing.look(process.pid) if signals.alive(process) else None
        return sample is not None and hearing.is_deaf(sample, number)

    def alive(self, process: Process) -> bool:
        return signals.alive(process)

    def waits(self, id_: str) -> bool:
        return self.places.container(id_).gate.exists()

    def listening(self, process: Process) -> frozenset[int]:
        return listening.listeners(process.pid) if signals.alive(process) else frozenset()

    def effort(self, process: Process) -> float:
        return sight.effort(process.pid) if signals.alive(process) else 0.0

    def executable(self, process: Process) -> str:
        return sight.running(process.pid) if signals.alive(process) else ""

    def commands(self, process: Process) -> tuple[tuple[str, ...], ...]:
        return sight.command_lines(process.pid) if signals.alive(process) else ()

    def ended(self, id_: str, *, patience: float = 2.0) -> Ended:
        code = exits.exit_code(self.places.container(id_), patience)
        return Ended(code, self.groups.oom_kills(id_) > 0)

    def memory_kills(self, id_: str) -> int:
        return self.groups.oom_kills(id_)

    def memory_alarm(self, id_: str) -> int | None:
        return self.groups.oom_alarm(id_)

    # ------------------------------------------------------------ inside

    def exec_argv(self, id_: str, runtime: str, command: Sequence[str], *, user: str = "", environment: Mapping[str, str] | None = None,
                  working_dir: str = "", tty: bool = False, privileged: bool = False, detach: bool = False) -> list[str]:
        own = (read_json(self.places.container(id_).config) or {}).get("process")
        if own is None:
            raise ContainerError(f"container {id_[:12]}: it has no config.json, was it ever started?")
        capabilities = self.facts.capabilities if privileged else None
        request = execution.Request(command, self._user(id_, user), environment or {}, working_dir, tty, capabilities)
        path = self._write_request(id_, execution.description(own, request))
        return [program(runtime), f"--root={self.places.oci}", "exec", "--process", str(path), *(["--tty"] if tty else []),
                *(["--detach"] if detach else []), id_]

    def attach(self, id_: str) -> socket.socket:
        """A connection to the container's stdio; see `conmon.attach`."""
        return conmon.attach(self.places.container(id_))

    # ------------------------------------------------------------ groups

    def apart(self, work: Callable[[], T]) -> T:
        return in_own_mounts(work)

    def enter_supervisor_group(self, *pids: int) -> None:
        self.groups.enter_supervisor(*pids)

    def remove_groups(self) -> None:
        self.groups.remove_all()

    # ------------------------------------------------------------ steps

    def _make_folders(self, place: ContainerPlaces) -> None:
        for folder in (place.folder, self.places.exits, self.places.attach, self.places.oci):
            folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        (self.places.exits / place.id).unlink(missing_ok=True)
        self.groups.prepare()

    def _launch(self, spec: ContainerSpec, runtime: str, prepare: Callable[[], Rootfs]) -> int:
        """In the container's mount namespace: everything up to the end of `RUNTIME create`."""
        place = self.places.container(spec.id)
        rootfs = prepare()
        if "ipc" in spec.joined:
            shared = shared_memory(spec.joined["ipc"], place.folder / "shm")
            rootfs = replace(rootfs, mounts=(shared, *(mount for mount in rootfs.mounts if mount.destination != shared.destination)))
        filter_, key = self._filter(spec, runtime)
        config = bundle.config(
            spec, rootfs, self.facts, cgroup=self.groups.path_of(spec.id), seccomp=filter_, init=find_init() if spec.service.init else "",
            devices=_devices(spec.service), block=_block_devices(spec.service))
        cdi.apply(config, _cdi_edits(spec.service))
        write_json(place.config, config)
        if spec.service.cpu_rt_runtime and self.facts.realtime:
            lend_realtime(self.groups, spec.service.cpu_rt_runtime, spec.service.cpu_rt_period)
        pid = conmon.start(conmon.Holding(
            place, spec.name, runtime, stdin=spec.stdin, tty=spec.tty, lasting=spec.lasting,
            log=spec.service.logging.driver != "none"))
        if self.facts.bfq_weight:
            weigh(self.groups, spec.id, spec.service.blkio_config, _block_devices(spec.service))
        self.filters.keep(key, self.places.oci / spec.id / "seccomp.bpf")
        return pid

    def _filter(self, spec: ContainerSpec, runtime: str) -> tuple[bundle.Seccomp, str]:
        wanted = security(spec.service.security_opt).seccomp or (UNCONFINED if spec.service.privileged else "")
        if wanted == UNCONFINED:
            return bundle.Seccomp(), ""
        return self.filters.choose(bundle.container_capabilities(spec.service, self.facts), runtime, wanted)

    def _created(self, spec: ContainerSpec, pid: int) -> Created:
        process, holder = signals.identify(pid), conmon.holder(self.places.container(spec.id))
        if process is None or holder is None:
            raise ContainerError("the container ended as soon as it was created")
        return Created(process, holder, limits.shortfalls(spec.service, self.facts))

    def _undo(self, spec: ContainerSpec) -> None:
        with suppress(ContainerError):  # the first error is the one to tell
            self.delete(spec.id, spec.runtime)
        self.places.container(spec.id).config.unlink(missing_ok=True)

    def _call(self, runtime: str, verb: str, id_: str) -> None:
        done = run([program(runtime), f"--root={self.places.oci}", verb, id_], check=False, error=ContainerError)
        if done.code:
            raise ContainerError(conmon.own_words(done.stderr or done.stdout))

    def _user(self, id_: str, user: str) -> users.User | None:
        if not user:
            return None
        place = self.places.container(id_)
        root = f"/proc/{(place.folder / conmon.CONTAINER_PID).read_text().strip()}/root"
        added = (read_json(place.service) or {}).get("service", {}).get("group_add", ())
        return users.look_up(user, users.read_in(root, "etc", "passwd"), users.read_in(root, "etc", "group"), added)

    def _requests(self, id_: str) -> Path:
        return self.places.run / "exec" / id_

    def _write_request(self, id_: str, description: Mapping[str, Any]) -> Path:
        """One file for each different request: a probe's is written once, and all go with the container."""
        path = self._requests(id_) / f"{sha256(json.dumps(description).encode()).hexdigest()[:16]}.json"
        if not path.exists():
            write_json(path, description)
        return path


def _devices(service: Service) -> tuple[Device, ...]:
    """For a privileged container the host's, too; those that the service names come last and win."""
    return (*(facts.host_devices() if service.privileged else ()), *_named_devices(service))


def _block_devices(service: Service) -> dict[str, tuple[int, int]]:
    return {path: facts.block_device(path, f"services.{service.name}.blkio_config") for path in blkio.paths(service.blkio_config)}


def _named_devices(service: Service) -> tuple[Device, ...]:
    return tuple(one for mapping in service.devices if not cdi.is_name(mapping.source)
                 for one in facts.find_devices(mapping, f"services.{service.name}.devices"))


def _cdi_edits(service: Service) -> list[cdi.Edits]:
    """What the devices that the service asks for by name change of a container; specs are read at each create."""
    if not cdi.names(service):
        return []
    registry = cdi.read()
    return cdi.edits(cdi.wanted(service, registry), registry)
