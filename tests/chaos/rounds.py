"""One round: bring the project to its place, start the command, strike, and look whether all that is promised holds."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field

from tests.chaos.plan import Round
from tests.chaos.shop import RUNNING, Shop
from tests.chaos.truth import check_ps
from tests.chaos.victims import strike
from tests.eventually import eventually
from tests.host_state import look

#: Seconds. Those of the command are for a machine that others use as well; it takes one or two.
COMMAND, SETTLE = 60.0, 10.0


class Failure(Exception):
    """A promise did not hold."""


@dataclass(slots=True)
class Report:
    """What was seen in a round, to be printed when it fails."""

    plan: Round
    seen: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.seen.append(text)

    def text(self) -> str:
        return "\n".join([str(self.plan), *(f"    {line}" for part in self.seen for line in part.splitlines())])


def play(shop: Shop, plan: Round, report: Report) -> None:
    """AssertionError says which promise did not hold."""
    _prepare(shop, plan)
    cli = shop.composer.start(*plan.command)
    try:
        time.sleep(plan.delay)
        hit = strike(shop.places, cli, plan)
        report.note(f"hit: {hit}")
        said, _ = cli.communicate(timeout=COMMAND)
    except subprocess.TimeoutExpired:
        cli.kill()
        said, _ = cli.communicate()
        raise AssertionError(f"the command hangs; it said:\n{said}") from None
    report.note(f"the command ended with {cli.returncode}: {' / '.join(said.splitlines()[-3:])}")
    assert "Traceback" not in said and "internal error" not in said, said
    if shop.places.state.exists():
        eventually(lambda: check_ps(shop) is not None, timeout=SETTLE, step=0.2)
        with suppress(FileNotFoundError):  # before the first container of `db` there is none
            shop.check_volume()
    converge(shop, report)
    if plan.ends_with_down:
        leave_nothing(shop)


def converge(shop: Shop, report: Report) -> None:
    """`up` ends well, a second one has nothing to do, names resolve, the port answers, `ps` and volume are as they should be."""
    done = shop.composer("up", "-d", "-t", "1", code=None, timeout=COMMAND)
    report.note(f"up ended with {done.code} after {done.seconds:.1f} s: {' / '.join(done.said.splitlines()[-4:])}")
    assert done.code == 0, f"up does not converge: {done.said[-1500:]}"
    planned = shop.composer("up", "--dry-run", timeout=COMMAND).out
    assert planned == "nothing to do\n", f"a second up would do: {planned}"
    states = check_ps(shop)
    assert {name for name, state in states.items() if state == "running"} == RUNNING, f"ps says {states}"
    eventually(lambda: shop.page() == f"colour-{shop.colour}", timeout=SETTLE)
    asked = "nslookup web 127.0.0.11 && nslookup db 127.0.0.11"
    answer = shop.composer("exec", "-T", "client", "sh", "-c", asked, code=None, timeout=20)
    assert answer.code == 0, f"names do not resolve: {answer.said}"
    shop.check_volume()


def leave_nothing(shop: Shop) -> None:
    """After `down` there is no trace but the volume, whose lines are all there."""
    shop.composer("down", "-t", "1", timeout=COMMAND)
    eventually(lambda: _is_empty(traces(shop)), timeout=5)
    shop.check_volume()


def traces(shop: Shop) -> list[str]:
    """What bears the project's hash on the machine, and what is in its state folder beside volumes."""
    found = [f"{kind}: {name}" for kind, names in look().items() for name in names if shop.hash in name]
    found += [f"run folder: {shop.places.run}"] if shop.places.run.exists() else []
    found += [f"contents: {shop.places.contents}"] if shop.places.contents.exists() else []
    found += [f"processes: {name}" for name in look()["processes"] if f"composer: {shop.composer.folder.name}" in name]
    inside = shop.places.state.iterdir() if shop.places.state.exists() else ()
    return found + [f"state: {path.name}" for path in inside if path.name not in ("volumes", "supervisor.log")]


def _prepare(shop: Shop, plan: Round) -> None:
    match plan.before:
        case "down":
            shop.composer("down", "-t", "1", timeout=COMMAND)
        case "stopped":
            shop.composer("stop", "-t", "1", timeout=COMMAND)
        case "changed":
            shop.change()


def _is_empty(found: list[str]) -> bool:
    assert not found, f"left behind: {found}"
    return True
