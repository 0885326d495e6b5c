"""Probes that need nothing in the image (`x-composer.ready`): sockets opened in the container's network namespace, paths looked up in its
root, lines of its log. No process is started."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from composer.errors import ComposerError
from composer.host import Host
from composer.model.ready import Http, Ready, Tcp
from composer.observed import Container, Process
from composer.supervisor.health import Check, ProbeResult, completed, timed_out
from composer.supervisor.sightings import LogSight

#: Longest status line that is read, in bytes.
HEAD = 1 << 14
LOOPBACK = ("127.0.0.1", "::1")
_STATUS = re.compile(rb"\d{3}")
_KINDS = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET)


class NotReady(Exception):
    """Why not, in words for `ps` and error messages."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks one container, as long as it runs. `log` is there when its log is what is asked, and can be followed."""

    host: Host
    container: Container
    process: Process
    log: LogSight | None = None

    async def ask(self, check: Check, *, early: bool = False) -> ProbeResult:
        """One probe, to its end or to its timeout. Never raises for what the container does."""
        assert check.ready is not None
        began = time.time()
        try:
            async with asyncio.timeout(check.timeout):
                said = await self._ask(check.ready)
        except TimeoutError:
            return timed_out(check, began, "", early=early)
        except (NotReady, ComposerError) as refused:
            return completed(began, 1, str(refused), early=early)
        return completed(began, 0, said, early=early)

    async def _ask(self, ready: Ready) -> str:
        if ready.http:
            return await self._get(ready.http)
        if ready.tcp:
            async with self._connected(ready.tcp) as (_, name):
                return f"{name} takes connections"
        if ready.unix:
            return await self._connect_unix(ready.unix)
        if ready.file:
            return await self._find(ready.file)
        return self._search()

    # -- over the network

    async def _get(self, question: Http) -> str:
        async with self._connected(question) as (connection, name):
            context = _unverified() if question.scheme == "https" else None
            reader, writer = await asyncio.open_connection(
                sock=connection, limit=HEAD, ssl=context, server_hostname="" if context else None
            )
            try:
                writer.write(request(question))
                line = await reader.readuntil(b"\n")
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as cut:
                raise NotReady(f"GET {question.path} at {name}: no answer: {cut}") from cut
            finally:
                writer.transport.abort()
        status = status_of(line)
        if not question.status <= status <= question.status_last:
            raise NotReady(f"GET {question.path} at {name}: {line.decode(errors='replace').strip()[:200]}")
        return f"GET {question.path} at {name}: {status}"

    @asynccontextmanager
    async def _connected(self, endpoint: Tcp) -> AsyncIterator[tuple[socket.socket, str]]:
        """A connection, and its address for messages."""
        refused = ""
        for address in self._addresses(endpoint):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            name = f"[{address}]:{endpoint.port}" if ":" in address else f"{address}:{endpoint.port}"
            with self.host.network.open_socket_of(self.process, family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as connection:
                try:
                    await asyncio.get_running_loop().sock_connect(connection, (address, endpoint.port))
                except OSError as error:
                    hint = "; others cannot reach a server on a loopback address" if not endpoint.host and address not in LOOPBACK else ""
                    refused = refused or f"{name}: {os.strerror(error.errno) if error.errno else error}{hint}"
                    continue
                try:
                    yield connection, name
                except (OSError, ssl.SSLError) as error:
                    raise NotReady(f"{name}: {error}") from error
                return
        raise NotReady(refused)

    def _addresses(self, endpoint: Tcp) -> Iterator[str]:
        own = address_of(self.container)
        yield from LOOPBACK if endpoint.host == "localhost" or not (endpoint.host or own) else (endpoint.host or own,)

    # -- in its files

    async def _connect_unix(self, path: str) -> str:
        """By the descriptor: the path is the container's, and may be longer than the 107 bytes of a socket's address."""
        return await asyncio.to_thread(self._connected_unix, path)

    def _connected_unix(self, path: str) -> str:
        """In a thread to its end: who gives up waiting for it has nothing to close."""
        found = self._opened(path)
        try:
            for kind in _KINDS:
                with socket.socket(socket.AF_UNIX, kind | socket.SOCK_NONBLOCK) as connection:
                    try:
                        connection.connect(f"/proc/self/fd/{found}")
                        return f"{path} takes connections"
                    except OSError as error:
                        if error.errno != errno.EPROTOTYPE:
                            raise NotReady(f"{path}: {error.strerror}") from error
        finally:
            os.close(found)
        raise NotReady(f"{path} is no socket")

    async def _find(self, path: str) -> str:
        await asyncio.to_thread(lambda: os.close(self._opened(path)))
        return f"{path} is there"

    def _opened(self, path: str) -> int:
        found = self.host.storage.open_inside(self.process, path)
        if found is None:
            raise NotReady(f"{path} is not there")
        return found

    def _search(self) -> str:
        if self.log is None:
            raise NotReady("its log cannot be followed: raise fs.inotify.max_user_instances")
        line = self.log.find()
        if line is not None:
            return line
        raise NotReady("the expression is too slow for it (nested repetitions?)" if self.log.too_slow else "no line of its log matches")


def address_of(container: Container) -> str:
    """The address by which others reach it; "" when it has no network of its own."""
    ends = sorted(container.endpoints, key=lambda end: not end.default_route)
    return ends[0].address.partition("/")[0] if ends else ""


def request(question: Http) -> bytes:
    """A GET (RFC 9112); the container is called localhost, which is what a server that looks at names most likely knows."""
    headers = {"Host": f"localhost:{question.port}", "User-Agent": "composer", "Accept": "*/*", "Connection": "close", **question.headers}
    lines = [f"GET {question.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def status_of(line: bytes) -> int:
    """The code of a status line; NotReady when it is none."""
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not _STATUS.fullmatch(words[1]):
        raise NotReady(f"the answer is no HTTP: {line[:80].decode(errors='replace')!r}")
    return int(words[1])


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
