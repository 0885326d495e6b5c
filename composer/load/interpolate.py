"""Phase: variables in values are filled in; keys are left alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from composer.errors import LoadError
from composer.load import types
from composer.load.node import RESET, Node, Path, dotted, shorten
from composer.load.quantities import OLD_BOOLEANS, boolean
from composer.load.template import MissingVariable, TemplateError, substitute, unset


def interpolate(node: Node, environment: Mapping[str, str], warn: Callable[[str], None], problems: list[LoadError],
                path: Path = ()) -> Node:
    """Fill in every text of the tree. `warn` hears of variables that are not set; bad templates and missing required
    variables are added to `problems`."""
    value = node.value
    if node.tag == RESET:
        return node
    if isinstance(value, dict):
        return _changed(node, {key: interpolate(entry, environment, warn, problems, (*path, key)) for key, entry in value.items()})
    if isinstance(value, list):
        return _changed(node, [interpolate(entry, environment, warn, problems, (*path, index)) for index, entry in enumerate(value)])
    if type(value) is str and "$" in value:
        node = _filled(node, environment, warn, problems, path)
    if node.value in OLD_BOOLEANS and types.is_boolean(path):
        warn(f'"{node.value}" for boolean is not supported by YAML 1.2, please use `{str(boolean(node.value)).lower()}`')
    return node


def _changed(node: Node, value: dict[str, Node] | list[Node]) -> Node:
    return node if value == node.value else node.with_value(value)


def _filled(node: Node, environment: Mapping[str, str], warn: Callable[[str], None], problems: list[LoadError], path: Path) -> Node:
    def missing(name: str) -> None:
        warn(unset(name))

    try:
        return node.with_value(substitute(node.value, environment.get, missing))
    except MissingVariable as error:
        name = str(error).split()[2]
        problems.append(LoadError(f"{dotted(path)}: error while interpolating {dotted(path)}: {error}", place=node.place,
                                  hint=f"set {name} in the environment or in .env"))
    except TemplateError:
        wrong = shorten(f'{dotted(path)}: invalid interpolation format for {dotted(path)}: "{node.value}"')
        problems.append(LoadError(wrong, place=node.place,
                                  hint="You may need to escape any $ with another $"))
    return node
