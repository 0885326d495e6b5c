"""Phase: which files, which folder, which variables, which name (specification, "Compose file"; compose(1), environment)."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from composer.errors import LoadError, UsageError
from composer.load import dotenv, reading
from composer.load.document import parse
from composer.load.node import Node
from composer.load.template import substitute, unset

if TYPE_CHECKING:
    from composer.load import LoadOptions

DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_FILES = ("compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml")

_REMOTE = re.compile(r"(?:oci|git|ssh|https?)://|git@|github\.com/")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
_YES = frozenset(("1", "t", "true", "y", "yes", "on"))
_FALSE = frozenset(("", "0", "f", "F", "false", "False", "FALSE"))


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A compose file, read and parsed; `path` is absolute, or `-` for what came through stdin."""

    path: str
    documents: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """What loading starts from. `name` is "" unless option or variable gives it; `environment` is what variables hold."""

    files: tuple[SourceFile, ...]
    folder: str
    environment: Mapping[str, str]
    environment_files: tuple[str, ...]
    profiles: tuple[str, ...]
    name: str
    warnings: tuple[str, ...] = ()


    @property
    def separator(self) -> Literal["-", "_"]:
        """Between the parts of the names of containers and images."""
        return "_" if self.environment.get("COMPOSE_COMPATIBILITY", "").strip().lower() in _YES else "-"


def find(options: LoadOptions) -> Sources:
    """Find and read everything; raises LoadError or UsageError for what is missing."""
    start = os.path.abspath(os.path.join(options.cwd, options.project_directory or ""))
    environ = {**options.environ, "PWD": options.cwd}  # whatever a caller that changed its folder has left there
    given = _absolute(options.cwd, options.env_files or _listed(environ, "COMPOSE_ENV_FILES", ","))
    env_files = given or _default_env_file(environ, start)
    warnings: list[str] = []
    environment = _environment(environ, env_files, warnings)
    paths = _compose_files(options, environment, start, warnings)
    folder = os.path.abspath(start if options.project_directory else _folder_of(paths[0], options.cwd))
    if not given and folder != start:
        more = tuple(file for file in _default_env_file(environ, folder) if file not in env_files)
        environment = {**_environment(environment, more, warnings), **environment}
        env_files += more
    name = options.project_name if options.project_name is not None else environment.get("COMPOSE_PROJECT_NAME", "")
    return Sources(tuple(_read(path, options) for path in paths), folder, environment, env_files,
                   options.profiles or _profiles(environment), check_name(name) if name else "",
                   tuple(dict.fromkeys(warnings)))


def _listed(environment: Mapping[str, str], name: str, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environment.get(name, "").split(separator) if part.strip())


