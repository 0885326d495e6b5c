"""`config --explain`: every place that set a value, in the order in which they count, and the rule by which the last one won."""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from composer.errors import UsageError
from composer.load import LoadOptions, dotenv
from composer.load.node import RESET, Node, text, walk
from composer.load.phases import Resolved, resolve
from composer.load.shapes import suggestion
from composer.load.template import Lookup, substitute
from composer.load.trace import Trace
from composer.load.variables import references

Steps = tuple[str | int, ...]

ALONE = "nobody else says anything"
ENVIRONMENT = "the environment goes before files with variables"
ENV_FILES = "a later --env-file goes before an earlier one"
DOT_ENV = "the .env of the folder where composer was called goes before that of the project's folder"
TEMPLATE = "what ${...} says when the variable has no value"
SET = "it has a value, and so no default counts"
PROJECT = "the project's name"
ENV_FILE = "environment goes before env_file, a later env_file before an earlier one"
PASSED_ON = "a variable without a value takes the one that it has outside"
IMPLIED = "nobody says anything: composer's default"


@dataclass(frozen=True, slots=True)
class Setting:
    """One place that says something: `value` as it counts, `written` as it stands there when variables made it different."""

    value: str
    source: str  # "compose.yaml, line 4, column 7", "the environment"
    rule: str
    written: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """`settings` with the one that won last; empty `value` with no settings: nothing sets it. `variables` are those in what won."""

    name: str
    value: str
    settings: tuple[Setting, ...]
    variables: tuple[Explanation, ...] = ()


def explain(options: LoadOptions, name: str) -> Explanation:
    """Explain a path (`services.web.image`, `services.web.ports[0]`) or, when the files have no such path, a variable. Raises
    UsageError for what is neither."""
    trace = Trace()
    resolved = resolve(options, trace)
    path = _steps(name, resolved.root)
    if path is not None:
        return _path(name, path, resolved, trace, options)
    explained = _variable(name, resolved, options, trace)
    if not explained.settings and not _is_named(trace, name):
        steps = name.split(".")
        near = suggestion(steps[-1], _keys_at(resolved.root, steps[:-1])) if len(steps) > 1 else ""
        raise UsageError(f"{name}: no such path in the compose files, and no variable of that name",
                         hint=f'did you mean "{".".join([*steps[:-1], near])}"?' if near else "for example services.web.environment.TOKEN")
    return explained


# ---------------------------------------------------------------- paths

def _steps(name: str, root: Node) -> Steps | None:
    """The path that a name stands for; keys may have dots in them (labels do), so the longest key that fits is tried first."""
    if not name:
        return ()
    for end in range(len(name), 0, -1):
        key, rest = name[:end], name[end:]
        if rest[:1] not in ("", ".", "[") or (root.fields.get(key) is None and not _index(key, root)):
            continue
        step: str | int = key if key in root.fields else int(key.strip("[]"))
        below = _steps(rest.removeprefix("."), root.fields[key] if isinstance(step, str) else root.entries[step])
        if below is not None:
            return (step, *below)
    return None


def _index(key: str, node: Node) -> bool:
    digits = key[1:-1] if key.startswith("[") and key.endswith("]") else key
    return digits.isdecimal() and int(digits) < len(node.entries)


def _keys_at(root: Node, steps: Iterable[str]) -> Iterable[str]:
    node = root.find(*steps)
    return node.fields if node is not None else ()


def _at(node: Node | None, path: Steps) -> Node | None:
    for step in path:
        if node is None:
            return None
        if isinstance(step, int) and step >= len(node.entries):
            return None
        node = node.fields.get(step) if isinstance(step, str) else node.entries[step]
    return node


def _path(name: str, path: Steps, resolved: Resolved, trace: Trace, options: LoadOptions) -> Explanation:
    final = _at(resolved.root, path)
    written = {(node.file, node.line, node.column): node.value
               for layer in trace.raw for _, node in walk(layer) if isinstance(node.value, str)}
    settings = [*_env_files(path, resolved, options), *_layers(path, trace, written, resolved.sources.environment)]
    value = _shown(final)
    if not settings:
        settings = [Setting(value, "", IMPLIED)]
    last = settings[-1] = replace(settings[-1], rule=_rule(settings))
    names = [str(path[-1])] if last.rule == PASSED_ON else _names(last.written)
    variables = tuple(_variable(reference, resolved, options, trace) for reference in names)
    return Explanation(name, value, tuple(settings), variables)


