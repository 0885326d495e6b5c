"""Which images have to be pulled or built before containers can be made."""

from __future__ import annotations

from collections.abc import Iterable

from composer.errors import ComposerError
from composer.model.service import Service
from composer.observed import Observed
from composer.plan.options import UpOptions
from composer.plan.steps import BuildImage, Draft, Plan, PullImage


def image_steps(services: Iterable[Service], observed: Observed, options: UpOptions) -> Plan:
    """One step an image: a service that builds it satisfies the others that name it."""
    draft = Draft()
    by_image: dict[str, list[Service]] = {}
    for service in services:
        by_image.setdefault(service.image, []).append(service)
    for reference, users in by_image.items():
        _one_image(draft, reference, users, missing=reference not in observed.images, options=options)
    return draft.plan()


def _one_image(draft: Draft, reference: str, users: list[Service], *, missing: bool, options: UpOptions) -> None:
    builder = next((service for service in users if service.build), None)
    policy = next((service.pull_policy for service in users if service.pull_policy), "missing")
    if builder and builder.build and _builds(missing, policy, options):
        draft.add(
            BuildImage(reference, builder.name, builder.build, builder.build.no_cache, builder.build.pull),
            "missing" if missing else "asked for",
        )
    elif missing and (policy == "never" or (builder and options.no_build)):
        raise ComposerError(
            f"services.{users[0].name}.image: {reference} is not in composer's image store",
            hint="run without --no-build" if builder else "pull_policy is never: load the image, or change the policy",
        )
    elif missing or (policy == "always" and not builder):
        draft.add(PullImage(reference), "missing" if missing else "pull_policy is always")


def _builds(missing: bool, policy: str, options: UpOptions) -> bool:
    return not options.no_build and (missing or options.build or policy == "build")
