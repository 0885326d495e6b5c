"""What should be (Project), what is (Observed) -> what to do (Plan). Pure: the same values give the same plan."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from composer import graph
from composer.errors import ComposerError
from composer.model.blueprint import Blueprint
from composer.model.network import Network
from composer.model.project import Project
from composer.model.service import Service
from composer.observed import Container, Observed
from composer.plan import fingerprint, labels
from composer.plan.actions import (
    CONDITIONS,
    Awaited,
    AwaitService,
    CreateContainer,
    CreateNetwork,
    CreateSandbox,
    CreateVolume,
    JoinNetwork,
    LeaveNetwork,
    RemoveContainer,
    RemoveNetwork,
    StartContainer,
    StopContainer,
)
from composer.plan.before import with_pre_start
from composer.plan.late import created_late, waits
from composer.plan.options import UpOptions
from composer.plan.providers import contained
from composer.plan.steps import Draft, Plan, step_id
from composer.plan.verdicts import ServiceVerdict, Verdict, judge


def reconcile(project: Project, observed: Observed, options: UpOptions, images: Plan | None = None) -> Plan:
    """The steps that bring the selected services, and what they need, to what the file says.

    `images`: steps that will bring missing images (a dry run shows both as one plan)."""
    project = contained(project)
    draft = Draft({step.id: step for step in images.steps} if images else {})
    order = selected(project, options)
    scene = _Scene(project, observed, options, draft, order)
    scene.changed_networks = dict(_changed_networks(scene))
    scene.verdicts = judge(project, order, observed, options, scene.changed_networks)
    _orphans(scene)
    _stops(scene)
    _networks(scene)
    _volumes(scene)
    for name in order:
        _service(scene, scene.verdicts[name])
    for name, condition in options.waits.items():
        if condition in CONDITIONS and name in order:
            _await(scene, name, CONDITIONS[condition], "", required=True)
    if options.wait:
        _wait_for_all(scene)
    return with_pre_start(draft.plan(), project, observed.containers)


def selected(project: Project, options: UpOptions) -> tuple[str, ...]:
    """The services to look at, dependencies first; also those that have no containers."""
    if not options.services:
        return tuple(graph.order(project))
    named = [name for name in options.services if name in project.services]  # those that others provide have been left out by now
    needed = graph.needs(project, named) if options.dependencies else frozenset(named)
    return tuple(name for name in graph.order(project) if name in needed)


def orphans(project: Project, observed: Observed) -> list[Container]:
    """Containers of services that the file does not name (any more)."""
    known = {*project.services, *project.inactive}
    return [one for one in observed.containers if one.service not in known and not one.oneoff]


class _Scene:
    """One run of `reconcile`: what it looks at and the plan that it writes."""

    def __init__(self, project: Project, observed: Observed, options: UpOptions, draft: Draft, order: tuple[str, ...]) -> None:
        self.project, self.observed, self.options, self.draft, self.order = project, observed, options, draft, order
        self.verdicts: dict[str, ServiceVerdict] = {}
        self.changed_networks: dict[str, str] = {}  # key -> cause
        self.orphans = orphans(project, observed)

    def container_name(self, service: Service, number: int) -> str:
        return service.container_name or self.project.joined(service.name, number)

    def name_after(self, service: Service, one: Verdict) -> str:
        """A container that is made anew has the name that the file says now."""
        return self.container_name(service, one.container.number) if one.fate == "recreate" else one.container.name

    def starts(self, name: str) -> list[str]:
        """Ids of the steps that start the containers of a service; those that run already have none."""
        verdict = self.verdicts[name]
        names = [self.name_after(verdict.service, one) for one in verdict.containers if one.fate in ("start", "restart", "recreate")]
        names += [self.container_name(verdict.service, number) for number in verdict.added]
        return [step_id(StartContainer(one)) for one in names]


def _changed_networks(scene: _Scene) -> Iterator[tuple[str, str]]:
    for key, network in scene.project.networks.items():
        old = scene.observed.networks.get(key)
        if not old or old.fingerprint == _network_mark(scene, network):
            continue
        users = [one for one in scene.observed.containers if any(end.network == key for end in one.endpoints)]
        outsiders = [one.name for one in users if _stays(scene, one)]
        outsiders += [f"project {name}" for name in scene.observed.guests.get(key, ())]
        if outsiders:
            scene.draft.warnings.append(f"network {network.name} changed and stays as it is: {', '.join(outsiders)} use it")
        else:
            yield key, f"network {network.name} changed"


def _network_mark(scene: _Scene, network: Network) -> str:
    """What tells that a network is another one by now; a shared one has its own."""
    shared = scene.observed.shared.get(network.name)
    return shared.fingerprint if shared else fingerprint.of_network(network)


def _stays(scene: _Scene, container: Container) -> bool:
    """Whether this plan leaves a container alone: a one-off, another service's, an orphan unless these are removed."""
    if container in scene.orphans:
        return not _removes(scene, container)
    return container.oneoff or container.service not in scene.order


