"""Variables in values."""

from __future__ import annotations

import pytest

from composer.load.template import MissingVariable, TemplateError, substitute

VALUES = {"FOO": "first", "EMPTY": ""}


@pytest.mark.parametrize(("template", "expected"), [
    ("$FOO ${FOO}", "first first"), ("$$FOO $${FOO}", "$FOO ${FOO}"), ("a $ b$ $1 $(x)", "a $ b$ $1 $(x)"),
    ("${NO:-d}${NO-d}", "dd"), ("${EMPTY:-d}${EMPTY-d}", "d"), ("${FOO:-d}", "first"),
    ("${FOO:+r}${FOO+r}${NO+r}${EMPTY+r}${EMPTY:+r}", "rrr"), ("${NO:-${EMPTY:-$FOO}}", "first"), ('${NO:-{"a":1}}', '{"a":1}'),
    ("${NO-a?b}", "a?b"), ("${NO:-a:b}", "a:b"), ("${FOO?x}", "first"), ("${EMPTY?x}", ""), ("${NO}", ""), ("${FOO:-x} }}", "first }}"),
])
def test_substitution(template: str, expected: str) -> None:
    """Each form gives what the specification says, nested ones too."""
    assert substitute(template, VALUES.get) == expected


@pytest.mark.parametrize("template", ["${", "${}", "${ FOO}", "${FOO }", "${FOO!}", "${FOO:0:2}", "${FOO/x/y}", "${NO", "${NO:-\n}"])
def test_bad_templates(template: str) -> None:
    """Braces with anything else in them are an error."""
    with pytest.raises(TemplateError):
        substitute(template, VALUES.get)


@pytest.mark.parametrize("template", ["${NO:?say ${FOO}}", "${NO?say ${FOO}}", "${EMPTY:?say $FOO}"])
def test_required(template: str) -> None:
    """A required variable without value is an error with the author's words, variables in them filled in."""
    with pytest.raises(MissingVariable, match="is missing a value: say first"):
        substitute(template, VALUES.get)


def test_defaults_are_lazy() -> None:
    """A variable in a default that is not needed is not missed."""
    missed: list[str] = []
    substitute("${FOO:-$NO} ${NO:-$ALSO} $LAST", VALUES.get, missed.append)
    assert missed == ["ALSO", "LAST"]
