"""The supervisor: one process a project, the only writer of its state. Forked by the guard, it reads what is there, goes on
with it, and serves the command line until the project is gone."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import composer
from composer.engine.container import Containers
from composer.engine.execute import AT_ONCE
from composer.engine.lives import Lives
from composer.engine.ports import Ports
from composer.engine.records import Records
from composer.engine.scene import Changes, Scene
from composer.errors import ComposerError
from composer.events import Event
from composer.observed import Container
from composer.process import use_pidfd_watcher
from composer.runtime.programs import find_runtime
from composer.runtime.signals import alive
from composer.store import SCHEMA, Places, ProjectPlaces, remove_tree
from composer.supervisor import journal, protocol
from composer.supervisor.chronicle import Chronicle, read_events
from composer.supervisor.drivers import open_host
from composer.supervisor.holdings import Holdings
from composer.supervisor.keeping import Keeping
from composer.supervisor.neighbours import Neighbours
from composer.supervisor.tending import WATCHING
from composer.supervisor.verbs import Verbs
from composer.supervisor.ways_in import WaysIn
from composer.supervisor.zone import Zone

log = logging.getLogger("composer")

WORKERS = 8
#: Verbs by which different composers find out about each other.
ANY_SCHEMA = frozenset({"hello", "renew"})


def main(channel: socket.socket) -> None:
    """In a fresh child of the guard's: everything is imported by now; wait to hear the project, then serve it."""
    holdings = Holdings.receive(channel)
    journal.begin(Path(holdings.identity["state"]) / "supervisor.log", os.environ.get("COMPOSER_LOG_LEVEL", ""))
    from setproctitle import setproctitle

    setproctitle(f"composer: {holdings.identity['project']}")
    use_pidfd_watcher()
    try:
        asyncio.run(Supervisor(holdings).run())
    except BaseException:
        log.exception("the supervisor ends")
        raise


