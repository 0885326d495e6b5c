"""What the drivers are asked for, from a service that shares or names something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from composer.engine.specification import describe
from composer.errors import ContainerError
from composer.host import ContainerSpec, RootfsRequest
from composer.plan import teardown
from tests.builders import project, service
from tests.stage import Stage, perform, stage


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, "web:1", "db:1", "third:1") as built:
        yield built


def described(made: Stage, name: str) -> tuple[ContainerSpec, RootfsRequest]:
    container = made.named(name)
    image = made.fake.images.find(container.image_id)
    assert image is not None
    return describe(made.scene, made.containers.blueprint, container, image, stdin=False)


def alone(made: Stage, **attributes: Any) -> tuple[ContainerSpec, RootfsRequest]:
    wanted = project(service("web", on=["front"], **attributes))
    found: list[tuple[ContainerSpec, RootfsRequest]] = []

    async def play() -> None:
        await made.up(wanted)
        found.append(described(made, "shop-web-1"))

    perform(made, play())
    return found[0]


def test_names_of_hosts(made: Stage) -> None:
    """The own address has the full name first; host-gateway is the uplink's host end."""
    _, request = alone(made, hostname="shop", domainname="example.com", extra_hosts=("one=10.1.1.1", "out=host-gateway"))
    (_, names), *extra = request.hosts
    assert names == ("shop.example.com", "shop")
    assert extra == [("10.1.1.1", ("one",)), (made.fake.network.host_address(), ("out",))]


def test_terminal_and_stdin(made: Stage) -> None:
    """As the service says."""
    spec, _ = alone(made, tty=True, stdin_open=True)
    assert (spec.tty, spec.stdin, spec.lasting) == (True, True, True)


def test_the_end_of_stdin_is_passed_on_when_it_is_somebodys(made: Stage) -> None:
    """`run` gives a container its own stdin, whose end is final; that of `up` outlives those who attach to it."""
    alone(made, stdin_open=True)
    container = made.named("shop-web-1")
    image = made.fake.images.find(container.image_id)
    assert image is not None
    specs = [describe(made.scene, made.containers.blueprint, container, image, stdin=own)[0] for own in (True, False)]
    assert [(spec.stdin, spec.lasting) for spec in specs] == [(True, False), (True, True)]


def test_a_shared_network_is_its_first_owners(made: Stage) -> None:
    """Files and host name come from the container whose network it is in the end; without one that runs there is nothing to join."""
    wanted = project(service("db", hostname="till"), service("web", needs=["db"], network_mode="service:db"),
                     service("third", needs=["web"], network_mode="service:web", pid="service:db"))

    async def play() -> None:
        await made.up(wanted)
        spec, request = described(made, "shop-third-1")
        assert (request.network_files, request.hostname) == (made.scene.places.container(made.named("shop-db-1").id).files, "till")
        assert spec.joined == {"network_mode": made.named("shop-web-1").process, "pid": made.named("shop-db-1").process}
        await made.execute(teardown.stop(made.observe(None), ["db"], 0))
        with pytest.raises(ContainerError, match=r"services\.third\.pid: db does not run"):
            described(made, "shop-third-1")
        await made.down(wanted)

    perform(made, play())
