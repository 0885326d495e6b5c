"""The watcher: a process of its own, so that tens of thousands of paths and their rules are not in the supervisor's memory.

Its socket, inherited as a descriptor, is held by the guard as well: it outlives a supervisor, and what that one was told and
did not finish comes again. It ends when nobody holds the other end. One JSON object a line:

    > {"sources": [...], "polling": 0}            first; seconds between two looks, 0 lets the kernel tell
    < {"watching": 123, "warnings": [...]}        folders
    > {"take": 7, "again": false}                 `again`: the batch before was not finished
    < {"batch": 7, "changes": {"SOURCE": ["path", ...]}}
    < {"more": true}                              once, when there is another batch before it was asked for
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from typing import Any

from composer.errors import ComposerError
from composer.supervisor.watch.batching import Changes, Pending
from composer.supervisor.watch.sieve import Source
from composer.supervisor.watch.tree import Tree


class Watcher:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.pending = Pending()
        self.taken: Changes = {}  # not known to be finished
        self.asked: int | None = None
        self.mentioned = True  # that there is more
        self.buffer = b""

    def run(self) -> None:
        """Until nobody is at the other end any more."""
        order = self.first()
        polling = float(order["polling"])
        try:
            tree = Tree([Source.from_json(one) for one in order["sources"]], self.pending, polling=bool(polling))
            tree.begin(time.monotonic())
        except ComposerError as error:
            self.say({"error": error.message, "hint": error.hint})
            return
        unreadable = [f"{folder}: {reason}: not watched" for folder, reason in tree.snapshot.unreadable.items()]
        self.say({"watching": len(tree.snapshot.known), "warnings": unreadable, "initial": bool(self.pending.ready)})
        next_look = time.monotonic() + polling
        while True:
            waiting: list[Any] = [self.connection, *([] if polling else [tree])]
            ready, _, _ = select.select(waiting, [], [], self.patience(next_look if polling else None))
            if tree in ready:
                tree.read(time.monotonic())
            if polling and time.monotonic() >= next_look:
                tree.look_again(time.monotonic())
                next_look = time.monotonic() + polling
            if self.connection in ready and not self.listen():
                return
            self.answer()

    def first(self) -> dict[str, Any]:
        while b"\n" not in self.buffer:
            data = self.connection.recv(1 << 16)
            if not data:
                raise SystemExit(0)
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line)  # type: ignore[no-any-return]

    def patience(self, next_look: float | None) -> float | None:
        """What nobody has asked for gathers until the supervisor is done with the last changes; it is only mentioned."""
        now = time.monotonic()
        times = [] if next_look is None else [max(0.0, next_look - now)]
        wake = self.pending.wake(now) if self.asked is not None or not self.mentioned else None
        return min([*times, *([] if wake is None else [wake])], default=None)

    def listen(self) -> bool:
        """False at the end."""
        data = self.connection.recv(1 << 16)
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if request["again"]:
                for source, paths in self.taken.items():
                    for path in paths:
                        self.pending.add(source, path, time.monotonic())
            self.taken, self.asked = {}, request["take"]
        return bool(data)

    def answer(self) -> None:
        if self.asked is None:
            self.mention()
            return
        changes = self.pending.take(time.monotonic())
        if changes:
            self.say({"batch": self.asked, "changes": changes})
            self.taken, self.asked, self.mentioned = changes, None, False

    def mention(self) -> None:
        if not self.mentioned and self.pending.wake(time.monotonic()) == 0:
            self.say({"more": True})
            self.mentioned = True

    def say(self, message: dict[str, Any]) -> None:
        self.connection.sendall(json.dumps(message, separators=(",", ":")).encode() + b"\n")


def main(descriptor: int) -> None:
    from setproctitle import setproctitle

    setproctitle(sys.argv[2])
    with socket.socket(fileno=descriptor) as connection:
        try:
            Watcher(connection).run()
        except ConnectionError:
            return


if __name__ == "__main__":
    main(int(sys.argv[1]))
