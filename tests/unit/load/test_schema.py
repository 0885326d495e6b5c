"""compose.schema.json."""

from __future__ import annotations

from pathlib import Path

from composer.load import schema


def test_the_file_is_current() -> None:
    """compose.schema.json is what the tables say; `python -m composer.load.schema > compose.schema.json` makes it anew."""
    assert (Path(__file__).parents[3] / "compose.schema.json").read_text() == schema.text()


def test_what_is_not_supported_says_so() -> None:
    """An editor shows which attributes `up` refuses."""
    service = schema.schema()["properties"]["services"]["additionalProperties"]["properties"]
    assert service["gpus"]["description"].endswith(schema.NOT_YET)
    assert service["image"]["description"] == "Image to run."
    assert service["build"]["anyOf"][1]["properties"]["ssh"]["description"].endswith(schema.NOT_YET)
