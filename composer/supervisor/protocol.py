"""What command line and supervisor say to each other: one JSON object a line.

> {"version": "0.1.0", "schema": 1, "verb": "up", "args": {...}}
< {"event": {...}}            any number
< {"result": ...}  or  {"error": {"message": ..., "hint": ..., "exit_code": 1}}
> {"cancel": true}            while a request runs: give it up
"""

from __future__ import annotations

import json
from typing import Any

import composer
from composer.errors import ComposerError
from composer.store import SCHEMA

#: Longest line: a project of many services in one request.
LIMIT = 64 * 1024 * 1024

#: The event that a client hears when a container is held for it.
HELD = "held"
#: The event, subject and action, that the `up` which came with `watch` is over.
APPLIED = ("project", "applied")


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def request(verb: str, args: dict[str, Any]) -> dict[str, Any]:
    return {"version": composer.__version__, "schema": SCHEMA, "verb": verb, "args": args}


def error(problem: ComposerError) -> dict[str, Any]:
    return {"error": {"message": problem.message, "hint": problem.hint, "exit_code": problem.exit_code}}
