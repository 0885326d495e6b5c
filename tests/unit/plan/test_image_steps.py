"""Which images are built and pulled before anything else."""

from __future__ import annotations

from typing import Any

import pytest

from composer.errors import ComposerError
from composer.model.build import Build
from composer.model.service import Service
from composer.observed import Observed
from composer.plan.images import image_steps
from composer.plan.options import UpOptions
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
