"""The project's packet rules: table `inet composer` in its namespace, table `inet composer_HASH` on the host.

Each change is one transaction. The project's table is the record of what is published (its namespace is ours alone); the
host's is made from it, and made again when somebody flushed it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from composer.errors import NetworkError
from composer.network.leads import ANY, Lead, read_note
from composer.network.switch import TRUNK
from composer.network.uplinks import PROJECT_LINK, Ends
from composer.process import Completed, run

PROJECT_TABLE = "composer"

# `passes` says who may send to whom: nobody but who is in it. Frames between two containers of a bridge never come here
# unless somebody loads br_netfilter, which turns itself on everywhere: hence BRIDGE . BRIDGE.
# The mark of a connection is the container's address (bits 128 on of the IP header are the destination, 96 on the source).
# Every member of a shared network has a gateway of the same address and MAC, which speaks to its own containers only.
# 127.0.0.11 is reached through route_localnet, so everything else of 127.0.0.0/8 is stopped where it comes in; in the
# bridge too, since containers have route_localnet on that interface and their loopback is nobody's business.
PROJECT_RULES = f"""
table inet {PROJECT_TABLE} {{
  map ports {{ type inet_proto . inet_service : ipv4_addr . inet_service; }}
  map passes {{ type ifname . ifname : verdict; }}
  chain loopback {{
    type filter hook prerouting priority raw; policy accept;
    iifname "lo" accept
    ip saddr 127.0.0.0/8 drop
    iifname != "{PROJECT_LINK}" ip daddr 127.0.0.11 meta l4proto {{ tcp, udp }} th dport 53 accept
    ip daddr 127.0.0.0/8 drop
  }}
  chain published {{ ct status dnat accept; }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    ct state vmap {{ established : accept, related : accept, invalid : drop }}
    meta nfproto ipv4 iifname "{PROJECT_LINK}" ct mark set @nh,128,32
    meta nfproto ipv4 iifname != "{PROJECT_LINK}" ct mark set @nh,96,32
    iifname . oifname vmap @passes
  }}
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    iifname "{PROJECT_LINK}" fib daddr type local dnat ip to meta l4proto . th dport map @ports
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "{PROJECT_LINK}" masquerade
  }}
}}
table bridge {PROJECT_TABLE} {{
  chain forward {{
    type filter hook forward priority filter; policy accept;
    ip daddr 127.0.0.0/8 drop
    ip saddr 127.0.0.0/8 drop
  }}
  chain output {{
    type filter hook output priority filter; policy accept;
    oifname "{TRUNK}*" drop
  }}
}}
"""


def make_project_table() -> None:
    """In the project's namespace; a table that is there stays."""
    if not listing("table", "inet", PROJECT_TABLE):
        nft(PROJECT_RULES)


def remove_project_table() -> None:
    nft("".join(_emptied(f"{family} {PROJECT_TABLE}") for family in ("inet", "bridge")))


def let_pass(bridge: str, *, internal: bool) -> None:
    """In the project's namespace: let a network's packets through; an internal one's only among themselves."""
    nft(f"add element inet {PROJECT_TABLE} passes {{ {', '.join(_passes(bridge, internal=internal))} }}")


def block(bridge: str) -> None:
    """Undo `let_pass`; adding first makes deleting sure, and both happen at once."""
    every = f"element inet {PROJECT_TABLE} passes {{ {', '.join(_passes(bridge, internal=False))} }}"
    nft(f"add {every}\ndelete {every}")


def read_leads() -> tuple[Lead, ...]:
    """In the project's namespace: what is published now."""
    maps = (entry["map"] for entry in listing("map", "inet", PROJECT_TABLE, "ports") if "map" in entry)
    return tuple(_lead(key, value) for found in maps for key, value in found.get("elem", ()))


def change_leads(gone: Collection[Lead], new: Collection[Lead]) -> None:
    """In the project's namespace: change what is published. Adding alone takes 5 ms; deleting waits for all packets on their way, 15 ms."""
    ports = f"inet {PROJECT_TABLE} ports"
    old = (f"{lead.protocol} . {lead.port}" for lead in gone)
    elements = (f'{lead.protocol} . {lead.port} comment "{lead.note}" : {lead.address} . {lead.target}' for lead in new)
    nft(_statement("delete", ports, old) + _statement("add", ports, elements))


