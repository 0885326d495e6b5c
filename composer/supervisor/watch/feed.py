"""The supervisor's end of the watcher. The guard holds it too, so that a supervisor that takes over goes on where the last one was."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from composer.errors import HostError
from composer.process import spawn
from composer.supervisor.holdings import Holdings
from composer.supervisor.protocol import LIMIT
from composer.supervisor.watch.batching import Changes
from composer.supervisor.watch.sieve import Source

KEY = "watcher"
PROGRAM = (sys.executable, "-m", "composer.supervisor.watch.watcher")


class Gone(Exception):
    """The watcher has ended, and nobody asked it to."""


@dataclass(slots=True)
class Feed:
    """`adopted`: the watcher of a supervisor before us; `initial`: the first batch is what was there when the watching began."""

    holdings: Holdings
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    adopted: bool
    child: subprocess.Popen[bytes] | None = None
    left: bool = False
    initial: bool = False

    @classmethod
    async def open(cls, holdings: Holdings, digest: str, *, adopt: bool = True) -> Feed:
        """The watcher that the guard kept if it was started for the same (`digest`) and may be adopted, else a new one."""
        kept = holdings.sockets(KEY)
        if adopt and kept and holdings.held[KEY][0] == {"digest": digest}:
            return await cls._of(holdings, kept[0], adopted=True)
        for one in kept:
            one.close()
        ours, theirs = socket.socketpair()
        title = f"composer: {holdings.identity['project']} (watcher)"
        with theirs:
            child = spawn([*PROGRAM, str(theirs.fileno()), title], pass_fds=[theirs.fileno()])
        holdings.hold(KEY, [ours], {"digest": digest})
        return await cls._of(holdings, ours, adopted=False, child=child)

    @classmethod
    async def _of(cls, holdings: Holdings, end: socket.socket, *, adopted: bool, child: subprocess.Popen[bytes] | None = None) -> Feed:
        reader, writer = await asyncio.open_unix_connection(sock=end, limit=LIMIT)
        return cls(holdings, reader, writer, adopted, child)

    async def begin(self, sources: Sequence[Source], *, polling: float) -> tuple[str, ...]:
        """Tell a new watcher what to watch; its warnings, when it is watching."""
        self._say({"sources": [source.to_json() for source in sources], "polling": polling})
        said = await self._hear("watching")
        self.initial = said["initial"]
        return tuple(said["warnings"])

    async def take(self, *, again: bool) -> Changes:
        """The next batch, which counts as done when the one after it is asked for; with `again` what was not done comes with it."""
        number = time.time_ns()
        self._say({"take": number, "again": again})
        while (said := await self._hear("batch"))["batch"] != number:
            pass  # an answer to a supervisor before us
        return said["changes"]  # type: ignore[no-any-return]

    async def leave(self) -> None:
        """The watcher stays, for the next who opens a feed, and keeps what changes until then."""
        self.left = True
        self.writer.close()

    async def more(self) -> None:
        """Until there is another batch, before it is asked for."""
        await self._hear("more")

    async def close(self) -> None:
        """Nobody is at the other end any more: the watcher ends. Not so after `leave`."""
        if self.left:
            return
        self.holdings.drop(KEY)
        self.writer.close()
        if self.child:
            await asyncio.to_thread(self.child.wait)

    def _say(self, message: dict[str, Any]) -> None:
        self.writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def _hear(self, kind: str) -> dict[str, Any]:
        """The next message of a kind; half a line is what a supervisor before us did not read to its end."""
        with suppress(ConnectionError):
            while line := await self.reader.readline():
                with suppress(json.JSONDecodeError):
                    message = json.loads(line)
                    if "error" in message:
                        raise HostError(message["error"], hint=message["hint"])
                    if kind in message:
                        return message  # type: ignore[no-any-return]
        raise Gone
