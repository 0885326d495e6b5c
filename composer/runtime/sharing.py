"""/dev/shm of another container, for `ipc: service:NAME`: a part of an IPC namespace that is a mount, not a namespace."""

from __future__ import annotations

import os
from pathlib import Path

from composer.host import OciMount
from composer.observed import Process
from composer.runtime import kernel


def shared_memory(owner: Process, folder: Path) -> OciMount:
    """The owner's /dev/shm, mounted at `folder` (which is made) in the calling thread's mount namespace; the thread must not share
    its root with another (unshare(2), CLONE_FS)."""
    folder.mkdir(exist_ok=True, mode=0o700)
    ours = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    theirs = os.open(f"/proc/{owner.pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        kernel.enter_mounts(theirs)
        try:
            copy = kernel.copy_mount("/dev/shm")
        finally:
            kernel.enter_mounts(ours)
        try:
            kernel.put_mount(copy, str(folder))
        finally:
            os.close(copy)
    finally:
        os.close(ours)
        os.close(theirs)
    return OciMount("/dev/shm", "bind", str(folder), ("rbind", "nosuid", "noexec", "nodev"))
