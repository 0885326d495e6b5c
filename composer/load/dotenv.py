"""The grammar of `.env` and `env_file` (specification, "Env_file format"), and the raw format, which takes lines as they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from composer.errors import LoadError, Place
from composer.load import reading
from composer.load.template import Lookup, TemplateError, ignore, substitute

_SKIP = re.compile(r"(?:\s+|#[^\n]*)*")
_EXPORT = re.compile(r"export[^\S\n]+")
_KEY = re.compile(r"[^=:\n]*")
_BAD_IN_KEY = re.compile(r"[^\w.\-\[\]\s]")
_ESCAPE = re.compile(r'\\(?:([abfnrtv$"\\])|0(\d{1,3}))')
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\", "$": "$$"}


#: Hears the names of variables that are not set.
Missing = Callable[[str], None]


def parse(text: str, lookup: Lookup, file: str = "", missing: Missing = ignore) -> dict[str, str]:
    """Read the text of a file. A `KEY` without value is taken from `lookup`, else left out; variables in values come from
    `lookup` first, then from the keys above. Raises LoadError with the line."""
    return _Parser(text.removeprefix("\ufeff").replace("\r\n", "\n"), lookup, file, missing).run()


class _Parser:
    def __init__(self, text: str, lookup: Lookup, file: str, missing: Missing = ignore) -> None:
        self.text, self.lookup, self.file, self.missing = text, lookup, file, missing
        self.position = 0
        self.found: dict[str, str] = {}
        self.lines: dict[str, int] = {}

    def run(self) -> dict[str, str]:
        while True:
            self.skip(_SKIP)
            if self.position >= len(self.text):
                return self.found
            self.statement()

    def skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        if match:
            self.position = match.end()
        return match[0] if match else ""

    def statement(self) -> None:
        start = self.position
        self.skip(_EXPORT)
        key = self.skip(_KEY).rstrip()
        assigned = self.text[self.position:self.position + 1] in ("=", ":")
        if bad := _BAD_IN_KEY.search(key):
            raise self.error(f'unexpected character "{bad[0]}" in variable name near "{self.line(start)}"', start)
        if " " in key:
            raise self.error("key cannot contain a space", start)
        if not assigned:
            inherited = self.lookup(key)
            if inherited is not None:
                self.found[key] = inherited
            return
        self.position += 1
        self.skip(re.compile(r"[^\S\n]+"))
        self.found[key] = self.value(start)
        self.lines[key] = start

    def value(self, start: int) -> str:
        quote = self.text[self.position:self.position + 1]
        if quote not in ("'", '"') or not quote:
            line = self.skip(re.compile(r"[^\n]*"))
            return self.expand(line.partition(" #")[0].strip(), start)
        match = re.compile(rf"{quote}((?:\\.|[^{quote}\\])*){quote}", re.DOTALL).match(self.text, self.position)
        if match is None:
            raise self.error(f"unterminated quoted value {self.line(self.position)}", start)
        self.position = match.end()
        return match[1].replace("\\'", "'") if quote == "'" else self.expand(_ESCAPE.sub(_unescape, match[1]), start)

    def expand(self, value: str, start: int) -> str:
        try:
            return substitute(value, self.variable, self.missing)
        except TemplateError as wrong:
            raise self.error(str(wrong), start) from wrong

    def variable(self, name: str) -> str | None:
        outside = self.lookup(name)
        return outside if outside is not None else self.found.get(name)

    def line(self, position: int) -> str:
        return self.text[position:].split("\n", 1)[0]

    def error(self, what: str, position: int) -> LoadError:
        line = self.text.count("\n", 0, position) + 1
        column = position - (self.text.rfind("\n", 0, position) + 1) + 1
        return LoadError(f"{self.file}: line {line}: {what}", place=Place(self.file, line, column))


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return _ESCAPES[match[1]]
    return chr(int(match[2], 8)) if int(match[2][0]) < 8 and set(match[2]) <= set("01234567") else match[0]


def parse_raw(text: str, lookup: Lookup) -> dict[str, str]:
    """`format: raw`: everything after `=` is the value, with quotes, dollars and hash signs."""
    found = {}
    for line in text.removeprefix("\ufeff").split("\n"):
        line = line.removesuffix("\r").lstrip()
        if not line or line.startswith("#"):
            continue
        key, assigned, value = line.partition("=")
        if not key:
            raise LoadError(f"no variable name on line '{line}'")
        if any(character.isspace() for character in key):
            raise LoadError(f"variable '{key}' contains whitespaces")
        inherited = value if assigned else lookup(key)
        if inherited is not None:
            found[key] = inherited
    return found


def read(file: str, lookup: Lookup, missing: Missing = ignore, *, raw: bool = False, kind: str = "env file") -> dict[str, str]:
    """Read a file from disk; one that is missing or unreadable raises LoadError, in which it is called `kind`."""
    try:
        text = reading.text(file)
    except FileNotFoundError as absent:
        raise LoadError(f"{kind} {file} not found") from absent
    except (OSError, UnicodeDecodeError) as unreadable:
        raise LoadError(f"{kind} {file} cannot be read: {getattr(unreadable, 'strerror', None) or unreadable}") from unreadable
    return parse_raw(text, lookup) if raw else parse(text, lookup, file, missing)


def line_of(file: str, key: str, lookup: Lookup) -> int:
    """The line (from 1) that sets a key in a file, 0 when none does."""
    with open(file, encoding="utf-8") as opened:
        parser = _Parser(opened.read().removeprefix("\ufeff").replace("\r\n", "\n"), lookup, file)
    parser.run()
    return parser.text.count("\n", 0, parser.lines[key]) + 1 if key in parser.lines else 0


def read_all(files: tuple[str, ...], environment: Mapping[str, str], missing: Missing = ignore) -> dict[str, str]:
    """Several files, a later one on top; variables in them come from `environment` first, then from the files before."""
    found: dict[str, str] = {}
    for file in files:
        found.update(read(file, lambda name: environment.get(name, found.get(name)), missing))
    return found
