"""Errors from beyond the loader get their place in the compose files."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.commands.places import placed
from composer.errors import ComposerError, ImageError, LoadError, Place, about
from composer.load import LoadOptions

FILE = """\
services:
  web:
    image: shop
  web.old:
    image: shop:old
    develop:
      watch:
        - {path: a, action: restart}
        - {path: b, action: rebuild}
"""


@pytest.fixture
def options(tmp_path: Path) -> LoadOptions:
    (tmp_path / "compose.yaml").write_text(FILE)
    return LoadOptions(environ={}, cwd=str(tmp_path))


def place(message: str, options: LoadOptions) -> Place | None:
    error = placed(ComposerError(message, hint="look there"), options)
    assert (error.message, error.hint) == (message, "look there")
    return error.place if isinstance(error, LoadError) else None


def test_a_message_that_begins_with_a_path_gets_its_place(options: LoadOptions) -> None:
    """The key's place; where the value is not written, that of what it belongs to; names may have dots."""
    assert place("services.web.image: image shop cannot be pulled: no", options) == Place("compose.yaml", 3, 5)
    assert place("services.web.volumes: /gone does not exist", options) == Place("compose.yaml", 2, 3)
    assert place("services.web.old.image: image shop:old cannot be pulled", options) == Place("compose.yaml", 5, 5)
    assert place("services.web.old.develop.watch.1.action: rebuild needs a build section", options) == Place("compose.yaml", 9, 21)


def test_other_messages_stay_as_they_are(options: LoadOptions, tmp_path: Path) -> None:
    """Also when the files can no longer be read."""
    assert place("the project's supervisor went away", options) is None
    (tmp_path / "compose.yaml").unlink()
    assert place("services.web.image: gone", options) is None


def test_the_exit_code_is_kept(options: LoadOptions) -> None:
    """A bug in the supervisor stays one."""
    error = ComposerError("services.web.image: odd")
    error.exit_code = 3
    assert placed(error, options).exit_code == 3


def test_an_error_is_blamed_on_a_value_once() -> None:
    """What knows better keeps its path."""
    with pytest.raises(ImageError, match=r"^services\.web\.image: gone$"), about("services.web"), about("services.web.image"):
        raise ImageError("gone")
