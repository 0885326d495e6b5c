"""The tree that every phase of loading takes and returns: YAML values that know where they were written.

A Node is never changed after a phase has returned it (aliases share nodes); a phase makes new ones with `with_value`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from composer.errors import LoadError, LoadErrors, Place

Path = tuple[str | int, ...]
Rule = Callable[["Node", Path], "Node"]
T = TypeVar("T")

RESET = "!reset"
OVERRIDE = "!override"


class Timestamp(str):
    """An unquoted date: YAML makes it something else than text, and no attribute of a compose file accepts that."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Node:
    """`value` is a scalar, a dict of Nodes or a list of Nodes; `key` is where the key in front of it stands."""

    value: Any
    file: str = ""
    line: int = 0
    column: int = 0
    tag: str = ""
    key: tuple[int, int] | None = None

    @property
    def place(self) -> Place:
        return Place(self.file, self.line, self.column)

    @property
    def key_place(self) -> Place:
        return Place(self.file, *self.key) if self.key else self.place

    @property
    def fields(self) -> dict[str, Node]:
        """The entries of a mapping; none for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def entries(self) -> list[Node]:
        """The entries of a list; none for anything else."""
        return self.value if isinstance(self.value, list) else []

    def with_value(self, value: Any) -> Node:
        """The same place, tag and key, another value."""
        return Node(value, self.file, self.line, self.column, self.tag, self.key)

    def new(self, value: Any) -> Node:
        """Something that the user did not write, made because of this node; plain dicts and lists are taken in."""
        if isinstance(value, Node):
            return value
        if isinstance(value, dict):
            value = {key: self.new(entry) for key, entry in value.items()}
        elif isinstance(value, list):
            value = [self.new(entry) for entry in value]
        return Node(value, self.file, self.line, self.column, "", self.key)

    def with_fields(self, **changes: Any) -> Node:
        """A mapping with some entries set; an entry set to None is taken away."""
        fields = {key: value for key, value in self.fields.items() if key not in changes or changes[key] is not None}
        return self.with_value({**fields, **{key: self.new(value) for key, value in changes.items() if value is not None}})

    def get(self, *keys: str) -> Any:
        """The plain value below the keys, None when it is not there."""
        node = self.find(*keys)
        return None if node is None else node.plain()

    def find(self, *keys: str) -> Node | None:
        """The node below the keys, None when it is not there."""
        node: Node | None = self
        for key in keys:
            node = node.fields.get(key) if node is not None else None
        return node

    def plain(self) -> Any:
        """Dicts, lists and scalars without places."""
        if isinstance(self.value, dict):
            return {key: entry.plain() for key, entry in self.value.items()}
        if isinstance(self.value, list):
            return [entry.plain() for entry in self.value]
        return self.value


def dotted(path: Path) -> str:
    """`services.web.ports[0]`, as messages begin."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def fail(node: Node, path: Path, what: str, *, hint: str = "") -> LoadError:
    """The error for a node: `services.web.ports[0]: WHAT`."""
    return LoadError(shorten(f"{dotted(path)}: {what}"), place=node.place, hint=hint)


def shorten(words: str) -> str:
    """What can be read on a terminal: a message quotes what somebody wrote, which may be anything."""
    return words if len(words) <= 2000 else f"{words[:1000]} [...] {words[-200:]}"


def raise_all(problems: list[LoadError]) -> None:
    """End a phase: no error, one, or all at once."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise LoadErrors(problems)


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """What holds at which path pattern (`services.*.ports`, where `*` fits one step).

    Compiled into a tree, so that only paths that lead somewhere are walked."""

    rule: T | None
    below: Mapping[str, Table[T]]

    @classmethod
    def of(cls, rules: Mapping[str, T]) -> Table[T]:
        return cls._build({tuple(pattern.split(".")): rule for pattern, rule in rules.items()})

    @classmethod
    def _build(cls, rules: Mapping[tuple[str, ...], T]) -> Table[T]:
        heads: dict[str, dict[tuple[str, ...], T]] = {}
        for pattern, rule in rules.items():
            if pattern:
                heads.setdefault(pattern[0], {})[pattern[1:]] = rule
        for head in heads.keys() - {"*"}:
            heads[head] = {**heads.get("*", {}), **heads[head]}  # what holds for every step holds for a named one
        return cls(rules.get(()), {head: cls._build(rest) for head, rest in heads.items()})

    def at(self, step: str | int) -> Table[T] | None:
        return self.below.get(str(step)) or self.below.get("*")


def rewrite(node: Node, table: Table[Rule], problems: list[LoadError], path: Path = ()) -> Node:
    """Replace each node that has a rule by what the rule makes of it, outermost first.

    What a rule refuses (LoadError) is added to `problems` and the node left as it is. Nodes that are null, or to be reset, are
    not looked at.
    """
    if node.value is None or node.tag == RESET:
        return node
    if table.rule is not None:
        try:
            node = table.rule(node, path)
        except LoadError as refused:
            problems.append(refused)
            return node
    if not table.below:
        return node
    if isinstance(node.value, dict):
        return _rewrite_fields(node, table, problems, path)
    if isinstance(node.value, list) and (below := table.below.get("*")):
        return node.with_value([rewrite(entry, below, problems, (*path, index)) for index, entry in enumerate(node.value)])
    return node


def _rewrite_fields(node: Node, table: Table[Rule], problems: list[LoadError], path: Path) -> Node:
    fields = dict(node.value)
    for key in fields if "*" in table.below else table.below.keys() & fields.keys():
        below = table.at(key)
        if below is not None:
            fields[key] = rewrite(fields[key], below, problems, (*path, key))
    return node.with_value(fields)


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every node with its path, a parent before its children."""
    yield path, node
    for key, entry in node.fields.items():
        yield from walk(entry, (*path, key))
    for index, entry in enumerate(node.entries):
        yield from walk(entry, (*path, index))


def text(value: Any) -> str:
    """A scalar as the reference implementation prints it: `true`, `2.5`, and no exponent below a million."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _float_text(value) if isinstance(value, float) else str(value)


def _float_text(value: float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        return {"inf": "+Inf", "-inf": "-Inf"}.get(str(value), "NaN")
    shortest = next(shown for digits in range(18) if float(shown := f"{value:.{digits}e}") == value)
    exponent = int(shortest.partition("e")[2])
    return repr(value).removesuffix(".0") if -4 <= exponent < 6 else shortest
