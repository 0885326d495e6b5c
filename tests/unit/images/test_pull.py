"""What is said when a registry refuses, and which registries may speak plain HTTP."""

from __future__ import annotations

import tomllib

import pytest

from composer.errors import ImageError
from composer.images.pull import explain
from composer.images.tools import registries_conf


@pytest.mark.parametrize(("words", "message", "hint"), [
    (r'time="2026" level=fatal msg="Error parsing image name \"docker://r.example/a:1\": reading manifest 1 in r.example/a: unauthorized: '
     'authentication required"',
     "image a cannot be pulled: reading manifest 1 in r.example/a: unauthorized: authentication required", "skopeo login r.example"),
    (r'level=fatal msg="initializing source docker://r.example/a:1: reading manifest 1 in r.example/a: manifest unknown: manifest unknown"',
     "image a cannot be pulled: reading manifest 1 in r.example/a: manifest unknown: manifest unknown", "check the name and the tag"),
    ('level=fatal msg="Get \\"https://r.example/v2/\\": http: server gave HTTP response to HTTPS client"',
     'image a cannot be pulled: Get "https://r.example/v2/": http: server gave HTTP response to HTTPS client',
     "insecure = true for r.example"),
    ("dial tcp: lookup r.example: no such host", "image a cannot be pulled: dial tcp: lookup r.example: no such host", "can r.example be"),
    ("something else", "image a cannot be pulled: something else", ""),
    ("", "image a cannot be pulled: no message", ""),
])
def test_skopeos_last_words_become_one_line_and_a_hint(words: str, message: str, hint: str) -> None:
    """Without what skopeo puts around them."""
    error = explain("image a cannot be pulled", "r.example", ImageError(f"level=warning\n{words}" if words else ""))
    assert error.message == message
    assert hint in error.hint


@pytest.mark.parametrize(("registry", "plain"), [
    ("127.0.0.1:5000", True), ("localhost:5000", True), ("localhost", True), ("[::1]:5000", True), ("127.9.9.9", True),
    ("r.example:5000", False), ("10.0.0.1:5000", False), ("docker.io", False),
])
def test_plain_http_is_tried_on_loopback_only(registry: str, plain: bool) -> None:
    """As Docker does; others need `insecure` in registries.conf, which is asked first."""
    text = registries_conf("short-name-mode = \"enforcing\"\n", [registry])
    entries = tomllib.loads(text).get("registry", [])
    assert entries == ([{"location": registry, "insecure": True}] if plain else [])
    said = f'[[registry]]\nlocation = "{registry}"\n'
    assert tomllib.loads(registries_conf(said, [registry]))["registry"] == [{"location": registry}]


def test_short_names_mean_docker_hub() -> None:
    """Whatever the file says; all else of it stays, and one that cannot be read is as good as none."""
    text = registries_conf('unqualified-search-registries = [\n  "a.example",\n  "b.example"]\nshort-name-mode = "enforcing"\n', [])
    assert tomllib.loads(text) == {"unqualified-search-registries": ["docker.io"], "short-name-mode": "enforcing"}
    assert tomllib.loads(registries_conf("= nonsense", [])) == {"unqualified-search-registries": ["docker.io"]}
