"""What composer.host.Runtime promises, kept by the fake and by crun and conmon alike."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from composer.errors import ContainerError, StorageError
from composer.host import ContainerSpec, Created, Ended, ImageConfig, Rootfs
from composer.host import Runtime as Driver
from composer.model.service import Service
from composer.observed import Process
from tests.fakes import FakeRuntime
from tests.runtime_world import missing, world

TOOLS = os.geteuid() == 0 and not missing
DRIVERS = ["fake", pytest.param("real", marks=pytest.mark.skipif(not TOOLS, reason="needs root, crun, conmon and busybox-static"))]


@dataclass
class Bench:
    driver: Driver
    prepare: Callable[[str], Callable[[], Rootfs]]

    def spec(self, id_: str, *command: str) -> ContainerSpec:
        return ContainerSpec(id_, f"test-{id_}", Service(name="web", image="tiny", command=command), ImageConfig(), "box", "crun")

    def create(self, id_: str, *command: str) -> Created:
        return self.driver.create(self.spec(id_, *(command or ("sleep", "600"))), self.prepare(id_))

    def running(self, id_: str, *command: str) -> Created:
        made = self.create(id_, *command)
        self.driver.start(id_, "crun")
        return made


@pytest.fixture(params=DRIVERS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "fake":
        fake = FakeRuntime()
        yield Bench(fake, lambda _id: lambda: Rootfs(tmp_path, ()))
        fake.close()
        return
    with world(tmp_path, "c0de0fc0de0f") as made:
        made.ids += ["c1", "c2"]
        yield Bench(made.runtime, lambda id_: lambda: made.prepare(id_))


def end_of(process: Process) -> None:
    """Wait for the end by pidfd, as the engine does."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    assert poll.poll(10000), "PID 1 does not end"
    os.close(descriptor)


class TestRuntime:
    def test_a_created_container_has_a_living_process_until_it_is_deleted(self, bench: Bench) -> None:
        """It can be followed from creation on; deleting kills, and deleting twice is fine."""
        made = bench.create("c1")
        assert bench.driver.alive(made.process)
        assert not bench.driver.alive(replace(made.process, start_time=1 << 40))
        for _ in range(2):
            bench.driver.delete("c1", "crun")
        assert not bench.driver.alive(made.process)

    def test_pid_1_waits_from_creation_to_start(self, bench: Bench) -> None:
        """Who takes over from a killed supervisor sees it; what was never made does not wait."""
        bench.create("c1")
        assert bench.driver.waits("c1")
        bench.driver.start("c1", "crun")
        assert not bench.driver.waits("c1")
        assert not bench.driver.waits("c2")

    def test_a_prepare_that_fails_leaves_nothing(self, bench: Bench) -> None:
        """Its own error comes through; the same id can be made after it."""

        def broken() -> Rootfs:
            raise StorageError("disk full")

        with pytest.raises(StorageError, match="disk full"):
            bench.driver.create(bench.spec("c1", "sleep", "600"), broken)
        with pytest.raises(ContainerError):
            bench.driver.start("c1", "crun")
        assert bench.driver.alive(bench.create("c1").process)

    def test_killed_means_137_and_dead(self, bench: Bench) -> None:
        """Killing one that is dead is fine, and so is a signal to it."""
        made = bench.running("c1")
        bench.driver.kill("c1", "crun", made.process)
        end_of(made.process)
        assert bench.driver.ended("c1") == Ended(137)
        assert not bench.driver.alive(made.process)
        bench.driver.kill("c1", "crun", made.process)
        bench.driver.signal(made.process, "SIGTERM")

    def test_a_paused_container_lives_and_can_be_killed(self, bench: Bench) -> None:
        """Frozen, thawed, frozen again, and SIGKILL ends it all the same; one that was never made cannot be paused."""
        made = bench.running("c1")
        bench.driver.pause("c1", "crun")
        assert bench.driver.alive(made.process)
        bench.driver.resume("c1", "crun")
        bench.driver.pause("c1", "crun")
        bench.driver.kill("c1", "crun", made.process)
        end_of(made.process)
        assert not bench.driver.alive(made.process)
        for act in (bench.driver.pause, bench.driver.resume):
            with pytest.raises(ContainerError):
                act("c2", "crun")

    def test_how_an_unknown_container_ended_nobody_can_tell(self, bench: Bench) -> None:
        """None, not 0."""
        assert bench.driver.ended("c2", patience=0).code is None

    def test_the_dead_listen_to_nothing_and_execute_nothing(self, bench: Bench) -> None:
        """No error either."""
        made = bench.running("c1")
        assert bench.driver.executable(made.process)
        assert bench.driver.listening(made.process) == frozenset()
        bench.driver.delete("c1", "crun")
        assert bench.driver.executable(made.process) == ""
        assert bench.driver.listening(made.process) == frozenset()
        assert not bench.driver.deaf(made.process, "SIGTERM")

    def test_what_was_never_created_cannot_be_started_nor_entered(self, bench: Bench) -> None:
        """In the driver's own kind of error."""
        with pytest.raises(ContainerError):
            bench.driver.start("c2", "crun")
        with pytest.raises(ContainerError):
            bench.driver.exec_argv("c2", "crun", ["true"])

    def test_an_exec_is_a_command_line_that_ends_with_the_containers_words(self, bench: Bench) -> None:
        """To be run in the foreground."""
        bench.running("c1")
        argv = bench.driver.exec_argv("c1", "crun", ["true"], user="0", environment={"A": "b"}, working_dir="/")
        assert "crun" in argv[0]
        assert "c1" in argv
