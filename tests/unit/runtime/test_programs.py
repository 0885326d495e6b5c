"""Programs found on PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.errors import ContainerError
from composer.runtime.programs import find_init, find_runtime, is_crun, program


def _program(folder: Path, name: str, says: str = "") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_crun_comes_before_runc(folder: Path) -> None:
    """runc is taken when crun is missing, and neither there is an error that says what to install."""
    with pytest.raises(ContainerError, match="no OCI runtime") as error:
        find_runtime()
    assert "crun" in error.value.hint
    _program(folder, "runc")
    assert find_runtime() == "runc"
    _program(folder, "crun")
    assert find_runtime() == "crun"


def test_a_runtime_by_name_or_path(folder: Path) -> None:
    """Any other by what `runtime:` says; a missing one is an error, not another one in its place."""
    path = _program(folder, "youki")
    assert find_runtime("youki") == "youki" and find_runtime(str(path)) == str(path)
    assert program("youki") == str(path)
    with pytest.raises(ContainerError, match="runsc: program not found"):
        find_runtime("runsc")


def test_crun_is_known_by_its_version(folder: Path) -> None:
    """Whatever the file is called, and again after it was replaced."""
    path = _program(folder, "my-runtime", "crun version 1.8.1")
    assert is_crun(str(path))
    path.unlink()
    assert not is_crun(str(_program(folder, "runc", "runc version 1.1.5")))


def test_a_static_init_is_preferred(folder: Path) -> None:
    """tini of the distribution needs the libraries of the image; a missing one is an error with a hint."""
    with pytest.raises(ContainerError, match="init: true"):
        find_init()
    _program(folder, "tini")
    assert find_init() == str(folder / "tini")
    _program(folder, "catatonit")
    assert find_init() == str(folder / "catatonit")
