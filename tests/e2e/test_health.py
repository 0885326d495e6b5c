"""Health: ready when ready, and never before."""

from __future__ import annotations

import time

from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import record


def test_a_listener_makes_a_service_healthy_long_before_its_interval(composer: Composer) -> None:
    """With `interval: 30s` the container is healthy as soon as it listens and answers; health starts from `starting` at each start."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sh, -c, "sleep 0.6; echo serving; exec httpd -f -p 8080 -h /etc"]
            expose: ["8080"]
            healthcheck: {test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1:8080/passwd"], interval: 30s}
          client: {image: busybox, command: [sleep, infinity], depends_on: {web: {condition: service_healthy}}}
    """)
    done = composer("up", "-d")
    assert 0.6 < done.seconds < 6
    assert composer.ps("web")[0]["Health"] == "healthy"
    assert "(healthy)" in composer("ps").out
    first = record(composer, "shop-web-1").started_at

    composer("restart", "web")
    again = record(composer, "shop-web-1")
    assert again.started_at > first
    assert again.health == "starting", "it has only just begun, and sleeps before it listens"
    eventually(lambda: record(composer, "shop-web-1").health == "healthy")
    assert composer("logs", "--no-log-prefix", "web").out == "serving\nserving\n"
    composer("stop", "web")
    assert composer.ps("web")[0]["Health"] == ""


def test_a_temporary_server_is_not_the_service(composer: Composer) -> None:
    """An entrypoint that first runs a server on the loopback address, as database images do, and then becomes the real one by
    `exec`: the probe is answered all the time, and healthy is only the real one."""
    composer.write("""
        httpd -f -p 127.0.0.1:8080 -h /etc &
        until wget -q -O /out/answered http://127.0.0.1:8080/hostname; do usleep 20000; done
        sleep 0.6
        touch /out/temporary-ends
        kill $!
        wait
        exec httpd -f -p 8080 -h /etc
    """, name="entrypoint.sh")
    composer.write("""
        services:
          db:
            image: busybox
            entrypoint: [sh, /entrypoint.sh]
            expose: ["8080"]
            volumes: ["./entrypoint.sh:/entrypoint.sh:ro", "./out:/out"]
            healthcheck:
              test: [CMD-SHELL, "wget -q -O /dev/null http://127.0.0.1:8080/hostname && mktemp /out/probed-XXXXXX"]
              interval: 20s
          web: {image: busybox, command: [sleep, infinity], depends_on: {db: {condition: service_healthy}}}
    """)
    composer("up", "-d")
    ends = (composer.folder / "out/temporary-ends").stat().st_mtime
    assert (composer.folder / "out/answered").read_text(), "the temporary server does not answer: this would prove nothing"
    probed = [path.stat().st_mtime for path in (composer.folder / "out").glob("probed-*")]
    assert min(probed) > ends
    assert record(composer, "shop-web-1").started_at > min(probed)


def test_eager_false_waits_for_the_interval(composer: Composer) -> None:
    """With `x-composer.eager: false` the first probe is Docker's, one interval after the start."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sleep, infinity]
            healthcheck: {test: [CMD, mktemp, /out/probed-XXXXXX], interval: 1s}
            volumes: ["./out:/out"]
            x-composer: {eager: false}
    """)
    composer("up", "--wait")
    probed = min(path.stat().st_mtime for path in (composer.folder / "out").glob("probed-*"))
    assert probed - record(composer, "shop-web-1").started_at >= 0.95


def test_a_sick_service_is_unhealthy_and_may_recover(composer: Composer) -> None:
    """After `retries` failures in a row it is unhealthy, one success makes it healthy again; a probe over its time is killed whole."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sleep, infinity]
            healthcheck: {test: [CMD-SHELL, "test -e /well || sleep 54321"], interval: 50ms, timeout: 150ms, retries: 2}
    """)
    composer("up", "-d")
    eventually(lambda: record(composer, "shop-web-1").health == "unhealthy")
    began = time.monotonic()
    composer.inside("web", "touch", "/well")
    eventually(lambda: record(composer, "shop-web-1").health == "healthy")
    assert time.monotonic() - began < 5
    assert "54321" not in composer.inside("web", "ps")
