"""YAML as compose files are written."""

from __future__ import annotations

import pytest

from composer.errors import LoadError
from composer.load.document import is_text, parse
from composer.load.node import Timestamp
from tests.compose_folder import Folder


def value(text: str) -> object:
    (node,) = parse(f"a: {text}", "f.yaml")
    return node.fields["a"].plain()


@pytest.mark.parametrize(("text", "expected"), [
    ("yes", "yes"), ("on", "on"), ("true", True), ("FALSE", False), ("22:22", "22:22"), ("0440", 288), ("0o17", 15), ("0x1F", 31),
    ("1_000", 1000), ("08", 8.0), ("1e3", 1000.0), (".5", 0.5), ("~", None), ("", None), ("'1'", "1"), ("!!str 1", "1"), ("1.2.3", "1.2.3"),
])
def test_scalars(text: str, expected: object) -> None:
    """Scalars mean what they mean in YAML 1.2, with the octal numbers that Docker's reader knows."""
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_a_date_is_no_text() -> None:
    """An unquoted date is kept apart from text, for no attribute takes it."""
    assert type(value("2024-01-01")) is Timestamp


def test_places() -> None:
    """Every value knows its line and column, and those of the key in front of it."""
    (root,) = parse("services:\n  web:\n    image: nginx\n", "f.yaml")
    image = root.find("services", "web", "image")
    assert image is not None
    assert (str(image.place), str(image.key_place)) == ("f.yaml, line 3, column 12", "f.yaml, line 3, column 5")


def test_merge_keys() -> None:
    """`<<` takes in a mapping or a list of them; own keys win, and the first of the list wins over the second."""
    (root,) = parse("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], a: 3}", "f.yaml")
    assert root.fields["z"].plain() == {"a": 3, "b": 1, "c": 2}


def test_several_documents() -> None:
    """A file may hold several documents; one that has nothing in it holds none."""
    assert [node.plain() for node in parse("a: 1\n---\nb: 2\n", "f.yaml")] == [{"a": 1}, {"b": 2}]
    assert parse("---\n# nothing\n", "f.yaml") == []


@pytest.mark.parametrize(("text", "message"), [
    ("a: 1\nb: 2\na: 3", 'a: line 3: mapping key "a" already defined at line 1'),
    ("a: {1: x}", "a: non-string key in a: 1"),
    ("a: [", "f.yaml: did not find expected node content"),
    ("a: &a [*a]", "a[0]: the anchor contains itself"),
    ("a: {<<: 3}", "a: map merge requires map or sequence of maps as the value"),
])
def test_refusals(text: str, message: str) -> None:
    """Bad YAML is refused with the path, and with the place of the mistake."""
    with pytest.raises(LoadError) as caught:
        parse(text, "f.yaml")
    assert caught.value.message == message
    assert caught.value.place is not None
    assert caught.value.place.line > 0


def test_aliases_cannot_explode() -> None:
    """A few lines of aliases of aliases are refused instead of filling the memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(LoadError, match="excessive aliasing"):
        parse("\n".join(lines), "f.yaml")


@pytest.mark.parametrize(("text", "plain"), [("abc", True), ("yes", False), ("1", False), ("", False), ("22:22", False), ("a b", True)])
def test_what_needs_quotes(text: str, plain: bool) -> None:
    """Text that another reader would take for something else is not written without quotes."""
    assert is_text(text) is plain


def test_what_came_through_stdin_and_is_no_text() -> None:
    """Bytes that are no UTF-8 (Python hands them on as surrogates) are an error."""
    with pytest.raises(LoadError, match="not a text in UTF-8"):
        parse("a: \udcff", "stdin")


def test_what_an_override_tag_stands_before_is_text(folder: Folder) -> None:
    """A tag of one's own makes a scalar text: `!override null` is a word, `!override false` becomes a boolean where one is due."""
    base = "services: {a: {image: x, command: b, tty: true, privileged: true, environment: {A: 1}}}"
    over = "services: {a: {command: !override null, tty: !override false, privileged: !reset 'yes', environment: {A: !override 010}}}"
    resolved = folder.resolve(base, over)
    service = resolved.tree["services"]["a"]
    assert (service["command"], service["environment"], "tty" in service) == (["null"], {"A": "010"}, False)
    assert resolved.warnings == ()


def test_an_anchor_that_is_given_anew(folder: Folder) -> None:
    """An alias stands for the last node before it that has its anchor."""
    tree = folder.tree("""
        services:
          a: {image: &i x, hostname: *i}
          b: {image: &i y, hostname: *i, labels: {<<: &l {k: "1"}}}
          c: {image: *i, labels: &l {k: "2"}}
          d: {image: z, labels: {<<: *l}}
        """)["services"]
    assert [tree[name].get("hostname") for name in "ab"] == ["x", "y"]
    assert (tree["c"]["image"], tree["d"]["labels"]) == ("y", {"k": "2"})


def test_an_empty_document_among_others(folder: Folder) -> None:
    """A file may be empty; one of several documents may not, as in docker compose."""
    assert "top-level object must be a mapping" in folder.refusal(lambda: folder.resolve("services: {}\n---\n"))
    assert "empty compose file" in folder.refusal(lambda: folder.resolve("---\n# nothing\n"))
