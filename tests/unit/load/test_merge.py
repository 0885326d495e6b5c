"""One file on top of another."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compose_folder import Folder


@pytest.mark.parametrize(("base", "over", "merged"), [
    ("user: a", "user: b", {"user": "b"}),
    ("user: a", "user: ", {"user": "a"}),
    ("command: a b", "command: [c]", {"command": ["c"]}),
    ("environment: [A=1, B=1]", "environment: {B: 2, C: 3}", {"environment": {"A": "1", "B": "2", "C": "3"}}),
    ("environment: {A: 1}", "environment: [A]", {"environment": {"A": None}}),
    ("labels: [a=1]", "labels: {b: 2}", {"labels": {"a": "1", "b": "2"}}),
    ("tmpfs: /a", "tmpfs: [/b, /a]", {"tmpfs": ["/a", "/b"]}),
    ("cap_add: [A]", "cap_add: [B, A]", {"cap_add": ["A", "B"]}),
    ("expose: [1]", "expose: ['1', 2]", {"expose": ["1", "2"]}),
    ("ulimits: {nofile: {soft: 1, hard: 2}}", "ulimits: {nofile: 5}", {"ulimits": {"nofile": 5}}),
    ("healthcheck: {test: a, retries: 1}", "healthcheck: {test: [CMD, b]}", {"healthcheck": {"test": ["CMD", "b"], "retries": 1}}),
    ("logging: {driver: a, options: {x: 1}}", "logging: {driver: a, options: {y: 2}}",
     {"logging": {"driver": "a", "options": {"x": "1", "y": "2"}}}),
    ("logging: {driver: a, options: {x: 1}}", "logging: {driver: b}", {"logging": {"driver": "b"}}),
    ("depends_on: [a]", "depends_on: {a: {condition: service_healthy}}",
     {"depends_on": {"a": {"condition": "service_healthy", "required": True}}}),
    ("build: ./a", "build: {target: t}", {"build": {"context": "./a", "target": "t"}}),
    ("networks: [a, b]", "networks: {a: {aliases: [x]}}", {"networks": {"a": {"aliases": ["x"]}, "b": None}}),
    ("secrets: [a]", "secrets: [{source: b, target: /run/secrets/a}]", {"secrets": [{"source": "b", "target": "/run/secrets/a"}]}),
    ("environment: {A: 1}", "environment: ", {"environment": {"A": "1"}}),
    ("user: a", "user: !reset b", {}),
    ("environment: {A: 1, B: 2}", "environment: {A: !reset null}", {"environment": {"B": "2"}}),
    ("environment: {A: 1, B: 2}", "environment: !override {C: 3}", {"environment": {"C": "3"}}),
    ("cap_add: [A, B]", "cap_add: !override [C]", {"cap_add": ["C"]}),
    ("cap_add: [A, B]", "cap_add: [!reset A, C]", {"cap_add": ["B", "C"]}),
])
def test_rules(folder: Folder, base: str, over: str, merged: dict[str, Any]) -> None:
    """Each attribute is merged by its own rule."""
    assert folder.service(base, over, resolve_paths=False) == merged


def test_ports_and_mounts_are_known_by_what_they_lead_to(folder: Folder) -> None:
    """The same port replaces, another one is added; a mount on the same target takes the former's place."""
    service = folder.service("ports: ['80:80'], volumes: ['/a:/x', '/b:/y']", "ports: ['80:80', '81:80'], volumes: ['/c:/x:ro']")
    assert [port["published"] for port in service["ports"]] == ["80", "81"]
    assert [(mount["source"], mount["target"]) for mount in service["volumes"]] == [("/c", "/x"), ("/b", "/y")]


def test_subnets_are_merged(folder: Folder) -> None:
    """Entries of ipam.config with the same subnet are one."""
    texts = [f"services: {{}}\nnetworks: {{n: {{ipam: {{config: [{config}]}}}}}}"
             for config in ("{subnet: 10.0.0.0/8}", "{subnet: 10.0.0.0/8, gateway: 10.0.0.1}, {subnet: fd00::/8}")]
    tree = folder.tree(*texts, all_resources=True)
    assert tree["networks"]["n"]["ipam"]["config"] == [{"subnet": "10.0.0.0/8", "gateway": "10.0.0.1"}, {"subnet": "fd00::/8"}]


def test_documents_of_one_file_are_merged(folder: Folder) -> None:
    """A second document in a file is a further file."""
    tree = folder.tree("services: {a: {image: x}}\n---\nservices: {a: {image: y}, b: {image: z}}")
    assert {name: service["image"] for name, service in tree["services"].items()} == {"a": "y", "b": "z"}


def test_a_list_cannot_become_a_text(folder: Folder) -> None:
    """Something else in the place of a mapping is refused, with a way out."""
    printed = folder.refusal(lambda: folder.service("storage_opt: {size: 1}", "storage_opt: {size: {a: b}}") and
                             folder.service("x-a: {b: 1}", "x-a: 3"))
    assert "services.web.x-a: cannot override" in printed
    assert "!override" in printed


def test_an_override_tag_outlives_the_long_form(folder: Folder) -> None:
    """`gpus: !override all` replaces, although its long form is another one."""
    assert folder.service("gpus: [{count: 2}]", "gpus: !override all") == {"gpus": [{"count": -1}]}
