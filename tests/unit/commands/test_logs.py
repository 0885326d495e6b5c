"""`logs` of everything: in order of time, as many records at once as may be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from composer.commands.logs import whole
from composer.observed import Container


def record(second: int, text: str) -> bytes:
    return f"2026-01-01T00:00:{second:02}.000000000+00:00 stdout F {text}\n".encode()


def log(*blocks: list[tuple[int, str]]) -> Iterator[bytes]:
    return (b"".join(record(*one) for one in block) for block in blocks)


def containers(number: int) -> list[Container]:
    return [Container(name, name, "web", 1) for name in "abc"[:number]]


def runs(*logs: Iterator[bytes]) -> list[str]:
    """`a:one,two`, a run of records each."""
    return [
        f"{one.name}:{','.join(line.rpartition(' ')[2] for line in block.decode().splitlines())}"
        for one, block in whole(containers(len(logs)), logs)
    ]


@pytest.mark.parametrize(
    ("logs", "expected"),
    [
        ((log([(1, "one"), (2, "two")], [(3, "three")]),), ["a:one,two", "a:three"]),
        ((log([(1, "a1"), (2, "a2"), (5, "a5")]), log([(3, "b3"), (4, "b4")])), ["a:a1,a2", "b:b3,b4", "a:a5"]),
        ((log([(1, "a1"), (3, "a3")], [(5, "a5")]), log([(2, "b2"), (4, "b4")])), ["a:a1", "b:b2", "a:a3", "b:b4", "a:a5"]),
        ((log([(1, "a1"), (2, "a2")]), log([(1, "b1"), (2, "b2")])), ["a:a1", "b:b1,b2", "a:a2"]),
        ((log(), log([], [(1, "b1")])), ["b:b1"]),
        ((log([(5, "a5"), (1, "back")]), log([(3, "b3")])), ["b:b3", "a:a5,back"]),
    ],
)
def test_records_come_in_order_of_time(logs: tuple[Iterator[bytes], ...], expected: list[str]) -> None:
    """Each log keeps its own order; what no other log stands in the way of comes at once."""
    assert runs(*logs) == expected
