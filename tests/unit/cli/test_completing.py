"""Names of services, networks and volumes for the shell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from composer.cli.globals import Globals
from composer.cli.main import cli
from composer.observed import NetworkState, VolumeState
from composer.storage import volumes
from composer.store import Places, write_json


def complete(*words: str) -> list[str]:
    shell = ShellComplete(cli, {"obj": Globals(None)}, "composer", "_COMPOSER_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {image: i}, worker: {image: i}, db: {image: i, profiles: [more]}}\n")
    (tmp_path / "other.yaml").write_text("services: {other: {image: i}}\n")
    (tmp_path / "broken.yaml").write_text("services: [\n")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", ["stop", "up", "logs", "kill", "stats", "exec", "run", "export"])
def test_services_of_the_file(command: str) -> None:
    """Those that are active."""
    assert complete(command, "w") == ["web", "worker"]
    assert complete(command, "x") == []


def test_global_options_count() -> None:
    """The file and the profiles that the command line names so far."""
    assert complete("-f", "other.yaml", "stop", "") == ["other"]
    assert complete("--profile", "more", "stop", "d") == ["db"]


def test_a_broken_file_completes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """And says nothing in the middle of the user's line."""
    assert complete("-f", "broken.yaml", "stop", "") == []
    assert complete("-f", "missing.yaml", "stop", "") == []
    assert capsys.readouterr() == ("", "")


def test_networks_and_volumes_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of `network create` and `volume create`, and those of projects."""
    places = Places(tmp_path / "root", tmp_path / "run")
    monkeypatch.setenv("COMPOSER_ROOT", str(places.root))
    monkeypatch.setenv("COMPOSER_RUN", str(places.run))
    state = NetworkState("front", "shop_front", "br-front", "", "10.0.0.0/24", "10.0.0.1", internal=False, fingerprint="")
    write_json(places.network("proxy").record, replace(state, key="", name="proxy").to_json())
    write_json(places.project("abc").networks / "front.json", state.to_json())
    volumes.create(places.project("abc"), VolumeState("shop_data", "data", ""))
    volumes.create_shared(places, VolumeState("common", "", ""))
    assert complete("network", "rm", "") == ["proxy", "shop_front"]
    assert complete("volume", "rm", "") == ["common", "shop_data"]
