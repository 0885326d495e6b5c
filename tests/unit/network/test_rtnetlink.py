"""Requests as the kernel reads them, and its answers."""

from __future__ import annotations

import struct
import sys
from ipaddress import IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

import pytest

from composer.network import conntrack, rtnetlink
from composer.network.rtnetlink import End, Route, attribute, attributes, messages, number, packed

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the bytes are a little-endian machine's")


def test_attributes_begin_at_multiples_of_four() -> None:
    """A value of three bytes is filled up, its length says three; flags in the kind are not part of it."""
    data = attribute(1, b"abc") + attribute(2 | 0x8000, b"defg")
    assert data.hex(" ", 4) == "07000100 61626300 08000280 64656667"
    assert attributes(data) == {1: b"abc", 2: b"defg"}


def test_a_broken_attribute_does_not_hold_us() -> None:
    """One that says that it has no length is stepped over."""
    assert attributes(b"\0\0\1\0") == {1: b""}


def test_several_requests_go_in_one_packet() -> None:
    """Each with its number, which the answer repeats."""
    data = packed(rtnetlink.link_up(7), 0) + packed(rtnetlink.remove_link("br-1"), 1)
    assert [(kind, which) for kind, which, _ in messages(data)] == [(rtnetlink.NEW_LINK, 0), (rtnetlink.DELETE_LINK, 1)]


def test_an_address_has_the_broadcast_address_of_its_network() -> None:
    """A pair's network of two addresses has none (RFC 3021)."""
    request = rtnetlink.add_address(3, IPv4Interface("10.211.0.2/24"))
    assert request.body[:8].hex(" ", 4) == "02180000 03000000"
    assert attributes(request.body[8:]) == {1: bytes([10, 211, 0, 2]), 2: bytes([10, 211, 0, 2]), 4: bytes([10, 211, 0, 255])}
    assert 4 not in attributes(rtnetlink.add_address(3, IPv4Interface("10.211.0.2/31")).body[8:])


def test_a_veth_pair_has_its_other_end_within() -> None:
    """The port is up and has a master; the other end goes to a namespace, with its MAC."""
    request = rtnetlink.add_veth(End("v0", master=5), End("eth0", "02:42:0a:d3:00:02", namespace=9), 1400)
    own = attributes(request.body[16:])
    assert (own[rtnetlink.NAME], own[rtnetlink.MASTER]) == (b"v0\0", number(5))
    data = attributes(attributes(own[rtnetlink.LINK_INFO])[rtnetlink.INFO_DATA])
    peer = attributes(data[rtnetlink.VETH_PEER][16:])
    assert peer == {rtnetlink.NAME: b"eth0\0", rtnetlink.MTU: number(1400), rtnetlink.MAC: bytes.fromhex("02420ad30002"),
                    rtnetlink.NAMESPACE: number(9)}


def test_a_route_is_read_as_it_was_asked_for() -> None:
    """What is not said is 0."""
    asked = rtnetlink.add_route(Route(IPv4Network("10.1.0.0/16"), 4, "10.1.0.1", priority=7))
    assert rtnetlink.read_route(asked.body) == rtnetlink.FoundRoute(IPv4Network("10.1.0.0/16"), rtnetlink.UNICAST, 4, 7, 0)


def test_a_default_routes_mtu_is_in_its_metrics() -> None:
    """The destination of a default route is not said."""
    body = rtnetlink.add_route(Route(IPv4Network("0.0.0.0/0"), 2)).body + attribute(rtnetlink.METRICS, attribute(2, number(1400)))
    assert rtnetlink.read_route(body) == rtnetlink.FoundRoute(IPv4Network("0.0.0.0/0"), rtnetlink.UNICAST, 2, 0, 1400)


def test_a_tracked_flow_is_known_by_its_original_side() -> None:
    """ICMP has no port."""
    addresses = attribute(1, attribute(1, bytes([10, 0, 0, 2])), attribute(2, bytes([10, 0, 0, 9])))
    udp = attribute(2, attribute(1, b"\x11"), attribute(2, struct.pack("!H", 40000)), attribute(3, struct.pack("!H", 53)))
    head = struct.pack("=BBH", 2, 0, 0)
    flow = conntrack.read_flow(head + attribute(1, addresses, udp))
    assert (flow.source, flow.destination, flow.protocol, flow.port) == ("10.0.0.2", "10.0.0.9", 17, 53)
    assert conntrack.read_flow(head + attribute(1, addresses, attribute(2, attribute(1, b"\x01")))).port == 0


def test_ipv6_addresses_and_routes() -> None:
    """The same requests in the other family, without a broadcast address."""
    request = rtnetlink.add_address(3, IPv6Interface("fd00::2/64"))
    assert request.body[:2] == bytes((rtnetlink.INET6, 64))
    assert attributes(request.body[8:]).keys() == {rtnetlink.ADDRESS, rtnetlink.OWN_ADDRESS}
    asked = rtnetlink.add_route(Route(IPv6Network("::/0"), 4, "fd00::1"))
    assert attributes(asked.body[12:])[rtnetlink.GATEWAY] == IPv6Address("fd00::1").packed
    assert rtnetlink.read_route(asked.body) == rtnetlink.FoundRoute(IPv6Network("::/0"), rtnetlink.UNICAST, 4, 0, 0)