def _orphans(scene: _Scene) -> None:
    """Containers of services that the file no longer names."""
    left = [one.name for one in scene.orphans if not _removes(scene, one)]
    if left:
        scene.draft.warnings.append(
            f"containers of services that the file does not name (any more): {', '.join(left)}; --remove-orphans removes them"
        )
    for one in scene.orphans:
        if one.name not in left:
            _stop_and_remove(scene, one.name, "orphan", volumes=True)


def _removes(scene: _Scene, orphan: Container) -> bool:
    return scene.options.remove_orphans or orphan.service in scene.options.gone


def _stop_and_remove(scene: _Scene, name: str, cause: str, *, volumes: bool, behind: list[str] | None = None) -> None:
    stop = scene.draft.add(StopContainer(name, scene.options.timeout), cause, behind=behind or ())
    scene.draft.add(RemoveContainer(name, volumes), cause, after=[stop])


def _stops(scene: _Scene) -> None:
    """All stops, dependents first."""
    for name in reversed(scene.order):
        verdict = scene.verdicts[name]
        dependents = [other for other in scene.verdicts.values() if name in other.service.depends_on]
        behind = [
            step_id(StopContainer(one.container.name))
            for other in dependents
            for one in other.containers
            if one.fate in ("restart", "recreate", "remove")
        ]
        for one in verdict.containers:
            if one.fate == "restart":
                scene.draft.add(StopContainer(one.container.name, scene.options.timeout), one.cause, behind=behind)
            elif one.fate in ("recreate", "remove"):
                _stop_and_remove(
                    scene, one.container.name, one.cause, volumes=one.fate == "remove" or scene.options.renew_anonymous, behind=behind
                )


def _networks(scene: _Scene) -> None:
    """The sandbox and the networks that a service to be started is on."""
    keys = sorted({key for verdict in scene.verdicts.values() if verdict.moves for key in verdict.service.networks})
    networks = scene.project.networks
    # Those that have a subnet already come first, so that the others' are chosen away from it.
    fixed = [key for key in keys if _joins(scene, networks[key]) or any(config.subnet for config in networks[key].ipam)]
    keys = fixed + [key for key in keys if key not in fixed]
    if keys and not scene.observed.sandbox:
        scene.draft.add(CreateSandbox(scene.project.name), "missing")
    changed = scene.changed_networks
    removed = [step_id(RemoveContainer(one.name)) for one in scene.observed.containers]
    for key in keys:
        network = networks[key]
        old = scene.observed.networks.get(key)
        after = [step_id(CreateSandbox(scene.project.name))]
        if key in changed and old:
            gone = LeaveNetwork(key, old.name) if old.joined else RemoveNetwork(key, old.name)
            after.append(scene.draft.add(gone, "configuration changed", after=removed))
        if key in changed or not old or not scene.observed.sandbox:
            behind = [] if key in fixed else [edge for one in fixed for edge in _network_edges(networks[one])]
            joins = _joins(scene, network)
            action = JoinNetwork(network) if joins else CreateNetwork(network, fingerprint.of_network(network))
            cause = "configuration changed" if key in changed else "external" if joins else "missing"
            scene.draft.add(action, cause, after=after, behind=behind)


