"""`config --hash`: the number by which docker compose tells whether a service changed since its container was made.

It is the SHA-256 of the service as Go's encoding/json writes it: fields in the order of the specification's model, `<`, `>` and `&`
escaped, without what does not change a container.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from composer.load import render

_NOT_IN_A_CONTAINER = ("build", "pull_policy", "scale", "depends_on", "profiles")


def config_hash(service: dict[str, Any]) -> str:
    """The hash of one service of a printable tree (`Resolved.tree`)."""
    kept = {key: value for key, value in service.items() if key not in _NOT_IN_A_CONTAINER}
    if deploy := kept.get("deploy"):
        kept["deploy"] = {key: value for key, value in deploy.items() if key != "replicas"}
    if files := kept.get("env_file"):
        kept["env_file"] = [file["path"] if file == {"path": file["path"], "required": True} else file for file in files]
    words = json.dumps(render.in_order(kept), separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        words = words.replace(character, f"\\u{ord(character):04x}")
    return sha256(words.encode()).hexdigest()
