"""Phase: other compose files are taken in, each with its own folder and variables, below what this file says itself."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping

from composer.errors import LoadError
from composer.load import bind, dotenv, environment, paths, reading
from composer.load.merge import merge
from composer.load.node import Node, Path, dotted, fail, raise_all
from composer.load.scope import Scope
from composer.load.sources import SourceFile, local, read_file
from composer.load.template import unset

_RESOURCES = ("services", "networks", "volumes", "secrets", "configs", "models")

#: Reads files into one canonical tree: the phases of `composer.load`, handed in because they come back here.
ReadFiles = Callable[[tuple[SourceFile, ...], Scope], Node]


def include(layer: Node, scope: Scope, read_files: ReadFiles) -> Node:
    """The layer with everything that it includes. Where both define a resource, what this file says is merged on top."""
    entries = layer.find("include")
    if entries is None:
        return layer
    layer = layer.with_fields(include=None)
    for index, entry in enumerate(entries.entries):
        imported = _read(entry, ("include", index), scope, read_files)
        for kind in _RESOURCES:
            theirs, ours = imported.find(kind), layer.find(kind)
            if theirs is not None and theirs.value:
                layer = layer.with_fields(**{kind: merge(theirs, ours, (kind,)) if ours is not None else theirs})
    return layer


def _read(entry: Node, path: Path, scope: Scope, read_files: ReadFiles) -> Node:
    try:
        files = [local(file, scope.folder) for file in entry.get("path") or ()]
    except LoadError as wrong:
        raise fail(entry, path, wrong.message, hint=wrong.hint) from wrong
    if not files:
        raise fail(entry, path, "path is required")
    if files[0] in scope.trail:
        chain = "\n include ".join((*scope.trail[scope.trail.index(files[0]):], files[0]))
        raise fail(entry, path, f"include cycle detected:\n{chain}")
    project_directory = entry.get("project_directory")
    folder = os.path.normpath(os.path.join(scope.folder, project_directory)) if project_directory else os.path.dirname(files[0])
    try:
        sources = tuple(read_file(file, scope.cwd) for file in files)
        inner = scope.at(folder, _environment(entry, folder, scope))
    except LoadError as wrong:
        raise LoadError(f"{dotted(path)}: {wrong.message}", place=wrong.place or entry.place) from wrong
    problems: list[LoadError] = []
    imported = paths.resolve(read_files(sources, inner), folder, scope.environment.get("HOME"), problems)
    raise_all(problems)
    scope.contents.update(bind.contents(imported, inner.environment))
    return environment.pass_on(imported, inner.environment)


def _environment(entry: Node, folder: str, scope: Scope) -> Mapping[str, str]:
    """What the includer knows, and below it the entry's own env_file, else the `.env` of the included project."""
    named = entry.get("env_file") or ()
    files = [os.path.join(scope.folder, file) for file in named if file != "/dev/null"]
    if not named and reading.is_there(default := os.path.join(folder, ".env")):
        files = [default]
    return {**dotenv.read_all(tuple(files), scope.environment, lambda name: scope.warn(unset(name))), **scope.environment}
