"""After the machine went down: what its going down ends is ended by force, and the records are made those of another boot."""

from __future__ import annotations

import json
import socket

from composer.store import read_json, write_json
from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import ids, places_of, record
from tests.rescue import power_off


def go_down(composer: Composer) -> None:
    """Nothing that is not on a disk survives, and the kernel's boot id is another one."""
    places = places_of(composer)
    power_off(places)
    for folder in places.containers.iterdir():
        value = read_json(folder / "container.json")
        assert value is not None
        for part in (value, value["process"], value["holder"]):
            for key in ("boot", "boot_id"):
                if part and key in part:
                    part[key] = "the boot before"
        write_json(folder / "container.json", value)


def states(composer: Composer) -> dict[str, str]:
    return {row["Service"]: row["State"] for row in composer.ps()}


def test_what_is_to_come_back_does(composer: Composer) -> None:
    """By `resume --all`, dependencies first, with names, addresses, volumes and ports as they were; once."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sh, -c, "date +%s%N >> /data/starts; exec httpd -f -p 80 -h /data"]
            restart: always
            volumes: ["data:/data"]
            ports: ["127.0.0.1:45873:80"]
            depends_on: {db: {condition: service_healthy}}
          db: {image: busybox, command: [sh, -c, "sleep 0.3; exec httpd -f -p 81"], restart: unless-stopped, x-composer: {ready: {tcp: 81}}}
          once: {image: busybox, command: [sleep, infinity]}
          failing: {image: busybox, command: [sleep, infinity], restart: on-failure}
          stopped: {image: busybox, command: [sleep, infinity], restart: unless-stopped}
          halted: {image: busybox, command: [sleep, infinity], restart: always}
        volumes: {data: }
    """)
    composer("up", "-d")
    composer("stop", "-t", "0", "stopped", "halted")
    before, address = ids(composer), record(composer, "shop-web-1").endpoints
    go_down(composer)
    assert set(states(composer).values()) == {"exited"}

    done = composer("--progress", "plain", "resume", "--all")
    assert "Service db  Healthy" in done.err
    assert states(composer) == {
        "web": "running", "db": "running", "once": "exited", "failing": "running", "stopped": "exited", "halted": "running"}
    assert ids(composer) == before
    assert record(composer, "shop-web-1").endpoints == address
    assert len(composer.inside("web", "wget", "-q", "-O", "-", "http://127.0.0.1/starts").split()) == 2
    assert len(composer.inside("db", "wget", "-q", "-O", "-", "http://web/starts").split()) == 2
    assert record(composer, "shop-web-1").started_at > record(composer, "shop-db-1").started_at
    assert "Exited (255, the machine went down)" in composer("ps", "-a", "once").out

    assert composer("resume", "--all").err == "", "once is enough"
    composer("stop", "-t", "0", "web")
    composer("resume")
    assert states(composer)["web"] == "exited", "the same boot: a stop is a stop"


def test_a_taken_port_keeps_nobody_else_away(composer: Composer) -> None:
    """What cannot come back is told, with exit code 1, and tried again; the others are there."""
    composer.write("""
        services:
          web: {image: busybox, command: [sleep, infinity], restart: always, ports: ["127.0.0.1:45874:80"]}
          db: {image: busybox, command: [sleep, infinity], restart: always}
    """)
    composer("up", "-d")
    go_down(composer)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 45874))
        other.listen()
        done = composer("resume", "--all", code=1)
    assert "project shop: port 127.0.0.1:45874/tcp is taken by" in done.err
    assert states(composer) == {"web": "restarting", "db": "running"}


def test_a_project_without_such_services_gets_no_supervisor(composer: Composer) -> None:
    """Nothing is started for nobody."""
    composer.write("services: {web: {image: busybox, command: [sleep, infinity]}}")
    composer("up", "-d")
    go_down(composer)
    assert composer("resume", "--all").err == ""
    assert not places_of(composer).socket.exists()
    composer("up", "-d")
    eventually(lambda: states(composer) == {"web": "running"})
    assert json.loads(composer("ps", "--format", "json").out)["Health"] == ""
