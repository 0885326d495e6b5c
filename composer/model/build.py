"""`services.*.build`."""

from __future__ import annotations

from collections.abc import Mapping

from composer.model.base import Model


class Build(Model):
    """`context` is an absolute folder; `dockerfile` is relative to it, or absolute."""

    context: str
    dockerfile: str = "Dockerfile"
    dockerfile_inline: str | None = None
    args: Mapping[str, str | None] = {}
    labels: Mapping[str, str] = {}
    target: str | None = None
    no_cache: bool = False
    pull: bool = False
    tags: tuple[str, ...] = ()
