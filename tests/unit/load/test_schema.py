"""compose.schema.json."""

from __future__ import annotations

from pathlib import Path

from composer.load import schema
from tests.schema_outline import outline
from tests.unit.load.test_every_attribute import NOT_YET

#: Attributes and shapes of the Compose Specification's own schema (schema/compose-spec.json of compose-go, Apache-2.0, 2026-06-29):
#: a path and its JSON types a line.
OFFICIAL = Path(__file__).with_name("official-attributes.txt")

#: Where composer's schema is meant to differ: path -> reason.
DIFFERENT = {
    "models.*": "a model may be null in one file and be filled by another",
    "services.*.develop.watch[].path": "docker compose takes several paths in one rule",
    "services.*.develop.watch[].path[]": "docker compose takes several paths in one rule",
    "services.*.storage_opt.*": "the official schema says nothing about the options' values",
}

#: An extension field: the official schema lets any pass.
OWN = "services.*.x-composer"


def _official() -> dict[str, frozenset[str]]:
    lines = [line.partition(" ") for line in OFFICIAL.read_text().splitlines() if not line.startswith("#")]
    return {path.removeprefix("/"): frozenset(types.split()) for path, _, types in lines}


def test_the_file_is_current() -> None:
    """compose.schema.json is what the tables say; `make schema` makes it anew."""
    assert (Path(__file__).parents[3] / "compose.schema.json").read_text() == schema.text()


def test_what_is_not_supported_says_so() -> None:
    """An editor shows which attributes `up` refuses."""
    service = schema.schema()["properties"]["services"]["additionalProperties"]["properties"]
    refused = [path for path, below in service.items() if below.get("description", "").endswith(schema.NOT_YET)]
    assert set(refused) == {path.rpartition(".")[2] for path in NOT_YET if path.startswith("services.*.") and path.count(".") == 2}
    assert service["image"]["description"] == "Image to run."


def test_attributes_and_shapes_are_the_official_ones() -> None:
    """Every attribute of the specification is there with its short and long forms; what differs has its reason."""
    ours, official = outline(schema.schema()), _official()
    assert len(official) > 400
    ours = {path: types for path, types in ours.items() if OWN not in path}
    assert {path for path in ours.keys() | official.keys() if ours.get(path) != official.get(path)} == DIFFERENT.keys()


def test_every_attribute_is_described() -> None:
    """Editors show a line about each attribute."""
    found: list[str] = []

    def look(part: object, path: str) -> None:
        if isinstance(part, dict):
            for key, below in part.get("properties", {}).items():
                found.extend([f"{path}.{key}"] if not below.get("description") else [])
            for key, below in part.items():
                look(below, f"{path}.{key}")
        elif isinstance(part, list):
            for below in part:
                look(below, path)

    look(schema.schema(), "")
    assert not found


def test_it_has_a_name_and_a_dialect() -> None:
    """Editors need both."""
    top = schema.schema()
    assert top["$id"] and top["$schema"].startswith("https://json-schema.org/")
