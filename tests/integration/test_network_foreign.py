"""A host where another tool's firewall drops what is forwarded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.observed import Publication
from tests.network_world import HOST, OUTSIDE, Project, World, ask, reachable, sh, world

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")]

#: As Docker leaves it.
DOCKER = """
table ip filter {
  chain DOCKER-USER { counter return comment "the user's own"; }
  chain FORWARD { type filter hook forward priority filter; policy drop; counter jump DOCKER-USER; }
}
"""
UFW = """
table ip filter {
  chain ufw-user-forward { }
  chain FORWARD { type filter hook forward priority filter; policy drop; counter jump ufw-user-forward; }
}
"""
BARE = "table ip filter { chain FORWARD { type filter hook forward priority filter; policy drop; }; }"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        made.serve("far", made.outside, 80)
        yield made


def load(bench: World, rules: str) -> str:
    """What the other tool's table looks like with these rules in it."""
    file = bench.folder / "rules.nft"
    file.write_text(rules)
    sh(bench.host, f"nft -f {file}")
    return foreign(bench)


def foreign(bench: World) -> str:
    """Without counters."""
    return sh(bench.host, "nft -s list table ip filter")


def web(project: Project) -> str:
    """Publishes a server, and returns what a neighbour outside and the container itself get to hear."""
    project.add("front")
    box = project.box("web", "front")
    project.world.serve("web", box.netns, 80)
    project.network.publish("web", (Publication("", 8080, 80),), box.endpoints)
    return ask(project.world.outside, HOST, 8080) + ", " + ask(box.netns, OUTSIDE, 80)


@pytest.mark.parametrize("rules", [DOCKER, UFW, BARE])
def test_a_dropping_policy_is_opened_for_us_alone_and_restored(bench: World, rules: str) -> None:
    """Both directions work; the other tool's table is as before when the sandbox is gone."""
    before = load(bench, rules)
    project = bench.project("shop")
    assert web(project) == f"web {OUTSIDE}, far {HOST}"
    during = foreign(bench)
    assert during.count(f'comment "composer cmp{project.hash}"') == 2
    project.network.create_sandbox()
    project.network.heal()
    assert foreign(bench) == during
    project.network.remove_sandbox()
    assert foreign(bench) == before


def test_two_projects_remove_their_own(bench: World) -> None:
    """A project leaves the rules of another."""
    load(bench, DOCKER)
    one, two = bench.project("one"), bench.project("two")
    one.network.remove_sandbox()
    assert web(two) == f"web {OUTSIDE}, far {HOST}"


def test_flushed_rule_comes_back(bench: World) -> None:
    """The tool starts again and flushes its chain: heal puts the rule back, also if it was only half there."""
    load(bench, DOCKER)
    project = bench.project("shop")
    web(project)
    sh(bench.host, "nft flush chain ip filter DOCKER-USER")
    assert not reachable(bench.outside, HOST, 8080)
    project.network.heal()
    assert ask(bench.outside, HOST, 8080) == f"web {OUTSIDE}"
    handles = sh(bench.host, "nft -a list chain ip filter DOCKER-USER | sed -n 's/.*composer.*handle //p'").split()
    sh(bench.host, f"nft delete rule ip filter DOCKER-USER handle {handles[0]}")
    project.network.heal()
    assert ask(bench.outside, HOST, 8080) == f"web {OUTSIDE}"
    assert foreign(bench).count("composer cmp") == 2


def test_an_open_host_is_left_alone(bench: World) -> None:
    """Where nothing drops, no rule is put anywhere."""
    before = load(bench, BARE.replace("policy drop", "policy accept"))
    project = bench.project("shop")
    assert web(project) == f"web {OUTSIDE}, far {HOST}"
    assert foreign(bench) == before
