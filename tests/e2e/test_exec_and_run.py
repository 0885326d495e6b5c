"""Commands of the user's in containers: `exec` and `run`."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest

from composer.store import Places
from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import ids, record


@pytest.fixture(scope="module")
def shop(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composer]:
    composer = Composer(tmp_path_factory.mktemp("inside") / "shop", places)
    composer.write("""
        services:
          web:
            image: busybox
            command: [sleep, infinity]
            environment: {COLOUR: blue}
            working_dir: /tmp
            scale: 2
          tool:
            image: busybox
            entrypoint: [sh, -c]
            command: ["echo default; env"]
            environment: {COLOUR: green}
            ports: ["127.0.0.1:45999:80"]
            restart: always
            depends_on: {db: {condition: service_healthy}}
            profiles: [tools]
          open:
            image: busybox
            stdin_open: true
            tty: true
            command: cat
            profiles: [tools]
          db:
            image: busybox
            command: [sleep, infinity]
            healthcheck: {test: [CMD, "true"], interval: 30s}
    """)
    try:
        composer("up", "-d", "web")
        yield composer
    finally:
        composer.clear()


def test_exec_is_the_process_itself(shop: Composer) -> None:
    """Output, standard input and exit code are the command's own, with the container's environment and folder."""
    done = shop("exec", "-T", "web", "sh", "-c", "echo $COLOUR; pwd; echo wrong >&2; exit 7", code=7)
    assert (done.out, done.err) == ("blue\n/tmp\n", "wrong\n")
    assert shop("exec", "-T", "web", "wc", "-c", stdin="x" * 100_000).out == "100000\n"


def test_exec_as_somebody_else(shop: Composer) -> None:
    """-u, -w, -e and --index are what they say; who does not run cannot be entered."""
    ask = "id -u; id -g; pwd; echo $COLOUR $SIZE"
    done = shop("exec", "-T", "-u", "12:34", "-w", "/etc", "-e", "COLOUR=red", "-e", "SIZE", "web", "sh", "-c", ask, env={"SIZE": "xl"})
    assert done.out.split("\n") == ["12", "34", "/etc", "red xl", ""]
    names = [shop("exec", "-T", "--index", str(number), "web", "hostname").out.strip() for number in (1, 2)]
    assert names == [ids(shop)[f"shop-web-{number}"][:12] for number in (1, 2)]
    done = shop("exec", "-T", "db", "true", code=1)
    assert done.err.splitlines() == ['composer: service "db" has no running container', "  hint: composer up -d db"]
    assert shop("exec", "-T", "wbe", "ls", code=1).err.splitlines() == ["composer: no such service: wbe", "  hint: did you mean web?"]
    assert "web" in shop("exec", "-T", "quite-another", "ls", code=1).err


def test_run_brings_up_what_the_service_needs(shop: Composer) -> None:
    """`run` waits for dependencies, opens no ports, is named and labelled as one-off; --rm takes it away; restart does not apply."""
    done = shop("run", "-T", "--rm", "-e", "SIZE=xl", "tool")
    assert done.out.startswith("default\n")
    assert "COLOUR=green\n" in done.out
    assert "SIZE=xl\n" in done.out
    assert record(shop, "shop-db-1").health == "healthy"
    assert not [name for name in ids(shop) if name.startswith("shop-tool")]

    shop("run", "-T", "tool", "exit 9", code=9)
    (name,) = [name for name in ids(shop) if name.startswith("shop-tool-run-")]
    left = record(shop, name)
    assert (left.status, left.exit_code, left.oneoff, left.publications) == ("exited", 9, True, ())
    assert left.labels["com.docker.compose.oneoff"] == "True"
    assert left.labels["com.docker.compose.service"] == "tool"
    assert left.restarts == 0


def test_run_is_part_of_a_pipe(shop: Composer) -> None:
    """Standard input comes through, its end too; stdout and stderr stay apart; --entrypoint drops the command; --name is the name."""
    done = shop("run", "-T", "--rm", "--no-deps", "--entrypoint", "wc -c", "tool", stdin="x" * 200_000)
    assert done.out == "200000\n"
    done = shop("run", "-T", "--rm", "--no-deps", "--name", "my-tool", "-u", "5", "-w", "/usr", "tool", "id -u; pwd; echo no >&2; exit 4",
                code=4)
    assert done.out == "5\n/usr\n"
    assert done.err.endswith("no\n")
    command = " ".join(shop.argv("run", "-T", "--rm", "--no-deps", "--entrypoint", "cat", "tool"))
    piped = subprocess.run(f"seq 1 20000 | {command} | tail -n 1", shell=True, cwd=shop.folder, env=shop.environment(), capture_output=True,
                           text=True, timeout=30, check=True)
    assert piped.stdout == "20000\n"


def test_run_passes_signals_on(shop: Composer) -> None:
    """Ctrl-C on `run` reaches the container's PID 1, whose exit code is the command's."""
    waiting = shop.start("run", "-T", "--rm", "--no-deps", "--name", "waiter", "tool",
                         "trap 'echo got it; exit 5' INT; echo ready; while :; do sleep 0.05; done")
    eventually(lambda: "ready" in (record(shop, "waiter").status == "running" and log_of(shop, "waiter")))
    waiting.send_signal(signal.SIGINT)
    said, _ = waiting.communicate(timeout=15)
    assert waiting.returncode == 5, said
    assert "got it" in said


def log_of(shop: Composer, name: str) -> str:
    (places,) = shop.projects()
    return places.container(record(shop, name).id).log.read_text()


def test_run_in_the_background(shop: Composer) -> None:
    """`run -d` prints the name and leaves it running; `down` is told to leave or take it."""
    name = shop("run", "-d", "--no-deps", "tool", "sleep infinity").out.strip()
    assert name.startswith("shop-tool-run-")
    assert record(shop, name).status == "running"
    assert shop("ps", "-q").out.count("\n") >= 3


def oneoffs(shop: Composer, service: str) -> list[str]:
    return [name for name in ids(shop) if name.startswith(f"shop-{service}-run-")]


def test_the_end_of_stdin_reaches_a_service_that_keeps_it_open(shop: Composer) -> None:
    """`stdin_open` and `tty` are about `up`: a pipe into `run -T` ends."""
    assert shop("run", "--rm", "-T", "open", "cat", stdin="x\n", timeout=30).out == "x\n"
    assert not oneoffs(shop, "open")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_is_deaf_to_it(shop: Composer, number: signal.Signals) -> None:
    """A PID 1 without a handler would hear none: it is killed, and with --rm removed."""
    waiting = shop.start("run", "-T", "--rm", "--no-deps", "--name", "deaf", "tool", "exec sleep infinity")
    eventually(lambda: "deaf" in ids(shop) and record(shop, "deaf").status == "running")
    waiting.send_signal(number)
    waiting.communicate(timeout=30)
    assert waiting.returncode == 128 + signal.SIGKILL
    assert "deaf" not in ids(shop)


def test_a_run_that_fails_leaves_no_container(shop: Composer) -> None:
    """With --rm, also when it could not be started."""
    before = oneoffs(shop, "tool")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        shop("run", "-T", "--rm", "--no-deps", "-p", f"127.0.0.1:{taken.getsockname()[1]}:80", "tool", "true", code=1)
        shop("run", "-T", "--rm", "--no-deps", "--entrypoint", "/nosuch", "tool", code=1)
    assert oneoffs(shop, "tool") == before


def test_down_takes_a_oneoff_that_removes_itself(composer: Composer) -> None:
    """`down --remove-orphans` and `run --rm` may both remove it: neither minds, and nothing is left."""
    composer.write("services: {a: {image: busybox, command: [sleep, infinity]}}")
    waiting = composer.start("run", "-T", "--rm", "a")
    eventually(lambda: any(record(composer, name).status == "running" for name in oneoffs(composer, "a")))
    composer("down", "--remove-orphans", "-t", "1")
    waiting.communicate(timeout=30)
    assert composer.projects() == []
