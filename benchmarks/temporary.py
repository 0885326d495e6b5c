"""Services whose entrypoint first runs a temporary server, as official database images do: healthy must not be said of that one."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.section import Goal, Section, paragraphs, table
from benchmarks.watching import first, first_answer, told
from benchmarks.work import IMAGE
from composer.store import project_hash
from tests.command_line import Composer

PORT, PATIENCE = 8080, 60.0
#: Regular checks come only when the temporary servers have gone: Docker's own rule would believe those.
INTERVAL = "3s"
#: What is special -> the entrypoint; `serve WORD [ADDRESS:]` is a server that says WORD. The health check cannot tell them apart.
ENTRYPOINTS = {
    "loopback only": "serve temporary 127.0.0.1: & sleep 1; kill $!; wait; sleep 0.3; serve real",
    "all addresses": "serve temporary & sleep 1; kill $!; wait; sleep 0.3; serve real",
    "no pause between": "serve temporary & sleep 1; kill $!; wait; serve real",
    "real one is a child": "serve temporary & sleep 1; kill $!; wait; sleep 0.3; (serve real); exit 1",
}
SCRIPT = f"""
mkdir -p /www/temporary /www/real; echo temporary > /www/temporary/index.html; echo real > /www/real/index.html
serve() {{ exec httpd -f -p "$2{PORT}" -h "/www/$1"; }}
"""
QUESTION, ANSWER = b"GET / HTTP/1.0\r\n\r\n", b"\r\n\r\nreal"

TEXT = """\
Services whose entrypoint runs a temporary server for a second before the real one, and whose health check succeeds with either.
**Answers**: a watcher in the project's network first got the real server's answer. Seconds since `up` was called, of {rounds} rounds the
one in which healthy came earliest after that (negative: too early)."""


@dataclass(frozen=True, slots=True)
class Seen:
    answers: float
    healthy: float


def measure(bench: Bench) -> Section:
    composer = bench.place.project("temporary")
    composer.write(compose_file())
    rounds = []
    for number in range(bench.effort.rounds):
        bench.say(f"temporary servers, round {number + 1}")
        rounds.append(life(composer))
    return section(rounds)


def compose_file() -> str:
    """JSON is YAML."""
    check = {"test": ["CMD", "wget", "-q", "-O", "-", f"http://127.0.0.1:{PORT}/"], "interval": INTERVAL, "retries": 30}
    services = {service(name): {"image": IMAGE, "entrypoint": ["sh", "-c", (SCRIPT + script).replace("$", "$$")], "expose": [PORT],
                                "healthcheck": check, "stop_signal": "SIGKILL"} for name, script in ENTRYPOINTS.items()}
    return json.dumps({"services": services})


def service(name: str) -> str:
    return name.replace(" ", "-")


def life(composer: Composer) -> dict[str, Seen]:
    project = composer.places.project(project_hash(composer.folder.name, str(composer.folder)))
    begun = time.time()
    with ThreadPoolExecutor(len(ENTRYPOINTS)) as pool:
        watches = {name: pool.submit(first_answer, project, service(name), PORT, begun + PATIENCE, question=QUESTION, answer=ANSWER)
                   for name in ENTRYPOINTS}
        events = told(composer("--progress", "json", "up", "-d", "--wait", timeout=PATIENCE).said)
        answers = {name: watch.result() for name, watch in watches.items()}
    composer("down", "-t", "1")
    healthy = {name: first(events, service(name), "healthy") or 0.0 for name in ENTRYPOINTS}
    return {name: Seen(answers[name] - begun, healthy[name] - begun) for name in ENTRYPOINTS}


def section(rounds: Sequence[Mapping[str, Seen]]) -> Section:
    closest = {name: min((one[name] for one in rounds), key=lambda seen: seen.healthy - seen.answers) for name in rounds[0]}
    early = sum(seen.healthy < seen.answers for one in rounds for seen in one.values())
    rows = [[name, f"{one.answers:.3f}", f"{one.healthy:.3f}", f"{one.healthy - one.answers:.3f}"] for name, one in closest.items()]
    body = table(("entrypoint", "answers", "healthy", "difference"), rows)
    return Section("Temporary servers", paragraphs(TEXT.format(rounds=len(rounds)), body),
                   (Goal("healthy said before the real server answered", 0, early, "times"),))