class Supervisor:
    def __init__(self, holdings: Holdings) -> None:
        self.holdings = holdings
        identity = holdings.identity
        places = Places(Path(identity["root"]), Path(identity["top_run"]))
        self.places = ProjectPlaces(identity["hash"], Path(identity["state"]), Path(identity["run"]), places)
        self.leaving = asyncio.Event()
        self.renewed = False
        self.clients: set[asyncio.Task[None]] = set()
        self.requests: dict[asyncio.Task[None], str] = {}

    async def run(self) -> None:
        """Until the project is gone."""
        self._assemble()
        await asyncio.to_thread(self._enter_group)
        await self._go_on()
        self.holdings.watch()
        self.verbs.reloading.expect()
        (control,) = self.holdings.sockets("control")
        server = await asyncio.start_unix_server(self._client, sock=control, limit=protocol.LIMIT)
        log.info("supervisor of %s is ready", self.holdings.identity["project"])
        await self._until_gone()
        server.close()
        await self._end()

    async def _until_gone(self) -> None:
        """Until nothing of the project is left and nobody waits for an answer: an `up` may have come while `down` was at work."""
        while True:
            await self.leaving.wait()
            while busy := [task for task, verb in self.requests.items() if verb not in WATCHING]:
                await asyncio.wait(busy)
            if not self.scene.records.all() and not self.places.project_file.exists():
                return
            self.leaving.clear()

    def _assemble(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(WORKERS, thread_name_prefix="step"))
        host, changes, zone = open_host(self.places), Changes(loop), Zone(neighbours=Neighbours(self.places, alive))
        ports = Ports(host.network)
        self.ways_in = WaysIn(host, self.holdings, ports, zone)
        ports.on_hold = lambda name, one: void(loop.call_soon_threadsafe(self.holdings.hold_port, name, one))
        ports.on_drop = lambda name, one: void(loop.call_soon_threadsafe(self.ways_in.drop, name, one))
        self.keeping = Keeping(zone, self.ways_in)
        self.scene = Scene(self.places, host, Records(self.places, changes.ring), ports, changes, self.keeping, loop)
        self.lives = Lives(self.scene)
        self.containers = Containers(self.scene, self.lives, find_runtime)
        self.keeping.attach(self.scene, self.containers)
        self.scene.chronicle = Chronicle(self.places.events, self.scene.records).note
        self.verbs = Verbs(self.scene, self.lives, self.containers, self.leaving, self.holdings)

    def _enter_group(self) -> None:
        with suppress(ComposerError):
            self.scene.host.runtime.enter_supervisor_group(os.getpid(), self.holdings.guard_pid)

    async def _go_on(self) -> None:
        """Take over what a former supervisor left: ports, names, running containers; remove what it left half-made."""
        for name, reservation in self.holdings.ports():
            self.scene.ports.adopt(name, reservation)
        await self.containers.sweep()
        await self._mend_network()
        for container in self.scene.records.all():
            try:
                await self._take_over(container)
            except ComposerError as broken:  # of one container: the others, and `down`, need a supervisor
                log.warning("%s cannot be looked after: %s", container.name, broken.message)
        if self.scene.host.network.sandbox_exists():  # names last: queries wait in the sockets until the zone knows who is there
            try:
                await self.ways_in.serve_names()
            except ComposerError as error:  # `down` needs no names
                log.warning("names are not served: %s", error.message)

    async def _take_over(self, container: Container) -> None:
        if container.process:
            self.lives.follow(container.id, container.process)
        if container.status in ("running", "paused") and container.process and self.scene.host.runtime.alive(container.process):
            self._keep_ports(container)
            if self.scene.host.runtime.waits(container.id):
                self.keeping.unfinished(self.scene.records.change(container.id, status="created"))
            else:
                self.keeping.adopted(container)
                await asyncio.to_thread(self.containers.tidy, container)
        elif container.status == "exited" and not container.stop_asked:
            self.keeping.missed(container)

    async def _mend_network(self) -> None:
        """A former supervisor may have been killed while it made the sandbox."""
        try:
            await asyncio.to_thread(self.scene.host.network.heal)
        except ComposerError as error:
            log.warning("the project's network is not whole: %s", error.message)

    def _keep_ports(self, container: Container) -> None:
        """Ports that nobody kept: the guard was killed as well."""
        ports = self.scene.ports
        if container.publications and container.endpoints and not ports.of(container.name):
            try:
                ports.claim({container.name: container.publications}, ())
            except ComposerError as taken:
                log.warning("%s: %s", container.name, taken.message)
            ports.settle([container.name])

    async def _end(self) -> None:
        """Nothing of the project is left on the machine, neither are we. Who asked for it sees its connection end last."""
        await self.keeping.close()
        await self.ways_in.stop_names()
        self.holdings.bye()
        with suppress(ComposerError):
            await asyncio.to_thread(self.scene.host.runtime.remove_groups)
        remove_tree(self.places.contents)
        remove_tree(self.places.run)
        with suppress(OSError):
            os.rmdir(self.places.top.run)
        if self.requests:  # those that watch hear that it is over
            await asyncio.wait(self.requests, timeout=1)
        for client in self.clients:
            client.cancel()
        await asyncio.gather(*self.clients, return_exceptions=True)

    # -- serving the command line

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if peer_uid(writer) != os.geteuid():  # the socket's mode says so already
            writer.close()
            return
        self.clients.add(task)
        task.add_done_callback(self.clients.discard)
        try:
            while line := await reader.readline():
                if "cancel" in protocol.decode(line):  # it came too late: its request was answered by then
                    continue
                message = protocol.decode(line)
                request = asyncio.create_task(self._request(message, reader, writer))
                self.requests[request] = str(message.get("verb"))
                request.add_done_callback(self.requests.pop)
                await request
        except (ConnectionError, ValueError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # gone, talks nonsense, or we are ending
        finally:
            with suppress(OSError):
                writer.close()

    async def _request(self, message: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request: its events, then its result. A lost client changes nothing; `cancel` gives it up."""
        events: asyncio.Queue[Event] = asyncio.Queue()
        if message.get("verb") == "events":  # in one go with listening: nothing is missed, nothing comes twice
            for event in read_events(self.places.events, since=message["args"].get("since")):
                events.put_nowait(event)
        self.scene.listeners.append(events)
        work = asyncio.create_task(self._answer(message))
        telling = asyncio.create_task(_tell(events, writer))
        listening = asyncio.create_task(_cancelled(reader))
        try:
            await asyncio.wait({work, listening}, return_when=asyncio.FIRST_COMPLETED)
            if listening.done() and (listening.result() or message.get("verb") in WATCHING) and not work.done():
                work.cancel()
            await asyncio.wait({work})
        finally:
            self.scene.listeners.remove(events)
            telling.cancel()
            listening.cancel()
            await asyncio.gather(telling, listening, return_exceptions=True)
        answer = {"error": {"message": "cancelled", "exit_code": 130}} if work.cancelled() else work.result()
        _write(writer, *({"event": events.get_nowait().to_json()} for _ in range(events.qsize())), answer)
        with suppress(ConnectionError):
            await writer.drain()
        if self.renewed:  # as if killed: all that has to outlive us does, and our successor takes it over
            log.info("the supervisor gives way to another composer's")
            os._exit(0)

    async def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        verb = {**self.verbs.table(), "renew": self._renew}.get(message.get("verb", ""))
        if verb is None or (message.get("schema") != SCHEMA and message["verb"] not in ANY_SCHEMA):
            return protocol.error(
                ComposerError(
                    f"the project's supervisor (composer {composer.__version__}) does not know `{message.get('verb')}`",
                    hint="take the project down with the composer that brought it up",
                )
            )
        began = time.monotonic()
        AT_ONCE.set(int(message["args"].get("parallel", 0)))
        try:
            return {"result": await verb(message["args"])}
        except ComposerError as error:
            return protocol.error(error)
        except Exception as bug:
            log.exception("%s failed", message.get("verb"))
            return {"error": {"message": f"internal error: {type(bug).__name__}: {bug}", "hint": f"see {self.places.log}", "exit_code": 3}}
        finally:
            log.info("%s took %.3f s", message.get("verb"), time.monotonic() - began)


    async def _renew(self, args: dict[str, Any]) -> dict[str, Any]:
        """Give way to a supervisor of a newer composer: `python` and `path` say how that is called. Not while others wait for something."""
        if len(self.requests) > 1:
            return {"renewed": False}
        async with self.scene.plans:
            self.holdings.hand_over(args["python"], args["path"])
        self.renewed = True
        return {"renewed": True}


def peer_uid(writer: asyncio.StreamWriter) -> int:
    """Who is at the other end of a Unix socket (unix(7), SO_PEERCRED)."""
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def void(_value: object) -> None:
    """For callbacks whose value nobody wants."""


def _write(writer: asyncio.StreamWriter, *messages: dict[str, Any]) -> None:
    if not writer.is_closing():
        writer.write(b"".join(protocol.encode(message) for message in messages))


async def _tell(events: asyncio.Queue[Event], writer: asyncio.StreamWriter) -> None:
    while True:
        event = await events.get()
        _write(writer, {"event": event.to_json()})


async def _cancelled(reader: asyncio.StreamReader) -> bool:
    """True when the client says so; a client that goes away without a word leaves the work running."""
    with suppress(ConnectionError, ValueError):
        while line := await reader.readline():
            if protocol.decode(line).get("cancel"):
                return True
    return False
