"""Services that another program provides, and language models that nobody runs here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import Composer

PROGRAM = """#!/bin/sh
echo "$*" >> calls
case "$*" in
*metadata*) echo '{"up": {"parameters": [{"name": "size"}]}, "down": {}}' ;;
*" up "*)
    echo '{"type": "info", "message": "making it"}'
    echo '{"type": "setenv", "message": "URL=acme://'$CREDENTIAL'"}'
    echo '{"type": "rawsetenv", "message": "RAW=1"}'
    echo '{"type": "debug", "message": "nobody hears this"}'
    if test -e fail; then echo '{"type": "error", "message": "no quota left"}'; exit 1; fi ;;
*" down "*) test ! -e stuck ;;
esac
"""


@pytest.fixture
def shop(composer: Composer, tmp_path: Path) -> Composer:
    """A project with a provider that is on PATH, and writes down how it is called."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/docker-acme"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    composer.env |= {"PATH": f"{tmp_path}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "CREDENTIAL": "of the caller"}
    composer.write("""
    services:
      my-db: {provider: {type: acme, options: {size: [1, 2], other: x}}}
      web: {image: busybox, command: [sleep, infinity], depends_on: [my-db]}
      apart: {image: busybox, command: [sleep, infinity]}
    """)
    return composer


def calls(shop: Composer) -> list[str]:
    return [line for line in (shop.folder / "calls").read_text().splitlines() if "metadata" not in line]


def test_a_provided_service(shop: Composer) -> None:
    """It is called with the options that it has and the caller's environment, dependents get the variables, and `down` calls it."""
    done = shop("up", "-d")
    assert "making it" in done.err and "Service my-db  Provided" in done.err and "nobody hears this" not in done.said
    assert calls(shop) == ["compose --project-name shop up --size=1 --size=2 my-db"]
    inside = shop.inside("web", "env").splitlines()
    assert {"MY_DB_URL=acme://of the caller", "RAW=1"} <= set(inside)
    assert "RAW" not in shop.inside("apart", "env")
    assert "RAW=1" in shop("run", "--rm", "-T", "web", "env").out
    before = shop.ps("web")
    shop("up", "-d")
    assert shop.ps("web")[0]["ID"] == before[0]["ID"], "the same variables leave the container alone"
    shop("down")
    assert calls(shop)[-1] == "compose --project-name shop down --size=1 --size=2 --other=x my-db"
    assert not shop.projects()


def test_a_provider_that_fails(shop: Composer) -> None:
    """`up` says its own words and starts nothing; `down` tries again until it has succeeded."""
    (shop.folder / "fail").touch()
    assert "services.my-db.provider: acme up failed: no quota left" in shop("up", "-d", code=1).err
    assert not shop.ps()
    (shop.folder / "fail").unlink()
    shop("up", "-d")
    (shop.folder / "stuck").touch()
    assert "acme down failed: exit code 1" in shop("down", code=1).err
    (shop.folder / "stuck").unlink()
    shop("down")
    assert not shop.projects()


def test_a_provider_that_is_not_there(composer: Composer) -> None:
    """The message says which names were looked for."""
    composer.write("services: {db: {provider: {type: nosuch}}}")
    assert "services.db.provider.type: there is no program docker-nosuch or nosuch" in composer("up", "-d", code=1).err


def test_language_models(composer: Composer) -> None:
    """A service is told where they are and what they are called; that composer runs none is said once, with the place."""
    composer.write("""
    services:
      web:
        image: busybox
        command: [sleep, infinity]
        models: {my-llm: , other: {endpoint_var: HERE, model_var: WHAT}}
    models: {my-llm: {model: ai/small}, other: {model: ai/large}}
    """)
    said = composer("up", "-d", env={"COMPOSER_MODELS_URL": "http://models:1/v1/"}).err
    assert "services.web.models.my-llm has no effect: composer runs no models" in said and "compose.yaml, line 6" in said
    inside = composer.inside("web", "env")
    assert {"MY_LLM_URL=http://models:1/v1/", "MY_LLM_MODEL=ai/small", "HERE=http://models:1/v1/", "WHAT=ai/large"} <= set(inside.split())
