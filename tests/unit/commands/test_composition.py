"""What is asked for when the files of a project have changed."""

from __future__ import annotations

import gc
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from composer.commands.composition import Composition, follow_up
from composer.commands.session import Session
from composer.errors import UsageError
from composer.load import reading
from composer.model.build import Build
from composer.plan.options import UpOptions
from tests.builders import project, service


def test_only_what_differs_is_touched_whatever_was_asked_for_at_first() -> None:
    """Neither are all containers made anew again, nor images pulled or built whose recipe is the same."""
    shop = project(service("web", build=Build(context="/src")))
    first = UpOptions(("web",), recreate="always", build=True, pull="always", wait=True, scale={"web": 2}, timeout=1.0)
    assert follow_up(first, shop, shop) == UpOptions(("web",), scale={"web": 2}, timeout=1.0, revive=False)


def test_a_new_recipe_is_built() -> None:
    """Of a service that has another one now, or is new."""
    before = project(service("web", build=Build(context="/src")), service("db"))
    changed = project(service("web", build=Build(context="/src", target="test")), service("db"))
    added = project(*before.services.values(), service("job", build=Build(context="/job")))
    assert follow_up(UpOptions(), before, changed).build
    assert follow_up(UpOptions(), before, added).build


def test_services_that_are_no_more_go() -> None:
    """They are named; whoever else is there stays."""
    assert follow_up(UpOptions(), project(service("web"), service("db")), project(service("web"))).gone == ("db",)


def test_files_that_were_read_are_known_also_when_a_scaled_service_is_gone(tmp_path: Path) -> None:
    """Else the same state of the same files would be news again and again."""
    file = tmp_path / "compose.yaml"
    shop = project(service("web")).model_copy(update={"config_files": (str(file),)})

    def load(_services: object) -> object:
        reading.note(str(file))
        return SimpleNamespace(project=shop)

    file.write_text("one")
    composition = Composition(cast(Session, SimpleNamespace(load=load)), UpOptions())
    before, composition.options = composition.files, UpOptions(scale={"db": 2})
    file.write_text("another")
    with pytest.raises(UsageError, match="db"):
        composition._read()
    assert composition.files.keys() == before.keys() and composition.files != before


def test_who_reads_a_project_again_has_its_garbage_collected() -> None:
    """A command that watches for days would keep every project that it has read."""
    shop = project(service("web"))
    session = SimpleNamespace(load=lambda _services: SimpleNamespace(project=shop), audience=SimpleNamespace(warn=lambda _text: None))
    composition = Composition(cast(Session, session), UpOptions())
    composition.options = UpOptions(scale={"db": 2})
    gc.disable()
    try:
        assert composition.again() is None
        assert gc.isenabled()
    finally:
        gc.enable()
