"""Kernel settings below /proc/sys/net, which shows those of the calling thread's network namespace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from composer.errors import NetworkError

ROOT = Path("/proc/sys/net")

#: A new namespace inherits some of these from the host and not others: set them all.
PROJECT = {
    "ipv4/ip_forward": "1",
    "ipv4/conf/all/rp_filter": "1",
    "ipv4/conf/default/rp_filter": "1",
    "ipv4/conf/all/send_redirects": "0",
    "ipv4/conf/default/send_redirects": "0",
    "ipv4/conf/all/accept_redirects": "0",
    "ipv4/conf/all/route_localnet": "0",
    "ipv4/conf/default/route_localnet": "0",
    "ipv6/conf/all/forwarding": "1",  # of this namespace alone; the packet rules say who may send to whom
    "ipv6/conf/default/accept_ra": "0",
    "ipv6/conf/default/accept_dad": "0",
    "ipv6/conf/default/disable_ipv6": "1",  # for links made from now on; lo keeps ::1
    "bridge/bridge-nf-call-iptables": "0",
    "bridge/bridge-nf-call-ip6tables": "0",
    "bridge/bridge-nf-call-arptables": "0",
}

#: The namespace of a switch: frames pass, nothing is addressed to it.
SWITCH = {
    "ipv4/ip_forward": "0",
    "ipv6/conf/all/disable_ipv6": "1",
    "ipv6/conf/default/disable_ipv6": "1",
    "bridge/bridge-nf-call-iptables": "0",
    "bridge/bridge-nf-call-ip6tables": "0",
    "bridge/bridge-nf-call-arptables": "0",
}

#: The uplink's host end. route_localnet lets connections from 127.0.0.1 leave by it and their replies come back (the
#: firewall drops all else that is addressed to 127.0.0.0/8).
UPLINK = {
    "ipv6/conf/{link}/disable_ipv6": "1",
    "ipv4/conf/{link}/rp_filter": "1",
    "ipv4/conf/{link}/send_redirects": "0",
    "ipv4/conf/{link}/accept_redirects": "0",
    "ipv4/conf/{link}/route_localnet": "1",
}

#: A bridge answers for 127.0.0.11.
BRIDGE = {"ipv4/conf/{link}/route_localnet": "1"}

#: The same of a bridge, or a container's interface, with IPv6. Looking for duplicates of an address (DAD) takes 1.7 s.
WITH_IPV6 = {
    "ipv6/conf/{link}/accept_ra": "0",
    "ipv6/conf/{link}/accept_dad": "0",
    "ipv6/conf/{link}/disable_ipv6": "0",
}

#: A container's interface.
ENDPOINT = {
    "ipv6/conf/{link}/accept_ra": "0",
    "ipv6/conf/{link}/accept_dad": "0",
    "ipv6/conf/{link}/disable_ipv6": "1",
}

#: The interface behind which 127.0.0.11 is.
RESOLVER = {"ipv4/conf/{link}/route_localnet": "1"}


def get(name: str) -> str:
    """A setting; "" when this kernel does not have it."""
    try:
        return (ROOT / name).read_text().strip()
    except FileNotFoundError:
        return ""


def put(settings: Mapping[str, str], *, link: str = "") -> None:
    """Write the settings that differ; `{link}` in a name is replaced. A setting that this kernel does not have is left out."""
    for name, value in settings.items():
        path = ROOT / name.replace("{link}", link)
        try:
            if path.read_text().strip() != value:
                path.write_text(value)
        except FileNotFoundError:
            continue  # no IPv6, or no br_netfilter
        except OSError as error:
            raise NetworkError(f"{path}: {error.strerror}") from error
