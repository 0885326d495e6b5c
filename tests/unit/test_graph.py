"""Questions about who needs whom."""

from __future__ import annotations

import subprocess
import sys

import pytest

from composer import graph
from composer.model.project import Project
from composer.model.service import Dependency, Service


def project(**needs: str) -> Project:
    return Project(name="p", working_dir="/p", services={
        name: Service(name=name, image="i", depends_on={other: Dependency() for other in others.split()})
        for name, others in needs.items()})


DIAMOND = project(web="app cache", app="db", cache="db", db="", lone="")


def test_order() -> None:
    """Each service comes after all that it needs, equals in alphabetical order."""
    assert graph.order(DIAMOND) == ["db", "lone", "app", "cache", "web"]


def test_needs_and_dependents() -> None:
    """Both closures hold the asked services themselves."""
    assert graph.needs(DIAMOND, ["app"]) == {"app", "db"}
    assert graph.dependents(DIAMOND, ["cache"]) == {"cache", "web"}
    assert graph.needs(DIAMOND, []) == frozenset()


def test_a_dependency_outside_of_the_project_is_no_edge() -> None:
    """A dependency that is not required and not active does not count."""
    assert graph.order(project(web="gone")) == ["web"]
    assert graph.needs(project(web="gone"), ["web"]) == {"web"}


def test_cycles() -> None:
    """A cycle is told as a walk that comes back, from the first name in the alphabet."""
    assert graph.find_cycle({"c": ["a"], "a": ["b"], "b": ["c"], "z": ["a"]}) == ("a", "b", "c", "a")
    assert graph.find_cycle({"a": ["b"], "b": []}) == ()
    assert graph.find_cycle({"a": ["a"]}) == ("a", "a")
    assert graph.cycles(project(a="b c", b="a", c="a")) == [("a", "b", "a"), ("a", "c", "a")]
    with pytest.raises(ValueError, match="cycle"):
        graph.order(project(a="b", b="a"))


def test_critical_path() -> None:
    """The chain that takes longest, the first to start in front."""
    assert graph.critical_path(DIAMOND, {"db": 2, "app": 1, "cache": 3, "web": 1, "lone": 5}) == ["db", "cache", "web"]
    assert graph.critical_path(DIAMOND, {"lone": 50}) == ["lone"]
    assert graph.critical_path(project(), {}) == []


def test_digraph_knows_conditions() -> None:
    """The graph for drawing has an edge from each service to what it needs."""
    drawn = graph.digraph(DIAMOND)
    assert drawn.edges["web", "app"] == {"condition": "service_started"}
    assert set(drawn) == {"web", "app", "cache", "db", "lone"}


def test_networkx_is_only_for_those_who_ask() -> None:
    """Importing the module costs neither networkx nor pydantic."""
    code = "import sys, composer.graph; print(*({'networkx', 'pydantic'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
