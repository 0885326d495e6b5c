"""Hand-written compose files: composer and the reference print the same or both refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.differential import explained, reference

ALL = [case for file in sorted(Path(__file__).with_name("cases").glob("*.txt")) for case in reference.cases(file)]


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.title)
def test_the_same_or_explained(case: reference.Case, tmp_path: Path, program: str) -> None:
    """A difference has its reason in the table, and what is in the table is different."""
    found = reference.differences(case, tmp_path, program)
    assert bool(found) == (case.title in explained.CASES), "\n".join(found)


def test_titles_are_unique() -> None:
    """Reasons are found by title."""
    assert len({case.title for case in ALL}) == len(ALL)
    assert not explained.CASES.keys() - {case.title for case in ALL}