def _joins(scene: _Scene, network: Network) -> bool:
    """Whether it is a network of others. One with a name of its own that others have already is used, as docker compose does."""
    if network.name in scene.observed.shared:
        if not network.external:
            scene.draft.warn(f"network {network.name} is there and was not made for project {scene.project.name}; "
                             f"`external: true` says that this is meant")
        return True
    if network.external:
        raise ComposerError(f"networks.{network.key}: external network {network.name} does not exist",
                            hint=f"composer network create {network.name}")
    return False


def _network_edges(network: Network) -> tuple[str, str]:
    return f"create network/{network.name}", f"join network/{network.name}"


def _volumes(scene: _Scene) -> None:
    """Volumes are made when missing and never changed or removed: they hold data."""
    used = {
        mount.source for verdict in scene.verdicts.values() if verdict.moves for mount in verdict.service.volumes if mount.type == "volume"
    }
    for key, volume in scene.project.volumes.items():
        if key in used and not volume.external and volume.name not in scene.observed.volumes:
            scene.draft.add(CreateVolume(volume, fingerprint.of_volume(volume)), "missing")


def _service(scene: _Scene, verdict: ServiceVerdict) -> None:
    """Creates and starts of one service's containers."""
    if not verdict.moves:
        return
    after, behind = _gates(scene, verdict.service)
    for one in verdict.containers:
        if one.fate == "recreate":
            _create(scene, verdict, one.container.number, one.cause, replaced=one.container)
        if one.fate in ("start", "restart", "recreate"):
            cause = "created" if one.fate == "recreate" else one.cause
            _start(scene, verdict.service, scene.name_after(verdict.service, one), cause, gates=(after, behind))
    for number in verdict.added:
        _create(scene, verdict, number, "missing")
        _start(scene, verdict.service, scene.container_name(verdict.service, number), "created", gates=(after, behind))


def _create(scene: _Scene, verdict: ServiceVerdict, number: int, cause: str, *, replaced: Container | None = None) -> None:
    service, project = verdict.service, scene.project
    name = scene.container_name(service, number)
    if service.image not in scene.observed.images and not any(edge in scene.draft.steps for edge in _image_edges(service)):
        raise ComposerError(f"services.{service.name}.image: {service.image} is not in composer's image store")
    if service.container_name and verdict.wanted > 1:
        raise ComposerError(
            f"services.{service.name}.container_name: one name, more than one container", hint="remove container_name, or keep one replica"
        )
    marks = labels.of_container(project, service, number, oneoff=False, fingerprint=verdict.fingerprint)
    after, behind = _gates(scene, service) if _is_late(scene, service) else ([], _sooner_starts(scene, service))
    after += [*_create_edges(scene, service), *(step_id(RemoveContainer(one)) for one in (name, replaced.name if replaced else name))]
    after += _held_addresses(scene, service)
    anonymous = replaced.anonymous if replaced and not scene.options.renew_anonymous else ()
    action = CreateContainer(
        name, number, Blueprint.of(service, project), verdict.fingerprint, tuple(sorted(marks.items())), anonymous=anonymous
    )
    scene.draft.add(action, cause, after=after, behind=behind)


def _held_addresses(scene: _Scene, service: Service) -> Iterator[str]:
    """Removals of who has the addresses that the service asks for: two services may swap theirs."""
    asked = (address for one in service.networks.values() for address in (one.ipv4_address, one.ipv6_address))
    wanted = {str(ip_address(address)) for address in asked if address}
    for one in scene.observed.containers:
        if wanted & {address.split("/")[0] for end in one.endpoints for address in (end.address, end.address6)}:
            yield step_id(RemoveContainer(one.name))


def _create_edges(scene: _Scene, service: Service) -> Iterator[str]:
    yield step_id(CreateSandbox(scene.project.name))
    yield from _image_edges(service)
    yield from _joined_edges(scene, service)
    yield from (edge for key in service.networks for edge in _network_edges(scene.project.networks[key]))
    yield from (
        f"create volume/{scene.project.volumes[mount.source].name}"
        for mount in service.volumes
        if mount.type == "volume" and mount.source in scene.project.volumes
    )


