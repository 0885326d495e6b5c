"""Which images are built and pulled before anything else."""

from __future__ import annotations

from typing import Any

import pytest

from composer.errors import ComposerError
from composer.model.build import Build
from composer.model.service import Service
from composer.observed import Observed
from composer.plan.actions import BuildImage, PullImage, PushImage
from composer.plan.images import image_steps, pull_steps, push_steps
from composer.plan.options import PullOptions, PushOptions, UpOptions
from composer.plan.reconcile import reconcile
from tests.builders import project, service

BUILD = Build(context="/srv/shop")


def steps(*services: Service, there: tuple[str, ...] = (), **options: Any) -> list[str]:
    return str(image_steps(services, Observed(images=dict.fromkeys(there, "i")), UpOptions(**options))).splitlines()


@pytest.mark.parametrize(
    ("policy", "there", "expected"),
    [
        ("", False, ["1. pull image/a:1: missing"]),
        ("", True, []),
        ("missing", True, []),
        ("never", True, []),
        ("always", True, ["1. pull image/a:1: pull_policy is always"]),
        ("always", False, ["1. pull image/a:1: missing"]),
    ],
)
def test_pull_policy(policy: str, there: bool, expected: list[str]) -> None:
    """Missing images are pulled; `always` asks the registry each time."""
    assert steps(service("a", pull_policy=policy), there=("a:1",) if there else ()) == expected


def test_pull_policy_never_and_a_missing_image_is_an_error() -> None:
    """Before anything is touched, with what can be done about it."""
    with pytest.raises(ComposerError, match=r"services\.a\.image: a:1 is not") as caught:
        steps(service("a", pull_policy="never"))
    assert "pull_policy is never" in caught.value.hint


@pytest.mark.parametrize(
    ("there", "options", "expected"),
    [
        (False, {}, ["1. build image/a:1: missing"]),
        (True, {}, []),
        (True, {"build": True}, ["1. build image/a:1: asked for"]),
        (True, {"no_build": True}, []),
    ],
)
def test_a_recipe_is_built_when_missing_or_asked_for(there: bool, options: dict[str, Any], expected: list[str]) -> None:
    """`up --build` builds again."""
    assert steps(service("a", build=BUILD), there=("a:1",) if there else (), **options) == expected


def test_no_build_and_a_missing_image_is_an_error() -> None:
    """An image of one's own cannot be pulled instead."""
    with pytest.raises(ComposerError) as caught:
        steps(service("a", build=BUILD), no_build=True)
    assert caught.value.hint == "run without --no-build"


def test_one_build_serves_all_services_of_the_image() -> None:
    """The service that has the recipe builds for the one that only names the image."""
    assert steps(service("web", image="app"), service("worker", image="app", build=BUILD)) == ["1. build image/app: missing"]


def test_a_dry_run_shows_images_and_containers_as_one_plan() -> None:
    """The create waits for its image."""
    wanted = project(service("a", build=BUILD))
    images = image_steps(wanted.services.values(), Observed(), UpOptions())
    assert str(reconcile(wanted, Observed(), UpOptions(), images)).splitlines() == [
        "1. build image/a:1: missing",
        "2. create container/shop-a-1: missing [after 1]",
        "3. start container/shop-a-1: created [after 2]",
    ]


def test_what_an_image_is_built_from_comes_first() -> None:
    """A context `service:NAME` is that service's image, which is built before, also when it is not asked for itself."""
    inner = Build(context="/b", additional_contexts={"deep": "service:deep"})
    outer = Build(context="/c", additional_contexts={"base": "service:base", "other": "/folder"})
    wanted = project(service("web", build=outer), service("base", build=inner), service("deep", build=BUILD))
    plan = image_steps([wanted.services["web"]], Observed(), UpOptions(), wanted)
    assert str(plan).splitlines() == [
        "1. build image/deep:1: missing",
        "2. build image/base:1: missing [after 1]",
        "3. build image/web:1: missing [after 2]",
    ]
    last = plan.actions()[-1]
    assert isinstance(last, BuildImage)
    assert last.build.additional_contexts == {"base": "docker-image://base:1", "other": "/folder"}
    there = Observed(images=dict.fromkeys(("web:1", "base:1", "deep:1"), "i"))
    assert not image_steps([wanted.services["web"]], there, UpOptions(), wanted)


NAMED: dict[str, Any] = {"build": BUILD, "image_named": True}
LATER: dict[str, Any] = {"pull_policy": "refresh", "refresh_after": 3600}


def aged(age: float, **fields: Any) -> list[str]:
    """What happens to an image that is there and was pulled `age` seconds ago."""
    observed = Observed(images={"a:1": "i"}, ages={"a:1": age})
    return str(image_steps([service("a", **fields)], observed, UpOptions())).splitlines()


