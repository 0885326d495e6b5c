"""What a container's description has to know about the machine: values, read by `facts`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Device:
    """A device node in the container; `kind` is c or b, `mode` its permission bits, `access` what processes may do with it (r, w, m)."""

    path: str
    kind: str
    major: int
    minor: int
    mode: int
    uid: int
    gid: int
    access: str = "rwm"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the machine, and composer's own privileges, add to the container's description."""

    capabilities: frozenset[str]  # that composer itself holds
    hard_limits: Mapping[str, int] = field(default_factory=dict)  # its own, by the name in `ulimits`; absent: none
    lowest_oom_score: int = 0  # the lowest oom_score_adj that we may set
    cgroup_namespace: bool = True
    swap_limit: bool = True  # the kernel accounts swap
    swappiness: bool = True  # each group has its own: cgroup v1 only
    oom_switch: bool = True  # killing for memory can be switched off: cgroup v1 only
    realtime: bool = True  # real-time processor time is given out by group: cgroup v1, and kernels that do so
    block_weight: bool = True  # the OCI runtime can say how much a group weighs to the block layer
    bfq_weight: bool = False  # only BFQ on cgroup v1 weighs groups, of which crun knows nothing
    block_limits: bool = True  # rates of block devices can be limited
    apparmor: bool = False
    selinux: bool = False
