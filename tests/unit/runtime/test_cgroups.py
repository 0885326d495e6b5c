"""The three layouts, and what is done in their trees (fake ones here)."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.errors import ContainerError
from composer.runtime.cgroups import Groups, Layout, detect, fill_cpuset, hand_down, make_group, parent_group

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = ("31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
      "32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n")
UNIFIED = "34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
OTHER = "22 1 254:1 / / rw - ext4 /dev/vda rw\n35 30 0:31 / /run/my/cgroup2 rw - cgroup2 cgroup2 rw\n"
TOP = Path("/sys/fs/cgroup")


def test_pure_v2() -> None:
    """One tree, at the top itself."""
    layout = detect(OTHER + V2)
    assert (layout.version, layout.unified, layout.controllers, layout.hidden) == (2, TOP, (), ())


def test_pure_v1() -> None:
    """A tree a controller; those mounted together are found by each name."""
    layout = detect(OTHER + V1)
    assert (layout.version, layout.unified, layout.hidden) == (1, None, ())
    assert layout.controller("cpuacct") == TOP / "cpu,cpuacct" and layout.controller("pids") is None
    assert layout.hierarchies == (TOP / "cpu,cpuacct", TOP / "memory", TOP / "systemd")


def test_hybrid() -> None:
    """v1 controllers limit, the v2 tree beside them is known, and kept from containers."""
    layout = detect(V1 + UNIFIED + OTHER)
    assert (layout.version, layout.unified, layout.hidden) == (1, TOP / "unified", (TOP / "unified",))
    assert layout.hierarchies[-1] == TOP / "unified"


def test_no_cgroups_is_an_error() -> None:
    """Said in words."""
    with pytest.raises(ContainerError, match="no cgroup hierarchy"):
        detect(OTHER)


def test_the_projects_node() -> None:
    """A scope of systemd's only where systemd owns the tree: with v2."""
    assert parent_group("h", Layout(2, TOP), systemd=False) == "composer/h"
    assert parent_group("h", Layout(2, TOP), systemd=True) == "composer.slice/composer-h.scope"
    assert parent_group("h", Layout(1, None, (TOP / "memory",)), systemd=True) == "composer/h"
    assert Groups(Layout(2, TOP), "h").path_of("id") == "/composer/h/c/id"


def test_controllers_are_handed_down_by_all_parents(tmp_path: Path) -> None:
    """From the root to the containers' parent, the highest first; with systemd only from the scope on."""
    own = [tmp_path, tmp_path / "composer", tmp_path / "composer/h", tmp_path / "composer/h/c"]
    assert Groups(Layout(2, tmp_path), "h").parents(tmp_path) == own
    scope = tmp_path / "composer.slice/composer-h.scope"
    assert Groups(Layout(2, tmp_path), "h", systemd=True).parents(tmp_path) == [scope, scope / "c"]


def test_only_what_is_missing_is_handed_down(tmp_path: Path) -> None:
    """The kernel takes `+NAME`, one at a time."""
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("cpu pids\n")
    hand_down(tmp_path)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory"


def test_oom_kills_are_counted_on_v2(tmp_path: Path) -> None:
    """memory.events counts them; a group that is gone counts none."""
    groups = Groups(Layout(2, tmp_path), "h")
    folder = tmp_path / "composer/h/c/id"
    assert not groups.oom_kills("id")
    folder.mkdir(parents=True)
    (folder / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 3\noom_kill 0\noom_group_kill 0\n")
    assert not groups.oom_kills("id")
    (folder / "memory.events").write_text("max 7\noom 3\noom_kill 1\n")
    assert groups.oom_kills("id")


def test_oom_kills_are_counted_on_v1(tmp_path: Path) -> None:
    """memory.oom_control has the same counter, in the memory hierarchy alone."""
    groups = Groups(Layout(1, None, (tmp_path / "pids", tmp_path / "memory")), "h")
    for name in ("pids", "memory"):
        (tmp_path / name / "composer/h/c/id").mkdir(parents=True)
    control = tmp_path / "memory/composer/h/c/id/memory.oom_control"
    control.write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 0\n")
    assert not groups.oom_kills("id")
    control.write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    assert groups.oom_kills("id")


def test_groups_are_removed_from_the_leaves_up(tmp_path: Path) -> None:
    """Also those that the container made below its own, in every hierarchy; siblings stay."""
    groups = Groups(Layout(1, tmp_path / "unified", (tmp_path / "pids",)), "h")
    for name in ("pids", "unified"):
        (tmp_path / name / "composer/h/c/id/inner/deep").mkdir(parents=True)
        (tmp_path / name / "composer/h/c/other").mkdir()
    groups.remove("id")
    assert [path.name for path in tmp_path.glob("*/composer/h/c/*")] == ["other", "other"]
    groups.remove_all()
    assert list(tmp_path.glob("*/composer")) == []


def test_a_cpuset_gets_its_parents_processors(tmp_path: Path) -> None:
    """Only an empty one is filled; other hierarchies have no such files."""
    (tmp_path / "cpuset.cpus").write_text("0-1\n")
    (tmp_path / "cpuset.mems").write_text("0\n")
    (tmp_path / "child").mkdir()
    (tmp_path / "child/cpuset.cpus").write_text("1\n")
    (tmp_path / "child/cpuset.mems").write_text("\n")
    fill_cpuset(tmp_path / "child")
    assert (tmp_path / "child/cpuset.cpus").read_text() == "1\n" and (tmp_path / "child/cpuset.mems").read_text() == "0\n"
    make_group(tmp_path / "other/inner", tmp_path)
    assert list((tmp_path / "other/inner").iterdir()) == []
