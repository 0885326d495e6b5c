"""`config --variables`: the variables that compose files name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from composer.load.node import Node, walk
from composer.load.template import Reference, TemplateError, parse


@dataclass(frozen=True, slots=True)
class Variable:
    """`default` is what `${V:-...}` says, `alternate` what `${V:+...}` says; required by `${V:?...}`."""

    name: str
    required: bool = False
    default: str = ""
    alternate: str = ""


def variables(documents: Iterable[Node]) -> list[Variable]:
    """Those of documents that are not interpolated, by name; of several defaults for one variable the first."""
    found: dict[str, Variable] = {}
    for _, node in (entry for document in documents for entry in walk(document)):
        for reference in references(node.value) if isinstance(node.value, str) else ():
            before = found.get(reference.name) or Variable(reference.name)
            sign = reference.operator[-1:]
            found[reference.name] = Variable(
                reference.name, before.required or sign == "?", before.default or (reference.argument if sign == "-" else ""),
                before.alternate or (reference.argument if sign == "+" else ""))
    return sorted(found.values(), key=lambda variable: variable.name)


def references(template: str) -> Iterator[Reference]:
    """Every variable in a text, also those in the defaults of others; none for what is no template."""
    if "$" not in template:
        return
    try:
        for piece in parse(template):
            if isinstance(piece, Reference):
                yield piece
                yield from references(piece.argument)
    except TemplateError:
        return
