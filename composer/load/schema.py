"""compose.schema.json: what composer accepts, for editors. Made from the language and the table of supported attributes:

    python -m composer.load.schema > compose.schema.json
"""

from __future__ import annotations

import json
from typing import Any

from composer.load.language import ANYTHING, COMPOSE_FILE, Shape
from composer.load.node import Table
from composer.load.supported import SUPPORTED, Accept

NOT_YET = "Not supported by composer yet."
#: Attributes that are carried out while the files are loaded, so that nothing of them is left to be supported.
_LOADED = frozenset(("include", "extends", "env_file", "label_file", "external"))


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a compose file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:composer:compose-file",
        "title": "Compose file for composer",
        "description": "Attributes that are marked as not supported are refused by `composer up`, never ignored.",
        **_schema(COMPOSE_FILE, SUPPORTED),
    }


def _schema(shape: Shape, table: Table[Accept] | None) -> dict[str, Any]:
    alternatives = [*_scalars(shape), *_mappings(shape, table), *_lists(shape, table)]
    note = {"description": shape.note} if shape.note else {}
    if shape is ANYTHING or not alternatives:
        return note
    return {**note, **alternatives[0]} if len(alternatives) == 1 else {**note, "anyOf": alternatives}


def _scalars(shape: Shape) -> list[dict[str, Any]]:
    words = sorted(shape.scalars)
    if not words:
        return []
    limits = {"enum": list(shape.one_of), "pattern": shape.pattern, "minimum": shape.least, "maximum": shape.most}
    given = {key: value for key, value in limits.items() if value not in ("", [], None)}
    return [{"type": words[0] if len(words) == 1 else words, **given}]


def _mappings(shape: Shape, table: Table[Accept] | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if shape.keys is not None:
        required = {"required": list(shape.required)} if shape.required else {}
        extensions: dict[str, Any] = {"patternProperties": {"^x-": {}}} if shape.extensions else {}
        found.append({"type": "object", "properties": {key: _attribute(key, entry, table) for key, entry in shape.keys.items()},
                      **required, **extensions, "additionalProperties": False})
    if shape.values is not None:
        names = {"propertyNames": {"pattern": shape.key_pattern}} if shape.key_pattern else {}
        found.append({"type": "object", "additionalProperties": _schema(shape.values, _below(table, "*")), **names})
    return found


def _lists(shape: Shape, table: Table[Accept] | None) -> list[dict[str, Any]]:
    if shape.items is None:
        return []
    return [{"type": "array", "items": _schema(shape.items, _below(table, "*")), **({"uniqueItems": True} if shape.distinct else {})}]


def _below(table: Table[Accept] | None, step: str) -> Table[Accept] | None:
    """What is supported below; None when all is."""
    return table.at(step) if table is not None and table.below else None


def _attribute(key: str, shape: Shape, table: Table[Accept] | None) -> dict[str, Any]:
    below = _below(table, key)
    described = _schema(shape, below)
    if key in _LOADED or table is None or not table.below or below is not None:
        return described
    return {**described, "description": f"{shape.note} {NOT_YET}".strip()}


def text() -> str:
    """The file's content."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    print(text(), end="")
