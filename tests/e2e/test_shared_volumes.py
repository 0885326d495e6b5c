"""Volumes that projects share, and what the driver `local` mounts."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.command_line import Composer

Projects = Callable[..., Composer]

IDLE = """
    x-idle: &idle {image: busybox, command: [sleep, infinity], stop_grace_period: 0s}
"""


def test_an_external_volume_is_used_and_never_removed(project: Projects) -> None:
    """Made by `composer volume create`, written by one project, read by another; `down -v` of both leaves it, `volume rm` takes it."""
    one, two = project("one"), project("two")
    for composer in (one, two):
        composer.write(IDLE + """
    services: {web: {<<: *idle, volumes: ["data:/data"]}}
    volumes: {data: {external: true, name: common}}
    """)
    missing = one("up", "-d", code=1)
    assert "volumes.data: external volume common does not exist" in missing.err
    assert "compose.yaml, line 5" in missing.err
    assert "hint: composer volume create common" in missing.err
    assert one("volume", "create", "--label", "a=b", "common").out == "common\n"
    try:
        one("up", "-d")
        two("up", "-d")
        one.inside("web", "sh", "-c", "echo kept > /data/file")
        assert two.inside("web", "cat", "/data/file") == "kept\n"
        assert "in use by one-web-1, two-web-1" in one("volume", "rm", "common", code=1).err
        one("down", "-v")
        two("down", "-v")
        [shown] = json.loads(one("volume", "inspect", "common").out)
        assert (shown["Name"], shown["Driver"], shown["Labels"], shown["Scope"]) == ("common", "local", {"a": "b"}, "local")
        two("up", "-d")
        assert two.inside("web", "cat", "/data/file") == "kept\n"
        two("down")
        assert one("volume", "ls", "-q", "--filter", "dangling=true").out.split() == ["common"]
    finally:
        for composer in (one, two):
            composer.clear()
        one("volume", "rm", "-f", "common")
    assert one("volume", "ls", "-q").out == ""


def test_a_volume_of_another_project(project: Projects) -> None:
    """By its full name; its own project's `down -v` leaves it as long as the other one mounts it."""
    owner, reader = project("owner"), project("reader")
    owner.write(IDLE + "    services: {db: {<<: *idle, volumes: ['data:/data']}}\n    volumes: {data: {}}")
    reader.write(IDLE + """
    services: {backup: {<<: *idle, volumes: ["data:/data:ro"]}}
    volumes: {data: {external: true, name: owner_data}}
    """)
    owner("up", "-d")
    owner.inside("db", "sh", "-c", "echo rows > /data/file")
    reader("up", "-d")
    assert reader.inside("backup", "cat", "/data/file") == "rows\n"
    assert "stays" in owner("down", "-v", code=None).err
    assert reader.inside("backup", "cat", "/data/file") == "rows\n"
    reader("down", "-v")
    assert "owner_data" in owner("volume", "ls").out
    owner("volume", "rm", "owner_data")
    assert not owner.projects()


def test_what_the_local_driver_mounts(composer: Composer) -> None:
    """A tmpfs with its options, and a bound folder; an unknown file system is refused in words."""
    (composer.folder / "there").mkdir()
    (composer.folder / "there/file").write_text("bound\n")
    file = IDLE + """
    services: {web: {<<: *idle, volumes: ["ram:/ram", "disk:/disk"]}}
    volumes:
      ram: {driver_opts: {type: %s, device: tmpfs, o: "size=3m,uid=7,noexec"}}
      disk: {driver: local, driver_opts: {type: none, o: bind, device: %s/there}}
    """
    composer.write(file % ("tmpfs", composer.folder))
    composer("up", "-d")
    mounted = next(line for line in composer.inside("web", "cat", "/proc/mounts").splitlines() if " /ram " in line)
    assert mounted.startswith("tmpfs /ram tmpfs")
    assert {"size=3072k", "uid=7", "noexec"} <= set(mounted.split()[3].split(","))
    assert composer.inside("web", "cat", "/disk/file") == "bound\n"
    composer("down", "-v")
    composer.write(file % ("no-such-fs", composer.folder))
    refused = composer("up", "-d", code=1)
    assert "volumes.ram.driver_opts: mount -t no-such-fs tmpfs" in refused.err
