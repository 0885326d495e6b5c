"""The only place that starts an external program."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from composer.errors import HostError
from composer.procfs import kill_tree

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from io import FileIO

#: What a program that composer starts may see of the environment.
PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)


#: Seconds that a program which is given up may take to clear away what it has made.
GRACE = 5.0
#: What gives up the programs that `stream` runs in this context.
_GIVING_UP: ContextVar[GivingUp | None] = ContextVar("giving_up", default=None)


#: In front of a command line: a fresh mount namespace that follows the host's and leaves no mount behind (unshare(1)).
UNSHARED = ("unshare", "--mount", "--propagation", "slave")
#: What a program that draws progress is told of its terminal: wide enough that nothing is cut off.
ROWS, COLUMNS = 100, 200


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended; `code` is negative for a signal, as `subprocess` has it."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The little that a started program needs to know."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    kept.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    return {**kept, **(extra or {})}


def run(
    argv: Sequence[str],
    *,
    stdin: str = "",
    check: bool = True,
    error: type[HostError] = HostError,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    timeout: float | None = None,
    pass_fds: Sequence[int] = (),
    user: tuple[int, int] | None = None,
) -> Completed:
    """Run a program to its end and collect its output (text, undecodable bytes replaced).

    A missing program, and with `check` an exit code other than 0, raise `error` with the program's own words.
    `timeout` is in seconds; at its end the program is killed and `error` raised. `user`: the ids of the user and the group that it
    runs as, when we are root and it must not be.
    """
    try:
        done = subprocess.run(
            list(argv),
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment(env),
            cwd=cwd,
            timeout=timeout,
            pass_fds=tuple(pass_fds),
            check=False,
            user=user[0] if user else None,
            group=user[1] if user else None,
            extra_groups=[] if user else None,
        )
    except FileNotFoundError as missing:
        raise error(f"{argv[0]}: program not found", hint=f"install the package that has {argv[0]}") from missing
    except subprocess.TimeoutExpired as late:
        raise error(f"{shlex.join(argv)}: no answer in {timeout} s") from late
    if check and done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        raise error(f"{argv[0]} failed with exit code {done.returncode}: {' / '.join(said[-3:])}")
    return Completed(tuple(argv), done.returncode, done.stdout, done.stderr)


class GivingUp:
    """Within it, what `stream` runs (also in threads that are given this context) can be ended by another thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._child: subprocess.Popen[str] | None = None
        self.done = False

    def __enter__(self) -> GivingUp:
        self._token = _GIVING_UP.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _GIVING_UP.reset(self._token)

    def adopt(self, child: subprocess.Popen[str]) -> None:
        with self._lock:
            self._child = child
            if self.done:
                child.terminate()

    def ask(self) -> None:
        """The program to end; one that is yet to come is asked at once. Never waits."""
        with self._lock:
            self.done = True
            if self._child:
                self._child.terminate()

    def insist(self) -> None:
        """End it and all that it started, when it has not ended in `GRACE` seconds."""
        with self._lock:
            if self._child and self._child.poll() is None:
                kill_tree(self._child.pid)


def stream(
    argv: Sequence[str],
    on_line: Callable[[str], None],
    *,
    error: type[HostError] = HostError,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    pass_fds: Sequence[int] = (),
    unshare_mounts: bool = False,
) -> None:
    """Run a program to its end, handing each line of output (both streams, as written) to `on_line`.

    With `unshare_mounts` it runs in a fresh mount namespace that follows the host's (rslave) and leaves no mount behind.
    """
    full = [*UNSHARED, *argv] if unshare_mounts else list(argv)
    tail: list[str] = []
    try:
        with subprocess.Popen(
            full,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment(env),
            cwd=cwd,
            pass_fds=tuple(pass_fds),
        ) as child:
            assert child.stdout is not None
            if giving_up := _GIVING_UP.get():
                giving_up.adopt(child)
            for line in child.stdout:
                on_line(line.rstrip("\n"))
                tail = [*tail[-9:], line.strip()]
    except FileNotFoundError as missing:
        raise error(f"{argv[0]}: program not found", hint=f"install the package that has {argv[0]}") from missing
    if child.returncode:
        raise error(f"{argv[0]} failed with exit code {child.returncode}: {' / '.join(filter(None, tail[-3:]))}")


