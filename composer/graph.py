"""Project -> graph: who needs whom, in which order, and what depends on it.

An edge leads from a service to one that it needs (`depends_on`). graphlib answers what is asked on every command; networkx is
imported only by the questions that are asked for drawing and for the critical path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx

    from composer.model.project import Project

Edges = Mapping[str, Iterable[str]]


def edges(project: Project) -> dict[str, tuple[str, ...]]:
    """Each service with those that it needs; dependencies that are not in the project (inactive, not required) are left out."""
    return {name: tuple(other for other in service.depends_on if other in project.services) for name, service in project.services.items()}


def find_cycle(needs: Edges) -> tuple[str, ...]:
    """A cycle as `a, b, a` (a needs b, b needs a), beginning with the first name in the alphabet; empty when there is none."""
    try:
        TopologicalSorter({name: set(others) for name, others in needs.items()}).prepare()
    except CycleError as error:
        ring = _turned(error.args[1][:0:-1])
        return (*ring, ring[0])
    return ()


def cycles(project: Project) -> list[tuple[str, ...]]:
    """Every elementary cycle, each as `a, b, a`."""
    import networkx

    return sorted((*ring, ring[0]) for ring in map(_turned, networkx.simple_cycles(digraph(project))))


def _turned(ring: list[str]) -> list[str]:
    first = ring.index(min(ring))
    return ring[first:] + ring[:first]


def order(project: Project) -> list[str]:
    """The services so that each comes after all that it needs; equals in alphabetical order. Raises ValueError for a cycle."""
    sorter = TopologicalSorter({name: set(others) for name, others in edges(project).items()})
    sorter.prepare()
    found: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        sorter.done(*ready)
        found += ready
    return found


def needs(project: Project, services: Iterable[str]) -> frozenset[str]:
    """The services and everything that they need, directly or not."""
    return _closure(edges(project), services)


def dependents(project: Project, services: Iterable[str]) -> frozenset[str]:
    """The services and everything that needs them, directly or not."""
    backwards: dict[str, list[str]] = {name: [] for name in project.services}
    for name, others in edges(project).items():
        for other in others:
            backwards[other].append(name)
    return _closure(backwards, services)


def _closure(links: Edges, services: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(services)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += links.get(name, ())
    return frozenset(found)


def critical_path(project: Project, seconds: Mapping[str, float]) -> list[str]:
    """The chain of dependencies that takes longest, the first to start in front; `seconds` says how long each service takes
    to be ready once it is started. Raises ValueError for a cycle."""
    finished: dict[str, float] = {}
    before: dict[str, str | None] = {}
    links = edges(project)
    for name in order(project):
        last = max(links[name], key=lambda other: (finished[other], other), default=None)
        before[name] = last
        finished[name] = seconds.get(name, 0.0) + (finished[last] if last is not None else 0.0)
    chain: list[str] = []
    step: str | None = max(finished, key=lambda name: (finished[name], name), default=None)
    while step is not None:
        chain.append(step)
        step = before[step]
    return chain[::-1]


def digraph(project: Project) -> networkx.DiGraph[str]:
    """The graph for drawing and for questions that are not asked here; each edge knows its `condition`."""
    import networkx

    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(project.services)
    graph.add_edges_from((name, other, {"condition": project.services[name].depends_on[other].condition})
                         for name, others in edges(project).items() for other in others)
    return graph
