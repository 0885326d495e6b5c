"""The grammar of .env files."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.errors import LoadError
from composer.load.dotenv import parse, parse_raw, read_all

OUTSIDE = {"OUT": "outside", "A": "real"}


@pytest.mark.parametrize(("text", "expected"), [
    ("X=1", {"X": "1"}), ("X: 1", {"X": "1"}), ("export X=1", {"X": "1"}), ("exportX=1", {"exportX": "1"}), ("\texport X = 1 ", {"X": "1"}),
    ("X=a b # c", {"X": "a b"}), ("X=a#b", {"X": "a#b"}), ("X='a # b' # c", {"X": "a # b"}), ('X="a#b"', {"X": "a#b"}),
    ("X=#c", {"X": "#c"}),
    ("X= # c", {"X": "# c"}), ("X=a\t# b", {"X": "a\t# b"}), ("X='it\\'s'", {"X": "it's"}),
    ("X='$OUT'", {"X": "$OUT"}), ('X="$OUT"', {"X": "outside"}), ("X=${OUT}s", {"X": "outsides"}), ('X="\\$OUT"', {"X": "$OUT"}),
    ('X="a\\nb\\"c\\\\"', {"X": 'a\nb"c\\'}), ("X='a\\nb'", {"X": "a\\nb"}), ('X="\\0123"', {"X": "S"}), ('X="\\u12e4"', {"X": "\\u12e4"}),
    ('X="a\nb"\nY=2', {"X": "a\nb", "Y": "2"}), ("X=1\nY=$X-$A\nA=2", {"X": "1", "Y": "1-real", "A": "2"}),
    ("OUT\nNOPE\nX=1", {"OUT": "outside", "X": "1"}), ("a.b-c[1]=x", {"a.b-c[1]": "x"}), ("\ufeffX=1\r\nY=2\r\n", {"X": "1", "Y": "2"}),
    ("# c\n\n X=\n", {"X": ""}), ("X=1=2", {"X": "1=2"}), ("OUT", {"OUT": "outside"}),
])
def test_grammar(text: str, expected: dict[str, str]) -> None:
    """Each line gives what docker compose makes of it."""
    assert parse(text, OUTSIDE.get) == expected


@pytest.mark.parametrize(("text", "message"), [
    ('X=1\nY="a', 'f.env: line 2: unterminated quoted value "a'), ("X='a\\'", "f.env: line 1: unterminated quoted value 'a\\'"),
    ("X Y=1", "f.env: line 1: key cannot contain a space"),
    ("X%=1", 'f.env: line 1: unexpected character "%" in variable name near "X%=1"'),
    ("X=${", "f.env: line 1: invalid template: '${'"),
])
def test_refusals(text: str, message: str) -> None:
    """Mistakes are refused with file and line."""
    with pytest.raises(LoadError) as caught:
        parse(text, OUTSIDE.get, "f.env")
    assert caught.value.message == message


def test_raw() -> None:
    """The raw format takes everything behind the equals sign."""
    assert parse_raw("# c\nX='$OUT' # d\nOUT\nNOPE\n", OUTSIDE.get) == {"X": "'$OUT' # d", "OUT": "outside"}
    assert parse_raw("X=a\x0bb\r\nY=\r\n", OUTSIDE.get) == {"X": "a\x0bb", "Y": ""}
    with pytest.raises(LoadError, match="no variable name on line '=x'"):
        parse_raw("=x", OUTSIDE.get)


def test_later_files_win(tmp_path: Path) -> None:
    """A later file wins, and sees what the earlier ones say."""
    (tmp_path / "1").write_text("X=1\nY=1")
    (tmp_path / "2").write_text("X=2\nZ=$Y-$OUT")
    assert read_all((str(tmp_path / "1"), str(tmp_path / "2")), OUTSIDE) == {"X": "2", "Y": "1", "Z": "1-outside"}