def host_table(hash_: str) -> str:
    return f"composer_{hash_}"


def change_host_leads(table: str, ends: Ends, gone: Collection[Lead], new: Collection[Lead]) -> bool:
    """On the host: change what is published. False when the table is not there, or not as we left it."""
    return not nft(_host_elements("delete", table, ends, gone) + _host_elements("add", table, ends, new), check=False).code


def replace_host_table(table: str, link: str, ends: Ends, leads: Collection[Lead]) -> None:
    """On the host: the whole table anew."""
    nft(_emptied(f"inet {table}") + _host_rules(table, link, ends) + _host_elements("add", table, ends, leads))


def remove_host_table(table: str) -> None:
    nft(_emptied(f"inet {table}"))


def host_table_exists(table: str) -> bool:
    return bool(listing("table", "inet", table))


def nft(text: str, *, check: bool = True) -> Completed:
    """Run statements of nft(8) as one transaction, in the network namespace of the calling thread."""
    return run(["nft", "-f", "-"], stdin=text, check=check, error=NetworkError)


def listing(*what: str) -> list[dict[str, Any]]:
    """The objects that `nft list` shows (libnftables-json(5)); none when what is asked for is not there."""
    shown = run(["nft", "-j", "list", *what], check=False, error=NetworkError).stdout
    return json.loads(shown)["nftables"] if shown else []


def _host_rules(table: str, link: str, ends: Ends) -> str:
    # `lead` sees what is addressed to the host, from outside, from itself and from containers. What a container sends to
    # the host and the host sends back into the same project gets the host's address, or the answer would take a short cut.
    # The forward chain keeps neighbours of the host from talking to the uplink directly, past 127.0.0.1-only publications.
    # `output` has no priority named dstnat in nft 1.0.
    return f"""
table inet {table} {{
  map published {{ type inet_proto . inet_service : ipv4_addr . inet_service; }}
  map published_at {{ type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }}
  chain loopback {{
    type filter hook prerouting priority raw; policy accept;
    iifname "{link}" ip daddr 127.0.0.0/8 drop
    iifname "{link}" ip saddr 127.0.0.0/8 drop
  }}
  chain lead {{
    dnat ip to ip daddr . meta l4proto . th dport map @published_at
    fib daddr type local dnat ip to meta l4proto . th dport map @published
  }}
  chain prerouting {{ type nat hook prerouting priority dstnat; policy accept; jump lead; }}
  chain output {{ type nat hook output priority -100; policy accept; jump lead; }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    oifname != "{link}" accept
    ct state established,related accept
    ct status dnat accept
    drop
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {ends.project} masquerade
    ip6 saddr {ends.project6} masquerade
    oifname "{link}" ip saddr 127.0.0.0/8 masquerade
  }}
}}
"""


def _host_elements(verb: str, table: str, ends: Ends, leads: Collection[Lead]) -> str:
    ports = [(ip, f"{lead.protocol} . {port} : {ends.project} . {lead.port}") for lead in leads for ip, port in lead.ends]
    everywhere = (rule for ip, rule in ports if ip == ANY)
    somewhere = (f"{ip} . {rule}" for ip, rule in ports if ip != ANY)
    return _statement(verb, f"inet {table} published", everywhere) + _statement(verb, f"inet {table} published_at", somewhere)


def _statement(verb: str, map_: str, elements: Iterable[str]) -> str:
    content = ", ".join(elements)
    return f"{verb} element {map_} {{ {content} }}\n" if content else ""


def _emptied(table: str) -> str:
    """Adding first makes deleting sure."""
    return f"add table {table}\ndelete table {table}\n"


def _passes(bridge: str, *, internal: bool) -> list[str]:
    inside = [f'"{bridge}" . "{bridge}" : accept']
    return inside if internal else [*inside, f'"{bridge}" . "{PROJECT_LINK}" : accept', f'"{PROJECT_LINK}" . "{bridge}" : goto published']


def _lead(key: dict[str, Any], value: dict[str, Any]) -> Lead:
    protocol, port = key["elem"]["val"]["concat"]
    address, target = value["concat"]
    owner, ends = read_note(key["elem"]["comment"])
    return Lead(protocol, port, address, target, owner, ends)
