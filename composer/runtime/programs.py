"""The programs of other packages that containers need, found on PATH."""

from __future__ import annotations

import os
import shutil
from functools import lru_cache

from composer import process
from composer.errors import ContainerError

DEFAULT_RUNTIMES = ("crun", "runc")

#: Programs for `init: true`; those linked statically run in any image.
INITS = ("docker-init", "tini-static", "catatonit", "tini")


def find_runtime(wanted: str | None = None) -> str:
    """The name of the OCI runtime to use: the one that `runtime:` asks for, else crun, else runc. A missing one is an error."""
    if wanted:
        program(wanted)
        return wanted
    for name in DEFAULT_RUNTIMES:
        if shutil.which(name):
            return name
    raise ContainerError("no OCI runtime found", hint="install the package crun (or runc)")


def program(name: str) -> str:
    """The path of a program that is known by name or path."""
    path = shutil.which(name)
    if path is None:
        raise ContainerError(f"{name}: program not found", hint=f"install the package that has {name}")
    return path


def find_init() -> str:
    """The program that `init: true` puts in front as PID 1."""
    for name in INITS:
        if path := shutil.which(name):
            return path
    raise ContainerError(f"init: true needs an init program, none of {', '.join(INITS)} was found", hint="install the package tini")


def runtime_version(path: str) -> str:
    """What `RUNTIME --version` says; asked once for each state of the file, which a package may replace under a long-lived supervisor."""
    return _version(path, os.stat(path).st_mtime_ns)


@lru_cache
def _version(path: str, _changed: int) -> str:
    return process.run([path, "--version"], error=ContainerError).stdout


def is_crun(path: str) -> bool:
    """Whether the program understands crun's annotations, whatever it is called."""
    return runtime_version(path).startswith("crun ")
