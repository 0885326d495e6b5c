"""What happens in each round, from a seed: the same seed and number give the same round again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

#: What the project is brought to before the command, beside "up".
Before = Literal["up", "down", "stopped", "changed"]
Target = Literal["supervisor", "guard", "cli", "conmon", "child", "init"]

#: Command line, what comes before it, and about how many seconds it takes: the moments are spread over that time and a little more.
COMMANDS: tuple[tuple[tuple[str, ...], Before, float], ...] = (
    (("up", "-d"), "down", 1.6),
    (("up", "-d"), "stopped", 1.2),
    (("up", "-d"), "changed", 1.6),
    (("up", "-d", "-t", "1", "--force-recreate"), "up", 2.2),
    (("up", "-d", "-t", "1", "--build"), "changed", 2.5),
    (("restart", "-t", "1"), "up", 1.8),
    (("stop", "-t", "1"), "up", 0.8),
    (("down", "-t", "1"), "up", 1.2),
)
TARGETS: tuple[tuple[Target, ...], ...] = (
    ("supervisor",),
    ("guard",),
    ("cli",),
    ("conmon",),
    ("child",),
    ("init",),
    ("guard", "supervisor"),
    ("guard", "supervisor"),
    ("supervisor", "conmon"),
    ("supervisor", "child"),
    ("supervisor", "init"),
    ("cli", "supervisor"),
    ("cli", "guard", "supervisor"),
    ("guard", "supervisor", "conmon", "child"),
    ("cli", "conmon", "init"),
)


@dataclass(frozen=True, slots=True)
class Round:
    """`delay`: seconds from the start of the command to the kill; `choice` picks one of several processes that fit."""

    seed: int
    number: int
    before: Before
    command: tuple[str, ...]
    targets: tuple[Target, ...]
    delay: float
    choice: float
    ends_with_down: bool

    def __str__(self) -> str:
        return (f"seed {self.seed} round {self.number}: {' '.join(self.command)} (project {self.before}), "
                f"SIGKILL of {' + '.join(self.targets)} after {self.delay:.3f} s")


def make(seed: int, number: int) -> Round:
    dice = random.Random(f"{seed}/{number}")
    command, before, seconds = dice.choice(COMMANDS)
    return Round(seed, number, before, command, dice.choice(TARGETS), dice.uniform(0.05, seconds), dice.random(), number % 5 == 0)
