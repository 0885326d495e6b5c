"""`restart:` as the user sees it."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import pairwise

from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import keepers, kill, pid_of, record


def test_policies(composer: Composer) -> None:
    """on-failure:N gives up after N, with growing pauses; no restart without failure; always comes back from success too."""
    composer.write("""
        services:
          twice: {image: busybox, command: [sh, -c, "echo try; exit 3"], restart: "on-failure:3"}
          well: {image: busybox, command: ["true"], restart: on-failure}
          never: {image: busybox, command: ["false"]}
          always: {image: busybox, command: [sh, -c, "echo again; sleep 0.1"], restart: always}
    """)
    composer("up", "-d")
    eventually(lambda: composer("logs", "--no-log-prefix", "twice").out == "try\n" * 4)
    eventually(lambda: record(composer, "shop-twice-1").status == "exited")
    lines = composer("logs", "-t", "--no-log-prefix", "twice").out.splitlines()
    at = [datetime.fromisoformat(line.split()[0]).timestamp() for line in lines]
    pauses = [later - earlier for earlier, later in pairwise(at)]
    assert len(pauses) == 3
    assert pauses[0] >= 0.1
    assert pauses[1] >= 0.2
    assert pauses[2] >= 0.4
    eventually(lambda: record(composer, "shop-always-1").restarts >= 2)
    for name, code in (("well", 0), ("never", 1), ("twice", 3)):
        one = record(composer, f"shop-{name}-1")
        assert (one.status, one.exit_code, one.restarts) == ("exited", code, 3 if name == "twice" else 0)


def test_a_users_stop_is_final(composer: Composer) -> None:
    """`stop` wins against always and unless-stopped, also in the pause before a restart and with a new supervisor; `start` brings back."""
    composer.write("""
        services:
          always: {image: busybox, command: [sleep, infinity], restart: always}
          unless: {image: busybox, command: [sleep, infinity], restart: unless-stopped}
          looping: {image: busybox, command: ["false"], restart: always}
          other: {image: busybox, command: [sleep, infinity]}
    """)
    composer("up", "-d")
    eventually(lambda: record(composer, "shop-looping-1").restarts >= 2)
    composer("stop", "always", "unless", "looping")
    kill(keepers(composer)["supervisor"])
    restarts = {name: record(composer, f"shop-{name}-1").restarts for name in ("always", "unless", "looping")}
    composer("start", "other")  # answered by the new supervisor, which has taken over by then
    composer("restart", "other")
    for name, count in restarts.items():
        one = record(composer, f"shop-{name}-1")
        assert (one.status, one.restarts) == ("exited", count), name
    composer("start", "always")
    kill(pid_of(composer, "shop-always-1"))
    eventually(lambda: (one := record(composer, "shop-always-1")).status == "running" and one.restarts > restarts["always"])


def test_out_of_memory_is_said(composer: Composer) -> None:
    """A container that the kernel killed for its memory limit is 137, and `ps` and `up` say why."""
    composer.write("""
        services:
          hog: {image: busybox, command: [sh, -c, "x=xxxxxxxxxxxxxxxx; while :; do x=$$x$$x; done"], mem_limit: 16m}
          web: {image: busybox, command: ["true"], depends_on: {hog: {condition: service_completed_successfully}}}
    """)
    done = composer("up", "-d", code=1)
    assert "container shop-hog-1 exited (137): out of memory" in done.err
    assert "Exited (137, out of memory)" in composer("ps", "-a").out
    assert actions(composer, "hog")[-2:] == ["oom", "die"]


def test_one_of_several_processes_out_of_memory(composer: Composer) -> None:
    """When the kernel kills a process that is not PID 1, the container goes on: `events` and `ps` say it at once, its own end does not."""
    composer.write("""
        services:
          hog:
            image: busybox
            command: [sh, -c, "while [ ! -e /go ]; do usleep 20000; done; sh -c 'x=xxxxxxxx; while :; do x=$$x$$x; done'; sleep 1000"]
            mem_limit: 16m
    """)
    composer("up", "-d")
    composer.inside("hog", "touch", "/go")
    eventually(lambda: "oom" in actions(composer, "hog"))
    assert "(a process was killed for memory)" in composer("ps").out
    assert "die" not in actions(composer, "hog")


def test_a_restart_by_policy_is_a_start(composer: Composer) -> None:
    """As Docker tells it: `restart` is what the user asked for."""
    composer.write("services: {again: {image: busybox, command: [sh, -c, 'sleep 0.3; exit 5'], restart: 'on-failure:1'}}")
    composer("up", "-d")
    eventually(lambda: actions(composer, "again") == ["create", "start", "die", "start", "die"])


def test_events_of_a_restart_and_of_a_stop(composer: Composer) -> None:
    """Signals are numbers, exit codes are told, `restart` comes last."""
    composer.write("""
        services:
          web: {image: busybox, command: [sh, -c, "trap 'exit 3' TERM; while :; do sleep 0.05; done"]}
          deaf: {image: busybox, command: [sleep, infinity], stop_grace_period: 200ms}
    """)
    composer("up", "-d")
    composer("restart", "web")
    composer("stop", "deaf")
    composer("kill", "-s", "HUP", "web")
    lines = [json.loads(line) for line in composer("events", "--json", "--since", "1h", "--until", "0s").out.splitlines()]
    web = [line for line in lines if line["service"] == "web"]
    assert [line["action"] for line in web] == ["create", "start", "kill", "die", "stop", "start", "restart", "kill"]
    assert web[2]["attributes"] == {"image": "busybox", "name": "shop-web-1", "signal": "15"}
    assert web[3]["attributes"] == {"image": "busybox", "name": "shop-web-1", "exitCode": "3"}
    assert web[-1]["attributes"]["signal"] == "1"
    deaf = [(line["action"], line["attributes"].get("signal", "")) for line in lines if line["service"] == "deaf"]
    assert deaf == [("create", ""), ("start", ""), ("kill", "15"), ("kill", "9"), ("die", ""), ("stop", "")]


def actions(composer: Composer, service: str) -> list[str]:
    """What `events` tells of a service, from the beginning."""
    lines = composer("events", "--since", "1h", "--until", "0s", service).out.splitlines()
    return [line.split(" container ")[1].split(" ")[0] for line in lines]


def test_up_wait_does_not_believe_a_crash_loop(composer: Composer) -> None:
    """A service that runs for moments only is not ready: `up --wait` fails with its log; one that needed a second start is waited for."""
    composer.write("""
        services:
          looping: {image: busybox, command: [sh, -c, "echo no database; exit 1"], restart: always}
          well: {image: busybox, command: [sleep, infinity]}
    """)
    done = composer("up", "-d", "--wait", code=1)
    assert "container shop-looping-1 keeps ending: its policy has restarted it 3 times" in done.err
    assert "no database" in done.err
    assert composer("up", "-d", "--wait", "well").seconds < 10


def test_who_waits_for_its_restart_is_told_so(composer: Composer) -> None:
    """Listed without -a, as docker has it, also after the supervisor was killed amid it; not any more once it was stopped."""
    composer.write("""
        services:
          web: {image: busybox, command: ["false"], deploy: {restart_policy: {condition: on-failure, delay: 1h}}}
    """)
    composer("up", "-d", code=None)
    eventually(lambda: "Restarting (1) " in composer("ps").out)
    assert "shop-web-1" in composer("ps", "--status", "restarting").out
    assert "shop-web-1" not in composer("ps", "--status", "exited").out
    kill(keepers(composer)["supervisor"])
    eventually(lambda: "Restarting (1) " in composer("ps").out)
    composer("stop")
    assert "shop-web-1" not in composer("ps").out
    assert "Exited (1) " in composer("ps", "-a").out
