"""Real-time processor time for the groups above a container's, on folders that look like a cgroup v1 tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.errors import ContainerError
from composer.runtime.cgroups import Groups, Layout
from composer.runtime.shares import lend_realtime


def tree(top: Path, **runtimes: int) -> Groups:
    """`runtimes`: group (`__` for a slash) -> what it has."""
    for name in ("", "composer", "composer__h", "composer__h__c", *runtimes):
        folder = top / name.replace("__", "/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cpu.rt_runtime_us").write_text(f"{runtimes.get(name, 0)}\n")
    return Groups(Layout(1, controllers=(top,)), "h")


def test_all_above_get_what_those_below_ask_for(tmp_path: Path) -> None:
    """What siblings have is counted, what is asked for twice; asking again for the same does not add up; the period is reckoned in."""
    top = tmp_path / "cpu"
    groups = tree(top, composer__h__c__one=100, composer__other=50, composer=50)
    for _ in range(2):
        lend_realtime(groups, 20, 500_000)
        found = {name: int((top / name / "cpu.rt_runtime_us").read_text()) for name in ("composer", "composer/h", "composer/h/c")}
        assert found == {"composer": 230, "composer/h": 180, "composer/h/c": 180}


def test_more_than_there_is(tmp_path: Path) -> None:
    """The kernel's refusal names the attribute and what there is."""
    groups = tree(tmp_path / "cpu")
    (tmp_path / "cpu/composer/cpu.rt_runtime_us").unlink()
    with pytest.raises(ContainerError, match="cpu_rt_runtime: the kernel has no 7 us"):
        lend_realtime(groups, 7, None)
