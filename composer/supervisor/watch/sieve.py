"""What of a tree counts: a source of watched paths, and its rules applied to a path, before a folder is entered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from composer.supervisor.watch.patterns import Patterns

#: Never news: repositories' own folders, and what editors write beside a file (vim, emacs, JetBrains, kate, go).
ALWAYS_IGNORED = (
    "**/.git",
    "**/4913",
    "**/*~",
    "**/.*.swp",
    "**/.*.swx",
    "**/.*.swo",
    "**/.*.swn",
    "**/.#*",
    "**/#*#",
    "**/*___jb_old___",
    "**/*___jb_tmp___",
    "**/*___jb_bak___",
    "**/.idea",
    "**/.*.kate-swp",
    "**/*-go-tmp-umask",
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Patterns, and the folder that they start from."""

    root: str
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A path to watch, absolute: a file, a folder with all that is in it, or what will be one of them. `include` None is everything.
    `initial`: all that is there comes as the first batch."""

    id: str
    path: str
    ignore: tuple[Scope, ...] = ()
    include: Scope | None = None
    initial: bool = False

    def to_json(self) -> dict[str, Any]:
        include = [self.include.root, self.include.patterns] if self.include else None
        ignore = [[scope.root, scope.patterns] for scope in self.ignore]
        return {"id": self.id, "path": self.path, "ignore": ignore, "include": include, "initial": self.initial}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Source:
        ignore = tuple(Scope(root, tuple(patterns)) for root, patterns in value["ignore"])
        include = Scope(value["include"][0], tuple(value["include"][1])) if value["include"] else None
        return cls(value["id"], value["path"], ignore, include, value["initial"])


def relative(path: str, root: str) -> str | None:
    """`path` as seen from `root` ("" is itself), None when it is elsewhere."""
    if path == root:
        return ""
    prefix = root.rstrip("/") + "/"
    return path[len(prefix) :] if path.startswith(prefix) else None


@dataclass(frozen=True, slots=True)
class Sieve:
    """One source's rules, ready to be asked."""

    source: Source
    _ignore: tuple[tuple[str, Patterns], ...] = field(init=False)
    _include: tuple[str, Patterns] | None = field(init=False)

    def __post_init__(self) -> None:
        scopes = (*self.source.ignore, Scope(self.source.path, ALWAYS_IGNORED))
        object.__setattr__(self, "_ignore", tuple((scope.root, Patterns.of(scope.patterns)) for scope in scopes))
        chosen = self.source.include
        object.__setattr__(self, "_include", (chosen.root, Patterns.of(chosen.patterns)) if chosen else None)

    def name(self, path: str) -> str | None:
        """The path as the source knows it, if a change of it counts."""
        below = relative(path, self.source.path)
        if below is None or any(patterns.match(seen) for seen, patterns in self._ignoring(path)):
            return None
        if below and self._include:
            chosen = relative(path, self._include[0])
            if chosen is None or not self._include[1].match(chosen):
                return None
        return below

    def enters(self, folder: str) -> bool:
        """Whether something below the folder may count, or the folder leads to the source's path."""
        if relative(folder, self.source.path) is None:
            return False
        if any(patterns.match_all_below(seen) for seen, patterns in self._ignoring(folder)):
            return False
        chosen = relative(folder, self._include[0]) if self._include else None
        return chosen is None or self._include is None or self._include[1].may_match_below(chosen)

    def _ignoring(self, path: str) -> Iterator[tuple[str, Patterns]]:
        for root, patterns in self._ignore:
            seen = relative(path, root)
            if seen:
                yield seen, patterns
