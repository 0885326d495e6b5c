"""Talks to the programs behind `provider:`: `PROGRAM compose --project-name NAME up|down --OPTION=VALUE... SERVICE`, which answer with
one JSON object a line (docker compose, docs/extension.md)."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from composer import process
from composer.engine.hooks import next_line
from composer.engine.scene import Scene
from composer.errors import HostError
from composer.events import Event
from composer.model.provider import Provider
from composer.plan.actions import Provide, Withdraw
from composer.procfs import kill_tree
from composer.store import read_json, write_json

log = logging.getLogger("composer")

#: Where Docker looks for programs named docker-TYPE beside PATH.
PLUGINS = ("/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins",
           "/usr/libexec/docker/cli-plugins")
#: Seconds to say what its options are.
PATIENCE = 10.0


@dataclass(slots=True)
class Answer:
    """What a program has said so far."""

    service: str
    variables: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def take(self, scene: Scene, line: str) -> None:
        """One line of its output."""
        message = _message(line)
        kind, text = message.get("type"), str(message.get("message", ""))
        key, assigned, value = text.partition("=")
        if kind == "setenv" and assigned:
            self.variables[f"{re.sub('[^A-Z0-9]', '_', self.service.upper())}_{key}"] = value
        elif kind == "rawsetenv" and assigned:
            self.variables[key] = value
        elif kind == "error":
            self.errors.append(text)
        elif kind == "debug":
            log.info("provider of %s: %s", self.service, text)
        else:
            scene.tell(Event(time.time(), f"service/{self.service}", "line", text if kind == "info" else line, self.service))


def _message(line: str) -> Mapping[str, Any]:
    with suppress(ValueError):
        value = json.loads(line)
        if isinstance(value, dict):
            return value
    return {}


async def ask(scene: Scene, action: Provide | Withdraw, environ: Mapping[str, str]) -> None:
    """Run the program to its end with the caller's environment. HostError with its own words when it fails; what it has set is kept."""
    command = "up" if isinstance(action, Provide) else "down"
    program = find(action.provider.type, environ, f"services.{action.service}.provider.type")
    options = await asyncio.to_thread(_options, program, action.provider, command, environ)
    answer = Answer(action.service)
    argv = [program, "compose", "--project-name", action.project, command, *options, action.service]
    child = await process.start(argv, env=environ, cwd=action.folder if os.path.isdir(action.folder) else None)
    assert child.stdout is not None
    try:
        while line := await next_line(child.stdout):
            answer.take(scene, line.decode(errors="replace").strip())
        code = await child.wait()
    except asyncio.CancelledError:
        kill_tree(child.pid)
        await child.wait()
        raise
    if answer.errors or code:
        said = "; ".join(answer.errors) or f"exit code {code}"
        raise HostError(f"services.{action.service}.provider: {action.provider.type} {command} failed: {said}")
    _keep(scene, action, answer.variables)


def provided(scene: Scene) -> dict[str, dict[str, str]]:
    """Service -> variables, of all that is provided now."""
    return read_json(scene.places.providers) or {}


def _keep(scene: Scene, action: Provide | Withdraw, variables: Mapping[str, str]) -> None:
    others = {name: values for name, values in provided(scene).items() if name != action.service}
    write_json(scene.places.providers, {**others, action.service: dict(variables)} if isinstance(action, Provide) else others)


def find(kind: str, environ: Mapping[str, str], subject: str) -> str:
    """The path of the program: a plugin of Docker's command line, or any on PATH."""
    path = environ.get("PATH") or os.defpath
    plugins = os.pathsep.join([f"{environ.get('HOME', '')}/.docker/cli-plugins", *PLUGINS])
    found = shutil.which(f"docker-{kind}", path=f"{plugins}{os.pathsep}{path}") or shutil.which(kind, path=path)
    if found is None:
        raise HostError(f"{subject}: there is no program docker-{kind} or {kind}", hint="install the provider, or put it on PATH")
    return found


def _options(program: str, provider: Provider, command: str, environ: Mapping[str, str]) -> list[str]:
    """All of them, or those that the program says it has for the command."""
    known = _parameters(program, command, environ)
    return [f"--{key}={value}" for key, values in provider.options.items() if not known or key in known for value in values]


def _parameters(program: str, command: str, environ: Mapping[str, str]) -> set[str]:
    """From `PROGRAM compose metadata`, which not every program knows."""
    with suppress(HostError, ValueError, AttributeError, TypeError, KeyError):
        done = process.run([program, "compose", "metadata"], check=False, env=environ, timeout=PATIENCE)
        if not done.code:
            return {parameter["name"] for parameter in (json.loads(done.stdout).get(command) or {}).get("parameters") or ()}
    return set()
