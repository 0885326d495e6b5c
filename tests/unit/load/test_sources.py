"""Which files, folder, variables and name."""

from __future__ import annotations

import pytest

from composer.errors import LoadError, UsageError
from composer.load import LoadOptions
from composer.load.phases import resolve
from composer.load.sources import derive_name, find
from composer.store import project_hash
from tests.compose_folder import Folder

EMPTY = "services: {}"


def options(folder: Folder, cwd: str = "", **more: object) -> LoadOptions:
    return LoadOptions(environ=folder.environ, cwd=str(folder.path / cwd) if cwd else str(folder.path), **more)  # type: ignore[arg-type]


def found(folder: Folder, *paths: str) -> list[str]:
    return [path.removeprefix(f"{folder.path}/") for path in paths]


def test_default_files_are_looked_for_upwards(folder: Folder) -> None:
    """The nearest folder above that has a compose file is the project's; its override file is taken too."""
    folder.write({"compose.yaml": EMPTY, "compose.override.yml": EMPTY, "a/b/x": ""})
    sources = find(options(folder, "a/b"))
    assert found(folder, *(file.path for file in sources.files)) == ["compose.yaml", "compose.override.yml"]
    assert sources.folder == str(folder.path.resolve())


def test_the_first_of_several_names_wins(folder: Folder) -> None:
    """With several default files the first name wins, and the user hears of it."""
    folder.write({"compose.yml": EMPTY, "docker-compose.yml": EMPTY})
    sources = find(options(folder))
    assert found(folder, sources.files[0].path) == ["compose.yml"]
    assert "Found multiple config files" in sources.warnings[0]


def test_no_file(folder: Folder) -> None:
    """Without any file, the message says what was looked for."""
    assert "compose.yaml" in folder.refusal(lambda: find(options(folder)))


def test_named_files(folder: Folder) -> None:
    """-f and COMPOSE_FILE name files, without an override; the folder is that of the first."""
    folder.write({"a/x.yaml": EMPTY, "y.yaml": EMPTY, "a/compose.override.yaml": EMPTY})
    sources = find(options(folder, files=("a/x.yaml", "y.yaml")))
    assert (len(sources.files), sources.folder) == (2, f"{folder.path.resolve()}/a")
    folder.environ["COMPOSE_FILE"] = "y.yaml:a/x.yaml"
    assert find(options(folder)).folder == str(folder.path.resolve())


def test_standard_input(folder: Folder) -> None:
    """`-f -` reads the caller's stdin; the folder is the current one."""
    assert find(options(folder, files=("-",), stdin=lambda: EMPTY)).folder == str(folder.path.resolve())
    with pytest.raises(UsageError):
        find(options(folder, files=("-",)))


def test_variables(folder: Folder) -> None:
    """The real environment wins over .env; --env-file replaces .env; a later one wins."""
    folder.write({"compose.yaml": EMPTY, ".env": "A=dot\nB=dot", "1.env": "B=1\nC=1", "2.env": "C=2"})
    folder.environ["A"] = "real"
    environment = find(options(folder)).environment
    assert (environment["A"], environment["B"]) == ("real", "dot")
    sources = find(options(folder, env_files=("1.env", "2.env")))
    assert (sources.environment["B"], sources.environment["C"]) == ("1", "2")
    assert found(folder, *sources.environment_files) == ["1.env", "2.env"]
    with pytest.raises(LoadError, match="not found"):
        find(options(folder, env_files=("nope.env",)))


def test_dot_env_of_current_and_project_folder(folder: Folder) -> None:
    """Both are read, the current folder's wins; COMPOSE_DISABLE_ENV_FILE switches them off."""
    folder.write({"compose.yaml": EMPTY, ".env": "A=project\nB=project", "sub/.env": "A=current"})
    environment = find(options(folder, "sub")).environment
    assert (environment["A"], environment["B"]) == ("current", "project")
    folder.environ["COMPOSE_DISABLE_ENV_FILE"] = "1"
    assert "A" not in find(options(folder, "sub")).environment


@pytest.mark.parametrize(("variable", "asked", "active"), [
    (None, (), ["always", "quiet"]),
    ("", (), ["always", "quiet"]),
    ("loud,", (), ["always", "loud", "quiet"]),
    ("loud", (), ["always", "loud"]),
    (None, ("loud",), ["always", "loud"]),
    (None, ("other",), ["always", "quiet"]),
])
def test_the_profile_without_a_name(folder: Folder, variable: str | None, asked: tuple[str, ...], active: list[str]) -> None:
    """It is asked for when no other one is."""
    text = """services:
        always: {image: i}
        quiet: {image: i, profiles: ["", other]}
        loud: {image: i, profiles: [loud]}"""
    if variable is not None:
        folder.environ["COMPOSE_PROFILES"] = variable
    assert sorted(folder.tree(text, profiles=asked)["services"]) == active


