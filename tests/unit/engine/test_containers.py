"""Whole plans on fake drivers: what is made, what a failure leaves, what an end gives back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.engine.records import read_containers
from composer.errors import ComposerError, ContainerError, NetworkError, StorageError
from composer.model.mounts import Grant, Mount
from composer.model.ports import Port
from composer.plan import teardown
from composer.plan.actions import CreateContainer
from tests.builders import project, service
from tests.stage import Stage, perform, stage

WEB = project(service("web", on=["front"], ports=(Port(target=80, published="8080"),)))
TWO = project(service("db", on=["back"], data={"data": "/d"}), service("web", needs=["db"], on=["back"]))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, "web:1", "db:1") as built:
        yield built


def statuses(made: Stage) -> dict[str, str]:
    return {one.name: one.status for one in read_containers(made.scene.places)}


async def until_ended(made: Stage, name: str) -> None:
    await made.lives.end(made.named(name).id, 10)


def test_up_makes_everything_and_down_leaves_nothing(made: Stage) -> None:
    """On all four drivers, and on disk."""

    async def play() -> None:
        await made.up(TWO)
        assert statuses(made) == {"shop-db-1": "running", "shop-web-1": "running"}
        assert len(made.fake.network.attached) == 2
        assert set(made.fake.storage.made) == {"shop_data"}
        assert not await made.up(TWO)
        await made.down(TWO, volumes=True)
        fake = made.fake
        assert (fake.network.sandbox, fake.network.networks, fake.network.attached) == (False, {}, {})
        assert (fake.runtime.containers, fake.storage.made, fake.storage.prepared) == ({}, {}, {})
        assert statuses(made) == {}
        assert list(made.scene.places.containers.iterdir()) == []

    perform(made, play())


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ("create shop-web-1", ContainerError("no")),
        ("prepare web", StorageError("no")),
        ("attach 10.0.0.2/24", NetworkError("no")),
    ],
)
def test_a_container_that_cannot_be_made_leaves_nothing(made: Stage, failure: str, error: ContainerError) -> None:
    """No record, no folder, no process, no link, no port; the network stays for the next try, which succeeds."""

    async def play() -> None:
        made.fake.fail_on[failure] = error
        with pytest.raises(type(error), match="no"):
            await made.up(WEB)
        assert statuses(made) == {}
        assert list(made.scene.places.containers.iterdir()) == []
        assert (made.fake.runtime.containers, made.fake.network.attached, made.scene.ports.held) == ({}, {}, {})
        assert made.fake.network.networks
        made.fake.fail_on.clear()
        await made.up(WEB)
        assert statuses(made) == {"shop-web-1": "running"}

    perform(made, play())


def test_a_failed_undo_keeps_the_record_for_the_next_plan(made: Stage) -> None:
    """What may still be there has to be known; the next `up` makes it anew."""

    async def play() -> None:
        made.fake.fail_on.update({"attach 10.0.0.2/24": NetworkError("no link"), "delete shop-web-1": ContainerError("no delete")})
        with pytest.raises(ComposerError):
            await made.up(WEB)
        assert set(statuses(made)) == {"shop-web-1"}
        made.fake.fail_on.clear()
        await made.up(WEB, recreate="always")
        assert statuses(made) == {"shop-web-1": "running"}
        assert len(made.fake.runtime.containers) == 1

    perform(made, play())


def test_a_failed_start_is_told_and_can_be_tried_again(made: Stage) -> None:
    """The container is there, created, its port is not open."""

    async def play() -> None:
        made.fake.fail_on["start shop-web-1"] = ContainerError("exec format error")
        with pytest.raises(ContainerError, match="exec format error"):
            await made.up(WEB)
        assert statuses(made) == {"shop-web-1": "created"}
        assert made.fake.network.published == {}
        made.fake.fail_on.clear()
        await made.up(WEB)
        assert statuses(made) == {"shop-web-1": "running"}

    perform(made, play())


def test_a_failed_service_keeps_its_dependents_from_starting(made: Stage) -> None:
    """They are created and wait for the next try."""

    async def play() -> None:
        made.fake.fail_on["start shop-db-1"] = ContainerError("no")
        with pytest.raises(ContainerError):
            await made.up(TWO)
        assert statuses(made) == {"shop-db-1": "created", "shop-web-1": "created"}
        assert "start shop-web-1" not in made.fake.journal

    perform(made, play())


def test_everything_that_can_be_known_to_fail_is_refused_before_anything_is_touched(made: Stage) -> None:
    """A taken port, a missing runtime."""

    async def play() -> None:
        made.fake.network.taken["tcp", 8080] = "nginx (pid 7)"
        with pytest.raises(NetworkError, match=r"taken by nginx \(pid 7\)"):
            await made.up(WEB)
        with pytest.raises(ContainerError, match="missing: program not found"):
            await made.up(project(service("web", runtime="missing")))
        assert [entry for entry in made.fake.journal if not entry.startswith("reserve")] == []

    perform(made, play())


def test_the_intent_is_on_disk_before_the_runtime_is_called(made: Stage) -> None:
    """Whatever is killed, every resource has a record."""
    seen: list[dict[str, str]] = []
    create = made.fake.runtime.create

    def looking(spec, prepare):  # type: ignore[no-untyped-def]
        seen.append(statuses(made))
        return create(spec, prepare)

    made.fake.runtime.create = looking  # type: ignore[method-assign]
    perform(made, made.up(WEB))  # type: ignore[arg-type]
    assert seen == [{"shop-web-1": "creating"}]


def test_the_end_of_a_container_is_recorded_and_gives_back_what_it_held(made: Stage) -> None:
    """Exit code, port, link, runtime state; the keeper hears of it."""

    async def play() -> None:
        await made.up(WEB)
        made.fake.runtime.finish("shop-web-1", 3)
        await until_ended(made, "shop-web-1")
        one = made.named("shop-web-1")
        assert (one.status, one.exit_code, one.process) == ("exited", 3, None)
        assert (made.fake.network.published, made.fake.network.attached, made.scene.ports.held) == ({}, {}, {})
        assert made.fake.runtime.containers == {}
        assert "ended shop-web-1" in made.keeper.told

    perform(made, play())


@pytest.mark.parametrize(
    ("oom", "known", "expected"), [(True, True, (137, True, "")), (False, False, (255, False, "the machine went down"))]
)
def test_how_it_ended_is_recorded(made: Stage, oom: bool, known: bool, expected: tuple[int, bool, str]) -> None:
    """Killed for memory; nobody could tell."""

    async def play() -> None:
        await made.up(WEB)
        made.fake.runtime.finish("shop-web-1", 137, oom_killed=oom, known=known)
        await until_ended(made, "shop-web-1")
        one = made.named("shop-web-1")
        assert (one.exit_code, one.oom_killed, one.error) == expected

    perform(made, play())


def test_a_container_that_is_about_to_be_restarted_keeps_its_ports(made: Stage) -> None:
    """Nobody may take them in between; its address it keeps anyhow."""

    async def play() -> None:
        await made.up(WEB)
        before = made.named("shop-web-1").endpoints
        made.keeper.restarting.add("shop-web-1")
        made.fake.runtime.finish("shop-web-1", 1)
        await until_ended(made, "shop-web-1")
        assert made.scene.ports.of("shop-web-1")
        await made.containers.start("shop-web-1")
        assert (statuses(made), made.named("shop-web-1").endpoints) == ({"shop-web-1": "running"}, before)
        assert len(made.fake.network.published) == 1

    perform(made, play())


@pytest.mark.parametrize("way", ["recreate", "restart"])
def test_the_ports_are_open_again_after(made: Stage, way: str) -> None:
    """The same host port leads to the container's next life."""

    async def play() -> None:
        await made.up(WEB)
        if way == "recreate":
            await made.up(WEB, recreate="always")
        else:
            await made.execute(teardown.restart(made.observe(None), (), None))
        ((publication,),) = made.fake.network.published.values()
        assert (publication.host_port, made.named("shop-web-1").publications) == (8080, (publication,))

    perform(made, play())


