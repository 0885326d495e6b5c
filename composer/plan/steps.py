"""What to do: a DAG of actions, each with its cause. Printable and comparable; the text is what `up --dry-run` shows.

    1. create sandbox/shop: missing
    2. create network/shop_front: missing [after 1]
    3. create container/shop-db-1: missing [after 2]
    4. start container/shop-db-1: created [after 3]
    5. await service/db healthy: web depends on it [after 4]

One frozen dataclass an action. Adding an action without a handler in engine/perform.py is a type error.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
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
class RemoveNetwork:
    verb: ClassVar[str] = "remove"
    key: str
    name: str

    @property
    def subject(self) -> str:
        return f"network/{self.name}"


@dataclass(frozen=True, slots=True)
class JoinNetwork:
    """Have a part in a network that is not the project's own."""

    verb: ClassVar[str] = "join"
    network: Network

    @property
    def subject(self) -> str:
        return f"network/{self.network.name}"


@dataclass(frozen=True, slots=True)
class LeaveNetwork:
    verb: ClassVar[str] = "leave"
    key: str
    name: str

    @property
    def subject(self) -> str:
        return f"network/{self.name}"


@dataclass(frozen=True, slots=True)
class CreateVolume:
    verb: ClassVar[str] = "create"
    volume: Volume
    fingerprint: str

    @property
    def subject(self) -> str:
        return f"volume/{self.volume.name}"


@dataclass(frozen=True, slots=True)
class RemoveVolume:
    verb: ClassVar[str] = "remove"
    name: str

    @property
    def subject(self) -> str:
        return f"volume/{self.name}"


@dataclass(frozen=True, slots=True)
class CreateContainer:
    """`anonymous` are (target, volume name) pairs carried over from the container that this one replaces."""

    verb: ClassVar[str] = "create"
    name: str
    number: int
    blueprint: Blueprint
    fingerprint: str
    labels: tuple[tuple[str, str], ...] = ()
    oneoff: bool = False
    stdin: bool = False
    anonymous: tuple[tuple[str, str], ...] = ()

    @property
    def subject(self) -> str:
        return f"container/{self.name}"


@dataclass(frozen=True, slots=True)
class StartContainer:
    """`by_policy`: by its restart policy, which knows nothing of `post_start`."""

    verb: ClassVar[str] = "start"
    name: str
    by_policy: bool = False

    @property
    def subject(self) -> str:
        return f"container/{self.name}"


@dataclass(frozen=True, slots=True)
class PauseContainer:
    verb: ClassVar[str] = "pause"
    name: str

    @property
    def subject(self) -> str:
        return f"container/{self.name}"


@dataclass(frozen=True, slots=True)
class UnpauseContainer:
    verb: ClassVar[str] = "unpause"
    name: str

    @property
    def subject(self) -> str:
        return f"container/{self.name}"


@dataclass(frozen=True, slots=True)
class StopContainer:
    """`timeout` in seconds overrides the service's own grace period. `final` false: its restart policy has the word then. `insist`: a
    `pre_stop` hook that fails does not keep it from being stopped."""

    verb: ClassVar[str] = "stop"
    name: str
    timeout: float | None = None
    awaited: bool = False  # somebody waits for its completion: never cut short
    final: bool = True
    insist: bool = False

    @property
    def subject(self) -> str:
        return f"container/{self.name}"


@dataclass(frozen=True, slots=True)
class RemoveContainer:
    """`volumes`: its anonymous volumes go with it."""

    verb: ClassVar[str] = "remove"
    name: str
    volumes: bool = False

    @property
    def subject(self) -> str:
        return f"container/{self.name}"


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
class SyncFiles:
    """Bring files of a container to what they are on the host. `differing`: only those that do not look the same."""

    verb: ClassVar[str] = "sync"
    name: str
    mirrors: tuple[Mirror, ...]
    differing: bool = False

    @property
    def subject(self) -> str:
        return f"container/{self.name}"


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


@dataclass(frozen=True, slots=True)
class Step:
    """`after`: ids of steps that must have succeeded. `behind`: steps that must have ended, well or not."""

    action: Action
    cause: str
    after: frozenset[str] = frozenset()
    behind: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        return step_id(self.action)


def step_id(action: Action) -> str:
    """A step's id is its text: "create container/shop-db-1"."""
    return f"{action.verb} {action.subject}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order that can be followed from top to bottom; edges to steps that are not in the plan mean nothing."""

    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __str__(self) -> str:
        number = {step.id: index for index, step in enumerate(self.steps, 1)}
        return "\n".join(_line(step, number) for step in self.steps)

    def __add__(self, other: Plan) -> Plan:
        return Plan((*self.steps, *other.steps), (*self.warnings, *other.warnings))

    def actions(self) -> tuple[Action, ...]:
        return tuple(step.action for step in self.steps)


def _line(step: Step, number: dict[str, int]) -> str:
    edges = sorted(number[edge] for edge in step.after | step.behind if edge in number)
    after = f" [after {', '.join(map(str, edges))}]" if edges else ""
    return f"{number[step.id]}. {step.id}: {step.cause}{after}"


@dataclass(slots=True)
class Draft:
    """A plan being written: steps are added in an order that can be followed; a repeated one joins its edges to the first."""

    steps: dict[str, Step] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def add(self, action: Action, cause: str, *, after: Iterable[str] = (), behind: Iterable[str] = ()) -> str:
        """Add a step and return its id. Edges may name steps that are (or will be) absent: they are dropped by `plan`."""
        key = step_id(action)
        old = self.steps.get(key)
        old_after, old_behind = (old.after, old.behind) if old else (frozenset[str](), frozenset[str]())
        self.steps[key] = Step(
            old.action if old else action, old.cause if old else cause, old_after | frozenset(after), old_behind | frozenset(behind)
        )
        return key

    def warn(self, text: str) -> None:
        """Say something once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def plan(self) -> Plan:
        known = self.steps.keys()
        return Plan(
            tuple(Step(step.action, step.cause, step.after & known, step.behind & known) for step in self.steps.values()),
            tuple(self.warnings),
        )
