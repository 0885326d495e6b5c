"""What is to become of each container that is there, and how many are to be added: the decision, before any step is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from composer.model.project import Project
from composer.model.service import Service
from composer.observed import Container, Observed
from composer.plan import fingerprint
from composer.plan.options import UpOptions

Fate = Literal["keep", "start", "restart", "recreate", "remove", "done"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`done`: a job that ended well and that nobody needs again."""

    container: Container
    fate: Fate
    cause: str = ""


@dataclass(slots=True)
class ServiceVerdict:
    service: Service
    fingerprint: str
    containers: list[Verdict] = field(default_factory=list)
    added: tuple[int, ...] = ()  # numbers of containers to be created

    @property
    def wanted(self) -> int:
        """How many containers there are to be."""
        return len(self.added) + sum(verdict.fate != "remove" for verdict in self.containers)

    @property
    def moves(self) -> bool:
        """Whether any container of the service is to be started."""
        return bool(self.added) or any(verdict.fate in ("start", "restart", "recreate") for verdict in self.containers)

    @property
    def begins_first(self) -> bool:
        """Whether the first container, whose namespaces others may share, gets new processes."""
        first = next((verdict.fate for verdict in self.containers if verdict.fate != "remove"), "recreate")
        return first in ("start", "restart", "recreate")

    @property
    def restarts(self) -> bool:
        """Whether a container that runs is stopped on the way."""
        return any(verdict.fate in ("restart", "recreate") for verdict in self.containers)


def judge(
    project: Project, order: tuple[str, ...], observed: Observed, options: UpOptions, changed_networks: Mapping[str, str]
) -> dict[str, ServiceVerdict]:
    """`order`: the services to look at, dependencies first. `changed_networks`: key -> cause."""
    verdicts: dict[str, ServiceVerdict] = {}
    for name in order:
        verdicts[name] = _judge_service(project, name, observed, options, changed_networks)
        _restart_with_dependencies(verdicts[name], verdicts)
    for name in reversed(order):
        dependents = [other for other in verdicts.values() if name in other.service.depends_on]
        _leave_finished_jobs(verdicts[name], dependents)
        if not options.revive:
            _leave_ended(verdicts[name], dependents)
    return verdicts


def _judge_service(
    project: Project, name: str, observed: Observed, options: UpOptions, changed_networks: Mapping[str, str]
) -> ServiceVerdict:
    service = project.services[name]
    wanted = options.scale.get(service.name, service.replicas)
    result = ServiceVerdict(service, fingerprint.of_service(service, observed.contents, project.volumes))
    existing = sorted((c for c in observed.containers if c.service == service.name and not c.oneoff), key=lambda c: c.number)
    for container in existing[:wanted]:
        result.containers.append(Verdict(container, *_fate(container, result, observed, options, changed_networks)))
    result.containers += [Verdict(container, "remove", f"{wanted} wanted") for container in existing[wanted:]]
    first = max((container.number for container in existing), default=0) + 1
    result.added = tuple(range(first, first + wanted - len(existing[:wanted])))
    return result


def _fate(
    container: Container, wanted: ServiceVerdict, observed: Observed, options: UpOptions, changed_networks: Mapping[str, str]
) -> tuple[Fate, str]:
    if container.status in ("creating", "removing"):
        return "recreate", "left half-made"
    cause = next(_differences(container, wanted, observed, options, changed_networks), "")
    if cause:
        return "recreate", cause
    if container.status in ("running", "paused"):
        return "keep", ""
    return "start", "created" if container.status == "created" else f"exited ({container.exit_code})"


def _differences(
    container: Container, wanted: ServiceVerdict, observed: Observed, options: UpOptions, changed_networks: Mapping[str, str]
) -> Iterator[str]:
    """Causes to make the container anew, the strongest first."""
    yield from (changed_networks[end.network] for end in container.endpoints if end.network in changed_networks)
    if options.recreate == "never":
        return
    asked = not options.services or wanted.service.name in options.services
    if options.recreate == "always" if asked else options.recreate_dependencies:
        yield "asked for"
    if container.fingerprint != wanted.fingerprint:
        yield "configuration changed"
    if container.image_id != observed.images.get(wanted.service.image, container.image_id):
        yield "image changed"


def _restart_with_dependencies(verdict: ServiceVerdict, earlier: Mapping[str, ServiceVerdict]) -> None:
    """`depends_on.NAME.restart: true`: restarted when the dependency is restarted by us, never for its own crashes. Namespaces
    that are shared end with the dependency's processes, whoever ended them."""
    causes = [name for name, edge in verdict.service.depends_on.items() if edge.restart and name in earlier and earlier[name].restarts]
    causes += [name for name in verdict.service.joined.values() if name in earlier and earlier[name].begins_first]
    if causes:
        verdict.containers = [
            Verdict(one.container, "restart", f"{causes[0]} restarts") if one.fate == "keep" else one for one in verdict.containers
        ]


def _leave_ended(verdict: ServiceVerdict, dependents: list[ServiceVerdict]) -> None:
    """What has ended or was stopped stays so, unless somebody who needs it is to start."""
    if any(other.moves for other in dependents):
        return
    verdict.containers = [
        Verdict(one.container, "done") if one.fate == "start" and one.container.status == "exited" else one
        for one in verdict.containers
    ]


def _leave_finished_jobs(verdict: ServiceVerdict, dependents: list[ServiceVerdict]) -> None:
    """A job that others wait for and that ended well is run again only when one of these is to start."""
    waiting = [
        other for other in dependents if other.service.depends_on[verdict.service.name].condition == "service_completed_successfully"
    ]
    if not waiting or any(other.moves for other in waiting):
        return
    verdict.containers = [
        Verdict(one.container, "done") if one.fate == "start" and one.container.status == "exited" and one.container.exit_code == 0 else one
        for one in verdict.containers
    ]
