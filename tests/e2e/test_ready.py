"""`x-composer.ready`: health without anything in the image. All intervals are 30 s, so that only what the kernel shows can be in time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import keepers, kill, pid_of, record

WEB = 'httpd -f -p 8080 -h /tmp'
PAGE = "echo fine > /tmp/health"


def wait_for(composer: Composer, ready: str, command: str, more: str = "") -> None:
    """`up` a service, and another one that waits for its health."""
    composer.write(f"""
        services:
          web:
            image: busybox
            command: [sh, -c, '{command}']
            {more}
            x-composer: {{ready: {{{ready}}}}}
          client: {{image: busybox, command: [sleep, infinity], depends_on: {{web: {{condition: service_healthy}}}}}}
    """)
    done = composer("up", "-d")
    assert done.seconds < 10, "a regular tick would have come after 30 s"


@pytest.mark.parametrize(("ready", "command"), [
    ("http: {port: 8080, path: /health}", f"sleep 0.6; {PAGE}; touch /tmp/now; exec {WEB}"),
    ('http: "http://localhost:8080/health"', f"sleep 0.6; {PAGE}; touch /tmp/now; exec httpd -f -p 127.0.0.1:8080 -h /tmp"),
    ("http: {port: 8080, path: /none, status: 404, headers: {X-Asked: yes}}", f"sleep 0.6; touch /tmp/now; exec {WEB}"),
    ("tcp: 8080", f"sleep 0.6; touch /tmp/now; exec {WEB}"),
    ("tcp: {port: 8080, host: localhost}", f"sleep 0.6; touch /tmp/now; exec {WEB}"),
    ("file: /run/made/later/ready",
     "mkdir -p /run/made; sleep 0.6; mkdir /run/made/later; touch /tmp/now /run/made/later/ready; exec sleep infinity"),
    ("file: /data/linked", "ln -s /etc/there /data/linked; sleep 0.6; touch /tmp/now /etc/there; exec sleep infinity"),
    ('log: "ready in [0-9]+ ms"', 'echo starting; sleep 0.6; touch /tmp/now; echo "12:00 ready in 5 ms" >&2; exec sleep infinity'),
])
def test_ready_when_ready(composer: Composer, ready: str, command: str) -> None:
    """Whatever is asked, the service is healthy soon after it is so, and never before."""
    wait_for(composer, ready, command, 'volumes: ["/data"]')
    assert composer.ps("web")[0]["Health"] == "healthy"
    now = float(composer.inside("web", "stat", "-c", "%Y", "/tmp/now"))
    assert record(composer, "shop-client-1").started_at >= now
    assert record(composer, "shop-client-1").started_at - record(composer, "shop-web-1").started_at >= 0.6
    assert "sleep" in composer.inside("web", "ps") or "httpd" in composer.inside("web", "ps"), "the probe has not ended it"


def test_a_unix_socket(composer: Composer) -> None:
    """A socket file is enough only when somebody takes connections at it."""
    composer.write("""
        import os, socket, time
        time.sleep(0.3)
        folder = "/sockets/" + "deep" * 40
        os.makedirs(folder)
        one = socket.socket(socket.AF_UNIX)
        os.chdir(folder)
        one.bind("app.sock")
        time.sleep(0.6)
        open("/sockets/now", "w").close()
        one.listen()
        time.sleep(1000)
    """, name="server.py")
    server = composer.folder / "server.py"
    composer.write(f"""
        services:
          web:
            image: busybox
            command: [sleep, infinity]
            volumes: ["./sockets:/sockets"]
            x-composer: {{ready: {{unix: "/sockets/{'deep' * 40}/app.sock"}}}}
    """)
    text = server.read_text().replace("/sockets", str(composer.folder / "sockets"))
    (composer.folder / "sockets").mkdir()
    helper = subprocess.Popen([sys.executable, "-c", text])
    try:
        done = composer("up", "-d", "--wait")
        assert done.seconds < 10
        assert record(composer, "shop-web-1").health == "healthy"
        assert (composer.folder / "sockets/now").exists()
    finally:
        helper.kill()
        helper.wait()


def test_it_goes_before_a_healthcheck(composer: Composer) -> None:
    """With both, `ready` decides and the test is not run: one file serves docker compose, too."""
    wait_for(composer, "tcp: 8080", f"exec {WEB}", 'healthcheck: {test: [CMD, touch, /tmp/probed], interval: 50ms}')
    assert "probed" not in composer.inside("web", "ls", "/tmp")


def test_it_says_why_not(composer: Composer) -> None:
    """The last answer is in the error of who waits for it, here of a server that others cannot reach."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [httpd, -f, -p, "127.0.0.1:8080"]
            x-composer: {ready: {tcp: 8080, interval: 100ms, retries: 2}}
          client: {image: busybox, command: [sleep, infinity], depends_on: {web: {condition: service_healthy}}}
    """)
    done = composer("up", "-d", code=1)
    assert "container shop-web-1 is unhealthy" in done.err
    assert ":8080: Connection refused; others cannot reach a server on a loopback address" in done.err


def test_regular_ticks_and_a_new_supervisor(composer: Composer) -> None:
    """What vanishes makes it unhealthy, what comes back healthy; a supervisor that takes over goes on asking."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sh, -c, "touch /tmp/ready; exec sleep infinity"]
            x-composer: {ready: {file: /tmp/ready, interval: 100ms, retries: 2}}
          log: {image: busybox, command: [sh, -c, "echo up; exec sleep infinity"], x-composer: {ready: {log: ^up$, interval: 100ms}}}
    """)
    composer("up", "-d", "--wait")
    composer.inside("web", "rm", "/tmp/ready")
    eventually(lambda: record(composer, "shop-web-1").health == "unhealthy")
    kill(keepers(composer)["supervisor"])
    composer.inside("web", "touch", "/tmp/ready")
    eventually(lambda: record(composer, "shop-web-1").health == "healthy")
    assert record(composer, "shop-log-1").health == "healthy"


def test_an_unhealthy_service_is_restarted_on_request(composer: Composer) -> None:
    """`restart_on_unhealthy` stops it by its own signal and starts it again, whatever `restart` says; a user's stop is final."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sh, -c, "trap 'echo bye; exit 0' TERM; touch /tmp/ready; while :; do sleep 0.05; done"]
            x-composer: {ready: {file: /tmp/ready, interval: 100ms, retries: 2}, restart_on_unhealthy: true}
          left: {image: busybox, command: [sleep, infinity], x-composer: {ready: {file: /nowhere, interval: 50ms, retries: 1}}}
    """)
    composer("up", "-d")
    eventually(lambda: record(composer, "shop-web-1").health == "healthy")
    first = pid_of(composer, "shop-web-1")
    composer.inside("web", "rm", "/tmp/ready")
    again = eventually(lambda: (one := record(composer, "shop-web-1")).restarts == 1 and one.status == "running" and one)
    assert again.process is not None and again.process.pid != first
    assert composer("logs", "--no-log-prefix", "web").out == "bye\n"
    eventually(lambda: record(composer, "shop-web-1").health == "healthy")
    left = record(composer, "shop-left-1")
    assert (left.health, left.restarts) == ("unhealthy", 0)
    said = composer("events", "--since", "1h", "--until", "0s", "web").out
    actions = [line.split(" container ")[1].split(" ")[0] for line in said.splitlines()]
    assert actions[-6:] == ["health_status:", "kill", "die", "stop", "start", "health_status:"]
    assert "reason=unhealthy" in said
    composer("stop", "web")
    assert (record(composer, "shop-web-1").status, record(composer, "shop-web-1").error) == ("exited", "")
