"""A real registry on loopback (Debian's docker-registry), with a log of who fetched which blob."""

from __future__ import annotations

import base64
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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
def registry(folder: Path, *, locked: bool = False) -> Iterator[Registry]:
    """`locked`: it wants USER and PASSWORD."""
    assert PROGRAM
    address = f"127.0.0.1:{_free_port()}"
    folder.mkdir()
    (folder / "users").write_text(PASSWORD_FILE)
    config = {"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(folder / "blobs")}}, "http": {"addr": address}}
    if locked:
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "users")}}
    (folder / "config.yml").write_text(json.dumps(config))
    with (folder / "log").open("w") as log, subprocess.Popen([PROGRAM, "serve", folder / "config.yml"], stdout=log, stderr=log) as server:
        try:
            eventually(lambda: _answers(address), timeout=10)
            yield Registry(address, folder, server.pid)
        finally:
            server.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0
