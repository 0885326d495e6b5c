"""Compose files -> Project: `phases` does it, with one module a phase. `sources` alone says which project it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What the command line and the caller's surroundings say. `services` named there activate their own profiles; `stdin`
    reads what `-f -` stands for. The flags switch phases off for `config`; `load` needs them all. `only_named` leaves services out that
    the named ones do not need."""

    environ: Mapping[str, str]
    cwd: str
    files: tuple[str, ...] = ()
    project_name: str | None = None
    project_directory: str | None = None
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    stdin: Callable[[], str] | None = None
    interpolate: bool = True
    normalize: bool = True
    resolve_paths: bool = True
    resolve_env: bool = True
    consistency: bool = True
    all_resources: bool = False
    only_named: bool = False