def test_stop_sends_the_signal_first_and_kills_only_the_deaf(made: Stage) -> None:
    """One that hears ends in its own way; one that cannot is not waited for."""

    async def play() -> None:
        made.fake.runtime.deaf_to.add("shop-db-1")
        await made.up(TWO)
        before = asyncio.get_running_loop().time()
        await made.execute(teardown.stop(made.observe(None), (), None))
        assert asyncio.get_running_loop().time() - before < 5  # the grace period is 10 s
        assert statuses(made) == {"shop-db-1": "exited", "shop-web-1": "exited"}
        codes = (made.named("shop-db-1").exit_code, made.named("shop-web-1").exit_code)
        assert codes == (137, 143)
        asked = [entry for entry in made.fake.journal if entry.startswith(("signal", "kill"))]
        assert asked == ["signal shop-web-1 SIGTERM", "signal shop-db-1 SIGTERM", "kill shop-db-1"]

    perform(made, play())


def test_rules_that_stay_do_not_keep_the_rest(made: Stage) -> None:
    """What the OCI runtime holds is given back, so the container starts again."""

    async def play() -> None:
        await made.up(TWO)
        made.fake.fail_on["unpublish"] = NetworkError("nft was killed")
        await made.execute(teardown.stop(made.observe(None), (), None))
        assert made.fake.runtime.containers == {}
        made.fake.fail_on.clear()
        await made.up(TWO)
        assert {made.named(name).status for name in ("shop-web-1", "shop-db-1")} == {"running"}

    perform(made, play())


