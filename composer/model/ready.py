"""`services.*.x-composer.ready`: how to tell from outside that a container works. One of `http`, `tcp`, `unix`, `log`, `file` is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from composer.model.base import Model


class Tcp(Model):
    """A port that takes connections. `host`: an address, or localhost; "" is the address by which others reach the container."""

    port: int
    host: str = ""


class Http(Tcp):
    """A GET that is answered with one of the status codes from `status` to `status_last`. A certificate is not checked."""

    scheme: Literal["http", "https"] = "http"
    path: str = "/"
    status: int = 200
    status_last: int = 399
    headers: Mapping[str, str] = {}


class Ready(Model):
    """`unix`, `file`: absolute paths in the container; `log`: a regular expression, looked for in each line since the start.
    Durations are seconds; None takes Docker's default."""

    http: Http | None = None
    tcp: Tcp | None = None
    unix: str | None = None
    log: str | None = None
    file: str | None = None
    interval: float | None = None
    timeout: float | None = None
    retries: int | None = None
    start_period: float | None = None
    start_interval: float | None = None

    @property
    def endpoint(self) -> Tcp | None:
        """Where it asks over the network."""
        return self.http or self.tcp
