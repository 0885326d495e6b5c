"""Names of services for the shell."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from composer.cli.globals import Globals
from composer.cli.main import cli


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
