"""The project's cgroups on this machine's layout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.runtime.cgroups import Groups
from tests.runtime_world import World, missing, needs_root, world

pytestmark = [pytest.mark.root, pytest.mark.skipif(not needs_root, reason="needs root"),
              pytest.mark.skipif(bool(missing), reason=f"not installed: {missing}")]

#: A supervisor: enters the group, says so, and ends with its standard input.
SUPERVISOR = """import sys; from composer.runtime.cgroups import Groups
Groups.of_project(sys.argv[1]).enter_supervisor(); print('in', flush=True); sys.stdin.read()"""


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, "test00groups") as made:
        yield made


def test_the_supervisor_has_a_group_in_every_hierarchy(w: World) -> None:
    """A process that enters is in PARENT/supervisor everywhere; once it has ended, nothing of the project's groups is left."""
    groups = Groups.of_project(w.places.hash)
    command = [sys.executable, "-c", SUPERVISOR, w.places.hash]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stdin is not None
        assert child.stdout.readline() == "in\n"
        lines = Path(f"/proc/{child.pid}/cgroup").read_text().splitlines()
        assert len([line for line in lines if line.endswith(f":/{groups.parent}/supervisor")]) >= len(groups.layout.hierarchies)
        child.stdin.close()
    w.runtime.remove_groups()
    assert not [top for top in groups.layout.hierarchies if (top / groups.parent).exists()]


def test_removing_moves_the_caller_out(w: World) -> None:
    """Who removes the groups from inside is moved to the root first."""
    script = f"""import sys; from composer.runtime.cgroups import Groups
g = Groups.of_project({w.places.hash!r}); g.enter_supervisor(); g.remove_all(); print(open('/proc/self/cgroup').read())"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=os.getcwd())
    assert w.places.hash not in done.stdout
    assert not [top for top in w.runtime.groups.layout.hierarchies if (top / w.runtime.groups.parent).exists()]


def test_conmon_lives_where_its_starter_does_and_containers_in_leaves(w: World) -> None:
    """A container's processes are in PARENT/c/ID in each hierarchy that limits."""
    created = w.start("a", "sleep", "100")
    lines = Path(f"/proc/{created.process.pid}/cgroup").read_text().splitlines()
    own = [line for line in lines if line.endswith(w.runtime.groups.path_of("a"))]
    assert len(own) >= max(1, len(w.runtime.groups.layout.controllers))
    holder = Path(f"/proc/{created.holder.pid}/cgroup").read_text()
    assert holder == Path("/proc/self/cgroup").read_text()
