"""Real pseudo-terminals: `exec`, `run` and `attach`, raw mode, window size, detach keys; and exit codes of what cannot be run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from composer.store import Places
from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import ids, record
from tests.terminal import Terminal, on_terminal

SHELL = "PS1='ready> ' exec sh"


@pytest.fixture(scope="module")
def shop(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composer]:
    composer = Composer(tmp_path_factory.mktemp("terminal") / "shop", places)
    composer.write("""
        services:
          web: {image: busybox, command: [sleep, infinity]}
          shell: {image: busybox, command: [sh, -c, "PS1='ready> ' exec sh"], tty: true, stdin_open: true}
          echo: {image: busybox, command: [sh, -c, "while read line; do echo got $$line; done; sleep infinity"], stdin_open: true}
          counter: {image: busybox, command: [sh, -c, "trap 'echo heard; exit 6' INT; echo here; while :; do sleep 0.05; done"], scale: 0}
    """)
    composer("up", "-d")
    yield composer
    composer.clear()


def size_inside(terminal: Terminal, rows: int, columns: int) -> bool:
    """Ask the shell inside for the size of its terminal."""
    asked = len(terminal.shown)
    terminal.type("stty size\r")
    terminal.until_after(asked, "ready>")
    return f"{rows} {columns}" in terminal.shown[asked:]


def interrupted(terminal: Terminal, asked: int) -> bool:
    """Ctrl-C brings the prompt back. One that meets the shell between fork and exec of its child is lost, so it is asked again."""
    terminal.interrupt()
    return "ready>" in terminal.until_after(asked, "ready>", 2.0)


@pytest.mark.parametrize("command", [("exec", "web"), ("run", "--rm", "web")])
def test_a_terminal_is_a_terminal(shop: Composer, command: tuple[str, ...]) -> None:
    """The window's size is that inside, also when it changes; TERM is set; Ctrl-C stays inside; the settings are as before at the end."""
    with on_terminal(shop, *command, "sh", "-c", SHELL) as terminal:
        terminal.until("ready>")
        eventually(lambda: size_inside(terminal, 24, 80))
        terminal.resize(41, 97)
        eventually(lambda: size_inside(terminal, 41, 97))
        terminal.type("tty; echo is $TERM; sleep 30\r")
        terminal.until("is xterm")
        assert "/dev/pts/" in terminal.shown or "/dev/console" in terminal.shown
        asked = len(terminal.shown)
        eventually(lambda: interrupted(terminal, asked))
        assert terminal.settings() != terminal.before
        terminal.type("exit 5\r")
        assert terminal.end() == 5
        assert terminal.settings() == terminal.before


def test_without_a_terminal_there_is_none(shop: Composer) -> None:
    """-T on a terminal gives pipes; so does a command that is not on one."""
    for option in ("-T", "-iT"):
        with on_terminal(shop, "exec", option, "web", "sh", "-c", "tty; test -t 1; echo out $?") as terminal:
            assert terminal.end() == 0
            assert "/dev/pts/0" not in terminal.shown
    assert "not a tty" in shop("exec", "web", "tty", code=1).out
    assert "not a tty" in shop("run", "--rm", "web", "tty", code=1).out


def test_detach_keys_leave_it_running(shop: Composer) -> None:
    """ctrl-p ctrl-q ends `run`, not the container, whose terminal can be attached to again; a lone ctrl-p is the container's."""
    with on_terminal(shop, "run", "--name", "left", "web", "sh", "-c", SHELL) as terminal:
        terminal.until("ready>")
        terminal.type("\x10\x11")
        assert terminal.end() == 0
        assert terminal.settings() == terminal.before
    assert record(shop, "left").status == "running"


def test_attach_to_a_terminal(shop: Composer) -> None:
    """Twice one after the other; other detach keys can be chosen."""
    for keys, option in (("\x10\x11", ()), ("x\x01", ("--detach-keys", "x,ctrl-a"))):
        with on_terminal(shop, "attach", *option, "shell") as terminal:
            terminal.type("echo $((40+2))\r")
            terminal.until("42\r\n")
            terminal.type(keys)
            assert terminal.end() == 0
            assert terminal.settings() == terminal.before
    assert record(shop, "shop-shell-1").status == "running"