def _joined_edges(scene: _Scene, service: Service) -> Iterator[str]:
    """Namespaces that are shared have to be there: the first container of their service created, or started again."""
    for name in (*service.joined_containers.values(), *(one.container for one in service.volumes_from if one.container)):
        yield from (f"create container/{name}", step_id(StartContainer(name)))
    yield from _sources_of_volumes(scene, service)
    for name in service.joined.values():
        verdict = scene.verdicts.get(name)
        if verdict is None:
            continue
        first = next((one for one in verdict.containers if one.fate != "remove"), None)
        if first is None:
            yield from (f"create container/{scene.container_name(verdict.service, number)}" for number in verdict.added[:1])
        elif first.fate == "recreate":
            yield f"create container/{scene.name_after(verdict.service, first)}"
        else:
            yield step_id(StartContainer(first.container.name))


def _sources_of_volumes(scene: _Scene, service: Service) -> Iterator[str]:
    verdicts = [scene.verdicts[one.service] for one in service.volumes_from if one.service in scene.verdicts]
    for verdict in verdicts:
        names = [scene.container_name(verdict.service, number) for number in verdict.added]
        names += [scene.name_after(verdict.service, one) for one in verdict.containers if one.fate == "recreate"]
        yield from (f"create container/{name}" for name in names)


def _image_edges(service: Service) -> tuple[str, str]:
    return f"pull image/{service.image}", f"build image/{service.image}"


def _is_late(scene: _Scene, service: Service) -> bool:
    earlier = graph.needs(scene.project, service.depends_on)
    return created_late(service, scene.project, scene.observed, (scene.project.services[name] for name in earlier))


def _sooner_starts(scene: _Scene, service: Service) -> list[str]:
    """Starts of those it waits for that wait for nobody: preparing who has to wait must not hold them up."""
    if not waits(service):
        return []
    earlier = sorted(graph.needs(scene.project, service.depends_on))
    return [start for name in earlier if name in scene.verdicts and not waits(scene.project.services[name]) for start in scene.starts(name)]


def _start(scene: _Scene, service: Service, name: str, cause: str, *, gates: tuple[list[str], list[str]]) -> None:
    if not scene.options.start:
        return
    networks = [edge for key in service.networks for edge in _network_edges(scene.project.networks[key])]
    own = [f"create container/{name}", f"stop container/{name}", *networks]
    scene.draft.add(StartContainer(name), cause, after=[*own, *gates[0]], behind=gates[1])


def _gates(scene: _Scene, service: Service) -> tuple[list[str], list[str]]:
    """What must have succeeded, and what must have ended, before a container of the service starts."""
    after: list[str] = []
    behind: list[str] = []
    for name, edge in service.depends_on.items():
        if name not in scene.verdicts or not scene.options.start or not scene.verdicts[name].wanted:
            continue
        gates = after if edge.required else behind
        gates += scene.starts(name)
        if edge.condition in CONDITIONS:
            gates.append(_await(scene, name, CONDITIONS[edge.condition], service.name, required=edge.required))
    return after, behind


def _await(scene: _Scene, name: str, condition: Awaited, waiting: str, *, required: bool) -> str:
    waiters = _waiters(scene, name, condition, required=required) if waiting else ()
    cause = f"{' and '.join(waiters)} {'depend' if len(waiters) > 1 else 'depends'} on it" if waiters else "asked for"
    return scene.draft.add(AwaitService(name, condition, waiters, required), cause, after=scene.starts(name))


def _waiters(scene: _Scene, name: str, condition: Awaited, *, required: bool) -> tuple[str, ...]:
    """All services of this plan that wait for the same."""
    return tuple(
        other.service.name
        for other in scene.verdicts.values()
        if other.moves
        and (edge := other.service.depends_on.get(name))
        and CONDITIONS.get(edge.condition) == condition
        and edge.required == required
    )


def _wait_for_all(scene: _Scene) -> None:
    """`up --wait`: every service ready; those that others wait for to complete, completed."""
    completed = {
        name
        for service in scene.project.services.values()
        for name, edge in service.depends_on.items()
        if edge.condition == "service_completed_successfully"
    }
    for name in scene.order:
        healthy = step_id(AwaitService(name, "healthy")) in scene.draft.steps  # somebody waits for it already
        if scene.verdicts[name].wanted and not healthy:
            _await(scene, name, "completed" if name in completed else "ready", "", required=True)
