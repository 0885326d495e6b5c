"""Whose credentials are used, and from which files."""

from __future__ import annotations

import base64
import json
import os
import pwd
import socket
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from composer.images.access import caller_access


def entry(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))


def auths(environ: Mapping[str, str], *registries: str) -> dict[str, Any]:
    text = caller_access(environ, lambda: registries).auths
    return json.loads(text)["auths"] if text else {}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def environ(home: Path, tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(home), "XDG_RUNTIME_DIR": str(tmp_path / "runtime"), "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}


def test_files_of_the_home_and_the_runtime_folder_are_joined(home: Path, environ: dict[str, str]) -> None:
    """containers' own file goes before Docker's, for the same registry."""
    write(home / ".docker/config.json", {"auths": {"a.example": entry("docker"), "b.example": entry("docker"), "empty.example": {}}})
    write(Path(environ["XDG_RUNTIME_DIR"]) / "containers/auth.json", {"auths": {"a.example": entry("containers")}})
    assert auths(environ) == {"a.example": entry("containers"), "b.example": entry("docker")}


def test_a_named_file_stands_alone(home: Path, environ: dict[str, str], tmp_path: Path) -> None:
    """REGISTRY_AUTH_FILE before all; DOCKER_CONFIG instead of ~/.docker."""
    write(home / ".docker/config.json", {"auths": {"a.example": entry("home")}})
    write(tmp_path / "named.json", {"auths": {"a.example": entry("named")}})
    write(tmp_path / "elsewhere/config.json", {"auths": {"a.example": entry("elsewhere")}})
    assert auths({**environ, "DOCKER_CONFIG": str(tmp_path / "elsewhere")}) == {"a.example": entry("elsewhere")}
    assert auths({**environ, "REGISTRY_AUTH_FILE": str(tmp_path / "named.json")}) == {"a.example": entry("named")}


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"auths": null}'])
def test_a_file_that_says_nothing_is_no_error(home: Path, environ: dict[str, str], text: str) -> None:
    """Nor is one that is not there."""
    assert auths(environ) == {}
    write(home / ".docker/config.json", text)
    assert auths(environ) == {}


def test_under_sudo_the_callers_home_goes_before_roots(home: Path, environ: dict[str, str], tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """Both count; only SUDO_UID says who called, and only when we are root."""
    callers = tmp_path / "caller"
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: SimpleNamespace(pw_uid=uid, pw_gid=uid, pw_dir=str(callers), pw_name="clerk"))
    write(home / ".docker/config.json", {"auths": {"a.example": entry("root"), "b.example": entry("root")}})
    write(callers / ".docker/config.json", {"auths": {"a.example": entry("caller")}})
    write(callers / ".config/containers/registries.conf", "caller = true\n")
    sudo = {**environ, "SUDO_UID": "54321"}
    assert auths(sudo) == {"a.example": entry("caller"), "b.example": entry("root")}
    assert caller_access(sudo, lambda: ()).registries == "caller = true\n"
    assert auths(environ) == {"a.example": entry("root"), "b.example": entry("root")}
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert auths(sudo) == auths(environ)


def test_credential_programs_are_asked_about_the_registries_in_question(home: Path, environ: dict[str, str], tmp_path: Path) -> None:
    """Docker Hub goes by the name that Docker gives it; a token is no password; who has nothing to say is passed over."""
    program = tmp_path / "bin/docker-credential-shelf"
    write(program, """#!/bin/sh
        read registry
        echo "$registry" >> "$HOME/asked"
        case "$1 $registry" in
            "get https://index.docker.io/v1/") echo '{"Username": "me", "Secret": "word"}' ;;
            "get token.example") echo '{"Username": "<token>", "Secret": "long"}' ;;
            *) echo "not found"; exit 1 ;;
        esac
    """)
    program.chmod(0o755)
    write(home / ".docker/config.json", {"credsStore": "shelf", "credHelpers": {"gone.example": "missing"}})
    found = auths(environ, "docker.io", "token.example", "other.example", "gone.example", "docker.io")
    assert found == {"docker.io": entry("me:word"), "token.example": {**entry("<token>:"), "identitytoken": "long"}}
    assert (home / "asked").read_text().split() == ["https://index.docker.io/v1/", "token.example", "other.example"]


def test_without_a_program_nobody_asks_which_registries(home: Path, environ: dict[str, str]) -> None:
    """Finding out costs a look at the store."""
    write(home / ".docker/config.json", {"auths": {"a.example": entry("x")}})

    def never() -> list[str]:
        raise AssertionError("asked")

    assert caller_access(environ, never).auths


def test_a_docker_engine_of_this_machine_is_found(environ: dict[str, str], tmp_path: Path) -> None:
    """By DOCKER_HOST, when it is a socket that is there; one of another machine is none."""
    path = tmp_path / "engine.sock"
    named = {**environ, "DOCKER_HOST": f"unix://{path}"}
    assert caller_access(named, lambda: ()).engine == ""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        assert caller_access(named, lambda: ()).engine == str(path)
        assert caller_access({**environ, "DOCKER_HOST": "tcp://other.example:2375"}, lambda: ()).engine == ""


def test_what_is_secret_is_not_shown(home: Path, environ: dict[str, str]) -> None:
    """In a traceback or a log, say."""
    write(home / ".docker/config.json", {"auths": {"a.example": entry("x")}})
    assert entry("x")["auth"] not in repr(caller_access(environ, lambda: ()))
