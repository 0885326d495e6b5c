"""Stopping: who can hear the signal ends in its own way, who cannot is not waited for."""

from __future__ import annotations

import os
import time

import pytest

from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import record

#: The host's programs, in a container.
PROGRAMS = [f"{folder}:{folder}:ro" for folder in ("/usr", "/lib", "/lib64") if os.path.isdir(folder)]
SIGWAIT = ("import signal, sys, time; signal.pthread_sigmask(signal.SIG_BLOCK, {15}); print('ready', flush=True); "
           "signal.sigwait({15}); time.sleep(0.3); sys.exit(5)")
#: Node without a handler of the user's: caught until the signal comes, then no more; it lives on as PID 1.
NODE = ("import signal, time; signal.signal(15, lambda *_: signal.signal(15, signal.SIG_DFL)); print('ready', flush=True)\n"
        "while True: time.sleep(1)")
TRAP = "trap 'usleep 300000; exit 4' TERM; echo ready; while :; do usleep 20000; done"

SERVICES = f"""
    x-host: &host
      image: busybox
      volumes: {PROGRAMS}
    services:
      tini: {{<<: *host, command: [/usr/bin/tini, --, sh, -c, "{TRAP}"]}}
      dumb: {{<<: *host, command: [/usr/bin/dumb-init, --, sh, -c, "{TRAP}"]}}
      catatonit: {{<<: *host, command: [/usr/bin/catatonit, --, sh, -c, "{TRAP}"]}}
      init: {{image: busybox, init: true, command: [sh, -c, "{TRAP}"]}}
      sigwait: {{<<: *host, command: [/usr/bin/python3, -c, "{SIGWAIT}"]}}
      job: {{image: busybox, command: [sh, -c, "trap 'exit 6' TERM; echo ready; while :; do sleep 2; done"]}}
      signal: {{image: busybox, stop_signal: SIGUSR1, command: [sh, -c, "trap 'exit 7' USR1; echo ready; while :; do usleep 20000; done"]}}
      sleeper: {{image: busybox, command: [sh, -c, "echo ready; exec sleep infinity"]}}
      patient: {{image: busybox, stop_grace_period: 1500ms, command: [sh, -c, "echo ready; exec sleep infinity"]}}
"""
MISSING = [program for program in ("tini", "dumb-init", "catatonit", "python3") if not os.path.exists(f"/usr/bin/{program}")]


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
def test_everybody_ends_in_its_own_way(composer: Composer) -> None:
    """tini, dumb-init, catatonit, init, sigwait and a shell with a job end by themselves; sleep at once; a period is kept."""
    composer.write(SERVICES)
    composer("up", "-d")
    count = len(composer.ps())
    eventually(lambda: composer("logs", "--no-log-prefix").out.count("ready\n") == count)
    began = time.time()
    composer("stop")
    ends = {one: record(composer, f"shop-{one}-1") for one in
            ("tini", "dumb", "catatonit", "init", "sigwait", "job", "signal", "sleeper", "patient")}
    codes = {name: one.exit_code for name, one in ends.items()}
    assert codes == {"tini": 4, "dumb": 4, "catatonit": 4, "init": 4, "sigwait": 5, "job": 6, "signal": 7, "sleeper": 137, "patient": 137}
    after = {name: one.finished_at - began for name, one in ends.items()}
    assert after["patient"] > 1.5
    assert after["sleeper"] < 1.5
    assert max(after.values()) < 6, after


@pytest.mark.skipif(not os.path.exists("/usr/bin/python3"), reason="not installed: python3")
def test_node_without_a_handler_is_not_waited_for(composer: Composer) -> None:
    """It forgets its handler as soon as it runs after the signal, which a busy machine puts off: in one of three."""
    composer.write(f"services: {{node: {{image: busybox, volumes: {PROGRAMS}, command: [/usr/bin/python3, -c, {NODE!r}]}}}}")

    def time_to_end() -> float:
        composer("up", "-d")
        eventually(lambda: "ready\n" in composer("logs", "--no-log-prefix", "--tail", "1").out)
        began = time.time()
        composer("down")
        return time.time() - began

    assert any(time_to_end() < 9 for _ in range(3))


def test_a_job_that_others_wait_for_is_given_its_time(composer: Composer) -> None:
    """Nobody kills a one-shot early, deaf as it is, while its dependents wait for its completion."""
    composer.write("""
        services:
          job: {image: busybox, command: [sleep, "1.2"]}
          web: {image: busybox, command: [sleep, infinity], depends_on: {job: {condition: service_completed_successfully}}}
    """)
    up = composer.start("up", "-d")
    eventually(lambda: record(composer, "shop-job-1").status == "running")
    composer("stop", "job")
    up.communicate(timeout=15)
    assert record(composer, "shop-job-1").exit_code == 0
