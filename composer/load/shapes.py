"""Phase: does each value have a shape that the specification allows at its place? (tables: `composer.load.language`)"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from composer.errors import LoadError
from composer.load.language import ANYTHING, COMPOSE_FILE, Shape
from composer.load.node import RESET, Node, Path, Timestamp, dotted, shorten

_ORDER = {"mapping": 0, "array": 1}


def check(root: Node) -> list[LoadError]:
    """What is wrong with one layer's keys and types. What is missing or null may come from another layer: `check_complete`."""
    if not isinstance(root.value, dict):
        return [LoadError("top-level object must be a mapping", place=root.place)]
    return list(_check(root, COMPOSE_FILE, ()))


def check_complete(root: Node) -> list[LoadError]:
    """What is missing, null, or there twice, in the merged tree."""
    return list(_complete(root, COMPOSE_FILE, ()))


def _check(node: Node, shape: Shape, path: Path) -> Iterable[LoadError]:
    if node.value is None or node.tag == RESET or shape is ANYTHING:
        return
    if isinstance(node.value, dict) and shape.keys is not None:
        yield from _check_keys(node, shape, shape.keys, path)
    elif isinstance(node.value, dict) and shape.values is not None:
        yield from _check_free(node, shape, shape.values, path)
    elif isinstance(node.value, list) and shape.items is not None:
        for index, entry in enumerate(node.value):
            yield from _check(entry, shape.items, (*path, index))
    elif not _fits(node.value, shape):
        yield _wrong_type(node, shape, path)
    elif problem := _wrong_value(node.value, shape):
        yield LoadError(f"{dotted(path)} {problem}", place=node.place)


def _check_keys(node: Node, shape: Shape, keys: Any, path: Path) -> Iterable[LoadError]:
    for key, entry in node.value.items():
        if key in keys:
            yield from _check(entry, keys[key], (*path, key))
        elif not (shape.extensions and key.startswith("x-")):
            yield _unknown(entry, key, keys, path)


def _check_free(node: Node, shape: Shape, values: Shape, path: Path) -> Iterable[LoadError]:
    for key, entry in node.value.items():
        if shape.key_pattern and not re.search(shape.key_pattern, key):
            yield LoadError(f"{dotted(path)}: additional properties '{key}' not allowed", place=entry.key_place,
                            hint=f"a name here has to match {shape.key_pattern}")
        else:
            yield from _check(entry, values, (*path, key))


def _unknown(entry: Node, key: str, keys: Iterable[str], path: Path) -> LoadError:
    where = f"{dotted(path)}: " if path else ""
    near = suggestion(key, keys)
    return LoadError(shorten(f"{where}additional properties '{key}' not allowed"), place=entry.key_place,
                     hint=f'did you mean "{near}"?' if near else "keys of your own begin with x-")


def suggestion(word: str, known: Iterable[str]) -> str:
    """The known word that somebody who wrote `word` may have meant, "" when none is near."""
    from difflib import get_close_matches  # only after a mistake

    if len(word) > 100:
        return ""
    names = list(known)
    twisted = [name for name in names if sorted(name) == sorted(word)]
    return next(iter(twisted or get_close_matches(word, names, 1, 0.6)), "")


def _fits(value: Any, shape: Shape) -> bool:
    kind = type(value)
    if kind is str:
        return "string" in shape.scalars
    if kind is bool:
        return "boolean" in shape.scalars
    if kind is int:
        return "integer" in shape.scalars or "number" in shape.scalars
    if kind is float:
        return "number" in shape.scalars or ("integer" in shape.scalars and value.is_integer())
    return value is None and "null" in shape.scalars


def _wrong_type(node: Node, shape: Shape, path: Path) -> LoadError:
    wanted = {word for word in shape.scalars if word != "integer" or "number" not in shape.scalars}
    if shape.keys is not None or shape.values is not None:
        wanted.add("mapping")
    if shape.items is not None:
        wanted.add("array")
    *most, last = sorted(wanted, key=lambda word: (_ORDER.get(word, 2), word))
    hint = "write a date in quotes" if type(node.value) is Timestamp else ""
    return LoadError(f"{dotted(path)} must be a {', '.join(most) + ' or ' if most else ''}{last}", place=node.place, hint=hint)


def _wrong_value(value: Any, shape: Shape) -> str:
    if shape.one_of and isinstance(value, str) and value not in shape.one_of:
        return "value must be one of " + ", ".join(f"'{word}'" for word in shape.one_of)
    if shape.pattern and isinstance(value, str) and not re.search(shape.pattern, value):
        return f"'{value}' does not match pattern '{shape.pattern}'"
    if isinstance(value, int | float) and shape.least is not None and value < shape.least:
        return f"must be at least {shape.least:g}, is {value}"
    if isinstance(value, int | float) and shape.most is not None and value > shape.most:
        return f"must be at most {shape.most:g}, is {value}"
    return ""


def _complete(node: Node, shape: Shape, path: Path) -> Iterable[LoadError]:
    if node.value is None and "null" not in shape.scalars and shape is not ANYTHING:
        yield _wrong_type(node, shape, path)
    elif isinstance(node.value, dict):
        missing = [key for key in shape.required if key not in node.value] if shape.keys is not None else []
        if missing:
            yield LoadError(f"{dotted(path)}: missing {' and '.join(missing)}", place=node.place)
        for key, entry in node.value.items():
            below = (shape.keys or {}).get(key) or shape.values
            if below is not None:
                yield from _complete(entry, below, (*path, key))
    elif isinstance(node.value, list) and shape.items is not None:
        if shape.distinct:
            yield from _repeated(node, path)
        for index, entry in enumerate(node.value):
            yield from _complete(entry, shape.items, (*path, index))


def _repeated(node: Node, path: Path) -> Iterable[LoadError]:
    seen: dict[str, int] = {}
    for index, entry in enumerate(node.value):
        first = seen.setdefault(repr(entry.plain()), index)
        if first != index:
            yield LoadError(f"{dotted(path)} items at {first} and {index} are equal", place=entry.place)
