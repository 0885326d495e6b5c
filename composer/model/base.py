"""What every model shares: frozen, and nothing unknown gets in."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Canonical values only: the loader has resolved short forms, paths and variables before."""

    model_config = ConfigDict(frozen=True, extra="forbid")
