"""What `run` makes of a service."""

from __future__ import annotations

import pytest

from composer.commands.oneoff import Changes, changed
from composer.errors import UsageError
from composer.model.deploy import Deploy, RestartPolicy
from composer.model.mounts import Mount
from composer.model.network import Attachment
from composer.model.ports import Port
from composer.model.project import Project
from composer.model.service import Service

SERVICE = Service(
    name="web", image="web", command=("serve",), entrypoint=("app",), restart="always", container_name="fixed",
    cap_add=("A",), cap_drop=("B",), environment={"X": "1", "Y": "1"}, ports=(Port(target=80, published="8080"),),
    deploy=Deploy(restart_policy=RestartPolicy()),
    networks={"default": Attachment(aliases=("www",), ipv4_address="10.0.0.9")},
    volumes=(Mount(type="bind", source="/srv", target="/data"),),
)
PROJECT = Project(name="shop", working_dir="/home/shop", services={"web": SERVICE})


def made(**changes: object) -> Service:
    return changed(PROJECT, SERVICE, Changes(**changes))[0].service  # type: ignore[arg-type]


def test_nothing_of_the_service_is_in_the_way() -> None:
    """No ports, name, restart, aliases or fixed address; command and the rest stay."""
    one = made()
    assert (one.ports, one.container_name, one.restart, one.deploy.restart_policy) == ((), None, "no", None)
    assert (one.networks["default"].aliases, one.networks["default"].ipv4_address) == ((), None)
    assert (one.command, one.entrypoint, one.volumes) == (SERVICE.command, SERVICE.entrypoint, SERVICE.volumes)


def test_command_and_entrypoint() -> None:
    """An entrypoint of the caller's drops the file's command."""
    assert made(entrypoint=("sh",)).command == ()
    assert (made(command=("x",)).entrypoint, made(command=("x",)).command) == (("app",), ("x",))


def test_ports() -> None:
    """The service's, or those asked for; nonsense is refused with an example."""
    assert made(service_ports=True).ports == SERVICE.ports
    (port,) = made(ports=("127.0.0.1:81:80/udp",)).ports
    assert (port.host_ip, port.published, port.target, port.protocol) == ("127.0.0.1", "81", 80, "udp")
    with pytest.raises(UsageError, match="--publish"):
        made(ports=("x",))


def test_mounts() -> None:
    """Beside the service's own, in the place of one with the same target; paths start from the project's folder."""
    first, second = made(mounts=("./more:/more:ro",)).volumes
    assert (first.target, second.source, second.read_only) == ("/data", "/home/shop/more", True)
    (only,) = made(mounts=("/else:/data",)).volumes
    assert only.source == "/else"
    blueprint, surroundings = changed(PROJECT, SERVICE, Changes(mounts=("cache:/cache",)))
    assert blueprint.volumes["cache"].name == surroundings.volumes["cache"].name == "shop_cache"
    with pytest.raises(UsageError, match="--volume"):
        made(mounts=("/a:/b:/c:ro",))


def test_capabilities_aliases_environment() -> None:
    """What is added is no longer dropped and the other way round; the service's name is an alias when asked for."""
    one = made(cap_add=("B", "C"), cap_drop=("A",), aliases=True, environment={"Y": "2"}, tty=True)
    assert (one.cap_add, one.cap_drop) == (("B", "C"), ("A",))
    assert one.networks["default"].aliases == ("web", "www")
    assert one.environment == {"X": "1", "Y": "2"}
    assert one.tty
