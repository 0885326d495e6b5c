"""`ps`: docker compose's words."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from composer.cli.listing import HEADINGS, as_json, as_table, status
from composer.cli.printer import ago
from composer.observed import Container, Publication


def one(**fields: Any) -> Container:
    return Container(
        **{
            "id": "abcdef" * 10,
            "name": "shop-web-1",
            "service": "web",
            "number": 1,
            "status": "running",
            "image": "nginx",
            "command": "nginx -g 'daemon off;'",
            "created_at": time.time() - 7200,
            "started_at": time.time() - 300,
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "Up 5 minutes"),
        ({"health": "healthy"}, "Up 5 minutes (healthy)"),
        ({"health": "starting"}, "Up 5 minutes (health: starting)"),
        ({"health": "unhealthy"}, "Up 5 minutes (unhealthy)"),
        ({"status": "paused"}, "Up 5 minutes (Paused)"),
        ({"status": "created"}, "Created"),
        ({"status": "exited", "exit_code": 0}, "Exited (0) 10 seconds ago"),
        ({"status": "exited", "exit_code": 137, "oom_killed": True}, "Exited (137, out of memory) 10 seconds ago"),
        ({"status": "exited", "exit_code": 255, "error": "holder lost"}, "Exited (255, holder lost) 10 seconds ago"),
        ({"status": "exited", "exit_code": None}, "Exited"),
        ({"status": "restarting", "exit_code": 1}, "Restarting (1) 10 seconds ago"),
    ],
)
def test_status(fields: dict[str, Any], expected: str) -> None:
    """As docker compose has it; out of memory and a lost holder are said."""
    assert status(one(finished_at=time.time() - 10, **fields)) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (7200, "2 hours"),
        (172800, "2 days"),
        (1209600, "2 weeks"),
        (5184000, "2 months"),
    ],
)
def test_ago(seconds: int, expected: str) -> None:
    """Docker's durations (units.HumanDuration)."""
    assert ago(time.time() - seconds - 0.2) == expected


def test_the_table_stands_in_columns() -> None:
    """One row a container, the command shortened unless asked not to."""
    head, first, second = as_table([one(), one(name="shop-longer-name-1")], shorten=True).splitlines()
    assert tuple(head.split()) == HEADINGS
    assert first.index("nginx") == second.index("nginx") == head.index("IMAGE")
    assert '"nginx -g \'daemon of…"' in first
    assert "daemon off;" in as_table([one()], shorten=False)


@pytest.mark.parametrize(
    ("publication", "expected"),
    [
        (Publication("", 8080, 80), "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"),
        (Publication("127.0.0.1", 8080, 80), "127.0.0.1:8080->80/tcp"),
        (Publication("", 53, 53, "udp"), "0.0.0.0:53->53/udp, [::]:53->53/udp"),
        (Publication("::1", 8080, 80), "[::1]:8080->80/tcp"),
    ],
)
def test_ports(publication: Publication, expected: str) -> None:
    """Only of containers that run."""
    assert as_json(one(publications=(publication,)), "shop", {})["Ports"] == expected
    assert as_json(one(publications=(publication,), status="exited", exit_code=0), "shop", {})["Ports"] == ""


def test_json_has_docker_composes_keys() -> None:
    """Scripts read them."""
    value = as_json(one(publications=(Publication("127.0.0.1", 8080, 80),), labels={"a": "b"}), "shop", {"front": "shop_front"})
    assert (value["Name"], value["Service"], value["Project"], value["State"], value["ID"]) == (
        "shop-web-1",
        "web",
        "shop",
        "running",
        "abcdef" * 2,
    )
    assert value["Publishers"] == [{"URL": "127.0.0.1", "TargetPort": 80, "PublishedPort": 8080, "Protocol": "tcp"}]
    assert (value["ExitCode"], value["Labels"], value["Health"]) == (0, "a=b", "")


def test_exposed_ports_and_mounts() -> None:
    """As docker compose has them: unpublished ports without an address and with number 0 outside, neighbours as a range."""
    shown = one(publications=(Publication("127.0.0.1", 8080, 80),), exposed=("80/tcp", "3000/tcp", "3001/tcp", "53/udp"),
                mounts=(("bind", "/srv"), ("volume", "shop_data")), anonymous=(("/cache", "abc"),))
    value = as_json(shown, "shop", {})
    assert value["Ports"] == "3000-3001/tcp, 53/udp, 127.0.0.1:8080->80/tcp"
    assert isinstance(value["Publishers"], list)
    assert value["Publishers"][-1] == {"URL": "", "TargetPort": 53, "PublishedPort": 0, "Protocol": "udp"}
    assert (value["LocalVolumes"], value["Mounts"], value["Size"]) == ("2", "/srv,shop_data,abc", "0B")
    assert as_json(one(exposed=("80/tcp",), status="exited", exit_code=0), "shop", {})["Ports"] == ""
    assert Container.from_json(json.loads(json.dumps(shown.to_json()))) == shown
