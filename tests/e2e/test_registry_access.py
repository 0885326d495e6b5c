"""Ways to a registry: TLS and plain, an engine's own store, credentials in every file and program of the one who called sudo."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.command_line import Composer
from tests.dockerd import PROGRAM as DOCKERD
from tests.dockerd import dockerd
from tests.images import forget, publish, write
from tests.machine import Machine
from tests.network_world import HOST
from tests.registry import PASSWORD, PROGRAM, USER, Registry, auth_file, registry

pytestmark = pytest.mark.skipif(not PROGRAM, reason="needs docker-registry")
UID = "1234"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("locked") / "registry", locked=True) as made:
        yield made


def made_for(composer: Composer, place: Registry, name: str) -> str:
    """An image in the local store, with the registry's name."""
    image = f"{place.address}/{name}"
    build = json.dumps({"dockerfile_inline": "FROM busybox\nRUN echo first > /text\n"})
    composer.write(f"services: {{web: {{image: '{image}', build: {build}}}}}")
    composer("build")
    return image


def entering(machine: Machine) -> Callable[..., list[str]]:
    return lambda *command: ["nsenter", f"--target={machine.pid}", "--net", *command]


def trust(composer: Composer, folder: Path, text: str, name: str) -> None:
    """A file of /etc/containers, in the machine's mount namespace only."""
    upper, work = folder / "etc-upper", folder / "etc-work"
    (upper / name).parent.mkdir(parents=True)
    (upper / name).write_text(text)
    work.mkdir()
    command = f"mount -t overlay overlay -o lowerdir=/etc/containers,upperdir={upper},workdir={work} /etc/containers"
    subprocess.run([*composer.entering, "sh", "-ec", command], check=True)


def test_a_certificate_of_an_unknown_authority_is_refused_until_it_is_trusted(machine: Machine, tmp_path: Path) -> None:
    """Not on loopback, where anything goes as with Docker; the hint names the folder that makes it good."""
    shop = machine.project()
    with registry(tmp_path / "registry", host=HOST, secure=True, locked=True, entering=entering(machine)) as place:
        image = made_for(shop, place, "sealed:1")
        access = {"REGISTRY_AUTH_FILE": write(shop, "opens.json", place.auths)}
        refused = shop("push", env=access, code=1)
        assert "certificate" in refused.err
        assert f"hint: put the registry's certificate into /etc/containers/certs.d/{place.address}/" in refused.err
        trust(shop, tmp_path, (tmp_path / "registry/ca.crt").read_text(), f"certs.d/{place.address}/ca.crt")
        assert f"Image {image}  Pushed" in shop("push", env=access).err
        forget(shop, image)
        shop.write(f"services: {{web: {{image: '{image}', command: [sleep, infinity]}}}}")
        assert "  Pulled  " in shop("up", "-d", env=access).err
        assert shop.inside("web", "cat", "/text") == "first\n"


def test_plain_http_elsewhere_has_to_be_allowed(machine: Machine, tmp_path: Path) -> None:
    """By `insecure` in the caller's registries.conf."""
    shop = machine.project()
    with registry(tmp_path / "registry", host=HOST, entering=entering(machine)) as place:
        image = made_for(shop, place, "plain:1")
        refused = shop("push", code=1)
        assert f"hint: the registry speaks plain HTTP: set insecure = true for {place.address} in registries.conf" in refused.err
        allowed = write(shop, "registries.conf", f'[[registry]]\nlocation = "{place.address}"\ninsecure = true\n')
        assert f"Image {image}  Pushed" in shop("push", env={"CONTAINERS_REGISTRIES_CONF": allowed}).err


@pytest.mark.skipif(not DOCKERD, reason="needs docker.io (make bench-others)")
def test_an_image_that_only_a_docker_engine_has(composer: Composer, tmp_path: Path) -> None:
    """No option is needed; the engine is the one that DOCKER_HOST names. docker compose's users have such images."""
    image = "127.0.0.1:1/me/app:1"
    composer.write(f"""
        services: {{web: {{image: '{image}', build: {{dockerfile_inline: "FROM busybox\\nRUN echo docker > /text\\nEXPOSE 80"}}}}}}
    """)
    composer("build")
    with dockerd(tmp_path / "engine") as engine:
        engine.give(composer.places, image)
        forget(composer, image)
        composer.write(f"services: {{web: {{image: '{image}', command: [sleep, infinity]}}}}")
        assert "connection refused" in composer("up", "-d", code=1).err
        assert "  Pulled  " in composer("up", "-d", env={"DOCKER_HOST": engine.host}).err
    assert composer.inside("web", "cat", "/text") == "docker\n"
    assert "  Pulled  " not in composer("up", "-d").err


@pytest.fixture
def caller(composer: Composer, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a command that a user of the machine called by sudo; their home is `tmp_path`/home."""
    home, passwd = tmp_path / "home", tmp_path / "passwd"
    passwd.write_text(f"{Path('/etc/passwd').read_text()}{USER}:x:{UID}:{UID}::{home}:/bin/sh\n")
    home.mkdir()
    composer.entering = ("unshare", "--mount", "sh", "-ec", f'mount --bind {passwd} /etc/passwd; exec "$@"', "sh")
    yield {"SUDO_USER": USER, "SUDO_UID": UID, "SUDO_GID": UID, "HOME": str(tmp_path / "home-of-root")}
    composer.entering = ()


def test_the_callers_own_wins_over_roots(composer: Composer, locked: Registry, caller: dict[str, str], tmp_path: Path) -> None:
    """Root may have an old password for the same registry; one that only root has is used all the same."""
    publish(composer, locked, "both:1")
    roots = tmp_path / "home-of-root/.docker/config.json"
    roots.parent.mkdir(parents=True)
    roots.write_text(auth_file(locked.address, PASSWORD))
    assert "  Pulled  " in composer("pull", env=caller).err
    own = tmp_path / "home/.config/containers/auth.json"
    own.parent.mkdir(parents=True)
    own.write_text(auth_file(locked.address, "wrong"))
    assert "unauthorized" in composer("pull", env=caller, code=1).err
    own.write_text(auth_file(locked.address, PASSWORD))
    roots.unlink()
    assert "  Pulled  " in composer("pull", env=caller).err


@pytest.mark.parametrize("key", ["credHelpers", "credsStore"])
def test_the_callers_credential_program_runs_as_the_caller(composer: Composer, locked: Registry, caller: dict[str, str], tmp_path: Path,
                                                           key: str) -> None:
    """It finds the caller's keys, and has no more rights than the caller has."""
    publish(composer, locked, f"{key.lower()}:1")
    for folder in [tmp_path, *tmp_path.parents][:3]:
        folder.chmod(0o755)
    program, seen = tmp_path / "home/bin/docker-credential-shelf", tmp_path / "seen"
    seen.touch()
    seen.chmod(0o666)
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nread registry\necho "$(id -u) $HOME $1" >> {seen}\n[ "$registry" = {locked.address} ] || exit 1\n'
                       f'echo \'{{"Username": "{USER}", "Secret": "{PASSWORD}"}}\'\n')
    program.chmod(0o755)
    (tmp_path / "home/.docker").mkdir()
    (tmp_path / "home/.docker/config.json").write_text(json.dumps({key: {locked.address: "shelf"} if key == "credHelpers" else "shelf"}))
    env = {**caller, "PATH": f"{program.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    assert "  Pulled  " in composer("pull", env=env).err
    assert set(seen.read_text().splitlines()) == {f"{UID} {tmp_path}/home get"}
