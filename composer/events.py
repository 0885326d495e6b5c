"""What happened, to whom, when: the only channel to the user. Progress, logs and `--progress json` are views of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """`subject` is what the step text says (`container/shop-db-1`, `network/shop_front`, `image/nginx`).

    `action` is one word as the user reads it (`creating`, `created`, `starting`, `started`, `waiting`, `healthy`,
    `exited`, `stopped`, `removed`, `error`, `warning`, `building`, `line`...); `seconds` is how long the step took.
    """

    at: float
    subject: str
    action: str
    detail: str = ""
    service: str = ""
    seconds: float | None = None
    container: str = ""  # its id, and its image: of events about a container
    image: str = ""

    def to_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value not in ("", None)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Event:
        return cls(**value)
