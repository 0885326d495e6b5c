"""Names: who finds whom, by which name, and who answers for the rest of the world."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dnslib import QTYPE, RCODE, RR, A, DNSRecord

from composer.network.namespaces import apart
from tests.command_line import Composer
from tests.eventually import eventually
from tests.inside import Found, address_of, lookup, talk
from tests.machine import STUB, Machine
from tests.records import ids

IDLE = """
    x-idle: &idle
      image: busybox
      command: [sleep, infinity]
"""


def test_a_name_is_known_where_a_network_is_shared(composer: Composer) -> None:
    """Service, container, short id and the aliases of a network lead to the address on it; nobody else's network tells; case is free."""
    composer.write(IDLE + """
    services:
      web: {<<: *idle, networks: {front: {aliases: [www, Shop.Example]}, back: {aliases: [inner]}}}
      app: {<<: *idle, container_name: Till, networks: [back]}
      guest: {<<: *idle, networks: [front]}
    networks: {front: {}, back: {}}
    """)
    composer("up", "-d")
    front, back = address_of(composer, "shop-web-1", "front"), address_of(composer, "shop-web-1", "back")
    assert front.rpartition(".")[0] != back.rpartition(".")[0]

    short = ids(composer)["shop-web-1"][:12]
    for name in ("web", "WEB", "wEb", "shop-web-1", short, "www", "shop.example", "SHOP.EXAMPLE", "web.shop_front"):
        assert lookup(composer, "shop-guest-1", name).values == (front,), name
    for name in ("web", "shop-web-1", short, "inner", "INNER", "web.shop_back"):
        assert lookup(composer, "Till", name).values == (back,), name
    assert lookup(composer, "shop-web-1", "till").values == (address_of(composer, "Till", "back"),)
    for stranger, name in (("shop-guest-1", "app"), ("shop-guest-1", "till"), ("shop-guest-1", "inner"), ("Till", "www")):
        assert lookup(composer, stranger, name).values == (), f"{stranger} finds {name}"

    said = composer.inside("guest", "nslookup", "web")
    assert "127.0.0.11" in said
    assert f"Address: {front}\n" in said
    assert "nameserver 127.0.0.11\n" in composer.inside("guest", "cat", "/etc/resolv.conf")


def test_an_address_has_the_name_of_its_container(composer: Composer) -> None:
    """PTR leads from the address to CONTAINER.NETWORK, and a name that exists has no AAAA instead of not existing."""
    composer.write(IDLE + "    services: {web: *idle, db: *idle}")
    composer("up", "-d")
    reverse = ".".join(reversed(address_of(composer, "shop-db-1").split("."))) + ".in-addr.arpa"
    assert lookup(composer, "shop-web-1", reverse, "PTR").values == ("shop-db-1.shop_default.",)
    assert lookup(composer, "shop-web-1", "db", "AAAA") == Found("NOERROR")


def test_replicas_take_turns_and_the_gone_are_forgotten(composer: Composer) -> None:
    """Each question begins with the next replica; no answer may be kept longer than a second; a stopped replica is in none."""
    composer.write(IDLE + "    services: {web: {<<: *idle, scale: 3}, client: *idle}")
    composer("up", "-d")
    all_three = {address_of(composer, f"shop-web-{number}") for number in (1, 2, 3)}
    answers = [lookup(composer, "shop-client-1", "web") for _ in range(6)]
    assert {answer.values[0] for answer in answers} == all_three
    assert all(set(answer.values) == all_three for answer in answers)
    assert all(answer.ttl <= 1 for answer in answers)
    assert lookup(composer, "shop-client-1", "shop-web-2").values == (address_of(composer, "shop-web-2"),)

    stopped = address_of(composer, "shop-web-3")
    composer("up", "-d", "--scale", "web=2")
    assert set(lookup(composer, "shop-client-1", "web").values) == all_three - {stopped}
    composer("stop", "-t", "0", "web")
    assert lookup(composer, "shop-client-1", "web").values == ()
    composer("start", "web")
    eventually(lambda: set(lookup(composer, "shop-client-1", "web").values) == all_three - {stopped})


def test_an_alias_may_be_many(composer: Composer) -> None:
    """An alias that several services have leads to all of them."""
    composer.write(IDLE + """
    services:
      one: {<<: *idle, networks: {default: {aliases: [pool]}}}
      two: {<<: *idle, networks: {default: {aliases: [pool]}}}
    """)
    composer("up", "-d")
    both = {address_of(composer, f"shop-{name}-1") for name in ("one", "two")}
    assert set(lookup(composer, "shop-one-1", "pool").values) == both


@contextmanager
def stub_resolver(machine: Machine, names: dict[str, str]) -> Iterator[None]:
    """A resolver on the machine's loopback, as systemd-resolved is one; what it does not know does not exist."""

    def bind() -> socket.socket:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind((STUB, 53))
        one.settimeout(0.05)
        return one

    def serve() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                packet, client = server.recvfrom(4096)
                server.sendto(answer(DNSRecord.parse(packet)).pack(), client)

    def answer(question: DNSRecord) -> DNSRecord:
        reply = question.reply()
        address = names.get(str(question.q.qname).rstrip("."))
        if address is None:
            reply.header.rcode = RCODE.NXDOMAIN
        elif question.q.qtype == QTYPE.A:
            reply.add_answer(RR(question.q.qname, QTYPE.A, rdata=A(address), ttl=300))
        return reply

    over, server = threading.Event(), apart(bind, netns=machine.inside)
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        server.close()


def test_other_names_are_the_hosts_business(machine: Machine) -> None:
    """What is no container is asked of the host's resolver, a stub on its loopback too; an internal network asks nobody outside."""
    shop = machine.project()
    shop.write(IDLE + """
    services:
      web: *idle
      locked: {<<: *idle, networks: [inner]}
    networks: {inner: {internal: true}}
    """)
    with stub_resolver(machine, {"shop.example": "203.0.113.7", "web": "203.0.113.8"}):
        shop("up", "-d")
        assert lookup(shop, "shop-web-1", "shop.example").values == ("203.0.113.7",)
        assert "203.0.113.7" in shop.inside("web", "nslookup", "shop.example")
        assert lookup(shop, "shop-web-1", "web").values == (address_of(shop, "shop-web-1"),), "the project's own names come first"
        assert lookup(shop, "shop-web-1", "nobody.example").code == "NXDOMAIN"
        assert lookup(shop, "shop-locked-1", "shop.example").values == ()
        assert lookup(shop, "shop-locked-1", "locked").values == (address_of(shop, "shop-locked-1", "inner"),)
    assert lookup(shop, "shop-web-1", "web").values == (address_of(shop, "shop-web-1"),), "without the host's resolver, too"


def test_the_host_has_a_name(machine: Machine) -> None:
    """`host.docker.internal` is an address at which a server on the host answers."""
    shop = machine.project()
    shop.write(IDLE + "    services: {web: *idle}")
    machine.serve("host", machine.inside, 9000)
    shop("up", "-d")
    (address,) = lookup(shop, "shop-web-1", "Host.Docker.Internal").values
    assert talk(shop, "shop-web-1", address, 9000).startswith("host ")
    assert address in shop.inside("web", "nslookup", "host.docker.internal")
