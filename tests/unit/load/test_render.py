"""Tree -> text."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from composer.load.render import to_json, to_yaml
from tests.compose_folder import Folder

STACK = """
    x-top: {b: 1, a: 2}
    services:
      web:
        image: nginx
        ports: ["8080:80"]
        environment: {B: "$$x", A: "yes", C: , D: "a: b", E: |
          one
            two
        }
        privileged: false
        init: false
        networks: [front]
    networks: {front: {internal: true}}
    """.replace("E: |\n          one\n            two\n", 'E: "one\\n  two\\n"')

PRINTED = """\
    name: p
    services:
      web:
        environment:
          A: "yes"
          B: $$x
          C: null
          D: 'a: b'
          E: |
            one
              two
        image: nginx
        init: false
        networks:
          front: null
        ports:
          - mode: ingress
            target: 80
            published: "8080"
            protocol: tcp
    networks:
      front:
        name: p_front
        internal: true
    x-top:
      a: 2
      b: 1
    """


def test_yaml(folder: Folder) -> None:
    """Keys come in docker compose's order, what says nothing is left out, dollars are doubled, quotes are there where needed."""
    assert to_yaml(folder.tree(STACK)) == dedent(PRINTED)


def test_json(folder: Folder) -> None:
    """JSON has the same data; command and entrypoint are always there."""
    tree = json.loads(to_json(folder.tree(STACK)))
    assert tree["services"]["web"]["environment"]["B"] == "$$x"
    assert tree["services"]["web"]["command"] is None


def test_a_printed_tree_is_itself_when_loaded_again(folder: Folder) -> None:
    """Loading what was printed gives the same tree."""
    tree = folder.tree(STACK)
    assert folder.tree(to_yaml(tree)) == tree


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=("Cs",))),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc-: #'\"\n", min_size=1), inner, max_size=3)))
def test_what_is_written_is_read(value: Any) -> None:
    """Whatever the text, a YAML reader gets back what went in."""
    assert yaml.load(to_yaml({"k": value}, escape=False), yaml.CSafeLoader) == {"k": value}


def test_json_form(folder: Folder) -> None:
    """JSON is what docker compose's model looks like: some empty values are there; extension fields are kept all the same."""
    tree = json.loads(to_json(folder.tree("""
        x-top: 1
        services:
          x-name:
            image: i
            x-own: 1
            labels: {x-label: "1"}
            ulimits: {core: 0, nofile: {soft: 1, hard: 0}}
            blkio_config: {weight_device: [{path: /dev/sda, weight: 5}]}
            deploy: {replicas: 2}
            develop: {watch: [{path: ., action: restart}]}
        """)))
    service = tree["services"]["x-name"]
    assert (tree["x-top"], tree["networks"]) == (1, {"default": {"ipam": {}, "name": "p_default"}})
    assert (service["x-own"], service["labels"]) == (1, {"x-label": "1"})
    assert service["ulimits"] == {"core": {}, "nofile": {"soft": 1}}
    assert service["blkio_config"] == {"weight_device": [{"Path": "/dev/sda", "Weight": 5}]}
    assert service["deploy"] == {"replicas": 2, "resources": {}, "placement": {}}
    assert service["develop"]["watch"][0]["exec"] == {"command": None}


def test_dates_in_extension_fields(folder: Folder) -> None:
    """Only extension fields hold dates, which are printed as Go prints them."""
    tree = folder.tree("x-a: [2020-01-01, 2020-1-2 3:04:05, 2020-01-01T10:00:00.50+02:00]\nservices: {}")
    assert [line.strip() for line in to_yaml(tree).splitlines()[-3:]] == [
        "- 2020-01-01T00:00:00Z", "- 2020-01-02T03:04:05Z", "- 2020-01-01T10:00:00.5+02:00"]
    assert json.loads(to_json(tree))["x-a"][0] == "2020-01-01T00:00:00Z"
