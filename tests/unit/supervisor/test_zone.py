"""Who finds which name, and what it is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from composer.observed import Container, Endpoint, NetworkState
from composer.supervisor.zone import TTL, Answer, Wanted, Zone

FRONT, BACK = "10.211.0", "10.211.1"


def network(key: str, prefix: str, *, internal: bool = False) -> NetworkState:
    return NetworkState(key=key, name=f"shop_{key}", bridge=f"b-{key}", mac="", subnet=f"{prefix}.0/24", gateway=f"{prefix}.1",
                        internal=internal, fingerprint="")


NETWORKS = {"front": network("front", FRONT), "back": network("back", BACK, internal=True)}


def container(service: str, number: int, *addresses: str, aliases: tuple[str, ...] = (), oneoff: bool = False) -> Container:
    ends = tuple(
        Endpoint(network="front" if address.startswith(FRONT + ".") else "back", interface=f"eth{index}", peer="", address=f"{address}/24",
                 gateway="", mac="", aliases=aliases)
        for index, address in enumerate(addresses)
    )
    name = f"shop-{service}-run-{number}" if oneoff else f"shop-{service}-{number}"
    return Container(id=f"{service}{number}".ljust(64, "0"), name=name, service=service, number=number, oneoff=oneoff, endpoints=ends)


NGINX = container("view", 1, f"{FRONT}.2")
WEB_1 = container("web", 1, f"{FRONT}.3", f"{BACK}.3")
WEB_2 = container("web", 2, f"{FRONT}.4", f"{BACK}.4")
DB = container("db", 1, f"{BACK}.2", aliases=("Postgres", "primary.db"))


@pytest.fixture
def zone() -> Zone:
    zone = Zone("10.200.0.1")
    for one in (NGINX, WEB_1, WEB_2, DB):
        zone.add(one, NETWORKS)
    return zone


def values(answer: Answer | None) -> tuple[str, ...]:
    assert answer is not None, "not answered by the zone"
    return answer.values


NAMES = ["db", "DB", "db.", "shop-db-1", "postgres", "POSTGRES.", "primary.db", "db1000000000", "db.shop_back", "shop-db-1.SHOP_back."]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_container_is_found(zone: Zone, name: str) -> None:
    """Service, container, aliases, short id, each also with the network's name behind it; in any case, with or without a final dot."""
    assert zone.answer(f"{BACK}.3", name, "A") == Answer((f"{BACK}.2",), ttl=TTL)


def test_names_are_found_on_shared_networks_only(zone: Zone) -> None:
    """What is on the front network alone does not see the database, and the database does not see it."""
    assert zone.answer(f"{FRONT}.2", "db", "A") is None
    assert zone.answer(f"{FRONT}.2", "db.shop_back", "A") is None
    assert zone.answer(f"{BACK}.2", "view", "A") is None


def test_a_container_finds_itself(zone: Zone) -> None:
    """A service asks for its own name, too."""
    assert values(zone.answer(f"{BACK}.2", "db", "A")) == (f"{BACK}.2",)


def test_a_client_is_the_same_by_each_of_its_addresses(zone: Zone) -> None:
    """A container on two networks finds the names of both, whichever address the question comes from."""
    for client in (f"{FRONT}.3", f"{BACK}.3"):
        assert values(zone.answer(client, "view", "A")) == (f"{FRONT}.2",)
        assert values(zone.answer(client, "db", "A")) == (f"{BACK}.2",)


def test_one_address_a_container(zone: Zone) -> None:
    """Of a container that shares two networks with the client, one address is given: that on the client's first network."""
    assert values(zone.answer(f"{BACK}.3", "shop-web-2", "A")) == (f"{FRONT}.4",)


def test_replicas_take_turns(zone: Zone) -> None:
    """Each answer holds all replicas and begins with the next one."""
    first, second, third = (values(zone.answer(f"{FRONT}.2", "web", "A")) for _ in range(3))
    assert sorted(first) == [f"{FRONT}.3", f"{FRONT}.4"]
    assert second == first[::-1] and third == first


