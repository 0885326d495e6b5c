"""Compose files in a folder of their own, loaded with an environment of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from composer.errors import LoadError
from composer.load import LoadOptions
from composer.load.phases import Loaded, Resolved, load, resolve


class Folder:
    """A folder with compose files; `tree` and `project` load them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environ: dict[str, str] = {"HOME": "/home/me"}

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text))

    def options(self, *texts: str, **options: Any) -> LoadOptions:
        names = [f"compose{index or ''}.yaml" for index in range(len(texts))]
        self.write(dict(zip(names, texts, strict=True)))
        options = {"project_name": "p", "cwd": str(self.path), "files": tuple(names), **options}
        return LoadOptions(environ=self.environ, **options)

    def resolve(self, *texts: str, **options: Any) -> Resolved:
        return resolve(self.options(*texts, **options))

    def tree(self, *texts: str, **options: Any) -> dict[str, Any]:
        return self.resolve(*texts, **options).tree

    def service(self, attributes: str, *overrides: str, **options: Any) -> dict[str, Any]:
        """What becomes of one service `web`, given in flow style; also its overrides."""
        texts = [f"services:\n  web: {{image: i, {text}}}\n" for text in (attributes, *overrides)]
        options = {"consistency": False, "normalize": False, **options}
        service: dict[str, Any] = self.tree(*texts, **options)["services"]["web"]
        return {key: value for key, value in service.items() if key != "image"}

    def load(self, *texts: str, **options: Any) -> Loaded:
        return load(self.options(*texts, **options))

    def refusal(self, action: Callable[[], object]) -> str:
        """The printed error."""
        with pytest.raises(LoadError) as caught:
            action()
        return "\n".join(caught.value.lines())
