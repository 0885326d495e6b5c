"""What holds for every compose file."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer.errors import ComposerError
from composer.load import LoadOptions, render
from composer.load.phases import Resolved, resolve
from tests.compose_files import DOCUMENTS

PROPERTY = settings(max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


def _resolved(folder: str, text: str) -> Resolved | None:
    """None when it is refused."""
    Path(folder, "compose.yaml").write_text(text)
    try:
        return resolve(LoadOptions(environ={"SET": "7", "HOME": "/home/me"}, cwd=folder, profiles=("*",), all_resources=True))
    except ComposerError:
        return None


@PROPERTY
@given(DOCUMENTS)
def test_printed_and_loaded_again(document: Any) -> None:
    """A configuration that is printed and loaded again is itself."""
    with TemporaryDirectory() as folder:
        first = _resolved(folder, yaml.safe_dump(document))
        if first is None:
            return
        again = _resolved(folder, render.to_yaml(first.tree))
        assert again is not None and again.tree == first.tree


def _turned(value: Any, draw: st.DataObject) -> Any:
    """The same mappings with their keys in another order."""
    if isinstance(value, dict):
        return {key: _turned(value[key], draw) for key in draw.draw(st.permutations(sorted(value)))}
    return value


@PROPERTY
@given(DOCUMENTS, st.data())
def test_order_of_keys(document: Any, data: st.DataObject) -> None:
    """Loading does not depend on the order of keys."""
    with TemporaryDirectory() as folder:
        one = _resolved(folder, yaml.safe_dump(document, sort_keys=False))
        other = _resolved(folder, yaml.safe_dump(_turned(document, data), sort_keys=False))
        assert (one.tree if one else None) == (other.tree if other else None)
