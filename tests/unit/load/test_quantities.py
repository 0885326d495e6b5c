"""Durations, sizes and the like, and commands in one text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.load import quantities, words
from composer.load.node import text


@pytest.mark.parametrize(("written", "printed"), [
    ("90s", "1m30s"), ("1d", "24h0m0s"), ("1.5h", "1h30m0s"), ("100ms", "100ms"), ("1500us", "1.5ms"), ("0s", "0s"), ("0", "0s"),
    ("1m30s500ms", "1m30.5s"), ("1w", "168h0m0s"), ("-1s", "-1s"),
])
def test_durations(written: str, printed: str) -> None:
    """Durations are printed as Go prints them."""
    assert quantities.duration_text(quantities.duration(written)) == printed


@given(st.integers(0, 10**15))
def test_a_printed_duration_is_read_again(nanoseconds: int) -> None:
    """What is printed for a duration means the same duration, up to what a float can hold."""
    assert quantities.duration(quantities.duration_text(nanoseconds)) == pytest.approx(nanoseconds, abs=1)


@pytest.mark.parametrize("written", ["", "10", "1x", "s", "1s 2", "abc"])
def test_bad_durations(written: str) -> None:
    """A number without unit is no duration."""
    with pytest.raises(ValueError, match="time: "):
        quantities.duration(written)


@pytest.mark.parametrize(("written", "size"), [
    (1024, 1024), ("1k", 1024), ("1.5g", 1610612736), ("512MiB", 536870912), ("64 MB", 67108864), ("10b", 10), (-1, -1), ("1T", 2**40),
    (".5k", 512), ("1.k", 1024), ("1e3", 1000), (1.5, 0)])
def test_sizes(written: object, size: int) -> None:
    """Sizes are powers of 1024, whatever the spelling."""
    assert quantities.size(written) == size


@pytest.mark.parametrize("written", ["", "1zz", "x", "1bb", "1 2", "-1", " 1", "50%", "1,5g"])
def test_bad_sizes(written: str) -> None:
    """Other suffixes are refused."""
    with pytest.raises(ValueError, match="invalid"):
        quantities.size(written)


@pytest.mark.parametrize(("written", "meant"), [("0.5", 0.5), (2.0, 2), (3.14159265358979, 3.1415927), (0.1, 0.1), ("1e-1", 0.1)])
def test_numbers(written: object, meant: float) -> None:
    """A number has the precision that docker compose prints it with."""
    assert quantities.number(written) == meant


@pytest.mark.parametrize("written", [" 1", "1 ", "1.5", "0x1", "", "x"])
def test_bad_integers(written: str) -> None:
    """Text has to be a whole decimal number, without spaces."""
    with pytest.raises(ValueError, match="invalid"):
        quantities.integer(written)


def test_modes() -> None:
    """A mode in a text is octal; a number is what YAML has made of it."""
    assert (quantities.mode("0440"), quantities.mode(288)) == (0o440, 0o440)


@pytest.mark.parametrize(("value", "printed"), [
    (2.50, "2.5"), (1e6, "1e+06"), (5.0, "5"), (True, "true"), (None, ""), (1e-7, "1e-07"), (8, "8")])
def test_scalars_as_text(value: object, printed: str) -> None:
    """Where text is due, numbers and booleans become what Go prints."""
    assert text(value) == printed


@pytest.mark.parametrize(("line", "expected"), [
    ("a b", ["a", "b"]), ("a 'b c' \"d e\"", ["a", "b c", "d e"]), ("a\\ b ''", ["a b", ""]), ("a && b", ["a"]),
    ('"a;b" c;d', ["a;b", "c"]),
    ("cmd 2>&1", ["cmd"]), ("x=$(a b) c", ["x=$(a b)", "c"]), ("a#b # c", ["a#b", "#", "c"]), ("", []),
])
def test_commands(line: str, expected: list[str]) -> None:
    """A command is split like a shell would, and cut where it would need one."""
    assert words.split(line) == expected


@pytest.mark.parametrize("line", ["echo 'a", 'echo "a', "echo (a)", "echo a)", "a\\"])
def test_bad_commands(line: str) -> None:
    """Open quotes and bare parentheses are refused."""
    with pytest.raises(ValueError, match="invalid command line string"):
        words.split(line)
