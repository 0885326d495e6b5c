"""Which mounts a service has, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from composer.errors import StorageError
from composer.host import Image, ImageConfig, RootfsRequest
from composer.model.mounts import Grant, Mount
from composer.model.service import Service
from composer.storage.layout import AnonymousVolume, GrantedFile, NetworkFile, Tmpfs, entries


def request(*, image_volumes: tuple[str, ...] = (), anonymous: tuple[tuple[str, str], ...] = (), **service: Any) -> RootfsRequest:
    return RootfsRequest("id", Service(name="web", image="i", **service), Image("i", (), (), ImageConfig(volumes=image_volumes)),
                         "web", (), {}, {}, {}, anonymous)


def targets(wanted: RootfsRequest) -> list[str]:
    return [entry.target for entry in entries(wanted)]


def test_every_container_gets_the_network_files() -> None:
    """And nothing else, when nothing else is asked for."""
    assert targets(request()) == ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"]


def test_outer_targets_come_first() -> None:
    """A mount must not hide one below it."""
    mounts = [Mount(type="bind", source="/s", target=target) for target in ("/a/b/c", "/a", "/a/b", "/")]
    found = targets(request(volumes=tuple(mounts), tmpfs=("/a/b/c/d",)))
    assert [target for target in found if not target.startswith("/etc")] == ["/", "/a", "/a/b", "/a/b/c", "/a/b/c/d"]


def test_the_users_own_file_wins() -> None:
    """A bind over /etc/hosts replaces composer's, however it is spelled."""
    own = Mount(type="bind", source="/s", target="//etc//hosts/")
    found = entries(request(volumes=(own,)))
    assert own in found
    assert not any(isinstance(entry, NetworkFile) and entry.name == "hosts" for entry in found)


def test_image_volumes_become_anonymous_ones() -> None:
    """With the name that was chosen for them, unless something is mounted there anyway."""
    found = entries(request(image_volumes=("/data/", "/cache", "/tmp"), anonymous=(("/data", "n1"),),
                            volumes=(Mount(type="volume", source="v", target="/cache"),), tmpfs=("/tmp",)))
    assert AnonymousVolume("/data", "n1") in found
    assert {entry.target: type(entry) for entry in found if not entry.target.startswith("/etc/")} == {
        "/data": AnonymousVolume, "/cache": Mount, "/tmp": Tmpfs}


def test_a_declared_anonymous_volume_keeps_its_options() -> None:
    """`- type: volume, target: /d, read_only: true`."""
    found = entries(request(volumes=(Mount(type="volume", target="/d", read_only=True, nocopy=True),), anonymous=(("/d", "n"),)))
    assert AnonymousVolume("/d", "n", read_only=True, nocopy=True) in found


def test_an_anonymous_volume_without_a_name_is_an_error() -> None:
    """The caller gives the names, so that they are in the container's record before anything is made."""
    with pytest.raises(StorageError, match="anonymous volume at /data"):
        entries(request(image_volumes=("/data",)))


def test_tmpfs_in_both_spellings() -> None:
    """`tmpfs: /run:size=64m` and `volumes: {type: tmpfs}`."""
    found = entries(request(tmpfs=("/run:size=64m,exec", "/t"),
                            volumes=(Mount(type="tmpfs", target="/m", size=1024, mode=0o700, read_only=True),)))
    assert Tmpfs("/run", ("size=64m", "exec")) in found
    assert Tmpfs("/t") in found
    assert Tmpfs("/m", ("size=1024", "mode=700", "ro")) in found


def test_secrets_and_configs_are_granted_files() -> None:
    """Each with its kind, because their keys may be the same."""
    grant = Grant(source="k", target="/run/secrets/k")
    config = Grant(source="k", target="/k")
    found = entries(request(secrets=(grant,), configs=(config,)))
    assert GrantedFile("/run/secrets/k", "secrets", grant) in found
    assert GrantedFile("/k", "configs", config) in found
