"""The `docker-compose` command, and whose files are whose."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import composer
from composer.commands import caller as callers
from composer.commands.alias import install
from composer.errors import UsageError


def test_it_is_composer(tmp_path: Path) -> None:
    """With its words passed on as they are; installing it again is fine."""
    command = install(tmp_path / "bin", force=False)
    assert install(tmp_path / "bin", force=False) == command
    said = subprocess.run([command, "version", "--short"], capture_output=True, text=True, check=True).stdout
    assert said.strip() == composer.__version__


def test_a_foreign_one_stays(tmp_path: Path) -> None:
    """Unless it is to be replaced; a link is replaced itself, not what it points to."""
    target = tmp_path / "docker-compose"
    real = tmp_path / "real"
    real.write_text("#!/bin/sh\n")
    target.symlink_to(real)
    with pytest.raises(UsageError, match="not composer's"):
        install(tmp_path, force=False)
    install(tmp_path, force=True)
    assert real.read_text() == "#!/bin/sh\n"


def test_with_sudo_files_belong_to_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where we are root, and only when both numbers are numbers."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "getegid", lambda: 0)
    assert callers.caller({"SUDO_UID": "1000", "SUDO_GID": "1001"}) == (1000, 1001)
    assert callers.caller({"SUDO_UID": "1000"}) == (0, 0)
    assert callers.caller({}) == (0, 0)
    monkeypatch.setattr(os, "geteuid", lambda: 5)
    assert callers.caller({"SUDO_UID": "1000", "SUDO_GID": "1001"})[0] == 5
