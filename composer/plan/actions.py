"""The actions that a plan is made of: one frozen dataclass each. Adding one without a handler in engine/perform.py is a type error."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from composer.host import Mirror
from composer.model.blueprint import Blueprint
from composer.model.build import Build
from composer.model.hook import Hook
from composer.model.mounts import Volume
from composer.model.network import Network
from composer.model.provider import Provider

#: What a service can be waited for; `ready` is what `up --wait` wants: healthy where there is a health check, else running.
Awaited = Literal["healthy", "completed", "ready"]


#: The conditions of `depends_on` that are waited for; `service_started` only orders.
CONDITIONS: dict[str, Awaited] = {"service_healthy": "healthy", "service_completed_successfully": "completed"}


class _Named:
    """What an action is done to is of a kind and has a name: "container/shop-db-1"."""

    __slots__ = ()
    kind: ClassVar[str]
    name: str

    @property
    def subject(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class PullImage:
    """`otherwise`: how to build it when it cannot be pulled. `required` false: a failure is a warning. `service`: one that names it."""

    verb: ClassVar[str] = "pull"
    reference: str
    otherwise: BuildImage | None = None
    required: bool = True
    service: str = field(default="", compare=False)

    @property
    def subject(self) -> str:
        return f"image/{self.reference}"


@dataclass(frozen=True, slots=True)
class PushImage:
    """`required` false: a failure is a warning. `service`: one that names it."""

    verb: ClassVar[str] = "push"
    reference: str
    required: bool = True
    service: str = field(default="", compare=False)

    @property
    def subject(self) -> str:
        return f"image/{self.reference}"


@dataclass(frozen=True, slots=True)
class BuildImage:
    verb: ClassVar[str] = "build"
    reference: str
    service: str
    build: Build
    no_cache: bool = False
    pull: bool = False

    @property
    def subject(self) -> str:
        return f"image/{self.reference}"


@dataclass(frozen=True, slots=True)
class RemoveImage:
    verb: ClassVar[str] = "remove"
    reference: str

    @property
    def subject(self) -> str:
        return f"image/{self.reference}"


@dataclass(frozen=True, slots=True)
class CreateSandbox:
    verb: ClassVar[str] = "create"
    project: str

    @property
    def subject(self) -> str:
        return f"sandbox/{self.project}"


@dataclass(frozen=True, slots=True)
class RemoveSandbox:
    verb: ClassVar[str] = "remove"
    project: str

    @property
    def subject(self) -> str:
        return f"sandbox/{self.project}"


@dataclass(frozen=True, slots=True)
class CreateNetwork:
    verb: ClassVar[str] = "create"
    network: Network
    fingerprint: str

    @property
    def subject(self) -> str:
        return f"network/{self.network.name}"


@dataclass(frozen=True, slots=True)
class RemoveNetwork(_Named):
    verb: ClassVar[str] = "remove"
    kind: ClassVar[str] = "network"
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class JoinNetwork:
    """Have a part in a network that is not the project's own."""

    verb: ClassVar[str] = "join"
    network: Network

    @property
    def subject(self) -> str:
        return f"network/{self.network.name}"


@dataclass(frozen=True, slots=True)
class LeaveNetwork(_Named):
    verb: ClassVar[str] = "leave"
    kind: ClassVar[str] = "network"
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class CreateVolume:
    verb: ClassVar[str] = "create"
    volume: Volume
    fingerprint: str

    @property
    def subject(self) -> str:
        return f"volume/{self.volume.name}"


@dataclass(frozen=True, slots=True)
class RemoveVolume(_Named):
    verb: ClassVar[str] = "remove"
    kind: ClassVar[str] = "volume"
    name: str


