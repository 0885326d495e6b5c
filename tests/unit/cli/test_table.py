"""Tables, templates and quantities."""

from __future__ import annotations

import pytest

from composer.cli.looking import show
from composer.cli.table import binary, by_template, decimal, table
from composer.errors import UsageError

ROW = {"Name": "web", "Count": 3}


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    """The last one has no blanks behind it."""
    assert table(("A", "LONG"), [("abc", "x"), ("b", "y")]) == "A     LONG\nabc   x\nb     y"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.Name}}: {{ .Count }}", "web: 3"),
        ("{{json .Name}}", '"web"'),
        ("{{json .}}", '{"Name": "web", "Count": 3}'),
        (r"{{.Name}}\t{{.Count}}", "web\t3"),
        ("plain", "plain"),
    ],
)
def test_templates_fill_in_fields(template: str, text: str) -> None:
    """What scripts use of Go's templates."""
    assert by_template(template, ROW) == text


@pytest.mark.parametrize("template", ["{{.Nope}}", "{{range .}}", "{{if .Name}}x{{end}}"])
def test_what_a_template_cannot_say_is_refused(template: str) -> None:
    """Rather than printed as it stands."""
    with pytest.raises(UsageError, match="--format"):
        by_template(template, ROW)


def test_a_template_can_be_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """`table` before it; headings where fields stand."""
    show([ROW], r"table {{.Name}}\t{{.Count}}", {"Name": "NAME"})
    assert capsys.readouterr().out == "NAME   COUNT\nweb    3\n"


@pytest.mark.parametrize(("size", "text"), [(0, "0B"), (999, "999B"), (1500, "1.5kB"), (2129920, "2.13MB"), (5e15, "5e+03TB")])
def test_decimal(size: float, text: str) -> None:
    """As docker prints sizes of images."""
    assert decimal(size) == text


@pytest.mark.parametrize(("size", "text"), [(0, "0B"), (1536, "1.5KiB"), (64 << 20, "64MiB"), (25278 << 20, "24.69GiB")])
def test_binary(size: float, text: str) -> None:
    """As docker prints memory."""
    assert binary(size) == text
