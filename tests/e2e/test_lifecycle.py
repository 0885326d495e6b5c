"""`stop`, `start`, `restart`, `down`: what stays and what goes."""

from __future__ import annotations

from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import ids, is_alive, keepers, pid_of, places_of, record, traces

TWO = """
    services:
      web: {image: busybox, command: [sleep, infinity], depends_on: [db], ports: ["127.0.0.1:45871:80"]}
      db: {image: busybox, command: [sh, -c, "echo begun; exec sleep infinity"], volumes: ["data:/data"]}
    volumes: {data: {}}
"""


def test_stop_start_restart_keep_the_containers(composer: Composer) -> None:
    """Containers, files and addresses stay, processes are new, dependencies start first; a stopped project starts by `up` too."""
    composer.write(TWO)
    composer("up", "-d")
    made, addresses = ids(composer), [end.address for end in record(composer, "shop-web-1").endpoints]
    composer.inside("web", "sh", "-c", "echo mine > /note")
    pid = pid_of(composer, "shop-web-1")

    composer("restart", "web")
    assert pid_of(composer, "shop-web-1") != pid
    assert composer.inside("web", "cat", "/note") == "mine\n"

    composer("stop", "web")
    assert {row["Name"]: row["State"] for row in composer.ps()} == {"shop-web-1": "exited", "shop-db-1": "running"}
    composer("stop")
    assert not [row for row in composer.ps() if row["State"] == "running"]
    composer("start")
    web, db = record(composer, "shop-web-1"), record(composer, "shop-db-1")
    assert (web.status, db.status) == ("running", "running")
    assert db.started_at < web.started_at
    assert [end.address for end in web.endpoints] == addresses
    assert composer("logs", "--no-log-prefix", "db").out == "begun\nbegun\n"

    composer("stop")
    composer("up", "-d")
    assert ids(composer) == made
    assert composer.inside("web", "cat", "/note") == "mine\n"
    composer("stop", "nobody", code=1)


def test_down_leaves_the_volumes_and_nothing_else(composer: Composer) -> None:
    """Links, rules, groups, mounts, processes and folders are gone; data stays until `down -v`, which asks for nothing twice."""
    composer.write(TWO)
    composer("up", "-d")
    assert len(traces(composer)) > 5, "nothing was made: this test would prove nothing"
    composer.inside("db", "sh", "-c", "echo kept > /data/note")
    places, processes = places_of(composer), [*keepers(composer).values(), pid_of(composer, "shop-db-1")]
    done = composer("down")
    assert "Volume" not in done.err
    eventually(lambda: not any(map(is_alive, processes)), timeout=2)  # the supervisor says goodbye, and then it ends
    assert not places.run.exists()
    assert {path.name for path in places.state.iterdir()} <= {"volumes", "supervisor.log"}
    eventually(lambda: traces(composer) == [str(places.state)], timeout=2)

    composer("up", "-d")
    assert composer.inside("db", "cat", "/data/note") == "kept\n"
    assert "Volume shop_data  Removed" in composer("down", "-v").err
    eventually(lambda: traces(composer) == [], timeout=2)
    assert "nothing to remove" in composer("down", "-v").err


def test_down_of_some_and_of_orphans(composer: Composer) -> None:
    """`down SERVICE` takes its dependents along and leaves the rest; orphans go when asked for; -t shortens the grace period."""
    composer.write("""
        services:
          web: {image: busybox, command: [sleep, infinity], depends_on: [app]}
          app: {image: busybox, command: [sleep, infinity], depends_on: [db]}
          db: {image: busybox, command: [sleep, infinity]}
          deaf: {image: busybox, command: [sh, -c, "trap '' TERM; while :; do sleep 0.05; done"]}
    """)
    composer("up", "-d")
    composer("down", "app")
    assert ids(composer).keys() == {"shop-db-1", "shop-deaf-1"}
    assert record(composer, "shop-db-1").status == "running"

    composer.write("services: {db: {image: busybox, command: [sleep, infinity]}}")
    done = composer("down")
    assert "shop-deaf-1" in done.err
    assert ids(composer).keys() == {"shop-deaf-1"}
    done = composer("down", "--remove-orphans", "-t", "0.3")
    assert 0.3 < done.seconds < 5
    assert composer.projects() == []


def test_down_without_a_file_by_the_name(composer: Composer) -> None:
    """When the compose file is gone, `-p NAME` is enough to take the project away."""
    composer.write(TWO).rename(composer.folder / "saved.yaml")
    composer("-f", "saved.yaml", "up", "-d")
    (composer.folder / "saved.yaml").unlink()
    composer("-p", "shop", "down", "-v")
    eventually(lambda: composer.projects() == [])
