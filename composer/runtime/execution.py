"""A second process in a running container: its description is the container's own, with what `exec` changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from composer.runtime.bundle import capability_sets
from composer.runtime.users import User


@dataclass(frozen=True, slots=True)
class Request:
    """`user` None runs as the container's own user."""

    command: Sequence[str]
    user: User | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    tty: bool = False
    all_capabilities: Collection[str] | None = None  # for `--privileged`: those that composer holds


def description(own: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """`process` of the OCI runtime specification; `own` is that of the container's config.json.

    A file, not options: crun's `--env` replaces the environment and shows it to all users, and no option gives further groups."""
    variables = dict(entry.split("=", 1) for entry in own["env"])
    if request.user:
        variables["HOME"] = request.user.home
    if request.tty:
        variables.setdefault("TERM", "xterm")
    user = own["user"] if request.user is None else _user(request.user)
    held = own["capabilities"]["bounding"] if request.all_capabilities is None else sorted(request.all_capabilities)
    return {
        **own,
        "args": list(request.command),
        "cwd": request.working_dir or own["cwd"],
        "env": [f"{name}={value}" for name, value in {**variables, **request.environment}.items()],
        "terminal": request.tty,
        "user": user,
        "capabilities": capability_sets(held, user["uid"]),
    }


def _user(user: User) -> dict[str, Any]:
    return {"uid": user.uid, "gid": user.gid, "additionalGids": list(user.groups)}
