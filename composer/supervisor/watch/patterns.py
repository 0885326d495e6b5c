"""The language of .dockerignore, as moby's patternmatcher has it; gitignore's is another one (a name without `/` is not for all folders).

A pattern matches from the top, `**` any number of folders, and with a folder all that is in it. The last pattern that
matches has the word; `!` makes an exception.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from composer.errors import UsageError


@dataclass(frozen=True, slots=True)
class Pattern:
    text: str  # clean, without a leading slash
    exception: bool = False


@dataclass(frozen=True, slots=True)
class Patterns:
    """An ordered list, compiled: neighbours of a kind are one expression, since a tree of 50,000 files is asked about."""

    patterns: tuple[Pattern, ...]
    _runs: tuple[tuple[bool, re.Pattern[str]], ...] = field(init=False, repr=False, compare=False)
    _excepting: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _leading: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        runs = [
            (exception, _any(_expression(one.text) for one in run)) for exception, run in groupby(self.patterns, lambda one: one.exception)
        ]
        object.__setattr__(self, "_runs", tuple(runs))
        object.__setattr__(self, "_excepting", _on_the_way(one.text for one in self.patterns if one.exception))
        object.__setattr__(self, "_leading", _on_the_way(one.text for one in self.patterns if not one.exception))

    @classmethod
    def of(cls, lines: Iterable[str]) -> Patterns:
        return cls(tuple(_read(lines)))

    def match(self, path: str) -> bool:
        """Whether a path (relative, with `/`), or a folder that it is in, is matched."""
        matched = False
        for exception, expression in self._runs:
            if exception == matched and expression.fullmatch(path):
                matched = not exception
        return matched

    def match_all_below(self, folder: str) -> bool:
        """Whether a folder is matched with all that could ever be in it."""
        return self.match(folder) and not (self._excepting and self._excepting.fullmatch(folder))

    def may_match_below(self, folder: str) -> bool:
        """Whether something in the folder could be matched."""
        return self.match(folder) or bool(self._leading and self._leading.fullmatch(folder))


def _read(lines: Iterable[str]) -> Iterator[Pattern]:
    """moby's ignorefile.ReadAll: comments and empty lines are nothing, paths are cleaned."""
    for line in lines:
        text = line.removeprefix("\ufeff").strip()
        if not text or text.startswith("#"):
            continue
        exception = text.startswith("!")
        text = text.removeprefix("!").strip()
        clean = posixpath.normpath(text).lstrip("/") if text else ""
        if clean and clean != ".":
            _check(clean)
            yield Pattern(clean, exception)


def _check(text: str) -> None:
    try:
        _compile(_expression(text))
    except re.error as wrong:
        raise UsageError(f"files are not watched: what is ignored or included has a pattern that is none: {text} ({wrong.msg})",
                         hint="mend it in .dockerignore or develop.watch") from wrong


def _any(expressions: Iterable[str]) -> re.Pattern[str]:
    """What is in a folder that is matched is matched as well."""
    return _compile(f"(?:{'|'.join(expressions)})(?:/.*)?")


def _on_the_way(texts: Iterable[str]) -> re.Pattern[str] | None:
    """Matches the folders in which, or below which, one of the patterns could match something."""
    ways = [_way(text.split("/")[:-1] if "**" not in text else text.split("/")) for text in texts]
    return _compile("|".join(ways)) if ways else None


def _way(parts: list[str]) -> str:
    """The folders that the pattern's first parts lead through; anything may be below `**`. "" is the top."""
    expression = ""
    for index, part in reversed(list(enumerate(parts))):
        separator = "/" if index else ""
        expression = f"(?:{separator}.*)?" if "**" in part else f"(?:{separator}{_expression(part)}{expression})?"
    return expression


def _compile(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL)


_TOKEN = re.compile(r"\*\*/|\*\*+|\*|\?|\[\^?\]?[^]]*\]|\\.|.", re.DOTALL)


def _expression(text: str) -> str:
    """One pattern as a regular expression (moby, patternmatcher.Pattern.compile)."""
    return "".join(map(_translate, _TOKEN.findall(text)))


def _translate(token: str) -> str:
    if token == "**/":
        return "(?:.*/)?"
    if token.startswith("**"):
        return ".*"
    if token in _SIGNS:
        return _SIGNS[token]
    if token.startswith("[") and len(token) > 1:
        inside = token[1:-1].replace("[", r"\[")
        return f"[{inside}]"
    return re.escape(token[1:] if token.startswith("\\") and len(token) > 1 else token)


_SIGNS = {"*": "[^/]*", "?": "[^/]"}
