"""Variables in values (specification, Interpolation): `$V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} ${V:+r} ${V+r}`, nested, `$$`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")

#: How deep defaults may be nested.
MOST_LEVELS = 50

Lookup = Callable[[str], str | None]


class TemplateError(ValueError):
    """The text is no valid template, or a required variable is missing."""


class MissingVariable(TemplateError):
    """`${V:?message}` without a value."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One variable in a text; `operator` is "" for a plain one."""

    name: str
    operator: str = ""
    argument: str = ""


def parse(template: str) -> Iterator[str | Reference]:
    """Literal pieces and references, in order; raises TemplateError for `${` that nothing sensible follows."""
    position = 0
    while (dollar := template.find("$", position)) >= 0:
        yield template[position:dollar]
        following = template[dollar + 1:dollar + 2]
        if following == "$":
            yield "$"
            position = dollar + 2
        elif following == "{":
            end = _closing_brace(template, dollar + 1)
            yield _braced(template, template[dollar + 2:end])
            position = end + 1
        elif name := _NAME.match(template, dollar + 1):
            yield Reference(name[0])
            position = name.end()
        else:
            yield "$"
            position = dollar + 1
    yield template[position:]


def _closing_brace(template: str, opening: int) -> int:
    depth = 0
    for index in range(opening, len(template)):
        depth += {"{": 1, "}": -1}.get(template[index], 0)
        if depth > MOST_LEVELS:
            break
        if depth == 0:
            return index
    raise TemplateError(f"invalid template: {template!r}")


def _braced(template: str, content: str) -> Reference:
    name = _NAME.match(content)
    if name is None:
        raise TemplateError(f"invalid template: {template!r}")
    rest = content[name.end():]
    if "\n" in rest:
        raise TemplateError(f"invalid template: {template!r}")
    if not rest:
        return Reference(name[0])
    for operator in _OPERATORS:
        if rest.startswith(operator):
            return Reference(name[0], operator, rest[len(operator):])
    raise TemplateError(f"invalid template: {template!r}")


def ignore(_name: str) -> None:
    """For those who do not care about variables that are not set."""


def unset(name: str) -> str:
    """What is told of a variable that is not set and has no default."""
    return f'The "{name}" variable is not set. Defaulting to a blank string.'


def substitute(template: str, lookup: Lookup, missing: Callable[[str], None] = ignore) -> str:
    """The text with its variables filled in; `missing` hears of each one that is not set and has no default."""
    if "$" not in template:
        return template
    return "".join(piece if isinstance(piece, str) else _value(piece, lookup, missing) for piece in parse(template))


def _value(reference: Reference, lookup: Lookup, missing: Callable[[str], None]) -> str:
    value = lookup(reference.name)
    usable = bool(value) if reference.operator.startswith(":") else value is not None
    match reference.operator[-1:]:
        case "-" if not usable:
            return substitute(reference.argument, lookup, missing)
        case "?" if not usable:
            reason = substitute(reference.argument, lookup, missing)
            raise MissingVariable(f"required variable {reference.name} is missing a value: {reason}")
        case "+":
            return substitute(reference.argument, lookup, missing) if usable else ""
        case "" if value is None:
            missing(reference.name)
    return value or ""
