"""What the user asked for beside the project itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class UpOptions:
    """`services` empty means all. `recreate`: containers that differ, all, or none. `timeout` is for stopping, in seconds.
    `pull`: a policy that goes before each service's own ("" for none)."""

    services: tuple[str, ...] = ()
    recreate: Literal["changed", "always", "never"] = "changed"
    start: bool = True
    wait: bool = False
    build: bool = False
    no_build: bool = False
    pull: Literal["", "always", "missing", "never"] = ""
    dependencies: bool = True
    scale: dict[str, int] = field(default_factory=dict)
    remove_orphans: bool = False
    gone: tuple[str, ...] = ()  # services that the file named until now: their containers are removed
    revive: bool = True  # start what has ended or was stopped, also when nothing about it is different
    renew_anonymous: bool = False
    timeout: float | None = None
    wait_timeout: float | None = None
    recreate_dependencies: bool = False  # those that only others of `services` need, too
    waits: dict[str, str] = field(default_factory=dict)  # service -> condition that somebody outside the plan (`run`) depends on


@dataclass(frozen=True, slots=True)
class DownOptions:
    """`services` empty means the whole project with its networks. `images`: "all", "local" (only those without an `image:`), ""."""

    services: tuple[str, ...] = ()
    volumes: bool = False
    remove_orphans: bool = False
    timeout: float | None = None
    images: Literal["", "local", "all"] = ""


@dataclass(frozen=True, slots=True)
class PullOptions:
    """`policy` goes before each service's own ("" for none). `ignore_buildable`: leave out what can be built."""

    services: tuple[str, ...] = ()
    policy: Literal["", "always", "missing"] = ""
    dependencies: bool = False
    ignore_buildable: bool = False
    ignore_failures: bool = False


@dataclass(frozen=True, slots=True)
class PushOptions:
    services: tuple[str, ...] = ()
    dependencies: bool = False
    ignore_failures: bool = False
