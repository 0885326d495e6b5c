"""Images by digest: what `config` finds out about names, and containers of exactly that image."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.command_line import Composer
from tests.differential import reference
from tests.dockerd import PROGRAM as DOCKERD
from tests.dockerd import dockerd
from tests.images import forget, publish, write
from tests.registry import PROGRAM, Registry, registry

pytestmark = pytest.mark.skipif(not PROGRAM, reason="needs docker-registry")


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("free") / "registry") as made:
        yield made


def digest(image: str) -> str:
    """By the registry's own answer."""
    question = ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", f"docker://{image}"]
    return subprocess.run(question, capture_output=True, text=True, check=True).stdout.strip()


def test_config_writes_digests_behind_names(composer: Composer, free: Registry) -> None:
    """`--resolve-image-digests` keeps all the rest; `--lock-image-digests` is a file to put over the others; an unnamed build has none."""
    image = publish(composer, free, "pinned:1")
    composer.write(f"services: {{web: {{image: '{image}', environment: {{A: b}}}}, own: {{build: .}}}}")
    pinned = f"{image}@{digest(image)}"
    plain = yaml.safe_load(composer("config").out)
    resolved = yaml.safe_load(composer("config", "--resolve-image-digests").out)
    assert resolved["services"]["web"].pop("image") == pinned
    assert plain["services"]["web"].pop("image") == image
    assert resolved == plain
    locked = composer("config", "--lock-image-digests").out
    assert yaml.safe_load(locked) == {"services": {"web": {"image": pinned}, "own": {}}}
    composer.write(locked, name="lock.yaml")
    assert pinned in composer("-f", "compose.yaml", "-f", "lock.yaml", "config", "--images").out.splitlines()


def test_an_image_already_pinned_is_not_asked_about(composer: Composer) -> None:
    """The digest wins over the tag, and no registry has to be reached."""
    pinned = f"127.0.0.1:1/app:1@sha256:{'ab' * 32}"
    composer.write(f"services: {{web: {{image: '{pinned}'}}}}")
    locked = json.loads(composer("config", "--lock-image-digests", "--format", "json").out)
    assert locked["services"]["web"]["image"] == pinned.replace(":1@", "@")


def test_a_name_that_nobody_knows_has_no_digest(composer: Composer, free: Registry) -> None:
    """One error, with what can be done."""
    composer.write(f"services: {{web: {{image: '{free.address}/nothing:1'}}}}")
    done = composer("config", "--lock-image-digests", code=1)
    assert done.out == ""
    assert f"composer: failed to resolve digest for {free.address}/nothing:1: " in done.err
    assert "hint: check the name" in done.err


def test_a_container_of_a_digest_runs_that_image_whatever_the_tag_says_now(composer: Composer, free: Registry) -> None:
    """It is pulled by its digest, and `images` shows the digest's repository; the name with a tag is another image by now."""
    image = publish(composer, free, "moved:1", "first")
    pinned = f"{free.address}/moved@{digest(image)}"
    assert publish(composer, free, "moved:1", "second") == image
    composer.write(f"services: {{web: {{image: '{pinned}', command: [sleep, infinity]}}}}")
    assert "  Pulled  " in composer("up", "-d").err
    assert composer.inside("web", "cat", "/text") == "first\n"
    (shown,) = json.loads(composer("images", "--format", "json").out)
    assert shown["Repository"] == f"{free.address}/moved"
    assert composer("images", "-q").out.strip()
    assert "  Pulled  " not in composer("up", "-d").err
    composer("down", "-t", "0")
    forget(composer, pinned)


@pytest.mark.skipif(not DOCKERD or not reference.find(), reason="needs docker.io and docker-compose (make bench-others)")
def test_digests_are_printed_as_docker_compose_prints_them(composer: Composer, tmp_path: Path) -> None:
    """The same words from the same registry, in YAML and in JSON; docker compose has its engine ask."""
    program = reference.find()
    assert program
    with dockerd(tmp_path / "engine") as engine, registry(tmp_path / "registry", entering=engine.enclosure.argv) as place:
        image = publish(composer, place, "same:1", entering=tuple(engine.enclosure.argv(folder=composer.folder)))
        composer.write(f"services: {{web: {{image: '{image}', ports: ['80']}}, again: {{image: '{image}', build: .}}, own: {{build: .}}}}")
        for options in (["--resolve-image-digests"], ["--lock-image-digests"], ["--lock-image-digests", "--format", "json"]):
            environ = composer.environment({"DOCKER_HOST": engine.host})
            asked = [program, "config", *options]
            theirs = subprocess.run(asked, cwd=composer.folder, env=environ, capture_output=True, text=True, check=True)
            assert composer("config", *options).out.rstrip("\n") == theirs.stdout.rstrip("\n"), options
        composer.entering = ()


def test_digests_of_a_locked_registry_need_the_credentials(composer: Composer, tmp_path: Path) -> None:
    """As a pull does."""
    with registry(tmp_path / "registry", locked=True) as place:
        image = publish(composer, place, "secret:1")
        access = {"REGISTRY_AUTH_FILE": write(composer, "opens.json", place.auths)}
        assert "unauthorized" in composer("config", "--lock-image-digests", code=1).err
        assert f"{image}@sha256:" in composer("config", "--lock-image-digests", env=access).out