def test_attach_to_pipes(shop: Composer) -> None:
    """Standard input arrives and can be left open; the exit code is the container's; --sig-proxy=false ends this command alone."""
    attached = subprocess.Popen(shop.argv("attach", "--sig-proxy=false", "echo"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                cwd=shop.folder, env=shop.environment())
    assert attached.stdin is not None
    assert attached.stdout is not None
    attached.stdin.write("hello\n")
    attached.stdin.flush()
    assert attached.stdout.readline() == "got hello\n"
    attached.send_signal(2)
    assert attached.wait(10) == 130
    attached.stdin.close()
    attached.stdout.close()
    assert record(shop, "shop-echo-1").status == "running"


def test_attach_passes_signals_on(shop: Composer) -> None:
    """Ctrl-C on `attach` is the container's, whose exit code is the command's."""
    shop("up", "-d", "--scale", "counter=1", "counter")
    with on_terminal(shop, "attach", "--no-stdin", "counter") as terminal:
        eventually(lambda: is_attached(terminal.process.pid))
        terminal.interrupt()
        assert terminal.end() == 6
        assert "heard" in terminal.shown


def is_attached(pid: int) -> bool:
    """SIGUSR1 is caught: composer does so only while it is attached (Python catches SIGINT always)."""
    with open(f"/proc/{pid}/status") as file:
        caught = next(line for line in file if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> 9 & 1)


def test_exit_codes_of_what_cannot_run(shop: Composer) -> None:
    """127 for a command that is not there, 126 for one that cannot be executed, one line each; 255 of the command's own is 255."""
    gone, denied = shop("exec", "web", "no-such-thing", code=127), shop("exec", "web", "/etc/hostname", code=126)
    assert "no-such-thing" in gone.err
    assert [done.err.count("\n") <= 1 for done in (gone, denied)] == [True, True]
    assert shop("exec", "web", "sh", "-c", "exit 255", code=255).said == ""


def test_exec_in_the_background(shop: Composer) -> None:
    """-d comes back at once and the command goes on; one that is not there is 127."""
    done = shop("exec", "-d", "web", "sleep", "4321")
    assert done.seconds < 5
    assert "sleep 4321" in shop.inside("web", "ps")
    assert "no-such-thing" in shop("exec", "-d", "web", "no-such-thing", code=127).err


def test_exec_privileged(shop: Composer) -> None:
    """--privileged has capabilities that the container has not."""
    ask = ("grep", "CapEff", "/proc/self/status")
    bound, free = (int(shop("exec", *more, "web", *ask).out.split()[1], 16) for more in ((), ("--privileged",)))
    assert bound < free
    assert free >> 21 & 1  # CAP_SYS_ADMIN


def test_run_with_all_that_differs(shop: Composer) -> None:
    """-v, --env-from-file, --cap-add, --cap-drop, -p, --use-aliases, -l, -q are what they say."""
    shop.write("FROM_FILE=yes\nBOTH=file\n", name="more.env")
    shop.write("from the folder", name="data/file")
    ask = "cat /data/file; echo; touch /data/x || echo read only; echo $FROM_FILE $BOTH; grep CapBnd /proc/1/status"
    done = shop("run", "--rm", "-q", "-v", "./data:/data:ro", "--env-from-file", "more.env", "-e", "BOTH=option", "--cap-drop", "CHOWN",
                "--cap-add", "NET_ADMIN", "web", "sh", "-c", ask)
    said = done.out.splitlines()
    assert said[:3] == ["from the folder", "read only", "yes option"]
    capabilities = int(said[3].split()[1], 16)
    assert (capabilities & 1, capabilities >> 12 & 1) == (0, 1)
    assert "Container" not in done.err
    name = shop("run", "-d", "--use-aliases", "-p", "127.0.0.1:45873:80", "-l", "tint=red", "counter", "sleep", "infinity").out.strip()
    made = record(shop, name)
    assert [(one.host_ip, one.host_port, one.container_port) for one in made.publications] == [("127.0.0.1", 45873, 80)]
    assert made.labels["tint"] == "red"
    assert made.endpoints[0].address.split("/")[0] in shop.inside("web", "nslookup", "counter")
    assert "do not go together" in shop("run", "-P", "-p", "80", "web", code=1).err


def test_run_removes_orphans(shop: Composer) -> None:
    """Only with --remove-orphans."""
    whole = (shop.folder / "compose.yaml").read_text()
    shop.write(whole + "\n  stray: {image: busybox, command: [sleep, infinity]}\n")
    shop("up", "-d", "stray")
    (shop.folder / "compose.yaml").write_text(whole)
    shop("run", "--rm", "web", "true")
    assert "shop-stray-1" in ids(shop)
    shop("run", "--rm", "--remove-orphans", "web", "true")
    assert "shop-stray-1" not in ids(shop)