@dataclass(frozen=True, slots=True)
class CreateContainer(_Named):
    """`anonymous` are (target, volume name) pairs carried over from the container that this one replaces."""

    verb: ClassVar[str] = "create"
    kind: ClassVar[str] = "container"
    name: str
    number: int
    blueprint: Blueprint
    fingerprint: str
    labels: tuple[tuple[str, str], ...] = ()
    oneoff: bool = False
    stdin: bool = False
    anonymous: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StartContainer(_Named):
    """`by_policy`: by its restart policy, which knows nothing of `post_start`."""

    verb: ClassVar[str] = "start"
    kind: ClassVar[str] = "container"
    name: str
    by_policy: bool = False


@dataclass(frozen=True, slots=True)
class PauseContainer(_Named):
    verb: ClassVar[str] = "pause"
    kind: ClassVar[str] = "container"
    name: str


@dataclass(frozen=True, slots=True)
class UnpauseContainer(_Named):
    verb: ClassVar[str] = "unpause"
    kind: ClassVar[str] = "container"
    name: str


@dataclass(frozen=True, slots=True)
class StopContainer(_Named):
    """`timeout` in seconds overrides the service's own grace period. `final` false: its restart policy has the word then. `insist`: a
    `pre_stop` hook that fails does not keep it from being stopped."""

    verb: ClassVar[str] = "stop"
    kind: ClassVar[str] = "container"
    name: str
    timeout: float | None = None
    awaited: bool = False  # somebody waits for its completion: never cut short
    final: bool = True
    insist: bool = False


@dataclass(frozen=True, slots=True)
class RemoveContainer(_Named):
    """`volumes`: its anonymous volumes go with it."""

    verb: ClassVar[str] = "remove"
    kind: ClassVar[str] = "container"
    name: str
    volumes: bool = False


@dataclass(frozen=True, slots=True)
class RunBefore:
    """Create and start a container of `pre_start`, and wait for its success; one that fails is left to be looked at. It has the anonymous
    volumes of the container `beside`."""

    verb: ClassVar[str] = "run"
    create: CreateContainer
    beside: str

    @property
    def subject(self) -> str:
        return self.create.subject


@dataclass(frozen=True, slots=True)
class Provide:
    """Have another program bring a service up."""

    verb: ClassVar[str] = "provide"
    project: str
    folder: str  # the project's
    service: str
    provider: Provider

    @property
    def subject(self) -> str:
        return f"service/{self.service}"


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Have another program take a service down."""

    verb: ClassVar[str] = "withdraw"
    project: str
    folder: str  # the project's
    service: str
    provider: Provider

    @property
    def subject(self) -> str:
        return f"service/{self.service}"


@dataclass(frozen=True, slots=True)
class AwaitService:
    """Wait until every container of the service is as wanted. `required` false: a failure is a warning."""

    verb: ClassVar[str] = "await"
    service: str
    condition: Awaited
    waiting: tuple[str, ...] = ()  # the services that wait, for the message
    required: bool = True

    @property
    def subject(self) -> str:
        return f"service/{self.service} {self.condition}{'' if self.required else ' if possible'}"


@dataclass(frozen=True, slots=True)
class SyncFiles(_Named):
    """Bring files of a container to what they are on the host. `differing`: only those that do not look the same."""

    verb: ClassVar[str] = "sync"
    kind: ClassVar[str] = "container"
    name: str
    mirrors: tuple[Mirror, ...]
    differing: bool = False


@dataclass(frozen=True, slots=True)
class RunInside:
    """Run a command in a container that runs."""

    verb: ClassVar[str] = "exec"
    name: str
    command: Hook

    @property
    def subject(self) -> str:
        return f"container/{self.name} {shlex.join(self.command.command)}"


Action = (
    PullImage
    | PushImage
    | BuildImage
    | RemoveImage
    | CreateSandbox
    | RemoveSandbox
    | CreateNetwork
    | RemoveNetwork
    | JoinNetwork
    | LeaveNetwork
    | CreateVolume
    | RemoveVolume
    | CreateContainer
    | StartContainer
    | PauseContainer
    | UnpauseContainer
    | StopContainer
    | RemoveContainer
    | RunBefore
    | Provide
    | Withdraw
    | AwaitService
    | SyncFiles
    | RunInside
)
