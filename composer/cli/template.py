"""Go's text/template as far as `--format` of docker's commands is used: fields, pipes, docker's functions, if, range, with, {{- -}}.

    {{.Name}}\t{{.Status | upper}}
    {{range .Publishers}}{{.PublishedPort}} {{end}}
    {{if eq .State "running"}}{{json .}}{{end}}
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from composer.errors import UsageError

_ACTION = re.compile(r"(?P<left>\s*\{\{- )|(?P<plain>\{\{)")
_WORD = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|`[^`]*`)|(?P<number>-?\d+)|(?P<field>\$?\.[\w.]*|\$)|(?P<name>[A-Za-z]\w*)|(?P<mark>[|()]))"""
)
_BLOCKS = ("if", "range", "with")

Function = Callable[..., object]


def _compare(compared: Callable[[object, object], bool]) -> Function:
    return lambda first, *others: any(compared(first, other) for other in others)


#: Those of Go and of docker's command line (docker/cli, templates/templates.go).
FUNCTIONS: Mapping[str, Function] = {
    "json": lambda value: _json(value),
    "upper": lambda value: shown(value).upper(),
    "lower": lambda value: shown(value).lower(),
    "title": lambda value: shown(value).title(),
    "join": lambda values, separator: str(separator).join(map(shown, values)),
    "split": lambda value, separator: shown(value).split(str(separator)),
    "truncate": lambda value, length: shown(value)[: int(length)],
    "pad": lambda value, before, behind: f"{' ' * int(before)}{shown(value)}{' ' * int(behind)}" if value else "",
    "print": lambda *values: "".join(map(shown, values)),
    "println": lambda *values: " ".join(map(shown, values)) + "\n",
    "printf": lambda form, *values: _printf(str(form), values),
    "len": len,
    "index": lambda value, *keys: _index(value, keys),
    "not": lambda value: not value,
    "and": lambda *values: next((value for value in values if not value), values[-1]),
    "or": lambda *values: next((value for value in values if value), values[-1]),
    "eq": _compare(operator.eq),
    "ne": lambda one, other: one != other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
}


