"""A real registry on loopback (Debian's docker-registry), with a log of who fetched which blob."""

from __future__ import annotations

import base64
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.eventually import eventually

PROGRAM = shutil.which("docker-registry")
USER, PASSWORD = "clerk", "open sesame"
#: USER and PASSWORD as `htpasswd -Bbn -C 4` writes them.
PASSWORD_FILE = "clerk:$2y$04$zII64hi5VAxo11PKJz2oyu9OOfTDzujhhLoezGQdk/0NeyZRXheB6\n"
_FETCHED = re.compile(r'"GET /v2/\S+/blobs/(sha256:[0-9a-f]{64}) HTTP/1.1" 200')


@dataclass(frozen=True, slots=True)
class Registry:
    """`address` is HOST:PORT, what image names begin with."""

    address: str
    folder: Path
    pid: int

    @property
    def auths(self) -> str:
        """An auth file that opens it."""
        return auth_file(self.address, PASSWORD)

    def fetched(self) -> list[str]:
        """The digests of the blobs that were fetched, once for each time."""
        return _FETCHED.findall((self.folder / "log").read_text())


def auth_file(registry: str, password: str) -> str:
    """containers-auth.json(5), which is the format of Docker's config.json too."""
    return json.dumps({"auths": {registry: {"auth": base64.b64encode(f"{USER}:{password}".encode()).decode()}}})


@contextmanager
def registry(folder: Path, *, locked: bool = False, host: str = "127.0.0.1", secure: bool = False,
             entering: Callable[..., list[str]] = lambda *command: list(command)) -> Iterator[Registry]:
    """`locked`: it wants USER and PASSWORD. `secure`: it speaks TLS, with a certificate for `host` that only `folder`/ca.crt makes good.
    `entering` makes the command line that runs another one where the registry shall be."""
    assert PROGRAM
    address = f"{host}:{_free_port()}"
    folder.mkdir()
    (folder / "users").write_text(PASSWORD_FILE)
    storage = {"filesystem": {"rootdirectory": str(folder / "blobs")}}
    config: dict[str, Any] = {"version": 0.1, "storage": storage, "http": {"addr": address}}
    if locked:
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "users")}}
    if secure:
        config["http"]["tls"] = _certificate(folder, host)
    (folder / "config.yml").write_text(json.dumps(config))
    argv = entering(PROGRAM, "serve", str(folder / "config.yml"))
    with (folder / "log").open("w") as log, subprocess.Popen(argv, stdout=log, stderr=log) as server:
        try:
            eventually(lambda: "listening on" in (folder / "log").read_text(), timeout=10)
            yield Registry(address, folder, server.pid)
        finally:
            server.terminate()


def _certificate(folder: Path, host: str) -> dict[str, str]:
    """One that signs itself, so that it is its own authority."""
    made, key = folder / "ca.crt", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=test", "-addext", f"subjectAltName=IP:{host}", "-keyout", key, "-out", made], check=True, capture_output=True)
    return {"certificate": str(made), "key": str(key)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
