"""`services.*.models`: which variables tell a service where its language models are, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from composer.load.ignored import MODELS, MODELS_VARIABLE


def bind(
    used: Mapping[str, Any], known: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """The model's values, and the variables; `known` are the top-level models, `environment` the caller's.

    Without names of its own, the model `my-llm` is told in MY_LLM_URL and MY_LLM_MODEL."""
    bindings = {key: _binding(key, said or {}) for key, said in used.items()}
    variables: dict[str, str] = {}
    for key, binding in bindings.items():
        variables[binding["endpoint_var"]] = environment.get(MODELS_VARIABLE) or MODELS
        variables[binding["model_var"]] = (known.get(key) or {}).get("model") or key
    return bindings, variables


def _binding(key: str, said: Mapping[str, Any]) -> dict[str, str]:
    stem = re.sub("[^A-Z0-9]", "_", key.upper())
    return {"endpoint_var": said.get("endpoint_var") or f"{stem}_URL", "model_var": said.get("model_var") or f"{stem}_MODEL"}
