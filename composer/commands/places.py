"""Where in the compose files the value stands that an error from beyond the loader is about."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

from composer.errors import ComposerError, LoadError
from composer.load import LoadOptions
from composer.load.node import Node
from composer.load.phases import resolve

_PATH = re.compile(r"((?:services|networks|volumes|secrets|configs)\..+?): ")


def placed(error: ComposerError, options: LoadOptions) -> ComposerError:
    """With the place of the value whose path the message begins with, as the loader's messages do. The files are read once more: the
    supervisor, which had the trouble, does not know them."""
    match = _PATH.match(error.message)
    if match is None or isinstance(error, LoadError):
        return error
    with suppress(ComposerError):
        root = resolve(replace(options, stdin=lambda: "")).root
        known = LoadError(error.message, place=_deepest(root, match[1]).key_place, hint=error.hint)
        known.exit_code = error.exit_code
        return known
    return error


def _deepest(node: Node, path: str) -> Node:
    """The node at the path, or the last one on the way that is there. Names may have dots in them: the longest that fits counts."""
    within = node.fields or {str(index): entry for index, entry in enumerate(node.entries)}
    for key in sorted(within, key=len, reverse=True):
        if path == key or path.startswith(f"{key}."):
            return _deepest(within[key], path[len(key) + 1 :])
    return node
