"""Phase: a service that starts from another one, of this file or of another."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping

from composer.errors import LoadError
from composer.load import paths
from composer.load.merge import SERVICE, merge, settle
from composer.load.node import Node, Path, fail, raise_all
from composer.load.scope import Scope
from composer.load.shapes import suggestion
from composer.load.sources import local
from composer.load.trace import EXTENDS

#: Reads one file into its services, canonical but not yet extended: handed in because it is the phases before this one.
ReadLayer = Callable[[str, Scope], Node]


def extend(layer: Node, file: str, scope: Scope, read_layer: ReadLayer) -> Node:
    """The layer with every `extends` carried out."""
    services = layer.find("services")
    if services is None or not any("extends" in service.fields for service in services.fields.values()):
        return layer
    extender = _Extender(read_layer)
    done = {name: extender.service(name, services.fields, file, scope, ()) for name in services.fields}
    return layer.with_fields(services=services.with_value(done))


#: (service, file) of those that are being extended now.
Trail = tuple[tuple[str, str], ...]


LONGEST_TRAIL = 50


class _Extender:
    """Remembers the files that it has read."""

    def __init__(self, read_layer: ReadLayer) -> None:
        self.read_layer = read_layer
        self.files: dict[str, Node] = {}

    def service(self, name: str, services: Mapping[str, Node], file: str, scope: Scope, trail: Trail) -> Node:
        service = services[name]
        extends = service.find("extends")
        if extends is None:
            return service
        path = ("services", name, "extends")
        if (name, file) in trail:
            chain = "\n  extends ".join(f"{one} in {where}" for one, where in (*trail, (name, file)))
            raise fail(extends, path, f"Circular reference:\n  {chain}")
        if len(trail) > LONGEST_TRAIL:
            raise fail(extends, path, f"extends a service that extends another, {LONGEST_TRAIL} times")
        below = len(scope.trace.layers) - 1 if scope.trace is not None else 0
        base = self.base(extends, name, services, file, scope, (*trail, (name, file)))
        if scope.trace is not None and not trail:
            scope.trace.below(below, base.new({"services": {name: base}}), EXTENDS)
        return merge(base, service.with_fields(extends=None), ("services", name), SERVICE)

    def base(self, extends: Node, name: str, services: Mapping[str, Node], file: str, scope: Scope, trail: Trail) -> Node:
        path = ("services", name, "extends")
        wanted = extends.get("service")
        if not wanted:
            raise fail(extends, path, f"extends.{name}.service is required")
        other = extends.get("file")
        if not other:
            return self.service(_known(wanted, services, extends, path, file), services, file, scope, trail)
        try:
            other_file = local(other, scope.folder)
        except LoadError as wrong:
            raise fail(extends, path, wrong.message, hint=wrong.hint) from wrong
        other_scope = scope.at(os.path.dirname(other_file))
        theirs = self.services(other_file, other_scope, extends, path)
        base = self.service(_known(wanted, theirs, extends, path, other_file), theirs, other_file, other_scope, trail)
        return _rebased(base, name, other_scope.folder, scope)

    def services(self, file: str, scope: Scope, extends: Node, path: Path) -> Mapping[str, Node]:
        if file not in self.files:
            try:
                self.files[file] = self.read_layer(file, scope)
            except LoadError as wrong:
                raise wrong if wrong.place else fail(extends, path, wrong.message) from wrong
        services = self.files[file].find("services")
        if services is None:
            raise fail(extends, path, f"cannot extend: no services section in {file}")
        return services.fields


def _known(wanted: str, services: Mapping[str, Node], extends: Node, path: Path, file: str) -> str:
    if wanted not in services:
        near = suggestion(wanted, services)
        raise fail(extends, path, f'cannot extend service "{path[1]}" in {file}: service "{wanted}" not found',
                   hint=f'did you mean "{near}"?' if near else "")
    return wanted


def _rebased(base: Node, name: str, folder: str, scope: Scope) -> Node:
    """Relative paths of a service of another file belong to that file's folder."""
    problems: list[LoadError] = []
    relative = os.path.relpath(folder, scope.folder)
    tree = base.new({"services": {name: base}})
    moved = paths.resolve(tree, folder if relative.startswith("..") else relative, None, problems)
    raise_all(problems)
    return settle(moved).fields["services"].fields[name]

