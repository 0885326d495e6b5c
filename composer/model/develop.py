"""`services.*.develop`: what `watch` does when files of the project change."""

from __future__ import annotations

from composer.model.base import Model
from composer.model.hook import Hook
from composer.model.values import WatchAction


class WatchRule(Model):
    """An entry of `develop.watch`. `path` is absolute, `target` a path in the container ("" where none is needed); `ignore` and
    `include` are patterns as in .dockerignore, relative to `path`."""

    path: str
    action: WatchAction
    target: str = ""
    ignore: tuple[str, ...] = ()
    include: tuple[str, ...] = ()  # () watches all
    initial_sync: bool = False
    exec: Hook | None = None  # for sync+exec


class Develop(Model):
    watch: tuple[WatchRule, ...] = ()
