"""Which files a project is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.errors import LoadError
from composer.load import LoadOptions, reading
from composer.load.phases import load


def seen(folder: Path) -> set[str]:
    """Names below `folder` that loading it reads or looks for."""
    with reading.recorded() as paths:
        try:
            load(LoadOptions({}, str(folder)))
        except LoadError:
            paths[f"{folder}/error"] = None
    return {path.removeprefix(f"{folder}/") for path in paths}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text("""
        include: [more/other.yaml]
        services:
          web: {extends: {file: base.yaml, service: web}, env_file: [web.env, {path: maybe.env, required: false}], label_file: labels}
    """)
    (tmp_path / "base.yaml").write_text("services: {web: {image: busybox, security_opt: ['seccomp:filter.json']}}")
    (tmp_path / "more").mkdir()
    (tmp_path / "more/other.yaml").write_text("services: {other: {image: busybox}}")
    (tmp_path / "filter.json").write_text('{"defaultAction": "SCMP_ACT_ALLOW"}')
    for name in ("web.env", "labels", ".env"):
        (tmp_path / name).write_text("A=1\n")
    return tmp_path


def test_every_file_that_makes_the_project_is_known(shop: Path) -> None:
    """Compose files, what they include and extend, files of variables and labels, a seccomp profile; and those that may come later."""
    assert seen(shop) >= {"compose.yaml", "base.yaml", "more/other.yaml", "web.env", "maybe.env", "labels", "filter.json", ".env",
                          "more/.env", "compose.override.yaml"}


def test_what_was_read_before_an_error_is_known_too(shop: Path) -> None:
    """The file in which the error is can be mended."""
    (shop / "more/other.yaml").write_text("services: [")
    assert seen(shop) >= {"error", "compose.yaml", "more/other.yaml"}


def test_nothing_is_noted_when_nobody_asks(shop: Path) -> None:
    """Outside `recorded` loading leaves no trace."""
    with reading.recorded() as paths:
        pass
    load(LoadOptions({}, str(shop)))
    assert paths == {}