def test_turns_of_two_names_do_not_disturb_each_other(zone: Zone) -> None:
    """A client that asks for two services by turns still gets another replica each time."""
    for number, last in ((1, 7), (2, 8)):
        zone.add(container("api", number, f"{FRONT}.{last}"), NETWORKS)
    seen = set()
    for _ in range(2):
        seen.add(values(zone.answer(f"{FRONT}.2", "web", "A"))[0])
        zone.answer(f"{FRONT}.2", "api", "A")
    assert seen == {f"{FRONT}.3", f"{FRONT}.4"}


def test_answers_may_be_kept_for_a_second_at_most(zone: Zone) -> None:
    """Replicas change."""
    answer = zone.answer(f"{FRONT}.2", "web", "A")
    assert answer is not None and answer.ttl <= 1


@pytest.mark.parametrize("kind", ["AAAA", "MX", "TXT", "SRV", "HTTPS"])
def test_a_known_name_without_such_a_record_is_an_empty_answer(zone: Zone, kind: str) -> None:
    """Neither "no such name" nor passed on."""
    assert zone.answer(f"{BACK}.3", "db", kind) == Answer(())


@pytest.mark.parametrize("name", ["example.org", "nobody", "db.example.org", "shop_back", ""])
def test_unknown_names_are_not_ours(zone: Zone, name: str) -> None:
    """Also a name of one label is for the outside to answer, as with Docker."""
    assert zone.answer(f"{BACK}.3", name, "A") is None


def test_removed_containers_are_forgotten(zone: Zone) -> None:
    """Only running containers have names; the others of the service keep theirs."""
    zone.remove(WEB_1.id)
    zone.remove(WEB_1.id)
    assert values(zone.answer(f"{FRONT}.2", "web", "A")) == (f"{FRONT}.4",)
    assert zone.answer(f"{FRONT}.2", "shop-web-1", "A") is None
    assert zone.answer(f"{FRONT}.2", "3.0.211.10.in-addr.arpa", "PTR") is None


def test_adding_again_replaces(zone: Zone) -> None:
    """A container that comes back with another address has that one alone."""
    zone.add(container("db", 1, f"{BACK}.9"), NETWORKS)
    assert values(zone.answer(f"{BACK}.3", "db", "A")) == (f"{BACK}.9",)
    assert zone.answer(f"{BACK}.3", "postgres", "A") is None


def test_one_off_containers_are_no_replicas(zone: Zone) -> None:
    """`run` gives a container its own name and the aliases that were asked for, not the service's name."""
    zone.add(container("db", 7, f"{BACK}.7", oneoff=True, aliases=("job",)), NETWORKS)
    assert values(zone.answer(f"{BACK}.3", "db", "A")) == (f"{BACK}.2",)
    assert values(zone.answer(f"{BACK}.3", "shop-db-run-7", "A")) == (f"{BACK}.7",)
    assert values(zone.answer(f"{BACK}.3", "job", "A")) == (f"{BACK}.7",)
    assert values(zone.answer(f"{BACK}.7", "db", "A")) == (f"{BACK}.2",)


def test_reverse_names_are_dockers(zone: Zone) -> None:
    """NAME.NETWORK with a final dot, on shared networks only; other addresses are not ours."""
    assert values(zone.answer(f"{BACK}.3", "2.1.211.10.in-addr.arpa.", "PTR")) == ("shop-db-1.shop_back.",)
    assert zone.answer(f"{FRONT}.2", "2.1.211.10.in-addr.arpa.", "PTR") is None
    assert zone.answer(f"{BACK}.3", "8.8.8.8.in-addr.arpa.", "PTR") is None
    assert zone.answer(f"{BACK}.3", "2.1.211.10.in-addr.arpa.", "A") == Answer(())


