"""What is said when a registry refuses, and which registries may speak plain HTTP."""

from __future__ import annotations

import pytest

from composer.errors import ImageError
from composer.images.pull import explain
from composer.images.tools import verification


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
    """As Docker does; others need `insecure` in registries.conf."""
    assert verification("src", registry) == (["--src-tls-verify=false"] if plain else [])
