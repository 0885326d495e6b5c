"""What a JSON schema allows, as a flat table: path (`services.*.ports[].target`) -> JSON types. Two schemas that are written in
different ways can be compared so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


def outline(schema: Schema) -> dict[str, frozenset[str]]:
    """Extension fields (`^x-`) are left out."""
    found: dict[str, set[str]] = {}
    _walk(schema, "", schema.get("$defs") or schema.get("definitions") or {}, found)
    return {path: frozenset(types) for path, types in found.items()}


def _alternatives(schema: Schema, definitions: Schema) -> Iterator[Schema]:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    parts = [part for word in ("oneOf", "anyOf", "allOf") for part in schema.get(word, ())]
    for part in parts:
        yield from _alternatives(part, definitions)
    if not parts:
        yield schema


def _types(schema: Schema) -> set[str]:
    declared = schema.get("type")
    if declared:
        return set(declared) if isinstance(declared, list) else {declared}
    return {"string"} if "enum" in schema else {"object"} if "properties" in schema or "patternProperties" in schema else set()


def _walk(schema: Schema, path: str, definitions: Schema, found: dict[str, set[str]]) -> None:
    types = found.setdefault(path, set())
    for part in _alternatives(schema, definitions):
        types |= _types(part)
        for step, below in _below(part):
            _walk(below, f"{path}{step}".lstrip("."), definitions, found)


def _below(schema: Schema) -> Iterator[tuple[str, Schema]]:
    for key, below in schema.get("properties", {}).items():
        yield f".{key}", below
    free = [below for pattern, below in schema.get("patternProperties", {}).items() if not pattern.startswith("^x-")]
    for below in (*free, schema.get("additionalProperties"), schema.get("items")):
        if isinstance(below, dict):
            yield ("[]" if below is schema.get("items") else ".*"), below
