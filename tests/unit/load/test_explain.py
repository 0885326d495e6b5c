"""`config --explain`: who set a value, and why the last one won."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.errors import UsageError
from composer.load import explain as e
from composer.load.explain import Explanation, explain
from composer.load.trace import EXTENDS, FILE, INCLUDE
from tests.compose_folder import Folder


def _told(explanation: Explanation) -> list[tuple[str, str]]:
    """(where, value), the folder left out."""
    return [(Path(setting.source).name, setting.value) for setting in explanation.settings]


def test_a_value_that_one_file_sets(folder: Folder) -> None:
    """One place, and nobody against it."""
    found = explain(folder.options("services:\n  web: {image: nginx}\n"), "services.web.image")
    assert (found.value, found.settings[-1].rule) == ("nginx", e.ALONE)
    assert found.settings[-1].source == "compose.yaml, line 2, column 16"


def test_a_later_file_wins(folder: Folder) -> None:
    """Both places are told, the one that counts last."""
    found = explain(folder.options("services: {web: {image: a}}", "services: {web: {image: b}}"), "services.web.image")
    assert _told(found) == [("compose.yaml, line 1, column 25", "a"), ("compose1.yaml, line 1, column 25", "b")]
    assert found.settings[-1].rule == FILE


def test_environment_goes_before_env_file(folder: Folder) -> None:
    """A variable of a service, with the line of the file that does not count."""
    folder.write({"a.env": "# first\nTOKEN=file\n"})
    text = "services: {web: {image: i, env_file: a.env, environment: {TOKEN: own}}}"
    found = explain(folder.options(text), "services.web.environment.TOKEN")
    assert _told(found) == [("a.env, line 2", "file"), ("compose.yaml, line 1, column 66", "own")]
    assert found.settings[-1].rule == e.ENV_FILE


def test_a_later_env_file_wins(folder: Folder) -> None:
    """Of two files the last one counts."""
    folder.write({"a.env": "T=1", "b.env": "T=2"})
    found = explain(folder.options("services: {web: {image: i, env_file: [a.env, b.env]}}"), "services.web.environment.T")
    assert (found.value, _told(found)) == ("2", [("a.env, line 1", "1"), ("b.env, line 1", "2")])


def test_a_variable_that_is_passed_on(folder: Folder) -> None:
    """KEY alone: the value comes from outside, and where from is told."""
    folder.write({".env": "T=dot"})
    found = explain(folder.options("services: {web: {image: i, environment: [T]}}"), "services.web.environment.T")
    assert (found.value, found.settings[-1].rule) == ("dot", e.PASSED_ON)
    assert _told(found.variables[0]) == [(".env, line 1", "dot")]


def test_the_base_of_a_service(folder: Folder) -> None:
    """What is extended counts below what the service says."""
    found = explain(folder.options("services:\n  web: {extends: base, image: b}\n  base: {image: a}\n"), "services.web.image")
    assert _told(found) == [("compose.yaml, line 3, column 17", "a"), ("compose.yaml, line 2, column 31", "b")]
    assert found.settings[-1].rule == EXTENDS


def test_an_included_file(folder: Folder) -> None:
    """What is included counts below what the including file says."""
    folder.write({"inc.yaml": "services: {web: {image: a}}"})
    found = explain(folder.options("include: [inc.yaml]\nservices: {web: {image: b}}"), "services.web.image")
    assert (_told(found), found.settings[-1].rule) == (
        [("inc.yaml, line 1, column 25", "a"), ("compose.yaml, line 2, column 25", "b")],
        INCLUDE,
    )


def test_tags(folder: Folder) -> None:
    """!reset and !override are rules of their own."""
    files = ("services: {web: {image: i, ports: ['1:1'], dns: [1.1.1.1]}}", "services: {web: {ports: !reset [], dns: !override [2.2.2.2]}}")
    assert explain(folder.options(*files), "services.web.dns").settings[-1].rule == "!override replaces what was there"


def test_what_nobody_says(folder: Folder) -> None:
    """Values that composer fills in."""
    assert explain(folder.options("services: {web: {image: i}}"), "networks.default.name").settings[-1].rule == e.IMPLIED


def test_variables_in_a_value(folder: Folder) -> None:
    """The variables of the value that won are explained with it: defaults, .env, the environment."""
    folder.write({".env": "TAG=dot"})
    folder.environ["TAG"] = "shell"
    found = explain(folder.options("services: {web: {image: 'i:${TAG:-1}'}}"), "services.web.image")
    assert (found.value, found.settings[-1].written) == ("i:shell", "i:${TAG:-1}")
    tag = found.variables[0]
    assert _told(tag) == [("compose.yaml, line 1, column 25", "1"), (".env, line 1", "dot"), ("the environment", "shell")]
    assert tag.settings[-1].rule == e.ENVIRONMENT


def test_a_variable_by_name(folder: Folder) -> None:
    """A name that is no path is a variable; without a value, too."""
    text = "services: {web: {image: 'i:${A:-${B}}'}}"
    assert explain(folder.options(text), "B") == Explanation("B", "", ())
    assert explain(folder.options(text), "A").settings[-1].rule == e.TEMPLATE


def test_a_later_variables_file(folder: Folder) -> None:
    """Of two --env-file the last one counts."""
    folder.write({"1.env": "T=1", "2.env": "\nT=2"})
    found = explain(folder.options("services: {web: {image: 'i:$T'}}", env_files=("1.env", "2.env")), "T")
    assert (_told(found), found.settings[-1].rule) == ([("1.env, line 1", "1"), ("2.env, line 2", "2")], e.ENV_FILES)


def test_keys_with_dots_and_indices(folder: Folder) -> None:
    """Labels have dots in their names; entries of lists have numbers."""
    options = folder.options("services: {web: {image: i, labels: {a.b: x}, command: [p, q]}}")
    assert explain(options, "services.web.labels.a.b").value == "x"
    assert explain(options, "services.web.command[1]").value == explain(options, "services.web.command.1").value == "q"


def test_what_is_not_there(folder: Folder) -> None:
    """Neither path nor variable: a suggestion."""
    with pytest.raises(UsageError) as refused:
        explain(folder.options("services: {web: {image: i}}"), "services.web.imag")
    assert refused.value.hint == 'did you mean "services.web.image"?'
