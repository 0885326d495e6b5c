"""What may stand at a place of a compose file: the little language that the tables of this package are written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Shape:
    """`scalars` are words of JSON Schema (boolean, integer, null, number, string). `keys` makes a mapping with fixed keys,
    `values` one with free keys, `items` a list; several of them are alternatives (short and long syntax)."""

    scalars: frozenset[str] = frozenset()
    keys: Mapping[str, Shape] | None = None
    values: Shape | None = None
    items: Shape | None = None
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()  # the only words allowed
    pattern: str = ""  # what a text has to match
    key_pattern: str = ""  # what free keys have to match
    least: float | None = None
    most: float | None = None
    distinct: bool = False  # a list without repeated entries
    extensions: bool = True  # a mapping with fixed keys also takes x-*
    note: str = field(default="", compare=False)  # the description in compose.schema.json

    def __or__(self, other: Shape) -> Shape:
        """Either of two shapes."""
        return replace(self, scalars=self.scalars | other.scalars, keys=self.keys if self.keys is not None else other.keys,
                       values=self.values or other.values, items=self.items or other.items, required=self.required or other.required,
                       one_of=self.one_of or other.one_of, pattern=self.pattern or other.pattern,
                       key_pattern=self.key_pattern or other.key_pattern, distinct=self.distinct or other.distinct,
                       extensions=self.extensions and other.extensions)

    def about(self, note: str) -> Shape:
        return replace(self, note=note)


def scalar(*words: str) -> Shape:
    return Shape(scalars=frozenset(words))


def mapping(keys: Mapping[str, Shape], *required: str, extensions: bool = True) -> Shape:
    return Shape(keys=keys, required=required, extensions=extensions)


def free(values: Shape, pattern: str = "") -> Shape:
    return Shape(values=values, key_pattern=pattern)


def many(items: Shape, *, distinct: bool = False) -> Shape:
    return Shape(items=items, distinct=distinct)


def word(*allowed: str) -> Shape:
    return Shape(scalars=frozenset(("string",)), one_of=allowed)


ANYTHING = Shape()
NULL = scalar("null")
TEXT = scalar("string")
BOOLEAN = scalar("boolean", "string")  # also as text: variables are text
INTEGER = scalar("integer", "string")
NUMBER = scalar("number", "string")
TEXTS = many(TEXT, distinct=True)
TEXT_OR_TEXTS = TEXT | TEXTS
SETTINGS = free(scalar("boolean", "null", "number", "string")) | TEXTS  # KEY: VALUE, or a list of KEY=VALUE
COMMAND = TEXT | many(TEXT) | NULL
#: The name of a service, network, volume, config, secret or model.
NAME = r"^[a-zA-Z0-9._-]+$"