def test_profiles(folder: Folder) -> None:
    """COMPOSE_PROFILES counts unless profiles are named."""
    folder.write({"compose.yaml": EMPTY, ".env": "COMPOSE_PROFILES=a,b"})
    assert find(options(folder)).profiles == ("a", "b")
    assert find(options(folder, profiles=("c",))).profiles == ("c",)


def test_name(folder: Folder) -> None:
    """-p, then COMPOSE_PROJECT_NAME, then the last `name:`, then the folder; the name is a variable in the files."""
    folder.write({"My.App_1/compose.yaml": "services: {x: {image: '$COMPOSE_PROJECT_NAME'}}"})
    tree = resolve(options(folder, "My.App_1")).tree
    assert (tree["name"], tree["services"]["x"]["image"]) == ("myapp_1", "myapp_1")
    folder.write({"My.App_1/compose.yaml": "name: from-$V\nservices: {x: {image: i}}", "My.App_1/.env": "V=file"})
    assert resolve(options(folder, "My.App_1")).tree["name"] == "from-file"
    folder.environ["COMPOSE_PROJECT_NAME"] = "variable"
    assert resolve(options(folder, "My.App_1")).tree["name"] == "variable"
    assert resolve(options(folder, "My.App_1", project_name="option")).tree["name"] == "option"


def test_a_name_that_comes_to_nothing(folder: Folder) -> None:
    """An empty name is none, but one whose variables are not set is a mistake."""
    folder.write({"a/compose.yaml": "name: ''\nservices: {x: {image: i}}"})
    assert resolve(options(folder, "a")).tree["name"] == "a"
    folder.write({"a/compose.yaml": "name: $UNSET\nservices: {x: {image: i}}"})
    assert "project name must not be empty\n  compose.yaml, line 1, column 7" in folder.refusal(lambda: resolve(options(folder, "a")))


def test_a_chosen_name_has_to_fit(folder: Folder) -> None:
    """A name that somebody chose is refused when it does not fit, with one that would; a folder's name is made to fit."""
    folder.write({"compose.yaml": EMPTY})
    printed = folder.refusal(lambda: find(options(folder, project_name="-My App")))
    assert 'invalid project name "-My App"' in printed
    assert '"myapp" would do' in printed
    assert derive_name("__A b.C") == "abc"


def test_a_folder_behind_a_link(folder: Folder) -> None:
    """The project's name and paths are those of the link, and the user hears of it; its identity is the folder's."""
    folder.write({"real/compose.yaml": "services: {a: {image: x, volumes: [./d:/d]}}"})
    (folder.path / "Link").symlink_to("real")
    resolved = resolve(options(folder, "Link"))
    assert (resolved.tree["name"], resolved.tree["services"]["a"]["volumes"][0]["source"]) == ("link", f"{folder.path}/Link/d")
    assert resolved.warnings == ('project has been loaded without an explicit name from a symlink. Using name "Link"',)
    assert project_hash("x", f"{folder.path}/Link") == project_hash("x", f"{folder.path}/real")
    assert not resolve(options(folder, "Link", project_name="p")).warnings


def test_the_current_folder_is_a_variable(folder: Folder) -> None:
    """$PWD is where composer was called, whatever a caller that changed its folder has left in it."""
    folder.write({"compose.yaml": "services: {a: {image: $PWD}}"})
    folder.environ["PWD"] = "/elsewhere"
    assert resolve(options(folder)).tree["services"]["a"]["image"] == str(folder.path)


def test_unset_variables_in_env_files(folder: Folder) -> None:
    """A variable that is not set is told once, be it in .env, in an env_file or in the .env of an included project."""
    folder.write({"compose.yaml": "include: [sub/compose.yaml]\nservices: {a: {image: x, env_file: a.env}}", ".env": "A=$ONE",
                  "a.env": "B=$TWO$TWO\nC=${SET:-d}", "sub/compose.yaml": "services: {b: {image: x}}", "sub/.env": "D=$THREE"})
    told = [warning.split('"')[1] for warning in resolve(options(folder)).warnings]
    assert told == ["ONE", "THREE", "TWO"]
