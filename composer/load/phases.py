"""Compose files -> Project, one module a phase. `docs/loading.md` shows each with YAML before and after.

    sources       which files, folder, variables, name             \\
    document      text -> tree of Nodes that know their place       |
    interpolate   $VARIABLES                                        |  for each file,
    shapes        unknown keys and wrong types are refused          |  and for each file that
    types         "2" -> 2, "90s" -> 1m30s                          |  another one includes
    canonical     short syntax -> long                              |
    include       other files, below this one                       |
    extends       services that start from others                   |
    merge         this file on top of those before                 /
    check         what each resource needs
    paths         relative -> absolute
    normalize     names, the default network, implied dependencies
    select        profiles, and the services that are asked for
    check         references, contradictions, cycles
    environment   env_file, label_file
    supported     what composer cannot do yet is refused           \\  load() only
    bind          tree -> Project                                  /

A phase takes a tree and returns a tree; it reports everything that it finds wrong at once (LoadErrors), each with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from composer.errors import LoadError, Place
from composer.load import (
    LoadOptions,
    bind,
    check,
    deprecated,
    environment,
    ignored,
    normalize,
    paths,
    render,
    select,
    shapes,
    sources,
    supported,
    written,
)
from composer.load.canonical import CANONICAL
from composer.load.extends import extend
from composer.load.include import include
from composer.load.interpolate import interpolate
from composer.load.merge import make_unique, merge, settle
from composer.load.node import Node, Path, fail, raise_all, rewrite, walk
from composer.load.scope import Scope
from composer.load.sources import SourceFile, Sources
from composer.load.trace import FILE, INCLUDE, Layer, Trace
from composer.load.types import TYPES
from composer.load.written import WRITTEN

if TYPE_CHECKING:
    from composer.model.project import Project


@dataclass(frozen=True, slots=True)
class Resolved:
    """The tree after every phase but the last. `contents`: `secrets/KEY` and `configs/KEY` -> value from the environment."""

    root: Node
    sources: Sources
    inactive: tuple[str, ...]
    warnings: tuple[str, ...]
    contents: Mapping[str, str]
    inactive_profiles: frozenset[str] = frozenset()

    @property
    def tree(self) -> dict[str, Any]:
        """The tree as `docker compose config` prints it: its order of keys, without empty values."""
        return render.printable(self.root)

    @property
    def written(self) -> dict[str, Any]:
        """The tree of a file whose variables were left in it."""
        return written.plain(self.root)

    @property
    def positions(self) -> dict[Path, Place]:
        """Where each value of the tree was written."""
        return {path: node.place for path, node in walk(self.root)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Resolved):
    """What `load` returns."""

    project: Project


def load(options: LoadOptions) -> Loaded:
    """Load a project that can be brought up. Raises LoadError (LoadErrors) for whatever is wrong with its files."""
    resolved = resolve(replace(options, interpolate=True, normalize=True, resolve_paths=True, resolve_env=True, consistency=True))
    raise_all([*supported.unsupported(resolved.root), *check.check_variables(resolved.root, resolved.contents),
               *check.check_runnable(resolved.root)])
    project = bind.bind(ignored.without(resolved.root), resolved.sources, resolved.inactive)
    values = {field.name: getattr(resolved, field.name) for field in fields(resolved)}
    return Loaded(**{**values, "warnings": (*resolved.warnings, *ignored.told(resolved.root))}, project=project)


def resolve(options: LoadOptions, trace: Trace | None = None) -> Resolved:
    """Load everything that the specification knows, whether composer can do it or not: what `config` prints. `trace` hears of every
    layer that the tree is made of."""
    found = sources.find(options)
    warnings = list(found.warnings)

    def warn(message: str) -> None:
        if message not in warnings:
            warnings.append(message)

    name = sources.name_of(found, warn, interpolated=options.interpolate)
    variables = {**found.environment, "COMPOSE_PROJECT_NAME": name}
    scope = Scope(found.folder, options.cwd, variables, warn, options.interpolate, trace=trace)
    root = _finish(read_files(found.files, scope), name, scope, options)
    if not options.interpolate:
        return Resolved(root, found, (), tuple(warnings), {})
    selected = select.select(root, found.profiles, options.services)
    root = selected.root
    if options.consistency:
        raise_all(check.check_consistency(root, selected.inactive))
    if options.resolve_env:
        problems: list[LoadError] = []
        root = environment.resolve(root, scope, select.needed(root, options.services), problems)
        raise_all(problems)
    if options.only_named and options.services:
        root = select.only(root, options.services)
    if not options.all_resources:
        root = select.without_unused(root)
    return Resolved(root, found, selected.inactive, tuple(warnings), {**scope.contents, **bind.contents(root, variables)},
                    selected.inactive_profiles)


def _finish(root: Node, name: str, scope: Scope, options: LoadOptions) -> Node:
    """The phases after the last file has been read."""
    raise_all(check.check_resources(root))
    problems: list[LoadError] = []
    outside = scope.environment if options.interpolate else {}
    root = normalize.with_contents(environment.pass_on(root.with_fields(name=name), outside))
    if options.normalize:
        root = normalize.normalize(root, name, outside)
    if options.resolve_paths:
        root = paths.resolve(root, scope.folder, scope.environment.get("HOME"), problems)
    raise_all(problems)
    return root


def read_files(files: tuple[SourceFile, ...], scope: Scope) -> Node:
    """Every document of every file, each on top of those before, in canonical form."""
    problems: list[LoadError] = []
    root: Node | None = None
    for file in files:
        inner = scope.entering(file)
        for layer in _layers(file, inner):
            included = include(layer, inner, read_files)
            if scope.trace is not None:
                scope.trace.layers.append(Layer(layer, INCLUDE if scope.trail else FILE))
            layer = included
            layer = extend(layer, file.path, inner, _read_layer)
            root = make_unique(settle(merge(root, layer) if root is not None else layer), problems)
            raise_all([*problems, *shapes.check_complete(root)])
    raise_all(problems)
    if root is None or not (root.value or scope.trail):
        raise LoadError("empty compose file", place=Place(files[0].path) if files else None)
    return root


def _layers(file: SourceFile, scope: Scope) -> list[Node]:
    """The documents of a file, canonical, as far as they can be understood alone."""
    return [_canonical(layer, scope) for layer in file.documents]


def _read_layer(path: str, scope: Scope) -> Node:
    """A file that a service extends from another one: its documents merged, nothing included or extended yet."""
    first, *others = _layers(sources.read_file(path, scope.cwd), scope) or [Node({}, path)]
    for layer in others:
        first = merge(first, layer)
    return first


def _canonical(layer: Node, scope: Scope) -> Node:
    problems: list[LoadError] = []
    if scope.trace is not None:
        scope.trace.raw.append(layer)
    if scope.interpolate:
        layer = interpolate(layer, scope.environment, scope.warn, problems)
        raise_all(problems)
    raise_all(shapes.check(layer))
    for warning in deprecated.told(layer):
        scope.warn(warning)
    if version := layer.find("version"):
        if version.value is None:
            raise fail(version, ("version",), "must be a string", hint="take it out: it has no effect")
        layer = layer.with_fields(version=None)
    layer = rewrite(rewrite(layer, TYPES, problems), CANONICAL, problems) if scope.interpolate else rewrite(layer, WRITTEN, problems)
    raise_all(problems)
    return layer
