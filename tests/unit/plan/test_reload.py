"""What changed files lead to, as plans."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from composer.errors import UsageError
from composer.host import Mirror
from composer.model.build import Build
from composer.model.develop import Develop, WatchRule
from composer.model.hook import Hook
from composer.model.mounts import Mount
from composer.model.project import Project
from composer.model.service import Dependency
from composer.observed import Container, Observed
from composer.plan.actions import SyncFiles
from composer.plan.reactions import reactions
from composer.plan.reload import Touch, cause, followers, rebuilt, reload
from tests.builders import container, everything, project, service

SEED = Hook(command=("make", "seed"))


def watching(*rules: dict[str, Any], **fields: Any) -> Project:
    """`web` with these rules, on `db`; `edge` restarts with it when it is healthy."""
    develop = Develop(watch=tuple(WatchRule(**{"path": "/src", "target": "/app", **rule}) for rule in rules))
    restarts = Dependency(condition="service_healthy", restart=True)
    return project(
        service("db"), service("web", needs=["db"], develop=develop, **fields), service("edge", needs={"web": restarts}), service("far")
    )


def touches(shop: Project, *paths: str, differing: bool = False) -> list[Touch]:
    """All rules, touched."""
    return [Touch(one, paths or ("a.py",), differing) for one in reactions(shop, ())[0]]


def observed(shop: Project, *changed: Container) -> Observed:
    whole = everything(shop)
    names = {one.name for one in changed}
    return replace(whole, containers=(*(one for one in whole.containers if one.name not in names), *changed))


def test_sync() -> None:
    """Every container of the service, also one that has ended: it begins with these files; one that was never started has the image's."""
    shop = watching({"action": "sync"})
    there = observed(shop, container(shop, "web", 2, status="exited"), container(shop, "web", 3, status="created"))
    plan = reload(there, touches(shop, "a.py", "b/c.py"))
    assert str(plan) == "\n".join([
        "1. sync container/shop-web-1: a.py and 1 other changed",
        "2. sync container/shop-web-2: a.py and 1 other changed",
    ])
    assert plan.actions()[0] == SyncFiles("shop-web-1", (Mirror("/src", "/app", ("a.py", "b/c.py")),))


def test_restart_comes_after_the_files_and_takes_along_who_asked_for_it() -> None:
    """The dependent stops first, and starts again when the service is healthy."""
    shop = watching({"action": "sync+restart"})
    assert str(reload(observed(shop), touches(shop))) == "\n".join([
        "1. sync container/shop-web-1: a.py changed",
        "2. stop container/shop-edge-1: restarts with web",
        "3. stop container/shop-web-1: a.py changed [after 1, 2]",
        "4. start container/shop-web-1: a.py changed [after 3]",
        "5. await service/web healthy: edge depends on it [after 4]",
        "6. start container/shop-edge-1: restarts with web [after 2, 4, 5]",
    ])


def test_a_command_comes_last() -> None:
    """After the files, and after a restart of the same batch."""
    shop = watching({"action": "sync+exec", "exec": SEED}, {"action": "restart", "path": "/conf", "target": ""})
    lines = str(reload(observed(shop), touches(shop))).splitlines()
    assert lines[0] == "1. sync container/shop-web-1: a.py changed"
    assert lines[-1] == "7. exec container/shop-web-1 make seed: a.py changed [after 1, 4]"
    assert lines[3].startswith("4. start container/shop-web-1")


def test_rules_of_one_batch_are_one_sync() -> None:
    """Two rules with two targets, one step a container."""
    shop = watching({"action": "sync"}, {"action": "sync+exec", "path": "/lib", "target": "/lib", "exec": SEED})
    sync, _ = reload(observed(shop), touches(shop)).actions()
    assert sync == SyncFiles("shop-web-1", (Mirror("/src", "/app", ("a.py",)), Mirror("/lib", "/lib", ("a.py",))))


def test_what_was_just_rebuilt_is_not_restarted() -> None:
    """Its container is new; files come to it where they differ."""
    shop = watching({"action": "rebuild"}, {"action": "sync+restart"}, build=Build(context="/src"))
    assert rebuilt(touches(shop)) == ("web",)
    assert reload(observed(shop), touches(shop), fresh=("web",)).actions() == (
        SyncFiles("shop-web-1", (Mirror("/src", "/app", ("a.py",)),), differing=True),
    )


def test_followers_of_a_rebuilt_service() -> None:
    """Those that restart with it, if they are there; not what it depends on."""
    shop = watching({"action": "rebuild"}, build=Build(context="/src"))
    assert followers(shop, ["web"], observed(shop)) == ("edge",)
    assert followers(shop, ["web"], Observed()) == ()
    assert followers(shop, ["far"], observed(shop)) == ()


def test_one_offs_are_left_alone() -> None:
    """A `run` container of the service has files of its own."""
    shop = watching({"action": "sync+restart"})
    single = container(shop, "web", 1, name="single", id="r" * 64, oneoff=True)
    assert "single" not in str(reload(observed(shop, single), touches(shop)))


@pytest.mark.parametrize(
    ("paths", "said"),
    [(["a"], "a changed"), (["a", "b"], "a and 1 other changed"), (["a", "b", "c"], "a and 2 others changed"), ([""], "src changed")],
)
def test_cause(paths: list[str], said: str) -> None:
    """The first path, and how many more."""
    assert cause(touches(watching({"action": "sync"}), *paths)) == said


@pytest.mark.parametrize(("action", "left"), [("sync", []), ("sync+restart", [False]), ("sync+exec", [False]), ("restart", [True])])
def test_a_path_that_is_mounted_is_not_synced(action: str, left: list[bool]) -> None:
    """It would be written onto itself; what else the rule does stays, and it is said once."""
    mounts = (Mount(type="bind", source="/src", target="/app"),)
    shop = watching({"action": action, "path": "/src/deep", "exec": SEED if action == "sync+exec" else None}, volumes=mounts)
    found, warnings = reactions(shop, ())
    assert [one.syncs for one in found] == left
    assert len(warnings) == (0 if action == "restart" else 1)
    if action == "sync+restart":
        assert [step.split(":")[0] for step in str(reload(observed(shop), touches(shop))).splitlines()][1] == "2. stop container/shop-web-1"


def test_services_are_chosen() -> None:
    """Only those named watch."""
    shop = watching({"action": "sync"})
    assert [one.service for one in reactions(shop, ["web"])[0]] == ["web"]
    assert reactions(shop, ["db"])[0] == ()


def test_a_rebuild_needs_a_build() -> None:
    """As with docker compose it is refused when watching begins, not passed over; other services' rules do not matter."""
    shop = watching({"action": "sync"}, {"action": "rebuild"}, build=None)
    with pytest.raises(UsageError, match=r"services\.web\.develop\.watch\.1\.action: rebuild needs a build"):
        reactions(shop, ())
    assert reactions(shop, ["db"])[0] == ()
