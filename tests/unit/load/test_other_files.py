"""`extends` and `include`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from composer.errors import LoadError
from composer.load.phases import resolve
from tests.compose_folder import Folder


def test_extends_in_the_same_file(folder: Folder) -> None:
    """A service starts from another one, that from a third; what it says itself is merged on top."""
    tree = folder.tree("""
        services:
          web: {extends: {service: base}, environment: {B: 2}, ports: ["2:2"]}
          base: {extends: root, environment: [A=1, B=1], ports: ["1:1"]}
          root: {image: i, labels: {a: b}}
        """)
    web = tree["services"]["web"]
    assert (web["image"], web["labels"], web["environment"]) == ("i", {"a": "b"}, {"A": "1", "B": "2"})
    assert [port["target"] for port in web["ports"]] == [1, 2]


def test_extends_resets(folder: Folder) -> None:
    """!reset and !override also work against the base."""
    tree = folder.tree("""
        services:
          web: {extends: base, ports: !reset [], environment: !override {B: 2}}
          base: {image: i, environment: {A: 1}, ports: ["1:1"]}
        """)
    assert "ports" not in tree["services"]["web"]
    assert tree["services"]["web"]["environment"] == {"B": "2"}


def test_paths_of_an_extended_file_are_its_own(folder: Folder) -> None:
    """Relative paths of a base in another file are relative to that file, through several files."""
    base = "{image: i, build: ./ctx, volumes: ['./d:/d'], extends: {file: deep/x.yaml, service: x}}"
    folder.write({"sub/base.yaml": f"services: {{base: {base}}}",
                  "sub/deep/x.yaml": "services: {x: {volumes: ['./e:/e']}}"})
    web = folder.tree("services: {web: {extends: {file: sub/base.yaml, service: base}}}")["services"]["web"]
    assert web["build"]["context"] == f"{folder.path}/sub/ctx"
    assert {mount["source"] for mount in web["volumes"]} == {f"{folder.path}/sub/d", f"{folder.path}/sub/deep/e"}


def test_extends_refusals(folder: Folder) -> None:
    """A missing service, a missing file and a circle are refused at the `extends` that asks for them."""
    missing = folder.refusal(lambda: folder.tree("services: {web: {extends: bas}, base: {image: i}}"))
    assert 'services.web.extends: cannot extend service "web"' in missing
    assert 'did you mean "base"?' in missing
    assert "nope.yaml: No such file" in folder.refusal(lambda: folder.tree("services: {web: {extends: {file: nope.yaml, service: a}}}"))
    circle = folder.refusal(lambda: folder.tree("services: {a: {extends: b}, b: {extends: a}}"))
    assert "Circular reference:\n  a in" in circle


def test_include(folder: Folder) -> None:
    """An included file has its own folder and variables; what this file says is merged on top; its name does not count."""
    folder.write({"sub/inc.yaml": "name: other\nservices: {db: {image: 'i$V', volumes: ['./d:/d'], environment: [V]}}\nvolumes: {data: }",
                  "sub/.env": "V=1"})
    loaded = folder.resolve("include: [sub/inc.yaml]\nservices: {db: {user: me}, web: {image: 'w$V'}}", all_resources=True)
    db = loaded.tree["services"]["db"]
    assert (db["image"], db["user"], db["environment"]) == ("i1", "me", {"V": "1"})
    assert db["volumes"][0]["source"] == f"{folder.path}/sub/d"
    assert loaded.tree["services"]["web"]["image"] == "w"
    assert loaded.tree["name"] == "p"
    assert loaded.tree["volumes"] == {"data": {"name": "p_data"}}


def test_include_in_long_syntax(folder: Folder) -> None:
    """Further paths override the first; project_directory and env_file replace the defaults."""
    folder.write({"a/1.yaml": "services: {db: {image: 'i$V', volumes: ['./d:/d']}}", "a/2.yaml": "services: {db: {user: me}}",
                  "v.env": "V=7", "a/.env": "V=8"})
    tree = folder.tree("include: [{path: [a/1.yaml, a/2.yaml], project_directory: b, env_file: v.env}]")
    db = tree["services"]["db"]
    assert (db["image"], db["user"], db["volumes"][0]["source"]) == ("i7", "me", f"{folder.path}/b/d")


def test_dollars_survive_an_include(folder: Folder) -> None:
    """$$ of an included file is one dollar, however deep it is."""
    folder.write({"a.yaml": "include: [b.yaml]", "b.yaml": "services: {db: {image: 'x$$y'}}"})
    assert folder.tree("include: [a.yaml]")["services"]["db"]["image"] == "x$y"


def test_include_cycle(folder: Folder) -> None:
    """Files that include each other are refused with the circle."""
    folder.write({"a.yaml": "include: [b.yaml]", "b.yaml": "include: [a.yaml]"})
    printed = folder.refusal(lambda: folder.tree("include: [a.yaml]"))
    assert "include cycle detected" in printed
    assert "b.yaml" in printed


def test_a_missing_label_file_is_called_one(folder: Folder) -> None:
    """Not an env file."""
    with pytest.raises(LoadError, match=r"label file .*/gone not found"):
        folder.service("label_file: gone")


def test_label_files_see_only_themselves(folder: Folder) -> None:
    """A variable in a label_file is one of its own lines, whatever the environment holds."""
    folder.environ["OUTSIDE"] = "o"
    folder.write({"labels": "A=1\nB=$A\nC=$OUTSIDE\nD\n"})
    assert folder.service("label_file: labels") == {"labels": {"A": "1", "B": "1", "C": ""}}


def test_spaces_in_raw_names(folder: Folder) -> None:
    """A raw env file has no `export`."""
    folder.write({"e": "export A=1\n"})
    assert "variable 'export A' contains whitespaces" in folder.refusal(lambda: folder.service("env_file: [{path: e, format: raw}]"))


@pytest.mark.parametrize("text", ["include: [oci://r/x:1]\nservices: {a: {image: x}}",
                                  "services: {a: {extends: {file: 'https://github.com/a/b.git#main', service: q}}}"])
def test_remote_files(folder: Folder, text: str) -> None:
    """A compose file of a registry or a repository is refused with its place, and so is one of the command line."""
    printed = folder.refusal(lambda: folder.resolve(text))
    assert "compose files of registries and repositories are not fetched\n  compose.yaml, line 1" in printed
    options = replace(folder.options(text), files=("git@example.com:a/b.git",))
    assert "are not fetched" in folder.refusal(lambda: resolve(options))
