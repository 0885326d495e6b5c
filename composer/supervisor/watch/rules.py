"""`develop.watch`, and what the project itself is made of -> sources for the watcher."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from composer.model.build import Build
from composer.model.project import Project
from composer.plan.reactions import Reaction
from composer.supervisor.watch.sieve import Scope, Source

#: How the ids of the project's own files begin; the path follows.
PROJECT = "project:"


def sources(project: Project, reactions: Iterable[Reaction], *, everything: bool = False) -> list[Source]:
    """One for each reaction, its place in the list for an id. `everything`: all that can be synced is to be looked at again."""
    return [_source(project, reaction, str(number), everything=everything) for number, reaction in enumerate(reactions)]


def project_sources(files: Iterable[str]) -> list[Source]:
    """Of what the project itself is made of; a symbolic link may come to lead elsewhere, and what it leads to may change."""
    paths = {found: None for file in files for found in (os.path.realpath(file), _in_its_folder(file))}
    return [Source(f"{PROJECT}{path}", path) for path in paths]


def _in_its_folder(file: str) -> str:
    folder, name = os.path.split(file)
    return os.path.join(os.path.realpath(folder), name)


def _source(project: Project, reaction: Reaction, id_: str, *, everything: bool) -> Source:
    rule, build = reaction.rule, project.services[reaction.service].build
    path = os.path.realpath(rule.path)  # the kernel watches what is there, not links to it
    ignore = [*([dockerignore(build)] if build else []), *([Scope(path, rule.ignore)] if rule.ignore else [])]
    include = Scope(path, rule.include) if rule.include else None
    syncs = reaction.syncs and rule.action.startswith("sync")
    return Source(id_, path, tuple(ignore), include, syncs and (everything or rule.initial_sync))


def dockerignore(build: Build) -> Scope:
    """What a build leaves out of its context: DOCKERFILE.dockerignore if there is one, else .dockerignore."""
    context = os.path.realpath(build.context)
    for path in (f"{os.path.join(context, build.dockerfile)}.dockerignore", os.path.join(context, ".dockerignore")):
        with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
            return Scope(context, tuple(file.read().splitlines()))
    return Scope(context, ())
