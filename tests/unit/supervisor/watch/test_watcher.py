"""The watcher's side of its conversation."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from composer.errors import HostError
from composer.supervisor.watch import tree
from composer.supervisor.watch.sieve import Source
from composer.supervisor.watch.watcher import Watcher


def test_a_kernel_that_gives_no_inotify_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked hears why: a watcher that ended without a word would be started again, and again."""

    def refused() -> Any:
        raise HostError("cannot watch files: Too many open files", hint="raise fs.inotify.max_user_instances")

    monkeypatch.setattr(tree, "inotify", refused)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(json.dumps({"sources": [Source("x", str(tmp_path)).to_json()], "polling": 0}).encode() + b"\n")
        Watcher(theirs).run()
        said = json.loads(ours.recv(1 << 16))
    assert said == {"error": "cannot watch files: Too many open files", "hint": "raise fs.inotify.max_user_instances"}
