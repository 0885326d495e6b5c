"""Text -> tree: YAML as compose files are written.

PyYAML's C parser reads; what the scalars mean is decided here, as Go's yaml.v3 does: YAML 1.2 booleans (`yes` and `on` are
text), no base-60 integers, `0o17` and `017` octal, merge keys, and the tags !reset and !override.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Callable
from math import isinf
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from composer.errors import LoadError, Place
from composer.load.node import OVERRIDE, RESET, Node, Path, Timestamp, dotted
from composer.load.quantities import OLD_BOOLEANS

#: How many nodes a file may have once its aliases are written out: a guard against "billion laughs".
MOST_NODES = 100_000
#: How many levels; real files have ten.
MOST_LEVELS = 100

_PLAIN, _QUOTED = "plain", "quoted"
_BOOLEANS = {word: value for name, value in (("true", True), ("false", False)) for word in (name, name.title(), name.upper())}
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL_FLOAT = re.compile(r"([-+]?)\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_TIMESTAMP = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[Tt ]+\d{1,2}:\d{2}:\d{2}.*)?\Z")


class _Reader(yaml.cyaml.CParser):  # type: ignore[name-defined,misc]
    """Only tells plain scalars from quoted ones; the resolver of YAML 1.1 stays out."""

    def resolve(self, _kind: type, _value: str | None, implicit: Any) -> str:
        return _PLAIN if isinstance(implicit, tuple) and implicit[0] else _QUOTED

    def descend_resolver(self, _parent: object, _index: object) -> None: ...

    def ascend_resolver(self) -> None: ...


class _Redefining(Composer):
    """Composes the events of a reader like the reader itself does, but an anchor may be given anew (YAML 1.2, 3.2.2.2)."""

    def __init__(self, reader: _Reader) -> None:
        super().__init__()
        for name in ("check_event", "get_event", "peek_event", "resolve", "descend_resolver", "ascend_resolver"):
            setattr(self, name, getattr(reader, name))

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[attr-defined]
        if not isinstance(event, yaml.AliasEvent):
            self.anchors.pop(event.anchor, None)
        return super().compose_node(parent, index)


def parse(text: str, file: str) -> list[Node]:
    """The documents of one file; raises LoadError for bad YAML, naming line and column. A file with nothing in it has none."""
    try:
        documents = _documents(text, file, _Reader)
    except LoadError as refused:
        if "second occurrence" not in refused.message:
            raise
        documents = _documents(text, file, lambda text: _Redefining(_Reader(text)))
    builder = _Builder(file)
    nodes = [builder.build(document, ()) for document in documents]
    return nodes if len(nodes) > 1 else [node for node in nodes if node.value is not None]


def _documents(text: str, file: str, composing: Callable[[str], Any]) -> list[Any]:
    reader = None
    documents = []
    try:
        _check_size(text, file)
        reader = composing(text)
        while reader.check_node():
            documents.append(reader.get_node())
        return documents
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise LoadError(f"{file}: {error.problem or error.context}", place=_place(file, mark)) from error
    except UnicodeEncodeError as error:
        raise LoadError(f"{file}: not a text in UTF-8", place=Place(file)) from error
    except yaml.reader.ReaderError as error:
        raise LoadError(f"{file}: {error.reason}", place=Place(file)) from error
    finally:
        if isinstance(reader, _Reader):
            reader.dispose()


_INDENT = re.compile(r"^[ ?:-]{500}", re.MULTILINE)


def _check_size(text: str, file: str) -> None:
    """PyYAML makes all nodes of a document before anybody can count them, and its recursion overflows the stack of C. Files that
    could have so many nodes or levels are read event by event first; all others pay a few searches."""
    if text.count(",") + text.count("\n") + text.count("- ") + text.count("? ") < MOST_NODES // 2 and not (
            text.count("[") + text.count("{") > 20 * MOST_LEVELS or _INDENT.search(text)):
        return
    reader = yaml.cyaml.CParser(text)  # type: ignore[attr-defined]
    nodes = level = 0
    while reader.check_event():
        event: Any = reader.get_event()
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        nodes += isinstance(event, yaml.NodeEvent)
        if nodes > MOST_NODES or level > MOST_LEVELS:
            raise _too_much(level, _place(file, event.start_mark), "")
    reader.dispose()


def _too_much(level: int, place: Place, path: str) -> LoadError:
    if level > MOST_LEVELS:
        return LoadError("nested too deeply", place=place, hint=f"a compose file has up to {MOST_LEVELS} levels")
    return LoadError(f"{path}: document contains excessive aliasing" if path else "too many values", place=place,
                     hint=f"with its aliases written out, the file has over {MOST_NODES} values")


def _place(file: str, mark: Any) -> Place:
    return Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)


class _Builder:
    """Makes Nodes of PyYAML's nodes; counts, because an alias costs a few characters and can stand for a million nodes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.open: set[int] = set()
        self.count = 0

    def build(self, source: Any, path: Path) -> Node:
        self.count += 1
        if self.count > MOST_NODES or len(path) > MOST_LEVELS:
            raise _too_much(len(path), _place(self.file, source.start_mark), dotted(path))
        if isinstance(source, ScalarNode):
            return self.node(source, _scalar(source.value, source.tag))
        if id(source) in self.open:
            raise LoadError(f"{dotted(path)}: the anchor contains itself", place=_place(self.file, source.start_mark))
        self.open.add(id(source))
        value = self.mapping(source, path) if isinstance(source, MappingNode) else self.sequence(source, path)
        self.open.remove(id(source))
        return self.node(source, value)

    def node(self, source: Any, value: Any) -> Node:
        mark = source.start_mark
        tag = source.tag if source.tag in (RESET, OVERRIDE) else ""
        return Node(value, self.file, mark.line + 1, mark.column + 1, tag)

    def sequence(self, source: SequenceNode, path: Path) -> list[Node]:
        return [self.build(entry, (*path, index)) for index, entry in enumerate(source.value)]

    def mapping(self, source: MappingNode, path: Path) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        merge_line = 0
        for key_source, value_source in source.value:
            if isinstance(key_source, ScalarNode) and key_source.value == "<<" and key_source.tag == _PLAIN:
                if merge_line:
                    raise self.twice(key_source, "<<", merge_line, path)
                merge_line = key_source.start_mark.line + 1
                merged = {**self.merge_key(value_source, path), **merged}
                continue
            key = self.key(key_source, path)
            mark = key_source.start_mark
            if key in own:
                raise self.twice(key_source, key, (own[key].key or (0, 0))[0], path)
            value = self.build(value_source, (*path, key))
            value.key = (mark.line + 1, mark.column + 1)
            own[key] = value
        return {**merged, **own}

    def twice(self, source: Any, key: str, line: int, path: Path) -> LoadError:
        mark = source.start_mark
        return LoadError(f'{dotted((*path, key))}: line {mark.line + 1}: mapping key "{key}" already defined at line {line}',
                         place=_place(self.file, mark))

    def key(self, source: Any, path: Path) -> str:
        value = _scalar(source.value, source.tag) if isinstance(source, ScalarNode) else source.value
        if not isinstance(value, str):
            shown = source.value if isinstance(source, ScalarNode) else "a list or mapping"
            where = f"in {dotted(path)}" if path else "at top level"
            raise LoadError(f"{dotted(path)}: non-string key {where}: {shown}", place=_place(self.file, source.start_mark),
                            hint="write it in quotes")
        return value

    def merge_key(self, source: Any, path: Path) -> dict[str, Node]:
        if isinstance(source, MappingNode):
            return dict(self.build(source, path).value)
        if isinstance(source, SequenceNode) and all(isinstance(entry, MappingNode) for entry in source.value):
            merged: dict[str, Node] = {}
            for entry in source.value:
                merged = {**self.build(entry, path).value, **merged}
            return merged
        raise LoadError(f"{dotted(path)}: map merge requires map or sequence of maps as the value",
                        place=_place(self.file, source.start_mark))


