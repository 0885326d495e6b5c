"""`composer install-unit`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from composer.commands import unit
from composer.store import Places


def test_the_unit_resumes_all_projects_with_the_callers_places() -> None:
    """The command is an absolute path; folders with spaces and signs that systemd would expand are quoted."""
    text = unit.text(Places(Path("/data/my 50%"), Path("/run/composer")), {"COMPOSER_ADDRESS_POOL": "10.1.0.0/16", "HOME": "/root"})
    (command,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert command.startswith("ExecStart=/")
    assert command.endswith(" --progress plain resume --all")
    assert 'Environment="COMPOSER_ROOT=/data/my 50%%"' in text
    assert "Environment=COMPOSER_RUN=/run/composer" in text
    assert "Environment=COMPOSER_ADDRESS_POOL=10.1.0.0/16" in text
    assert "HOME" not in text
    assert "KillMode=process" in text, "the supervisors that it starts must outlive it"


def test_signs_of_a_path_stay_what_they_are() -> None:
    """$ means something in command lines alone; a quote is no beginning of one, and a new line none of the unit's."""
    text = unit.text(Places(Path("/data/it's $5"), Path("/run/composer")), {"PATH": "/usr/bin\nExecStartPre=/bin/evil"})
    assert """Environment="COMPOSER_ROOT=/data/it's $5\"""" in text
    assert """RequiresMountsFor="/data/it's $5\"""" in text
    assert "\nExecStartPre" not in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs Debian's package systemd")
def test_systemd_takes_it(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say about it."""
    file = tmp_path / unit.NAME
    file.write_text(unit.text(Places(Path("/var/lib/composer"), Path("/run/composer")), {"PATH": "/usr/bin:/bin"}))
    done = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False)
    assert [line for line in (done.stdout + done.stderr).splitlines() if unit.NAME in line] == []
