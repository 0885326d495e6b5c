"""Limits of processes that services and builds have alike."""

from __future__ import annotations

from composer.model.base import Model


class Ulimit(Model):
    """-1 is no limit."""

    soft: int
    hard: int