def _rule(settings: list[Setting]) -> str:
    """Why the last one won. Its own rule says how it stands to others of its kind; over those of another kind, theirs says why they
    do not count."""
    own, others = settings[-1].rule, [setting.rule for setting in settings[:-1]]
    if own in (IMPLIED, PASSED_ON) or own.startswith("!"):
        return own
    if not others:
        return ALONE
    return own if own in others or own == ENVIRONMENT else SET if others[-1] == TEMPLATE else others[-1]


def _layers(path: Steps, trace: Trace, written: Mapping[tuple[str, int, int], str], outside: Mapping[str, str]) -> Iterator[Setting]:
    for layer in trace.layers:
        node = _at(layer.tree, path)
        if node is None:
            continue
        rule = {RESET: "!reset takes away what was there", "!override": "!override replaces what was there"}.get(node.tag, layer.rule)
        before = written.get((node.file, node.line, node.column), "")
        value = _shown(node)
        if node.value is None and path[-2:-1] == ("environment",) and str(path[-1]) in outside:
            value, rule = outside[str(path[-1])], PASSED_ON
        yield Setting("" if node.tag == RESET else value, str(node.place), rule, before if "$" in before else "")


def _env_files(path: Steps, resolved: Resolved, options: LoadOptions) -> Iterator[Setting]:
    """`env_file` is gone from the tree by now: it is looked up in one that still has it."""
    if len(path) != 4 or path[0] != "services" or path[2] != "environment":
        return
    files = _at(resolve(replace(options, resolve_env=False)).root, (*path[:2], "env_file"))
    key = str(path[3])
    for entry in files.entries if files is not None else ():
        file = os.path.join(resolved.sources.folder, str(entry.get("path")))
        raw = entry.get("format") == "raw"
        found = dotenv.read(file, resolved.sources.environment.get, raw=raw) if os.path.exists(file) else {}
        if key in found:
            line = 0 if raw else dotenv.line_of(file, key, resolved.sources.environment.get)
            yield Setting(found[key], _line(file, line), ENV_FILE)


# ---------------------------------------------------------------- variables

def _variable(name: str, resolved: Resolved, options: LoadOptions, trace: Trace) -> Explanation:
    settings = [*_templates(trace, name, resolved.sources.environment.get), *_variable_files(name, resolved, options)]
    if name == "COMPOSE_PROJECT_NAME":
        settings.append(Setting(str(resolved.root.get("name")), "", PROJECT))
    elif name in options.environ:
        settings.append(Setting(options.environ[name], "the environment", ENVIRONMENT))
    if not settings:
        return Explanation(name, "", ())
    settings[-1] = replace(settings[-1], rule=settings[-1].rule if settings[-1].rule in (TEMPLATE, PROJECT) else _rule(settings))
    return Explanation(name, settings[-1].value, tuple(settings))


def _variable_files(name: str, resolved: Resolved, options: LoadOptions) -> Iterator[Setting]:
    given = bool(options.env_files or options.environ.get("COMPOSE_ENV_FILES"))
    files = resolved.sources.environment_files
    for file in files if given else files[::-1]:
        found = dotenv.read(file, options.environ.get)
        if name in found:
            line = dotenv.line_of(file, name, options.environ.get)
            yield Setting(found[name], _line(file, line), ENV_FILES if given else DOT_ENV)


def _is_named(trace: Trace, name: str) -> bool:
    return any(reference.name == name for layer in trace.raw for _, node in walk(layer) if isinstance(node.value, str)
               for reference in references(node.value))


def _templates(trace: Trace, name: str, lookup: Lookup) -> list[Setting]:
    """The defaults that the files give a variable, each where it stands."""
    found = []
    for layer in trace.raw:
        for _, node in walk(layer):
            for reference in references(node.value) if isinstance(node.value, str) else ():
                if reference.name == name and reference.operator in ("-", ":-"):
                    found.append(Setting(substitute(reference.argument, lookup), str(node.place), TEMPLATE, node.value))
    return list(dict.fromkeys(found))


def _names(template: str) -> list[str]:
    return list(dict.fromkeys(reference.name for reference in references(template)))


def _line(file: str, line: int) -> str:
    return f"{file}, line {line}" if line else file


def _shown(node: Node | None) -> str:
    if node is None or node.value is None:
        return ""
    if isinstance(node.value, dict | list):
        import json

        return json.dumps(node.plain(), ensure_ascii=False)
    return text(node.value)

