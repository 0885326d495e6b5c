"""The guard: one small process a project, forked before anything heavy is imported.

It holds the project's lock and every listening socket (control, DNS, reserved ports) and hands them to each new supervisor,
so that connections and queries wait instead of being refused. It starts the supervisor again when it dies, with back-off, and
gives up after 5 deaths in a minute. Nothing here imports more of composer than this file and the package.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

import composer

DEATHS_ALLOWED, WITHIN = 5, 60.0
MESSAGE = 65536
KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)


class Launcher:
    """The command line's end: the guard is forked already and waits to hear which project it is for."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self.spent = False  # it can be told one project, or to go

    def identify(self, identity: Mapping[str, str]) -> bool:
        """Tell the guard its project. True: its supervisor listens. False: the project has another one, and this one is gone."""
        self.spent = True
        self._channel.send(json.dumps(dict(identity)).encode())
        return self._channel.recv(MESSAGE) == b"ready"

    def close(self) -> None:
        """Without an identity, guard and supervisor end."""
        self.spent = True
        self._channel.close()


def launch(called: str = "") -> Launcher:
    """Fork the guard. Has to be the program's first act: no threads yet, and little in memory.

    `called`: from where and with what the command line chooses its project, "" when that cannot be told. If the guard of a project
    that was called so lives, this one is not likely to be needed, and imports nothing before it is.
    """
    if len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("the guard has to be forked before any thread is started")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    middle = os.fork()
    if middle:
        theirs.close()
        os.waitpid(middle, 0)
        return Launcher(ours)
    ours.close()
    os.setsid()
    if os.fork():
        os._exit(0)
    _detach(theirs.fileno())
    _guarded(lambda: Guard(called).first(theirs))


def _detach(channel: int) -> None:
    """Nothing of the caller's terminal, folder, environment or open files stays: `up -d | cat` must end, and what was locked by
    `exec 9>lock; flock 9` must be free when the caller is done."""
    os.chdir("/")
    os.umask(0o022)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor > 2 and descriptor != channel:
            with suppress(OSError):  # the one that the list was read by
                os.close(descriptor)
    _title("composer: (no project yet)")  # finds its room in memory by the environment, so before that is emptied
    kept = {key: value for key, value in os.environ.items() if is_kept(key)}
    os.environ.clear()
    os.environ.update(kept)
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def is_served(called: str) -> bool:
    """Whether the guard of a project that was called so lives. Nothing but time depends on it."""
    top = os.environ.get("COMPOSER_RUN") or composer.RUN
    with suppress(OSError, ValueError):
        for name in os.listdir(top) if called else ():
            with suppress(FileNotFoundError, NotADirectoryError), open(os.path.join(top, name, "guard.json")) as file:
                state = json.load(file)
                if state.get("called") == called:
                    return os.path.exists(f"/proc/{state['guard']}")
    return False


def is_kept(variable: str) -> bool:
    """Whether guard and supervisor have it from the environment of the command that started them."""
    return variable in KEPT_VARIABLES or variable.startswith(("COMPOSER_", "COVERAGE_", "PYTHONPATH"))


def _guarded(work: Any) -> NoReturn:
    """A forked child never returns into its parent's code."""
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


