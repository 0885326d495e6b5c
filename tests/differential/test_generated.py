"""Generated compose files: composer and the reference print the same or both refuse."""

from __future__ import annotations

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings

from tests.compose_files import DOCUMENTS
from tests.differential import explained, reference

EXAMPLES = int(os.environ.get("EXAMPLES", "150"))
GENERATED = settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize="EXAMPLES" not in os.environ, suppress_health_check=list(HealthCheck)
)


def _unexplained(program: str, *documents: Any) -> list[str]:
    files = {f"{index}.yaml": yaml.safe_dump(document, sort_keys=False) for index, document in enumerate(documents)}
    with TemporaryDirectory(prefix="differential-") as folder:
        found = reference.differences(reference.Case("", files, tuple(files), {"SET": "7"}), Path(folder), program)
    return [one for one in found if not any(re.search(pattern, one) for pattern in explained.GENERATED)]


@GENERATED
@given(DOCUMENTS)
def test_one_file(program: str, document: Any) -> None:
    """Whatever one file says."""
    assert not _unexplained(program, document)


@GENERATED
@given(DOCUMENTS, DOCUMENTS)
def test_two_files(program: str, document: Any, override: Any) -> None:
    """Whatever a second file makes of it."""
    assert not _unexplained(program, document, override)
