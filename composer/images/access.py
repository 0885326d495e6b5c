"""What the user who runs the command may at registries. Under sudo that is the caller, not root: the files are looked for in the
caller's home, and the caller's credential programs run as the caller. Nothing of it is written down.

    REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json,          containers-auth.json(5); an earlier file goes before
    ~/.config/containers/auth.json, $DOCKER_CONFIG or ~/.docker/config.json
    CONTAINERS_REGISTRIES_CONF, ~/.config/containers/registries.conf    containers-registries.conf(5)
"""

from __future__ import annotations

import base64
import json
import os
import pwd
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composer import process
from composer.errors import HostError
from composer.host import Access

#: The name under which Docker's files have Docker Hub, and the one that containers' tools know.
_HUB, _HUB_AS_DOCKER_SAYS = "docker.io", "https://index.docker.io/v1/"
#: What a credential program says as the user's name when the secret is a token (docker-credential-helpers).
_TOKEN = "<token>"
#: Seconds that a credential program may take; it may ask the user for a passphrase.
_PATIENCE = 60.0
_DOCKER_SOCKET = "/var/run/docker.sock"
#: Variables that name files of the one who set them.
_OF_CALLER = ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "CONTAINERS_REGISTRIES_CONF")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a home; `environ` is what their programs see."""

    uid: int
    gid: int
    home: Path
    runtime: Path
    environ: Mapping[str, str]


def caller_access(environ: Mapping[str, str], registries: Callable[[], Iterable[str]]) -> Access:
    """`registries`: those that credential programs are asked about, where the files name any; the files' own entries are taken as
    they are."""
    people = _people(environ)
    files = [file for person in people for file in _auth_files(person)]
    said = [(person, _json(path)) for person, path in files]
    auths: dict[str, Any] = {}
    asking = [(person, config) for person, config in said if config.get("credHelpers") or config.get("credsStore")]
    for registry in dict.fromkeys(registries() if asking else ()):
        for person, config in asking:
            found = _ask_program(person, config, registry)
            if found:
                auths.setdefault(registry, found)
    for _, config in said:
        for name, entry in (config.get("auths") or {}).items():
            if entry:
                auths.setdefault(name, entry)
    return Access(json.dumps({"auths": auths}) if auths else "", _registries_conf(people[0]), _engine(environ))


def _people(environ: Mapping[str, str]) -> list[Person]:
    """The one who called sudo, then who we are."""
    me = Person(os.getuid(), os.getgid(), Path(environ.get("HOME") or "/root"), _runtime(environ, os.getuid()), environ)
    caller = environ.get("SUDO_UID", "")
    if os.getuid() or not caller.isdecimal() or caller == "0":
        return [me]
    try:
        entry = pwd.getpwuid(int(caller))
    except KeyError:
        return [me]
    # Variables that came through sudo are the caller's own; HOME and the runtime folder are root's by now.
    own = {**environ, "HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name, "XDG_RUNTIME_DIR": f"/run/user/{caller}"}
    root = {key: value for key, value in environ.items() if key not in _OF_CALLER}
    return [
        Person(entry.pw_uid, entry.pw_gid, Path(entry.pw_dir), Path(f"/run/user/{caller}"), own),
        Person(0, 0, me.home, me.runtime, root),
    ]


def _runtime(environ: Mapping[str, str], uid: int) -> Path:
    return Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}")


def _auth_files(person: Person) -> list[tuple[Person, Path]]:
    """An explicit file stands alone, as it does for containers' tools."""
    explicit = person.environ.get("REGISTRY_AUTH_FILE")
    if explicit:
        return [(person, Path(explicit))]
    docker = Path(person.environ.get("DOCKER_CONFIG") or person.home / ".docker")
    return [
        (person, path)
        for path in (
            person.runtime / "containers/auth.json",
            Path(f"/run/containers/{person.uid}/auth.json"),
            person.home / ".config/containers/auth.json",
            docker / "config.json",
        )
    ]


def _json(path: Path) -> dict[str, Any]:
    """{} for a file that is not there, or that nobody can read as a mapping."""
    with suppress(OSError, ValueError):
        value = json.loads(path.read_bytes())
        return value if isinstance(value, dict) else {}
    return {}


def _registries_conf(person: Person) -> str:
    named = person.environ.get("CONTAINERS_REGISTRIES_CONF")
    with suppress(OSError):
        return Path(named or person.home / ".config/containers/registries.conf").read_text()
    return ""


def _engine(environ: Mapping[str, str]) -> str:
    """The socket that DOCKER_HOST names, when it is one of this machine; without that variable the usual one."""
    host = environ.get("DOCKER_HOST") or f"unix://{_DOCKER_SOCKET}"
    path = Path(host.removeprefix("unix://"))
    return str(path) if host.startswith("unix://") and path.is_socket() else ""


def _ask_program(person: Person, config: Mapping[str, Any], registry: str) -> dict[str, str]:
    """The entry that the program named by `credHelpers` or `credsStore` has for a registry; {} for none."""
    name = _HUB_AS_DOCKER_SAYS if registry == _HUB else registry
    helpers = config.get("credHelpers") or {}
    program = helpers.get(registry) or helpers.get(name) or config.get("credsStore")
    if not program or "/" in program:
        return {}
    answer = _run_as(person, f"docker-credential-{program}", name)
    if not answer.get("Secret"):
        return {}
    if answer.get("Username") == _TOKEN:
        return {"auth": base64.b64encode(f"{_TOKEN}:".encode()).decode(), "identitytoken": answer["Secret"]}
    return {"auth": base64.b64encode(f"{answer.get('Username', '')}:{answer['Secret']}".encode()).decode()}


def _run_as(person: Person, program: str, registry: str) -> dict[str, Any]:
    """`PROGRAM get`, with the registry on stdin and a JSON object on stdout. One that fails has nothing to say."""
    user = (person.uid, person.gid) if os.getuid() == 0 and person.uid else None
    with suppress(HostError, OSError, ValueError):
        done = process.run([program, "get"], stdin=registry, check=False, env=person.environ, timeout=_PATIENCE, user=user)
        value = json.loads(done.stdout) if done.code == 0 else {}
        return value if isinstance(value, dict) else {}
    return {}