class Guard:
    def __init__(self, called: str = "") -> None:
        self.called = called
        self.identity: dict[str, str] = {}
        self.held: dict[str, tuple[dict[str, Any], list[int]]] = {}
        self.child = 0
        self.channel: socket.socket | None = None
        self.deaths: list[float] = []

    def first(self, caller: socket.socket) -> None:
        """Start the supervisor's imports at once if they are likely to be needed, learn the project, and go on if nobody else has it."""
        if not is_served(self.called):
            self.spawn(closing=caller)
        text = caller.recv(MESSAGE)
        if not text or not self.claim({**json.loads(text), "called": self.called}):
            with suppress(OSError):
                caller.send(b"busy")
            if self.child:
                os.kill(self.child, signal.SIGKILL)
            return
        caller.send(b"ready")
        caller.close()
        if not self.child:
            self.spawn()
        self.brief()
        self.watch()

    def claim(self, identity: dict[str, str]) -> bool:
        """Take the project's lock and listen on its socket."""
        self.identity = identity
        os.makedirs(identity["run"], mode=0o711, exist_ok=True)
        lock = os.open(os.path.join(identity["run"], "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock).st_ino != os.stat(os.path.join(identity["run"], "lock")).st_ino:
                raise BlockingIOError  # the folder was removed, and made anew, while we were at it
        except (BlockingIOError, FileNotFoundError):
            os.close(lock)
            return False
        path = os.path.join(identity["run"], "socket")
        with suppress(FileNotFoundError):
            os.unlink(path)
        control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        os.umask(0o177)
        control.bind(path)
        os.umask(0o022)
        control.listen(64)
        self.held = {"lock": ({}, [lock]), "control": ({}, [control.detach()])}
        _title(f"composer: {identity['project']} (guard)")
        return True

    def spawn(self, closing: socket.socket | None = None) -> None:
        """Fork a supervisor; it imports what it needs and then waits for `brief`."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.child = os.fork()
        if not self.child:
            for unneeded in filter(None, (ours, closing, self.channel)):
                unneeded.close()
            for _, descriptors in self.held.values():
                for descriptor in descriptors:  # they come again, by message
                    os.close(descriptor)
            _guarded(lambda: _become_supervisor(theirs))
        theirs.close()
        self.channel = ours

    def brief(self) -> None:
        """Tell a new supervisor its project and hand it all that is held."""
        assert self.channel is not None
        with suppress(BrokenPipeError, ConnectionResetError):
            self.channel.send(json.dumps({"identity": self.identity, "held": len(self.held), "guard": os.getpid()}).encode())
            for key, (meta, descriptors) in self.held.items():
                socket.send_fds(self.channel, [json.dumps({"held": key, "meta": meta}).encode()], descriptors)
        self.write_state()

    def watch(self) -> None:
        """Until the supervisor says goodbye, or gives up living."""
        while self.until_death():
            now = time.monotonic()
            self.deaths = [one for one in self.deaths if now - one < WITHIN] + [now]
            if len(self.deaths) >= DEATHS_ALLOWED:
                self.write_state(gave_up=True)
                return
            time.sleep(min(0.05 * 2 ** (len(self.deaths) - 1), 2.0) if len(self.deaths) > 1 else 0)
            assert self.channel is not None
            self.channel.close()
            self.spawn()
            self.brief()

    def until_death(self) -> bool:
        """Serve the supervisor; False as soon as it says goodbye, True when it died without."""
        assert self.channel is not None
        try:
            pidfd = os.pidfd_open(self.child)
        except ProcessLookupError:  # gone already: hear what it left
            while not (said := self.listen()):
                pass
            return said != "bye"
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        poll.register(pidfd, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self.channel.fileno() in ready:
                said = self.listen()
                if said == "bye":
                    return False
                if said == "gone":
                    poll.unregister(self.channel)
            elif pidfd in ready:  # all that it said before is heard
                os.close(pidfd)
                with suppress(ChildProcessError):
                    os.waitpid(self.child, 0)
                return True

    def listen(self) -> str:
        """One message of the supervisor's: hold, drop, bye."""
        assert self.channel is not None
        try:
            text, descriptors, _, _ = socket.recv_fds(self.channel, MESSAGE, 16)
        except ConnectionResetError:
            return "gone"
        if not text:
            return "gone"
        message = json.loads(text)
        if "hold" in message:
            self.drop(message["hold"])
            self.held[message["hold"]] = (message.get("meta", {}), list(descriptors))
        elif "drop" in message:
            self.drop(message["drop"])
        elif "adopt" in message:
            self.identity = message["adopt"]
            _title(f"composer: {self.identity['project']} (guard)")
            self.write_state()
        return "bye" if "bye" in message else ""

    def drop(self, key: str) -> None:
        for descriptor in self.held.pop(key, ({}, []))[1]:
            os.close(descriptor)

    def write_state(self, *, gave_up: bool = False) -> None:
        path = os.path.join(self.identity["run"], "guard.json")
        with suppress(OSError):
            with open(f"{path}.new", "w") as file:
                state = {"guard": os.getpid(), "supervisor": self.child, "deaths": len(self.deaths), "gave_up": gave_up}
                json.dump({**state, "called": self.identity.get("called", "")}, file)
            os.rename(f"{path}.new", path)


def _become_supervisor(channel: socket.socket) -> None:
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"  # it would look for them in every package that is installed
    gc.disable()  # what is imported stays: looking for garbage in it is a tenth of the time
    from composer.supervisor.loop import main

    gc.freeze()
    gc.enable()
    main(channel)


def _title(text: str) -> None:
    """The line that ps(1) shows."""
    from setproctitle import setproctitle

    setproctitle(text)


def adopt(descriptor: int, supervisor: int) -> None:
    """A new guard for a supervisor that lost its own: it is no child of ours, and says over the channel what to hold."""
    _detach(descriptor)
    guard = Guard()
    guard.channel, guard.child = socket.socket(fileno=descriptor), supervisor
    guard.watch()


if __name__ == "__main__":
    adopt(int(sys.argv[1]), int(sys.argv[2]))
