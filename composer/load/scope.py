"""What the phases that read further files need to know: where they are, and what variables hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from composer.load.sources import SourceFile
from composer.load.trace import Trace


@dataclass(frozen=True, slots=True)
class Scope:
    """`folder` is what relative paths are relative to, `cwd` what files are named relative to in messages; `trail` are the files
    that are being read now, outermost first; `contents` collects what secrets and configs of included files hold."""

    folder: str
    cwd: str
    environment: Mapping[str, str]
    warn: Callable[[str], None]
    interpolate: bool = True
    contents: dict[str, str] = field(default_factory=dict)
    trace: Trace | None = None
    trail: tuple[str, ...] = ()

    def entering(self, file: SourceFile) -> Scope:
        return replace(self, trail=(*self.trail, file.path))

    def at(self, folder: str, environment: Mapping[str, str] | None = None) -> Scope:
        """The scope of a file in another folder."""
        return replace(self, folder=folder, environment=self.environment if environment is None else environment)
