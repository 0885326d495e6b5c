"""Networks: the top-level element and a service's attachment to one."""

from __future__ import annotations

from collections.abc import Mapping

from composer.model.base import Model


class Subnet(Model):
    """One entry of `ipam.config`, all in CIDR or address notation."""

    subnet: str | None = None
    ip_range: str | None = None
    gateway: str | None = None
    aux_addresses: Mapping[str, str] = {}


class Network(Model):
    """A top-level network; `name` is the full one (PROJECT_KEY unless the file says another)."""

    key: str
    name: str
    driver: str = "bridge"
    driver_opts: Mapping[str, str] = {}
    internal: bool = False
    external: bool = False
    enable_ipv6: bool = False
    ipam: tuple[Subnet, ...] = ()
    labels: Mapping[str, str] = {}


class Attachment(Model):
    """`services.*.networks.KEY`."""

    aliases: tuple[str, ...] = ()
    ipv4_address: str | None = None
    ipv6_address: str | None = None
    link_local_ips: tuple[str, ...] = ()
    interface_name: str | None = None
    driver_opts: Mapping[str, str] = {}
    mac_address: str | None = None
    priority: int = 0
    gw_priority: int = 0
