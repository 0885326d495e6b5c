"""`composer up` on a terminal: coloured logs, Ctrl-C once and twice, exit codes."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from select import select

from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import record

#: Ends half a second after TERM, and says so.
PATIENT = "trap 'sleep 0.3; echo $$NAME leaves; exit 0' TERM; echo $$NAME here; while :; do sleep 0.05; done"


class Terminal:
    """A command whose terminal is ours: what it shows, and keys pressed."""

    def __init__(self, composer: Composer, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen(composer.argv(*arguments), stdin=slave, stdout=slave, stderr=slave, cwd=composer.folder,
                                        env=composer.environment({"TERM": "xterm-256color"}), preexec_fn=_own_terminal)
        os.close(slave)

    def until(self, text: str, timeout: float = 15.0) -> str:
        """Everything shown so far, as soon as the text is in it."""
        deadline = time.monotonic() + timeout
        while text not in self.shown:
            assert self._read(deadline - time.monotonic()), f"{text!r} did not come:\n{self.shown}"
        return self.shown

    def interrupt(self) -> None:
        os.write(self._master, b"\x03")

    def end(self, timeout: float = 15.0) -> int:
        """Wait for the end; the exit code."""
        deadline = time.monotonic() + timeout
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def _read(self, patience: float) -> bool:
        """One piece more; False at the end, or when nothing came."""
        if not select([self._master], [], [], max(0.0, patience))[0]:
            return False
        with suppress(OSError):  # EIO: nobody has the terminal open any more
            data = os.read(self._master, 1 << 16)
            self.shown += data.decode(errors="replace")
            return bool(data)
        return False


def _own_terminal() -> None:
    """Ctrl-C reaches the process group in the terminal's foreground: a session of its own (tty_ioctl(4), TIOCSCTTY)."""
    os.setsid()
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def on_terminal(composer: Composer, *arguments: str) -> Iterator[Terminal]:
    terminal = Terminal(composer, *arguments)
    try:
        yield terminal
    finally:
        terminal.close()


def test_logs_are_coloured_and_ctrl_c_stops_in_order(composer: Composer) -> None:
    """Lines carry the container's name in a colour of its own; one Ctrl-C stops dependents first; exit code 130."""
    composer.write(f"""
        services:
          web: {{image: busybox, command: [sh, -c, "{PATIENT}"], environment: {{NAME: web}}, depends_on: [database]}}
          database: {{image: busybox, command: [sh, -c, "{PATIENT}"], environment: {{NAME: database}}}}
    """)
    with on_terminal(composer, "up") as terminal:
        terminal.until("database here")
        terminal.until("web here")
        assert record(composer, "shop-web-1").status == "running"
        terminal.interrupt()
        terminal.until("press Ctrl-C again to kill")
        assert terminal.end() == 130
    lines = [line.rstrip() for line in terminal.shown.replace("\r", "\n").splitlines()]
    (web,) = [line for line in lines if line.endswith("web leaves")]
    (database,) = [line for line in lines if line.endswith("database leaves")]
    assert lines.index(web) < lines.index(database)
    colour, _, rest = database.partition("m")
    assert colour.startswith("\033[")
    assert rest.startswith("shop-database-1  | \033[0m")
    assert "shop-web-1       | \033[0m" in web
    assert web.partition("m")[0] != colour
    assert {record(composer, f"shop-{name}-1").exit_code for name in ("web", "database")} == {0}
    assert record(composer, "shop-database-1").finished_at - record(composer, "shop-web-1").finished_at > 0.2


def test_a_second_ctrl_c_kills(composer: Composer) -> None:
    """A service that ignores TERM and has a long grace period is gone at once; its exit code is 137."""
    composer.write("""
        services:
          deaf:
            image: busybox
            command: [sh, -c, "trap '' TERM; echo here; while :; do sleep 0.05; done"]
            stop_grace_period: 1m
    """)
    with on_terminal(composer, "up") as terminal:
        terminal.until("here")
        terminal.interrupt()
        terminal.until("press Ctrl-C again to kill")
        assert record(composer, "shop-deaf-1").status == "running"
        began = time.monotonic()
        terminal.interrupt()
        assert terminal.end() == 130
    assert time.monotonic() - began < 5
    assert record(composer, "shop-deaf-1").exit_code == 137


def test_attached_up_ends_with_its_containers(composer: Composer) -> None:
    """When all have ended it ends too, with 0, no line lost; without a terminal there are no colours; a failed dependency is 1."""
    composer.write("""
        services:
          one: {image: busybox, command: [sh, -c, "seq 1 500; exit 0"]}
          two: {image: busybox, command: [sh, -c, "sleep 0.3; echo two; exit 3"]}
    """)
    done = composer("up")
    ones = [line for line in done.out.splitlines() if line.startswith("shop-one-1")]
    assert ones == [f"shop-one-1  | {number}" for number in range(1, 501)]
    assert "shop-two-1  | two\n" in done.out
    assert "Container shop-two-1  Exited (code 3)" in done.err
    assert "\033" not in done.said
    composer.write("""
        services:
          one: {image: busybox, command: ["false"]}
          two: {image: busybox, command: ["true"], depends_on: {one: {condition: service_completed_successfully}}}
    """)
    composer("up", code=1)


def test_ctrl_c_before_all_is_up_stops_what_is(composer: Composer) -> None:
    """Interrupted while it waits for health, `up` gives the wait up and stops what it started; a TERM does the same."""
    composer.write("""
        services:
          db: {image: busybox, command: [sleep, infinity], healthcheck: {test: [CMD, "false"], interval: 30s}}
          web: {image: busybox, command: [sleep, infinity], depends_on: {db: {condition: service_healthy}}}
    """)
    for number in (signal.SIGINT, signal.SIGTERM):
        up = composer.start("up")
        eventually(lambda: record(composer, "shop-db-1").status == "running")
        up.send_signal(number)
        said, _ = up.communicate(timeout=15)
        assert up.returncode == 130, said
        assert record(composer, "shop-db-1").status == "exited"
        assert record(composer, "shop-web-1").started_at == 0