def test_refresh_goes_by_the_last_pull() -> None:
    """Each time without a limit; else when that much time has passed."""
    assert aged(3599, **LATER) == []
    assert aged(3600, **LATER) == aged(0, pull_policy="refresh") == ["1. pull image/a:1: time to pull again"]
    assert steps(service("a", **LATER)) == ["1. pull image/a:1: missing"]


@pytest.mark.parametrize(
    ("pull", "policy", "there", "expected"),
    [
        ("always", "never", True, ["1. pull image/a:1: pull_policy is always"]),
        ("missing", "always", True, []),
        ("missing", "never", False, ["1. pull image/a:1: missing"]),
        ("never", "always", True, []),
    ],
)
def test_the_callers_policy_goes_before_the_files(pull: str, policy: str, there: bool, expected: list[str]) -> None:
    """`up --pull`."""
    assert steps(service("a", pull_policy=policy), there=("a:1",) if there else (), pull=pull) == expected


def test_the_callers_policy_never_and_a_missing_image_is_an_error() -> None:
    """As in the file."""
    with pytest.raises(ComposerError, match="a:1 is not"):
        steps(service("a"), pull="never")


def action(*services: Service, there: bool = False, **options: Any) -> Any:
    (only,) = image_steps(services, Observed(images={"a:1": "i"} if there else {}), UpOptions(**options)).actions()
    return only


def test_a_recipe_with_a_name_is_pulled_first_and_built_otherwise() -> None:
    """Not when a build was asked for, nor a name that has no registry; once it is there, a failed pull is no harm."""
    first = action(service("a", **NAMED))
    assert isinstance(first, PullImage)
    assert first.required
    assert first.otherwise == BuildImage("a:1", "a", BUILD)
    assert action(service("a", **NAMED), no_build=True) == PullImage("a:1")
    assert isinstance(action(service("a", **NAMED), build=True), BuildImage)
    assert isinstance(action(service("a", **NAMED, pull_policy="build")), BuildImage)
    assert isinstance(action(service("a", **NAMED, pull_policy="never")), BuildImage)
    assert isinstance(action(service("a", image="localhost/a:1", **NAMED)), BuildImage)
    assert action(service("a", **NAMED, pull_policy="always"), there=True) == PullImage("a:1", required=False)
    assert steps(service("a", build=BUILD, pull_policy="always"), there=("a:1",)) == []


def pulls(*services: Service, there: tuple[str, ...] = (), **options: Any) -> list[tuple[str, bool]]:
    """(reference, required) of each pull."""
    actions = pull_steps(services, Observed(images=dict.fromkeys(there, "i")), PullOptions(**options)).actions()
    return [(one.reference, one.required) for one in actions if isinstance(one, PullImage)]


def test_pull_asks_for_all_that_a_registry_may_have() -> None:
    """Also what is there; not what is only built, or says never or build; what can be built too need not be in a registry."""
    assert pulls(service("a"), service("b", pull_policy="always"), there=("a:1",)) == [("a:1", True), ("b:1", True)]
    assert pulls(service("a", pull_policy="never"), service("b", pull_policy="build"), service("c", build=BUILD)) == []
    assert pulls(service("a", **NAMED)) == [("a:1", False)]
    assert pulls(service("a", **NAMED), service("b"), ignore_buildable=True, ignore_failures=True) == [("b:1", False)]
    assert pulls(service("a", image="same"), service("b", image="same")) == [("same", True)]


def test_pull_and_the_policy_missing() -> None:
    """In the file it keeps what is there, but for the tag `latest`; from the caller it keeps that as well. A time limit does not count."""
    there = ("a:1", "b", "c:latest", "d@sha256:0")
    named = [service(name[0], image=name, pull_policy="missing") for name in there]
    assert pulls(*named, there=there) == [("b", True), ("c:latest", True)]
    assert pulls(*named, there=there, policy="missing") == []
    assert len(pulls(*named)) == len(pulls(*named, there=there, policy="always")) == 4
    assert pulls(service("a", **LATER), there=("a:1",)) == [("a:1", True)]


def test_push_takes_what_is_built_and_named() -> None:
    """With its further tags; PROJECT-SERVICE is no name that a registry is meant by."""
    tagged = BUILD.model_copy(update={"tags": ("a:2",)})
    plan = push_steps([service("a", build=tagged, image_named=True), service("b"), service("c", build=BUILD)], PushOptions())
    assert str(plan).splitlines() == ["1. push image/a:1: asked for", "2. push image/a:2: asked for"]
    assert all(one.required for one in plan.actions() if isinstance(one, PushImage))
    kept = push_steps([service("a", **NAMED)], PushOptions(ignore_failures=True)).actions()
    assert kept == (PushImage("a:1", required=False),)
