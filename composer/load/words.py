"""A command in one text, split into words like a shell would, but without a shell."""

from __future__ import annotations

_ENDS = frozenset(";&|<>")  # what would need a shell: the reference implementation drops it and all that follows
_SPACE = frozenset(" \t\r\n")


def split(line: str) -> list[str]:
    """`a "b c" d\\ e` -> [a, b c, d e]. From an unquoted `;`, `&`, `|`, `<` or `>` on, the line is dropped, as docker compose does.

    Raises ValueError for a quote that is not closed and for an unquoted parenthesis."""
    splitter = _Splitter()
    for character in line:
        if not splitter.take(character):
            break
    return splitter.words()


class _Splitter:
    def __init__(self) -> None:
        self.done: list[str] = []
        self.word = ""
        self.begun = False
        self.quote = ""  # the character, or the closing parenthesis of $(...), that ends what is quoted now
        self.escaped = False

    def take(self, character: str) -> bool:
        """One character more; False when the rest of the line does not count."""
        if self.escaped:
            self.escaped = False
            self.add(character)
        elif character == "\\" and self.quote != "'":
            self.escaped = True
        elif self.quote:
            self.in_quotes(character)
        elif character in _ENDS:
            if character == ">" and self.word[:1].isdigit():
                self.word, self.begun = "", False  # a descriptor's number
            return False
        else:
            self.outside(character)
        return True

    def in_quotes(self, character: str) -> None:
        if character == self.quote:
            if character in "`)":
                self.add(character)
            self.quote = ""
        else:
            self.add(character)

    def outside(self, character: str) -> None:
        if character in _SPACE:
            self.end_word()
        elif character in "\"'":
            self.quote, self.begun = character, True
        elif character == "`":
            self.quote = "`"
            self.add(character)
        elif character == "(":
            if not self.word.endswith("$"):
                raise ValueError("invalid command line string")
            self.quote = ")"
            self.add(character)
        elif character == ")":
            raise ValueError("invalid command line string")
        else:
            self.add(character)

    def add(self, character: str) -> None:
        self.word += character
        self.begun = True

    def end_word(self) -> None:
        if self.begun:
            self.done.append(self.word)
        self.word, self.begun = "", False

    def words(self) -> list[str]:
        if self.quote or self.escaped:
            raise ValueError("invalid command line string")
        self.end_word()
        return self.done
