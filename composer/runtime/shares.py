"""What cgroup v1 needs beside `linux.resources`: real-time processor time for the groups above a container's, and weights of BFQ."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from composer.errors import ContainerError
from composer.model.blkio import Blkio
from composer.runtime.blkio import Numbers
from composer.runtime.cgroups import Groups, make_group

#: The kernel's, in microseconds (Documentation/scheduler/sched-rt-group.rst).
RT_PERIOD = 1_000_000


def lend_realtime(groups: Groups, runtime: int, period: int | None) -> None:
    """Let the groups above a new container's have as much real-time time as all below them ask for: the kernel wants it first. Twice as
    much where there is enough, for the group that the container had before: removed, it counts for a moment still."""
    top = groups.layout.controller("cpu")
    if top is None:
        return
    folders = [path for path in groups.parents(top) if path != top]
    make_group(folders[-1], top)
    share = runtime * RT_PERIOD // (period or RT_PERIOD)
    try:
        with suppress(OSError):
            return _raise(folders, 2 * share)
        _raise(folders, share)
    except OSError as refused:
        left = (top / "cpu.rt_runtime_us").read_text().strip()
        raise ContainerError(f"cpu_rt_runtime: the kernel has no {runtime} us of real-time processor time to give ({refused.strerror})",
                             hint=f"all containers together may have {left} us of each second") from refused


def _raise(folders: Sequence[Path], share: int) -> None:
    """`folders`: the outermost first; they are raised from there, after what each needs is known from within."""
    needs, below, more = {}, None, share
    for folder in reversed(folders):
        others = sum(_runtime(child) for child in folder.iterdir() if child.is_dir() and child != below)
        more = needs[folder] = max(others + more, _runtime(folder))
        below = folder
    for folder in folders:
        (folder / "cpu.rt_runtime_us").write_text(str(needs[folder]))


def _runtime(folder: Path) -> int:
    return int((folder / "cpu.rt_runtime_us").read_text())


def weigh(groups: Groups, id_: str, asked: Blkio, numbers: Numbers) -> None:
    """Weights for the BFQ scheduler, in the group that the OCI runtime has made (Documentation/block/bfq-iosched.rst)."""
    for folder in groups.folders_of(id_):
        file = folder / "blkio.bfq.weight"
        if not file.exists():
            continue
        if asked.weight:
            file.write_text(str(asked.weight))
        for one in asked.weight_device:
            _of_device(folder, numbers[one.path], one.weight)


def _of_device(folder: Path, number: tuple[int, int], weight: int) -> None:
    (folder / "blkio.bfq.weight_device").write_text(f"{number[0]}:{number[1]} {weight}")
