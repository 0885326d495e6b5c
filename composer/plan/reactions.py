"""What services do when files change: `develop.watch`, with what their mounts make of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from composer.errors import UsageError
from composer.model.develop import WatchRule
from composer.model.project import Project


@dataclass(frozen=True, slots=True)
class Reaction:
    """One rule of one service. `syncs` false: the container sees the files as they are, by a bind mount."""

    service: str
    rule: WatchRule
    syncs: bool = True

    @property
    def restarts(self) -> bool:
        return self.rule.action in ("restart", "sync+restart")


def reactions(project: Project, services: Sequence[str]) -> tuple[tuple[Reaction, ...], tuple[str, ...]]:
    """What the services (none named: all) do when files change, and warnings. A sync onto a bind mount is left out; what goes
    with it, a restart or a command, stays. What cannot be rebuilt is refused."""
    found: list[Reaction] = []
    warnings: list[str] = []
    for service in project.services.values():
        for index, rule in enumerate(service.develop.watch if not services or service.name in services else ()):
            if rule.action == "rebuild" and service.build is None:
                path = f"services.{service.name}.develop.watch.{index}.action"
                raise UsageError(f"{path}: rebuild needs a build section", hint="give the service `build`, or use restart or sync")
            reaction = Reaction(service.name, rule)
            if rule.action.startswith("sync") and bound(project, reaction):
                warnings.append(f"services.{service.name}.develop.watch: {rule.path} is mounted into the container: not synced")
                if rule.action == "sync":
                    continue
                reaction = replace(reaction, syncs=False)
            found.append(reaction)
    return tuple(found), tuple(warnings)


def bound(project: Project, reaction: Reaction) -> bool:
    """Whether the rule's path is in a folder that the service mounts: syncing it would write it onto itself."""
    mounts = project.services[reaction.service].volumes
    return any(one.type == "bind" and _within(reaction.rule.path, one.source) for one in mounts)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