def _scalar(value: str, tag: str) -> Any:
    if tag == _PLAIN:
        return _plain(value)
    kind = tag.removeprefix("tag:yaml.org,2002:")
    if kind in ("int", "float", "bool", "null"):
        return _plain(value)
    return _text_of(value) if kind == "binary" else value


def _text_of(encoded: str) -> str:
    """What base64 stands for; what is no base64, or no text, stays as it is."""
    try:
        return a2b_base64("".join(encoded.split()), strict_mode=True).decode()
    except ValueError:
        return encoded


def _plain(value: str) -> Any:
    if value in _NULLS:
        return None
    if value in _BOOLEANS:
        return _BOOLEANS[value]
    if value[0] not in "+-.0123456789":
        return value
    if _INTEGER.match(value):
        return _integer(value.replace("_", ""))
    if _FLOAT.match(value):
        number = float(value)
        return value if isinf(number) else number
    if special := _SPECIAL_FLOAT.match(value):
        return float("nan") if special[1] is None else float(f"{special[1]}inf")
    return Timestamp(value) if _TIMESTAMP.match(value) else value


def _integer(value: str) -> int | float | str:
    digits = value.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
    try:
        number = (-1 if value[0] == "-" else 1) * int(f"0o{digits[1:]}" if octal else digits, 0)
        return number if -(2**63) <= number < 2**64 else float(number)
    except (ValueError, OverflowError):  # more digits than a number has
        return value


_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z")


def is_text(value: str) -> bool:
    """Whether a text can be written without quotes and is still text, for readers of YAML 1.1 too."""
    return value not in OLD_BOOLEANS and value not in ("<<", "=") and not _BASE_60.match(value) and type(_plain(value)) is str
