"""What other programs give to services: `provider`, and the language models of `models`."""

from __future__ import annotations

from collections.abc import Mapping

from composer.model.base import Model


class Provider(Model):
    """`services.*.provider`: a service that the program `type` (docker-TYPE or TYPE) manages. An option may come several times."""

    type: str
    options: Mapping[str, tuple[str, ...]] = {}


class ModelBinding(Model):
    """`services.*.models.KEY`: the variables that hold the model's address and name."""

    endpoint_var: str
    model_var: str


class LanguageModel(Model):
    """A top-level model."""

    key: str
    model: str
    name: str | None = None
    context_size: int | None = None
    runtime_flags: tuple[str, ...] = ()