def test_a_stopped_container_starts_again_in_its_old_file_system(made: Stage) -> None:
    """Same id, same address, new processes."""

    async def play() -> None:
        await made.up(TWO)
        before = made.named("shop-db-1")
        await made.execute(teardown.stop(made.observe(None), ("db",), None))
        await made.execute(teardown.start(made.observe(None), ("db",)))
        after = made.named("shop-db-1")
        assert (after.id, after.endpoints, after.status) == (before.id, before.endpoints, "running")
        assert after.process != before.process

    perform(made, play())


def test_two_creates_at_once_do_not_choose_the_same_address(made: Stage) -> None:
    """Each replica has its own."""
    many = project(service("web", on=["front"], scale=5))

    async def play() -> None:
        await made.up(many)
        addresses = [end.address for one in made.scene.records.all() for end in one.endpoints]
        assert sorted(addresses) == [f"10.0.0.{number}/24" for number in range(2, 7)]

    perform(made, play())


def test_anonymous_volumes_live_with_their_container(made: Stage) -> None:
    """Carried over to the one that replaces it, removed with the last."""
    from composer.model.mounts import Mount

    wanted = project(service("web", volumes=(Mount(type="volume", target="/cache"),)))

    async def play() -> None:
        await made.up(wanted)
        ((target, name),) = made.named("shop-web-1").anonymous
        assert target == "/cache"
        await made.up(wanted, recreate="always")
        assert made.named("shop-web-1").anonymous == (("/cache", name),)
        assert set(made.fake.storage.made) == {name}
        await made.down(wanted)
        assert made.fake.storage.made == {}

    perform(made, play())


def test_a_create_whose_image_is_gone_says_so(made: Stage) -> None:
    """Somebody removed it between plan and execution."""

    async def play() -> None:
        from composer.plan.options import UpOptions
        from composer.plan.reconcile import reconcile

        plan = reconcile(WEB, made.observe(WEB), UpOptions())
        made.fake.images.images.clear()
        with pytest.raises(ComposerError, match=r"image web:1 is not in composer's image store \(any more\)"):
            await made.execute(plan)
        assert any(isinstance(action, CreateContainer) for action in plan.actions())
        assert statuses(made) == {}

    perform(made, play())


