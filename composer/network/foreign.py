"""The one rule in another tool's firewall: where its policy drops what is forwarded, composer's own rules cannot let it through.

The rule goes into the place that the tool keeps for others, carries a mark, and is removed by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from composer.network.firewall import listing, nft

#: Chains of `table ip filter` (iptables) that are meant for the rules of others: Docker's, ufw's.
MEANT_FOR_OTHERS = ("DOCKER-USER", "ufw-user-forward")
FORWARD = "FORWARD"

JsonObject = dict[str, Any]


def open_for(link: str) -> None:
    """Let what comes from and goes to `link` be forwarded on this host; done already: nothing."""
    place = _place({chain["name"]: chain for chain in _chains()})
    if place and len(list(_marked(place, link))) < 2:
        close_for(link)
        rule = f'insert rule ip filter {place} %s "{link}" counter accept comment "{_mark(link)}"'
        nft("\n".join(rule % direction for direction in ("iifname", "oifname")))


def close_for(link: str) -> None:
    """Remove the marked rules, wherever they are."""
    present = {chain["name"] for chain in _chains()}
    for place in (*MEANT_FOR_OTHERS, FORWARD):
        if place in present:
            nft("\n".join(f"delete rule ip filter {place} handle {handle}" for handle in _marked(place, link)))


def _place(chains: dict[str, JsonObject]) -> str | None:
    """Where a rule is needed, if at all."""
    for name in MEANT_FOR_OTHERS:
        if name in chains:
            return name
    return FORWARD if chains.get(FORWARD, {}).get("policy") == "drop" else None


def _chains() -> Iterator[JsonObject]:
    for entry in listing("chains", "ip"):
        chain = entry.get("chain")
        if chain and chain["table"] == "filter":
            yield chain


def _marked(place: str, link: str) -> Iterator[int]:
    """Handles of the rules with our mark."""
    for entry in listing("chain", "ip", "filter", place):
        rule = entry.get("rule", {})
        if rule.get("comment") == _mark(link):
            yield rule["handle"]


def _mark(link: str) -> str:
    return f"composer {link}"