def watch(
    argv: Sequence[str],
    on_text: Callable[[str], None],
    *,
    error: type[HostError] = HostError,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> Completed:
    """Run a program to its end with a terminal of its own as stdout (pty(7)), because it shows progress nowhere else; `on_text` gets
    what it writes there, in pieces, with its escape sequences; what `on_text` raises ends the program. stderr is collected. The exit
    code is the caller's to look at."""
    import tempfile  # both only for transfers, and this module is everybody's
    import termios

    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (ROWS, COLUMNS))
    with open(ours, "rb", buffering=0) as terminal, tempfile.TemporaryFile() as errors:
        try:
            child = subprocess.Popen(
                list(argv), stdin=subprocess.DEVNULL, stdout=theirs, stderr=errors, env=environment(env), pass_fds=tuple(pass_fds)
            )
        except FileNotFoundError as missing:
            raise error(f"{argv[0]}: program not found", hint=f"install the package that has {argv[0]}") from missing
        finally:
            os.close(theirs)
        with child:
            try:
                while piece := _read_terminal(terminal):
                    on_text(piece.decode(errors="replace"))
            except BaseException:
                kill_tree(child.pid)
                raise
        errors.seek(0)
        return Completed(tuple(argv), child.returncode, "", errors.read().decode(errors="replace"))


def _read_terminal(terminal: FileIO) -> bytes:
    """EIO is the end: the other side is closed."""
    with suppress(OSError):
        return terminal.read(1 << 16) or b""
    return b""


def spawn(
    argv: Sequence[str], *, pass_fds: Sequence[int] = (), env: Mapping[str, str] | None = None, cwd: str | None = None
) -> subprocess.Popen[bytes]:
    """Start a program that outlives the call, with descriptors 0 to 2 on /dev/null. The caller waits for it."""
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(env),
        cwd=cwd,
        pass_fds=tuple(pass_fds),
    )


def use_pidfd_watcher() -> None:
    """Python 3.11's asyncio starts a thread for each child process unless told to watch a pidfd (3.12 does so itself)."""
    import asyncio  # costs more than all of the rest, and only the supervisor has it

    if sys.version_info < (3, 12):
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())


async def start(argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: str | None = None) -> Process:
    """Start a program whose stdout and stderr come to us as one stream."""
    import asyncio

    return await asyncio.create_subprocess_exec(
        *argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(env), cwd=cwd
    )


def foreground(argv: Sequence[str], *, pass_fds: Sequence[int] = (), on_resize: Callable[[int], None] | None = None) -> int:
    """Run a program in our place to its end: descriptors, terminal and environment are ours, and signals that we get reach it.

    The exit code is the program's, 128 + N when signal N ended it. `on_resize` gets its pid when the terminal has another size."""
    with subprocess.Popen(list(argv), pass_fds=tuple(pass_fds)) as child, _handed_on(child, on_resize):
        code = child.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def _handed_on(child: subprocess.Popen[bytes], on_resize: Callable[[int], None] | None) -> Iterator[None]:
    """What the terminal's keys send goes to the whole process group: the child has it already."""

    def hand_on(number: int, _frame: object) -> None:
        if number == signal.SIGWINCH:
            if on_resize:
                on_resize(child.pid)
        elif number not in (signal.SIGINT, signal.SIGQUIT) or not _in_front():
            child.send_signal(number)

    heard = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH)
    old = {number: signal.signal(number, hand_on) for number in heard}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _in_front() -> bool:
    """Whether our process group is the one that the terminal's keys signal."""
    with suppress(OSError), open("/dev/tty") as terminal:
        return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    return False
