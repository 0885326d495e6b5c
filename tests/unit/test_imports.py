"""Who imports whom, and what the quick commands do not load."""

from __future__ import annotations

import subprocess
import sys

import pytest
from importlinter import api

HEAVY = {"networkx", "watchfiles", "rich"}
SUPERVISOR = {"networkx", "click", "rich", "composer.load"}


def loaded(statement: str) -> set[str]:
    """The modules that a fresh interpreter has after a statement."""
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_contracts_of_pyproject_are_kept() -> None:
    """Layers, pure decisions, drivers that do not know the plan."""
    options = api.read_configuration("pyproject.toml")
    assert len(options["contracts_options"]) >= 3
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "import composer.cli.main",
        "import composer.commands.ps",
        "import composer.load.phases",
        "import composer.commands.up",
        "import composer.commands.config",
        "import composer.commands.session, composer.commands.logs, composer.commands.port, composer.commands.down",
    ],
)
def test_quick_commands_load_nothing_heavy(statement: str) -> None:
    """Imports are paid by those who use them."""
    assert not loaded(statement) & HEAVY


@pytest.mark.parametrize("names", ["composer.commands.ps", "composer.load.sources, composer.commands.ps, composer.cli.listing"])
def test_ps_needs_no_model(names: str) -> None:
    """It reads records only, and of the compose files what tells the project."""
    assert not loaded(f"import {names}") & {"pydantic", "asyncio", "dnslib", "composer.load.phases"}


def test_up_leaves_the_loop_to_the_supervisor() -> None:
    """The command only talks and listens."""
    assert "asyncio" not in loaded("import composer.commands.up")


@pytest.mark.parametrize("command", ["ps", "logs", "port", "version", "ls", "top", "events"])
def test_a_whole_ps_needs_no_model(command: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """From the command line to the end."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "compose.yaml").write_text("name: quick\nservices: {web: {image: web}}\n")
    words = {"port": ["web", "80"], "events": ["--until", "0s"]}.get(command, [])
    argv = ["-f", str(folder / "compose.yaml"), command, *words]
    names = loaded(
        f"import os; os.environ['COMPOSER_ROOT'] = {str(folder)!r}; from composer.cli.main import run; import contextlib, io\n"
        f"with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()): run({argv!r})"
    )
    assert not names & (HEAVY | {"pydantic"})


def test_the_guard_is_forked_with_almost_nothing_loaded() -> None:
    """It stays as small as it is then."""
    names = loaded("import composer.supervisor.guard")
    assert {name for name in names if name.startswith("composer.")} <= {"composer.supervisor", "composer.supervisor.guard"}
    assert not names & (HEAVY | {"pydantic", "asyncio", "click"})


def test_the_supervisor_never_loads_the_command_line_or_the_loader() -> None:
    """Its memory is for what it does all day; hot reload loads in a child."""
    assert not loaded("import composer.supervisor.loop") & SUPERVISOR