@pytest.mark.parametrize("name", ["host.docker.internal", "gateway.docker.internal.", "HOST.docker.internal"])
def test_the_host_has_a_name(zone: Zone, name: str) -> None:
    """The uplink's host end, for every client; no IPv6."""
    assert values(zone.answer(f"{FRONT}.2", name, "A")) == ("10.200.0.1",)
    assert zone.answer(f"{FRONT}.2", name, "AAAA") == Answer(())
    assert Zone().answer(f"{FRONT}.2", name, "A") is None


def test_clients_on_internal_networks_only_reach_nobody_outside(zone: Zone) -> None:
    """One network that leads outside is enough to be forwarded for."""
    assert not zone.may_forward(f"{BACK}.2")
    assert zone.may_forward(f"{BACK}.3")
    assert zone.may_forward(f"{FRONT}.2")


def test_a_client_that_is_not_added_belongs_to_the_network_around_it(zone: Zone) -> None:
    """A container that asks before it is known finds the names of its network, and is held back like it."""
    assert values(zone.answer(f"{BACK}.77", "db", "A")) == (f"{BACK}.2",)
    assert not zone.may_forward(f"{BACK}.77")
    assert zone.answer("192.0.2.1", "db", "A") is None
    assert zone.may_forward("192.0.2.1")


def test_links_and_servers_are_the_clients_own(zone: Zone) -> None:
    """An alias of `links` leads the linking container, and nobody else, to the service; `dns` servers are told by client."""
    zone.add(WEB_1, NETWORKS, links={"Store": "db"}, servers=("10.9.9.9",))
    assert values(zone.answer(f"{BACK}.3", "store", "A")) == (f"{BACK}.2",)
    assert zone.answer(f"{BACK}.4", "store", "A") is None
    assert (zone.servers_of(f"{FRONT}.3"), zone.servers_of(f"{FRONT}.4")) == (("10.9.9.9",), ())
    assert zone.holds(f"{BACK}.200") and not zone.holds("10.9.9.9")


def test_neighbours_of_shared_networks_answer_too() -> None:
    """Containers of other projects are found on the networks that are shared, by those who are on them, beside one's own of that name."""
    theirs = replace(container("web", 9, f"{FRONT}.9"), name="other-web-9")
    asked: list[str] = []

    def neighbours(name: str, wanted: Wanted) -> list[tuple[Container, Endpoint]]:
        asked.append(name)
        return [(theirs, end) for end in theirs.endpoints if name == "shop_front" and wanted(theirs, end)]

    zone = Zone(neighbours=neighbours)
    zone.add(WEB_1, NETWORKS)
    zone.add(DB, NETWORKS)
    assert set(values(zone.answer(f"{FRONT}.3", "web", "A"))) == {f"{FRONT}.3", f"{FRONT}.9"}
    assert values(zone.answer(f"{FRONT}.3", "other-web-9.shop_front", "A")) == (f"{FRONT}.9",)
    assert values(zone.answer(f"{FRONT}.3", "9.0.211.10.in-addr.arpa", "PTR")) == ("other-web-9.shop_front.",)
    assert zone.answer(f"{BACK}.2", "other-web-9", "A") is None
    assert set(asked) == {"shop_front", "shop_back"}


def test_ipv6_addresses() -> None:
    """AAAA has them, A has not; a container without any has the name all the same; ip6.arpa leads back."""
    six = replace(WEB_1, endpoints=(replace(WEB_1.endpoints[0], address6="fd00::3/64"),))
    zone = Zone()
    zone.add(six, NETWORKS)
    zone.add(NGINX, NETWORKS)
    assert values(zone.answer(f"{FRONT}.2", "web", "AAAA")) == ("fd00::3",)
    assert values(zone.answer(f"{FRONT}.2", "web", "A")) == (f"{FRONT}.3",)
    assert values(zone.answer(f"{FRONT}.3", "view", "AAAA")) == ()
    name = ".".join(reversed("fd000000000000000000000000000003")) + ".ip6.arpa"
    assert values(zone.answer(f"{FRONT}.2", name, "PTR")) == ("shop-web-1.shop_front.",)
    assert zone.answer(f"{FRONT}.2", "nonsense.ip6.arpa", "PTR") is None
