"""examples/mvc: from `up` to all healthy, against what its services themselves need one after another."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.section import Goal, Section, paragraphs, seconds, table
from benchmarks.watching import first, first_answer, told
from benchmarks.workplace import REPOSITORY
from composer.store import project_hash
from tests.command_line import Composer

#: Service -> the port that it says is its own.
WATCHED = {"db": 5432, "app": 8000, "web": 80}
#: Each waits for the one before; `migrate` has no port: it is ready when it has ended.
CRITICAL_PATH = ("db", "migrate", "app", "web")
#: Seconds for all of it; and how many times the critical path's readiness it may take.
PATIENCE, LIMIT = 90.0, 1.2

TEXT = """\
`up -d --wait` with an empty database, the round in the middle of {rounds}. Each service of the critical path waits for the one before to
be healthy, or to have ended. **Ready**: a watcher in the project's network namespace first got a TCP connection on the port that the
service declares (for `migrate`, which declares none, its end). **Needs**: from its start to that moment; the sum is what the services
need however fast composer is. **Healthy**: composer's event. Seconds since `up` was called."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Of one service, in seconds since `up` was called."""

    started: float
    ready: float
    healthy: float

    @property
    def needs(self) -> float:
        return self.ready - self.started


@dataclass(frozen=True, slots=True)
class Readiness:
    """`up`: until `up -d --wait` was back."""

    services: Mapping[str, Moments]
    up: float

    @property
    def path(self) -> float:
        """What the critical path needs by itself."""
        return sum(one.needs for one in self.services.values())

    @property
    def healthy(self) -> float:
        return max(one.healthy for one in self.services.values())

    @property
    def ratio(self) -> float:
        return self.healthy / self.path


def measure(bench: Bench) -> Section:
    bench.say("examples/mvc: its images")
    bench.place.make_images("debian", "postgres", "nginx")
    composer = bench.place.project("mvc")
    shutil.copytree(REPOSITORY / "examples/mvc", composer.folder, dirs_exist_ok=True)
    (composer.folder / "db_password.txt").write_text("measured")
    composer("build", timeout=300)
    rounds = []
    for number in range(bench.effort.rounds):
        bench.say(f"examples/mvc, round {number + 1}")
        rounds.append(life(composer))
    return section(rounds)


def life(composer: Composer) -> Readiness:
    """One `up -d --wait` with an empty database volume, while each service's port is tried from the project's namespace."""
    project = composer.places.project(project_hash("mvc", str(composer.folder)))
    begun = time.time()
    with ThreadPoolExecutor(len(WATCHED)) as pool:
        watches = {name: pool.submit(first_answer, project, name, port, begun + PATIENCE) for name, port in WATCHED.items()}
        done = composer("--progress", "json", "up", "-d", "--wait", timeout=PATIENCE, env={"MVC_PORT": str(free_port())})
        ready = {name: watch.result() for name, watch in watches.items()}
    composer("down", "-v", "-t", "1", timeout=PATIENCE)
    return Readiness(moments(done.said, ready, begun), done.seconds)


def moments(output: str, ready: Mapping[str, float], begun: float) -> dict[str, Moments]:
    """`ready`: service -> when its port answered, in seconds since the epoch; a service without one is ready when it has ended."""
    events = told(output)
    found = {}
    for name in CRITICAL_PATH:
        ended = first(events, name, "exited")
        at = first(events, name, "started"), ready.get(name, ended), first(events, name, "healthy") or ended
        assert None not in at, f"composer did not tell how {name} went: {at}"
        found[name] = Moments(*(moment - begun for moment in at if moment is not None))
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def section(rounds: Sequence[Readiness]) -> Section:
    middle = sorted(rounds, key=lambda one: one.ratio)[len(rounds) // 2]
    rows = [[name, *map(seconds, (one.started, one.ready, one.needs, one.healthy))] for name, one in middle.services.items()]
    body = table(("service", "started", "ready", "needs", "healthy"), [*rows, ["", "", "", seconds(middle.path), seconds(middle.healthy)]])
    said = (f"All healthy after {middle.healthy:.2f} s, {middle.ratio:.2f} times the {middle.path:.2f} s of the critical path; the command "
            f"was back after {middle.up:.2f} s.")
    goal = Goal("all of `examples/mvc` healthy, against its critical path", LIMIT, middle.ratio, "times")
    return Section("Readiness of `examples/mvc`", paragraphs(TEXT.format(rounds=len(rounds)), body, said), (goal,))
