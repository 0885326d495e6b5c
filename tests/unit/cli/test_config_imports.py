"""What `composer config` does not wait for, and what it does not take from Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_SLOW = ("networkx", "watchfiles", "rich", "pydantic", "asyncio")
_CONFIG = f"""
import sys
from composer.cli.main import run
assert run(["-f", "compose.yaml", "config", "-q"]) == 0
print(*(name for name in {_SLOW!r} if name in sys.modules))
"""


def test_slow_libraries_stay_out(tmp_path: Path) -> None:
    """Half of the time would be theirs."""
    (tmp_path / "compose.yaml").write_text("services: {a: {image: i, depends_on: [b], env_file: []}, b: {build: .}}")
    environ = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", _CONFIG], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


_ENVIRONMENT = """
from composer.cli.main import run
run(["-f", "compose.yaml", "config", "--environment"])
"""


@pytest.mark.parametrize("given", [{}, {"LC_CTYPE": "C.UTF-8"}])
def test_the_locale_is_only_what_was_given(tmp_path: Path, given: dict[str, str]) -> None:
    """Python gives itself an LC_CTYPE where there is no locale: no compose file hears of that one."""
    (tmp_path / "compose.yaml").write_text("services: {a: {image: i}}")
    environ = {"PYTHONPATH": ":".join(path for path in sys.path if path), **given}
    done = subprocess.run([sys.executable, "-c", _ENVIRONMENT], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    assert [line for line in done.stdout.splitlines() if line.startswith("LC_")] == [f"{name}={value}" for name, value in given.items()]
