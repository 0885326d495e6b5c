"""`services.*.build`: the model's values of the canonical form."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from typing import Any

_LAYOUT = "oci-layout://"


def build(tree: Mapping[str, Any], folder: str, secrets: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """`folder` is the project's, `secrets` the top-level ones, `environment` the caller's: his SSH agent is the one of `default`."""
    values = {key: value for key, value in tree.items() if not key.startswith("x-") and key != "entitlements" and value is not None}
    return {
        **values,
        "context": tree.get("context") or folder,
        "additional_contexts": {name: _layout(value, folder) for name, value in (tree.get("additional_contexts") or {}).items()},
        "privileged": bool(tree.get("privileged")),
        "secrets": [_secret(one, secrets[one["source"]]) for one in tree.get("secrets") or ()],
        "shm_size": int(tree["shm_size"]) if tree.get("shm_size") else None,
        "ssh": [_agent(one, environment) for one in tree.get("ssh") or ()],
        "ulimits": ulimits(tree.get("ulimits")),
    }


def ulimits(tree: Mapping[str, Any] | None) -> dict[str, dict[str, int]]:
    """One number is both limits."""
    return {name: limit if isinstance(limit, dict) else {"soft": limit, "hard": limit} for name, limit in (tree or {}).items()}


def _layout(value: str, folder: str) -> str:
    path = value.removeprefix(_LAYOUT)
    return _LAYOUT + os.path.normpath(os.path.join(folder, path)) if value.startswith(_LAYOUT) else value


def _secret(grant: Mapping[str, Any], secret: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": grant.get("target") or grant["source"], "source": grant["source"], "file": secret.get("file")}


def _agent(one: str, environment: Mapping[str, str]) -> str:
    socket = environment.get("SSH_AUTH_SOCK")
    return f"{one}={socket}" if "=" not in one and socket else one
