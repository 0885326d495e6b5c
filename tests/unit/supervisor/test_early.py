"""When an early probe is run, replayed with a clock of our own."""

from __future__ import annotations

import pytest

from composer.model.ports import Port
from composer.model.service import Service
from composer.supervisor import early
from composer.supervisor.early import Early, begin, believed, declared_ports, due, look, may_change, next_look, ran

NOTHING: frozenset[int] = frozenset()
PG = frozenset({5432})


def probes(state: Early, *, until: float, lasting: float, listening: frozenset[int] = NOTHING, executable: str = "app") -> list[float]:
    """When failing probes begin, if somebody looks every millisecond."""
    begun, now = [], state.started_at
    while now < until:
        state = look(state, listening, executable, now)
        if due(state, now):
            begun.append(round(now - state.started_at, 3))
            state = ran(state, now, now + lasting)
            now += lasting
        now += 0.001
    return begun


def test_nothing_is_probed_before_a_declared_port_listens() -> None:
    """With declared ports no probe runs until one of them listens, however long it takes."""
    assert probes(begin(PG, 0), until=60, lasting=0.01) == []
    assert probes(begin(PG, 0), until=60, lasting=0.01, listening=frozenset({22, 8080})) == []


def test_a_new_listener_is_probed_at_once() -> None:
    """The look that finds the listener makes a probe due."""
    state = look(begin(PG, 0), NOTHING, "postgres", 0.9)
    assert not due(state, 0.9)
    assert due(look(state, PG, "postgres", 1.0), 1.0)


def test_a_second_listener_is_probed_at_once_too() -> None:
    """Each new listener is a reason of its own, whatever the pause after the last failure is."""
    state = look(begin(frozenset({80, 443}), 0), frozenset({80}), "nginx", 10)
    for _ in range(4):
        state = ran(state, 10, 10.01)
    assert not due(look(state, frozenset({80}), "nginx", 10.5), 10.5)
    assert due(look(state, frozenset({80, 443}), "nginx", 10.5), 10.5)


def test_a_listener_under_another_executable_is_new() -> None:
    """A temporary server of the entrypoint and the real one on the same port are two listeners."""
    state = ran(look(begin(PG, 0), PG, "bash", 5), 5, 5.01)
    later = look(state, PG, "postgres", 5.02)
    assert due(later, 5.2) and later.executable == "postgres"


def test_success_counts_only_under_the_same_executable() -> None:
    """If PID 1 has become another program since the listener was seen, the success was of something temporary."""
    state = look(begin(PG, 0), PG, "bash", 1)
    assert believed(state, "bash", [["bash", "-c", "serve"]])
    assert not believed(state, "postgres", [["postgres"]])


def test_a_listener_that_went_away_is_not_probed() -> None:
    """Between the temporary server's end and the real one's start nothing is asked."""
    state = look(look(begin(PG, 0), PG, "bash", 1), NOTHING, "bash", 1.1)
    assert not due(state, 50)
    assert due(look(state, PG, "bash", 50), 50)


def test_without_declared_ports_the_pauses_double() -> None:
    """100 ms after the start, then 100, 200, 400... after each failure."""
    assert probes(begin(NOTHING, 0), until=4, lasting=0.001) == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2], abs=0.02)


def test_a_server_that_listens_and_does_not_answer_yet_is_asked_again() -> None:
    """After a listener's first failure the pauses double as well."""
    assert probes(begin(PG, 0), until=4, lasting=0.001, listening=PG) == pytest.approx([0, 0.1, 0.3, 0.7, 1.5, 3.1], abs=0.02)


@pytest.mark.parametrize("lasting", [0.02, 0.2, 2.0])
def test_early_probes_take_less_than_a_tenth_of_the_time(lasting: float) -> None:
    """No probe begins before the former ones are below 10 % of the container's age."""
    begun = probes(begin(PG, 0), until=300, lasting=lasting, listening=PG)
    assert len(begun) > 3
    assert all(number * lasting <= at * early.SHARE + 1e-9 for number, at in enumerate(begun))


def test_looks_are_often_at_first_and_find_a_listener_within_a_hundredth() -> None:
    """The pace follows the age: 20 ms for a young container, never more than half a second."""
    state = begin(PG, 100)
    assert next_look(state, 100, 1) == pytest.approx(100.02)
    assert next_look(state, 110, 1) == pytest.approx(110.1)
    assert next_look(state, 200, 1) == pytest.approx(200.5)


def test_many_that_start_at_once_are_looked_at_less_often() -> None:
    """All looks together take no more of a processor than those at fifty young containers in a tenth of a second."""
    assert next_look(begin(PG, 100), 100, 50) == pytest.approx(100.1)


def test_declared_ports_are_the_services_tcp_ports() -> None:
    """`ports` and `expose` count together, ranges are expanded, UDP does not count."""
    service = Service(name="a", image="a", ports=(Port(target=80), Port(target=53, protocol="udp")), expose=("3000-3002", "9/udp", "8/tcp"))
    assert declared_ports(service, ["1234/tcp"]) == {80, 3000, 3001, 3002, 8}


def test_the_images_ports_count_only_when_the_service_declares_none() -> None:
    """EXPOSE of the image is taken for a service without TCP ports."""
    assert declared_ports(Service(name="a", image="a", expose=("53/udp",)), ["5432/tcp", "53/udp", "80"]) == {5432, 80}


@pytest.mark.parametrize(
    "commands",
    [
        [["/bin/sh", "/usr/local/bin/docker-entrypoint.sh", "postgres"]],
        [["sh", "-c", "temporary & sleep 1; kill $!; exec serve"]],
        [["bash", "-ec", "temporary & sleep 1; serve"]],
        [["-sh"]],
        [["/sbin/docker-init", "--", "/entrypoint.sh"], ["/bin/bash", "/entrypoint.sh"]],
    ],
)
def test_a_shell_that_may_start_another_server_is_not_believed(commands: list[list[str]]) -> None:
    """An entrypoint's temporary server answers before the real one is there."""
    assert may_change(commands)


@pytest.mark.parametrize(
    "commands",
    [
        [["postgres", "-D", "/data"]],
        [["sh", "-c", "migrate && serve >log 2>&1"]],
        [["/bin/sh", "-c", "serve"], ["serve"], ["sh", "helper.sh"]],
        [["/usr/bin/tini", "--", "serve"], ["serve"]],
        [],
    ],
)
def test_what_stays_as_it_is_is_believed(commands: list[list[str]]) -> None:
    """A server, or a shell that runs one command after the other: the one that listens is the last."""
    assert not may_change(commands)


def test_who_waits_is_told_when_the_test_is_run() -> None:
    """Early by the declared ports or by the clock, and regularly; without early probes regularly alone."""
    assert early.explained("test `a`", 30.0, [8080, 80], eager=True) == "test `a`, early when port 80, 8080 listens, then every 30 s"
    assert early.explained("test `a`", 1.5, [], eager=True) == "test `a`, early from 0.1 s on, then every 1.5 s"
    assert early.explained("test `a`", 30.0, [80], eager=False) == "test `a`, every 30 s"
