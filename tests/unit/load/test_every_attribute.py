"""Every attribute of the specification takes effect, or is told: there is no third kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from composer.load.ignored import REASONS
from composer.load.language import COMPOSE_FILE, Shape
from composer.load.node import Table
from composer.load.supported import SUPPORTED, Accept
from composer.model.build import Build
from composer.model.mounts import FileSource, Volume
from composer.model.network import Network
from composer.model.project import Project
from composer.model.service import Service

#: Carried out while the files are loaded, so that nothing of them is left for `up`.
LOADED = {"include", "services.*.env_file", "services.*.extends", "services.*.label_file", "version"}
#: Attributes whose name in the model is another one.
RENAMED = {"services.*.pull_refresh_after", "networks.*.enable_ipv4", "services.*.platform", "services.*.use_api_socket",
           "services.*.x-composer"}
#: Refused by name until their turn comes.
NOT_YET = {
    "services.*.cgroup_parent",
}


def attributes(shape: Shape, table: Table[Accept] | None, path: str = "") -> Iterator[tuple[str, bool]]:
    """Every path of the language, and whether the table lets it pass; what has a rule for all below it is not looked into."""
    known = table is not None
    for key, below in (shape.keys or {}).items():
        here = f"{path}.{key}".strip(".")
        inner = table.at(key) if table else None
        yield here, inner is not None
        if inner is not None and (inner.below or inner.rule is None):
            yield from attributes(below, inner, here)
    for below in (shape.values, shape.items):
        if below is not None and known and table is not None and table.at("*") is not None:
            yield from attributes(below, table.at("*"), f"{path}.*".strip("."))


FOUND = dict(attributes(COMPOSE_FILE, SUPPORTED))


def test_none_is_left_out() -> None:
    """An attribute without a row in either table would be refused although the specification has it."""
    assert len(FOUND) > 200
    assert {path for path, known in FOUND.items() if not known} - LOADED <= NOT_YET


@pytest.mark.parametrize(("prefix", "model"), [
    ("services.*.", Service), ("services.*.x-composer.", Service),
    ("services.*.build.", Build), ("networks.*.", Network), ("volumes.*.", Volume), ("secrets.*.", FileSource),
    ("configs.*.", FileSource), ("", Project)])
def test_what_is_done_is_in_the_model(prefix: str, model: type[Service]) -> None:
    """By its own name, typed; `bind` refuses what the model does not know, so that nothing gets lost on the way."""
    own = {path for path in FOUND if path.startswith(prefix) and "." not in path.removeprefix(prefix)}
    done = own - REASONS.keys() - LOADED - NOT_YET
    lost = {path for path in done if path not in RENAMED and path.removeprefix(prefix) not in model.model_fields}
    assert not {path for path in lost if not any(path.startswith(told) for told in REASONS)}
