"""Closed sets of words in the compose file."""

from __future__ import annotations

from typing import Literal

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]
Protocol = Literal["tcp", "udp", "sctp"]
WatchAction = Literal["rebuild", "sync", "restart", "sync+restart", "sync+exec"]
MountType = Literal["bind", "volume", "tmpfs", "image"]