@dataclass(frozen=True, slots=True)
class Action:
    """`{{ pipeline }}`, or a block: its name, what it is about, and both of its parts."""

    pipeline: tuple[tuple[str, str], ...]
    block: str = ""
    then: tuple[str | Action, ...] = ()
    otherwise: tuple[str | Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    source: str
    nodes: tuple[str | Action, ...]

    @classmethod
    def parse(cls, source: str) -> Template:
        r"""`\t` and `\n` stand for what they mean, as in docker's own formats. UsageError for what is not understood."""
        parser = _Parser(source)
        nodes, end = parser.nodes(_pieces(source.replace("\\t", "\t").replace("\\n", "\n")))
        if end:
            raise parser.wrong(f"{{{{{end}}}}} without a beginning")
        return cls(source, nodes)

    def render(self, row: object, *, functions: Mapping[str, Function] = FUNCTIONS) -> str:
        try:
            return "".join(_render(self.nodes, _Scope(row, row, functions)))
        except (TypeError, ValueError, KeyError, IndexError) as wrong:
            raise UsageError(f"--format {self.source}: {wrong}") from wrong


def shown(value: object) -> str:
    """As Go prints a value."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{key}:{shown(value[key])}' for key in sorted(value))}]"
    return f"[{' '.join(map(shown, value))}]" if isinstance(value, list | tuple) else str(value)


def _pieces(source: str) -> Iterator[tuple[bool, str]]:
    """Text (False) and what stands between braces (True), in turn; `{{-` and `-}}` take the blanks beside them away."""
    rest, trimmed = source, False
    while match := _ACTION.search(rest):
        text, inside = rest[: match.start()], rest[match.end() :]
        body, closed, rest = inside.partition("}}")
        if not closed:
            raise UsageError(f"--format {source}: {{{{ without }}}}")
        yield False, text.lstrip() if trimmed else text
        trimmed = body.endswith(" -")
        yield True, body.removesuffix(" -")
    yield False, rest.lstrip() if trimmed else rest


@dataclass(frozen=True, slots=True)
class _Parser:
    source: str

    def nodes(self, pieces: Iterator[tuple[bool, str]]) -> tuple[tuple[str | Action, ...], str]:
        """Up to the end of the block, with the word that ended it (`end`, `else`, "" for the end of all)."""
        found: list[str | Action] = []
        for is_action, body in pieces:
            word, _, rest = body.strip().partition(" ")
            if not is_action:
                found.append(body)
            elif word in ("end", "else"):
                return tuple(found), body.strip()
            elif word in _BLOCKS:
                found.append(self._block(word, rest, pieces))
            elif not word.startswith("/*"):
                found.append(Action(self._words(body)))
        return tuple(found), ""

    def _block(self, word: str, subject: str, pieces: Iterator[tuple[bool, str]]) -> Action:
        then, end = self.nodes(pieces)
        otherwise: tuple[str | Action, ...] = ()
        if end.startswith("else if "):
            return Action(self._words(subject), word, then, (self._block("if", end.removeprefix("else if "), pieces),))
        if end == "else":
            otherwise, end = self.nodes(pieces)
        if end != "end":
            raise self.wrong(f"{{{{{word}}}}} without {{{{end}}}}")
        return Action(self._words(subject), word, then, otherwise)

    def _words(self, body: str) -> tuple[tuple[str, str], ...]:
        words: list[tuple[str, str]] = []
        place = 0
        while body[place:].strip():
            match = _WORD.match(body, place)
            if match is None or (match.lastgroup == "name" and match["name"] not in {*FUNCTIONS, "true", "false"}):
                raise self.wrong(f"{body[place:].strip()!r} is not understood")
            words.append((str(match.lastgroup), match[str(match.lastgroup)]))
            place = match.end()
        if not words:
            raise self.wrong("{{}} is empty")
        return tuple(words)

    def wrong(self, why: str) -> UsageError:
        return UsageError(f"--format {self.source}: {why}", hint=f"fields (.Name), pipes, if, range, with, and {', '.join(FUNCTIONS)}")


@dataclass(frozen=True, slots=True)
class _Scope:
    """`dot` is what a block is about, `top` what the whole template is about (`$`)."""

    dot: object
    top: object
    functions: Mapping[str, Function]


def _render(nodes: Sequence[str | Action], scope: _Scope) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
            continue
        value = _evaluate(list(node.pipeline), scope)
        if not node.block:
            yield shown(value)
        elif node.block == "range" and value:
            for item in value.values() if isinstance(value, Mapping) else _items(value):
                yield from _render(node.then, replace(scope, dot=item))
        else:
            inner = replace(scope, dot=value) if node.block == "with" and value else scope
            yield from _render(node.then if value else node.otherwise, inner)


def _evaluate(words: list[tuple[str, str]], scope: _Scope) -> object:
    """A pipeline, up to its end or to a closing bracket; what is left of a | becomes the last argument of what is right of it."""
    passed: list[object] = []
    while True:
        operands: list[object] = []
        while words and words[0] not in (("mark", "|"), ("mark", ")")):
            kind, word = words.pop(0)
            operands.append(_evaluate(words, scope) if kind == "mark" else _operand(kind, word, scope))
        first, *arguments = [*operands, *passed]
        passed = [first(*arguments) if callable(first) else first]
        if not words or words.pop(0) == ("mark", ")"):
            return passed[0]


def _operand(kind: str, word: str, scope: _Scope) -> object:
    if kind == "text":
        return word[1:-1] if word.startswith("`") else json.loads(word)
    if kind == "number":
        return int(word)
    return scope.functions.get(word, word == "true") if kind == "name" else _field(word, scope)


def _field(path: str, scope: _Scope) -> object:
    found = scope.top if path.startswith("$") else scope.dot
    for name in filter(None, path.removeprefix("$").split(".")):
        if not isinstance(found, Mapping) or name not in found:
            there = f"there are {', '.join('.' + key for key in found)}" if isinstance(found, Mapping) else ""
            raise UsageError(f"--format: no field .{name}", hint=there)
        found = found[name]
    return found


def _json(value: object) -> str:
    """Without what can be called: a row's functions."""
    plain = {key: one for key, one in value.items() if not callable(one)} if isinstance(value, Mapping) else value
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False)


def _items(value: object) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"range: {shown(value)} is no list")
    return value


def _index(value: object, keys: Sequence[object]) -> object:
    for key in keys:
        value = value.get(key, "") if isinstance(value, Mapping) else _items(value)[int(str(key))]
    return value


def _printf(form: str, values: Sequence[object]) -> str:
    """%s, %v, %d, %q with flags and widths."""
    given = iter(values)

    def one(match: re.Match[str]) -> str:
        if match[2] == "%":
            return "%"
        value = next(given)
        text = json.dumps(shown(value)) if match[2] == "q" else shown(value)
        width = int(match[1].lstrip("-+0") or 0)
        return text.ljust(width) if match[1].startswith("-") else text.rjust(width)

    return re.sub(r"%([-+0-9]*)([svdq%])", one, form)
