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
