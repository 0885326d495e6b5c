"""Which port of the uplink leads to which container."""

from __future__ import annotations

import pytest

from composer.errors import NetworkError
from composer.network.leads import Lead, lead_to, owner_of, read_note
from composer.observed import Publication

WEB = "10.211.0.2"


def lead(*publications: Publication, others: tuple[Lead, ...] = (), owner: str = "web") -> tuple[Lead, ...]:
    return lead_to(WEB, owner, publications, others)


def test_a_port_leads_to_the_container() -> None:
    """The uplink's port has the number of the host's; all addresses are one end."""
    assert lead(Publication("", 8080, 80)) == (Lead("tcp", 8080, WEB, 80, "web", (("0.0.0.0", 8080),)),)


def test_ipv6_has_a_port_of_the_uplink_and_no_end() -> None:
    """The supervisor forwards to the number that the user gave."""
    assert lead(Publication("::1", 8080, 80)) == (Lead("tcp", 8080, WEB, 80, "web", ()),)


def test_both_families_of_one_port_share_a_lead() -> None:
    """127.0.0.1:8080:80 and [::1]:8080:80 are one way."""
    assert lead(Publication("127.0.0.1", 8080, 80), Publication("::1", 8080, 80)) == (
        Lead("tcp", 8080, WEB, 80, "web", (("127.0.0.1", 8080),)),)


def test_one_number_on_two_addresses_for_two_targets_takes_two_ports() -> None:
    """The second gets another port of the uplink, and keeps its own on the host."""
    first = lead(Publication("127.0.0.1", 8080, 80))
    (second,) = lead_to("10.211.0.3", "db", (Publication("192.0.2.1", 8080, 80),), first)
    assert second == Lead("tcp", 65535, "10.211.0.3", 80, "db", (("192.0.2.1", 8080),))


def test_ipv6_cannot_take_another_port() -> None:
    """The forwarder knows one number only."""
    first = lead(Publication("127.0.0.1", 8080, 80))
    with pytest.raises(NetworkError, match="cannot lead to different places"):
        lead_to("10.211.0.3", "db", (Publication("::1", 8080, 80),), first)


def test_protocols_have_ports_of_their_own() -> None:
    """53/tcp and 53/udp do not meet."""
    assert [one.port for one in lead(Publication("", 53, 53), Publication("", 53, 5353, "udp"))] == [53, 53]


def test_notes_are_read_back_and_fit() -> None:
    """What the packet rule remembers is within 128 bytes and lossless."""
    owner = owner_of("a" * 64)
    (one,) = lead(Publication("127.0.0.1", 8080, 80), Publication("192.168.100.200", 8080, 80), Publication("", 8080, 80), owner=owner)
    assert len(one.note) < 128
    assert read_note(one.note) == (owner, one.ends)
    assert owner != owner_of("a" * 63 + "b")