@pytest.mark.parametrize("status", ["exited", "creating", "removing"])
def test_a_new_supervisor_ends_processes_that_the_record_does_not_know(made: Stage, status: str) -> None:
    """Its predecessor was killed between `create` and the record, or before the removal; the next `up` is not refused by what is left."""

    alone = project(service("web", on=["front"]))

    async def play() -> None:
        await made.up(alone)
        container = made.named("shop-web-1")
        made.open()
        made.scene.records.change(container.id, status=status, process=None)
        await made.containers.sweep()
        assert made.fake.runtime.containers == {}
        assert made.fake.network.attached == {}
        await made.up(alone)
        assert statuses(made) == {"shop-web-1": "running"}

    perform(made, play())


def test_a_restart_that_failed_after_create_can_be_tried_again(made: Stage) -> None:
    """The new PID 1, which still waits, is let go; nobody waits for its end."""

    async def play() -> None:
        await made.up(WEB)
        made.fake.runtime.finish("shop-web-1", 1)
        await until_ended(made, "shop-web-1")
        made.fake.fail_on["start shop-web-1"] = ContainerError("no")
        with pytest.raises(ContainerError, match="no"):
            await made.up(WEB)
        assert statuses(made) == {"shop-web-1": "exited"}
        made.fake.fail_on.clear()
        await asyncio.wait_for(made.up(WEB), 5)
        assert statuses(made) == {"shop-web-1": "running"}

    perform(made, play())


@pytest.mark.parametrize(("change", "made_anew"), [("nothing", False), ("content", False), ("file", True), ("secret", True)])
def test_a_container_waits_for_its_start_with_what_is_there_then(made: Stage, tmp_path: Path, change: str, made_anew: bool) -> None:
    """What is mounted or copied at the creation may have been replaced by the start; a bind shows new content by itself."""
    page, key = tmp_path / "page", tmp_path / "key"
    page.write_text("old")
    key.write_text("old")
    bind = Mount(type="bind", source=str(page), target="/page")
    wanted = project(service("web", on=["front"], volumes=(bind,), secrets=(Grant(source="key", target="/run/secrets/key"),)),
                     secrets={"key": {"file": str(key)}})

    async def play() -> None:
        await made.up(wanted, start=False)
        if change == "content":
            page.write_text("new, and longer")
        if change == "secret":
            key.write_text("new, and longer")
        if change == "file":
            page.rename(tmp_path / "former")
            page.write_text("old")
        await asyncio.wait_for(made.containers.start("shop-web-1"), 5)
        assert statuses(made) == {"shop-web-1": "running"}
        assert made.fake.script.journal.count("create shop-web-1") == (2 if made_anew else 1)

    perform(made, play())


def test_who_shares_namespaces_with_a_container_that_is_made_anew_joins_the_new_ones(made: Stage, tmp_path: Path) -> None:
    """Both were created, and wait for their start; the namespaces of the first processes are gone."""
    page = tmp_path / "page"
    page.write_text("old")
    web = service("web", volumes=(Mount(type="bind", source=str(page), target="/page"),), network_mode="none")
    side = service("db", needs=["web"], network_mode="service:web")
    wanted = project(web, side)

    async def play() -> None:
        await made.up(wanted, start=False)
        page.rename(tmp_path / "former")
        page.write_text("new")
        await made.containers.start("shop-web-1")
        await made.containers.start("shop-db-1")
        assert made.fake.script.journal.count("create shop-db-1") == 2
        assert made.fake.runtime.containers[made.named("shop-db-1").id].spec.joined == {"network_mode": made.named("shop-web-1").process}

    perform(made, play())