def _profiles(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Those of COMPOSE_PROFILES; where it says nothing, the profile without a name, which a service may have (`profiles: ["", extra]`)."""
    return tuple(part.strip() for part in environment.get("COMPOSE_PROFILES", "").split(","))


def _absolute(folder: str, paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(os.path.normpath(os.path.join(folder, path)) for path in paths)


def _default_env_file(environ: Mapping[str, str], folder: str) -> tuple[str, ...]:
    if environ.get("COMPOSE_DISABLE_ENV_FILE", "") not in _FALSE:
        return ()
    path = os.path.join(folder, ".env")
    return (path,) if reading.is_there(path) else ()


def _environment(environ: Mapping[str, str], files: tuple[str, ...], warnings: list[str]) -> dict[str, str]:
    """The real environment wins over the files."""
    return {**dotenv.read_all(files, environ, lambda name: warnings.append(unset(name))), **environ}


def _compose_files(options: LoadOptions, environment: Mapping[str, str], start: str, warnings: list[str]) -> tuple[str, ...]:
    given = options.files or _listed(environment, "COMPOSE_FILE", environment.get("COMPOSE_PATH_SEPARATOR") or ":")
    if given:
        return tuple(path if path == "-" else local(path, options.cwd) for path in given)
    folder = start
    while True:
        found = [path for name in DEFAULT_FILES if os.path.isfile(path := os.path.join(folder, name))]
        if found:
            return found[0], *_override(folder, found, warnings)
        if folder == os.path.dirname(folder):
            raise LoadError("no configuration file provided: not found",
                            hint=f"there is no {DEFAULT_FILES[0]} in {start} or above it; name one with -f")
        folder = os.path.dirname(folder)


def _override(folder: str, found: list[str], warnings: list[str]) -> tuple[str, ...]:
    overrides = [path for name in OVERRIDE_FILES if reading.is_there(path := os.path.join(folder, name))]
    for several in (found, overrides):
        if len(several) > 1:
            warnings.append(f"Found multiple config files with supported names: {', '.join(several)}; using {several[0]}")
    return tuple(overrides[:1])


def _folder_of(path: str, cwd: str) -> str:
    return cwd if path == "-" else os.path.dirname(path)


def _read(path: str, options: LoadOptions) -> SourceFile:
    if path == "-":
        if options.stdin is None:
            raise UsageError("-f -: there is no standard input to read")
        return SourceFile(path, tuple(parse(options.stdin(), "stdin")))
    return read_file(path, options.cwd)


def local(path: str, folder: str) -> str:
    """The absolute path of a compose file that is named relative to a folder. Raises LoadError for one of a registry or a repository:
    composer runs what is on this machine, and fetches nothing that can change behind the user's back."""
    if _REMOTE.match(path):
        raise LoadError(f"{path}: compose files of registries and repositories are not fetched", hint="fetch it and name the local file")
    return os.path.normpath(os.path.join(folder, path))


def read_file(path: str, cwd: str) -> SourceFile:
    """A compose file from disk, named in messages as seen from `cwd`; raises LoadError when it cannot be read."""
    try:
        return SourceFile(path, tuple(parse(reading.text(path, "utf-8-sig"), path.removeprefix(f"{cwd}/"))))
    except UnicodeDecodeError as wrong:
        raise LoadError(f"{path}: not a text in UTF-8") from wrong
    except OSError as wrong:
        raise LoadError(f"{path}: {wrong.strerror}") from wrong


def check_name(name: str) -> str:
    """A project's name as it may be; raises LoadError for one that somebody chose and that does not fit."""
    if not _NAME.match(name):
        raise LoadError(f'invalid project name "{name}": must consist only of lowercase alphanumeric characters, hyphens, and underscores '
                        "as well as start with a letter or number", hint=f'"{derive_name(name)}" would do' if derive_name(name) else "")
    return name


def derive_name(words: str) -> str:
    """The project's name that a folder's name, or what a file says, comes to; "" when nothing of it is left."""
    return re.sub(r"[^a-z0-9_-]", "", words.lower()).lstrip("_-")


def identify(options: LoadOptions) -> tuple[str, str]:
    """Name and folder of the project, which together are its identity; looks at nothing else of its files."""
    found = find(options)
    return name_of(found), found.folder


def name_of(found: Sources, warn: Callable[[str], None] = lambda _message: None, *, interpolated: bool = True) -> str:
    """Of the project: what option or variable say, else the files, else the folder. `interpolated`: variables in it have their values."""
    name = found.name or _declared_name(found, interpolated)
    if not name:
        folder = os.path.basename(found.folder)
        name = derive_name(folder)
        if name and folder != os.path.basename(os.path.realpath(found.folder)):
            warn(f'project has been loaded without an explicit name from a symlink. Using name "{folder}"')
    if not name:
        raise LoadError("project name must not be empty", hint="give it one with -p, COMPOSE_PROJECT_NAME or name:")
    return name


def _declared_name(found: Sources, interpolated: bool) -> str:
    """The last `name:` of the files; looked up before anything else, because it is a variable in all of them."""
    name = ""
    for file in found.files:
        for layer in file.documents:
            declared = layer.find("name")
            if declared is not None and declared.value and isinstance(declared.value, str):
                name = derive_name(substitute(declared.value, found.environment.get) if interpolated else declared.value)
                if not name:
                    raise LoadError("project name must not be empty", place=declared.place)
    return name
