"""A command that belongs to a moment: `post_start`, `pre_stop`, `pre_start`, and `exec` of a watch rule."""

from __future__ import annotations

from collections.abc import Mapping

from composer.model.base import Model


class Hook(Model):
    """What is not said is the container's: user, folder; `environment` comes on top of its variables."""

    command: tuple[str, ...]
    user: str | None = None
    privileged: bool = False
    working_dir: str | None = None
    environment: Mapping[str, str] = {}


class PreStart(Model):
    """An entry of `pre_start`: a container of its own that has to succeed before the service starts. `image` None is the service's,
    `command` None the image's own; `per_replica`: before each container, not only before the first of the service."""

    command: tuple[str, ...] | None = None
    image: str | None = None
    user: str | None = None
    privileged: bool = False
    working_dir: str | None = None
    environment: Mapping[str, str] = {}
    per_replica: bool = False
