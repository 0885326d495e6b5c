"""`--format` with a template: the part of Go's language that docker's users write."""

from __future__ import annotations

import pytest

from composer.cli.template import Template
from composer.errors import UsageError

ROW = {
    "Name": "web",
    "Count": 3,
    "Up": True,
    "Note": "",
    "Ports": [{"Port": 80}, {"Port": 443}],
    "Nothing": [],
    "Label": {"team": "blue"}.get,
    "Networks": "back,front",
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.Name}}: {{ .Count }}", "web: 3"),
        ("{{json .Name}} {{json .Ports}}", '"web" [{"Port":80},{"Port":443}]'),
        (r"{{.Name}}\t{{.Up}}\n", "web\ttrue\n"),
        ("plain", "plain"),
        ("{{.Name | upper}} {{title .Name}} {{truncate .Name 2}}", "WEB Web we"),
        ("{{upper (lower .Name)}}", "WEB"),
        ('{{join (split .Networks ",") " + "}}', "back + front"),
        ('{{println .Name .Count}}{{printf "%-5s|%3d|%q" .Name .Count .Name}}', 'web 3\nweb  |  3|"web"'),
        ("{{pad .Name 1 2}}|{{len .Ports}}|{{.Ports}}", " web  |2|[map[Port:80] map[Port:443]]"),
        ("{{range .Ports}}{{.Port}} {{end}}{{range .Nothing}}x{{else}}none{{end}}", "80 443 none"),
        ("{{range $.Ports}}{{$.Name}}{{end}}", "webweb"),
        ('{{if eq .Name "db" "web"}}yes{{else}}no{{end}} {{if .Note}}yes{{else if .Up}}up{{end}}', "yes up"),
        ("{{if and .Up (not .Note)}}a{{end}}{{if gt .Count 2}}b{{end}}{{if or .Note .Nothing}}c{{end}}", "ab"),
        ("{{with .Ports}}{{len .}}{{end}}{{with .Note}}x{{else}}{{.Name}}{{end}}", "2web"),
        ('{{.Label "team"}} {{index .Ports 1}}', "blue map[Port:443]"),
        ("{{- .Name -}}  \n  {{- /* a remark */ -}} !", "web!"),
    ],
)
def test_templates_fill_in_fields(template: str, text: str) -> None:
    """Fields, pipes, docker's functions and blocks, as Go's text/template has them."""
    assert Template.parse(template).render(ROW) == text


def test_a_row_as_json_is_its_plain_fields() -> None:
    """`{{json .}}`, compact as docker prints it."""
    assert Template.parse("{{json .}}").render({"Name": "web", "Label": len}) == '{"Name":"web"}'


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{.Nope}}", "no field .Nope"),
        ("{{.Name.Deeper}}", "no field .Deeper"),
        ("{{.Name", "without }}"),
        ("{{}}", "is empty"),
        ("{{if .Up}}x", "without {{end}}"),
        ("x{{end}}", "without a beginning"),
        ("{{sprintf .Name}}", "'sprintf .Name' is not understood"),
        ("{{.Name !}}", "is not understood"),
        ("{{range .Name}}x{{end}}", "no list"),
        ("{{upper}}", "--format"),
        ("{{index .Ports 7}}", "--format"),
    ],
)
def test_what_a_template_cannot_say_is_refused(template: str, why: str) -> None:
    """One error that shows the template and says why, instead of half an output."""
    with pytest.raises(UsageError) as refused:
        Template.parse(template).render(ROW)
    assert why in refused.value.message
