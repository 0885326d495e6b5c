"""`services.*.security_opt`: one spelling of each option, and the text of the system call filter that a file holds."""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Iterable

from composer.errors import LoadError
from composer.load import reading


def security_options(options: Iterable[str], folder: str, service: str) -> list[str]:
    """KEY=VALUE for each; a profile's path is relative to the project's folder, its content becomes part of the service."""
    return [_option(option, folder, f"services.{service}.security_opt") for option in options]


def _option(option: str, folder: str, subject: str) -> str:
    key, _, value = re.sub("[=:]", "\0", option, count=1).partition("\0")
    if key == "seccomp" and value != "unconfined":
        return f"seccomp={_profile(os.path.join(folder, value), subject)}"
    return f"{key}={value}" if value else key


def _profile(path: str, subject: str) -> str:
    try:
        profile = json.loads(reading.text(path))
    except OSError as missing:
        raise LoadError(f"{subject}: {path}: {missing.strerror}") from missing
    except ValueError as broken:
        raise LoadError(f"{subject}: {path} is no JSON: {broken}") from broken
    if not isinstance(profile, dict) or "defaultAction" not in profile:
        raise LoadError(f"{subject}: {path} is no seccomp profile: it has no defaultAction")
    return json.dumps(profile, separators=(",", ":"))
