"""docs/compatibility.md and docs/commands.md say what the program can do, no more and no less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from composer.cli.absent import ABSENT
from composer.cli.main import cli
from composer.load.language import COMPOSE_FILE, Shape
from composer.load.node import Table
from composer.load.supported import SUPPORTED, Accept

DOCS = Path(__file__).resolve().parents[2] / "docs"
#: Read and resolved by the loader, so that nothing of them is left when `supported` looks.
RESOLVED = frozenset({"services.*.env_file", "services.*.extends", "services.*.label_file", "include"})
#: "accepted": read, and without effect so far.
MARK = {True: {"yes", "partly", "accepted"}, False: {"no"}}


def rows(document: str, heading: str) -> dict[str, list[str]]:
    """The table below a heading: first cell, without backquotes -> the other cells."""
    section = (DOCS / document).read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| `")]
    return {first.strip("`"): others for first, *others in cells}


def mappings(shape: Shape, table: Table[Accept], path: str = "") -> Iterator[tuple[str, set[str], set[str]]]:
    """(path, keys that are supported, keys that are refused) of every mapping of the specification that composer looks into."""
    whole = not table.below  # a rule for all that is below
    if shape.keys:
        can = {key for key in shape.keys if whole or key in table.below or f"{path}.{key}".strip(".") in RESOLVED}
        yield path, can, set(shape.keys) - can
    below = [(key, part, table if whole else table.at(key)) for key, part in (shape.keys or {}).items()]
    below += [("*", part, table if whole else table.at("*")) for part in (shape.values, shape.items) if part]
    for key, part, entry in below:
        if entry is not None:
            yield from mappings(part, entry, f"{path}.{key}".strip("."))


def words(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


FOUND = {path: (can, cannot) for path, can, cannot in mappings(COMPOSE_FILE, SUPPORTED)}


def test_every_attribute_of_a_service_is_in_the_table() -> None:
    """The table has the specification's attributes, and says of each whether `supported` lets it pass."""
    can, cannot = FOUND["services.*"]
    table = rows("compatibility.md", "Attributes of a service")
    assert table.keys() == can | cannot
    assert {name for name, (mark, *_) in table.items() if mark in MARK[True]} == can
    assert {name for name, (mark, *_) in table.items() if mark in MARK[False]} == cannot


def test_top_level_elements_are_in_the_table() -> None:
    """`models` is refused where a service uses it, so it is "no" although `supported` never sees an unused one."""
    can, cannot = FOUND[""]
    table = rows("compatibility.md", "Top-level elements")
    assert table.keys() == can | cannot
    assert {name for name, (mark, *_) in table.items() if mark in MARK[True]} == can | {"services"}


def test_keys_inside_attributes_are_in_the_table() -> None:
    """Every mapping below an attribute or element has a row with exactly what passes and what is refused."""
    table = rows("compatibility.md", "Inside attributes and elements")
    expected = {path: sets for path, sets in FOUND.items() if path not in ("", "services.*")}
    assert expected
    assert {path: (words(can), words(cannot)) for path, (can, cannot) in table.items()} == expected


THERE = {name: command for name, command in cli.commands.items() if name not in ABSENT}
GROUPS = {name: command.commands for name, command in cli.commands.items() if isinstance(command, click.Group)}
COMMANDS: dict[str, click.Command] = {
    "": cli, **THERE, **{f"{name} {verb}": command for name, verbs in GROUPS.items() for verb, command in verbs.items()}}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described(name: str) -> None:
    """Each command has its section in docs/commands.md, with each option in all its spellings, none of them called missing."""
    title = f"composer {name}" if name else "Global options"
    text = (DOCS / "commands.md").read_text()
    assert f"\n## {title}\n" in text
    section = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
    described, _, missing = section.partition("\nMissing: ")
    spellings = {word for parameter in COMMANDS[name].params if isinstance(parameter, click.Option) for word in parameter.opts}
    assert spellings <= words(described)
    assert not spellings & words(missing.split("\n")[0].partition(". ")[0])


def test_commands_that_are_missing_are_really_missing() -> None:
    """They say so when they are called; a command that was added is no longer named as missing."""
    missing = rows("commands.md", "Commands of docker compose that are missing")
    assert missing.keys() == ABSENT.keys()
    assert not missing.keys() & THERE.keys()
