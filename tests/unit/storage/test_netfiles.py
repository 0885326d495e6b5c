"""hosts and resolv.conf."""

from __future__ import annotations

import pytest

from composer.storage.netfiles import hosts_text, resolv_text


@pytest.mark.parametrize(("host", "container"), [
    ("", "nameserver 127.0.0.11\noptions ndots:0\n"),
    ("nameserver 10.0.0.1\nsearch a.example b.example\n", "nameserver 127.0.0.11\nsearch a.example b.example\noptions ndots:0\n"),
    ("domain old.example\nsearch new.example\n", "nameserver 127.0.0.11\nsearch new.example\noptions ndots:0\n"),
    ("search .\n", "nameserver 127.0.0.11\noptions ndots:0\n"),
    ("options edns0 trust-ad\n", "nameserver 127.0.0.11\noptions edns0 trust-ad ndots:0\n"),
    ("options ndots:3\n# options x\n", "nameserver 127.0.0.11\noptions ndots:3\n"),
])
def test_the_projects_resolver_takes_over(host: str, container: str) -> None:
    """Search domains and options of the host stay; its name servers are asked by the resolver."""
    assert resolv_text(host) == container


def test_hosts_lines_hold_an_address_and_its_names() -> None:
    """hosts(5)."""
    assert hosts_text([("10.0.0.2", ("a", "a.b")), ("::1", ("c",))]) == "10.0.0.2\ta a.b\n::1\tc\n"


@pytest.mark.parametrize(("servers", "search", "options", "container"), [
    (("127.0.0.11",), ("c", "d"), ("ndots:2",), "nameserver 127.0.0.11\nsearch c d\noptions ndots:2\n"),
    (("127.0.0.11",), (".",), (), "nameserver 127.0.0.11\noptions edns0 ndots:0\n"),
    (("192.0.2.1", "192.0.2.2"), (), (), "nameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch a\noptions edns0\n"),
    ((), ("c",), (), "nameserver 10.0.0.1\nsearch c\noptions edns0\n"),
    ((), (), (), "nameserver 10.0.0.1\nsearch a\noptions edns0\n"),
])
def test_the_services_own_come_first(servers: tuple[str, ...], search: tuple[str, ...], options: tuple[str, ...], container: str) -> None:
    """What the service does not say is the host's."""
    assert resolv_text("nameserver 10.0.0.1\nsearch a\noptions edns0\n", servers, search, options) == container
