"""Which images have to be pulled or built before containers can be made; what `pull` and `push` do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from composer.errors import ComposerError
from composer.model.project import Project
from composer.model.service import Service
from composer.observed import Observed
from composer.plan.actions import BuildImage, PullImage, PushImage
from composer.plan.options import PullOptions, PushOptions, UpOptions
from composer.plan.steps import Draft, Plan, Step

#: buildah's and podman's name for an image that has no registry.
NO_REGISTRY = "localhost/"


def image_steps(services: Iterable[Service], observed: Observed, options: UpOptions, project: Project | None = None) -> Plan:
    """One step an image: a service that builds it satisfies the others that name it. What they are built from comes first: `project`
    has the services that the others' build contexts name."""
    draft = Draft()
    known = project.services if project else {}
    for reference, users in _by_image(_with_contexts(services, known)).items():
        _one_image(draft, reference, [_from_images(user, known) for user in users], observed, options)
    return _in_order(draft.plan(), known)


def _with_contexts(services: Iterable[Service], known: Mapping[str, Service]) -> list[Service]:
    """Those too whose images are contexts of builds, before those that need them."""
    found: dict[str, Service] = {}

    def add(service: Service) -> None:
        for name in service.build.services.values() if service.build else ():
            if name in known and name not in found:
                add(known[name])
        found.setdefault(service.name, service)

    for service in services:
        add(service)
    return list(found.values())


def _from_images(service: Service, known: Mapping[str, Service]) -> Service:
    """With the names of images instead of `service:NAME`."""
    recipe = service.build
    if recipe is None or not recipe.services:
        return service
    images = {name: f"docker-image://{known[other].image}" for name, other in recipe.services.items() if other in known}
    return service.model_copy(update={"build": recipe.model_copy(update={"additional_contexts": {**recipe.additional_contexts, **images}})})


def _in_order(plan: Plan, known: Mapping[str, Service]) -> Plan:
    """A build waits for the images that it is made from."""
    steps = {step.action.subject: step.id for step in plan.steps}

    def needs(step: Step) -> frozenset[str]:
        recipe = step.action.otherwise if isinstance(step.action, PullImage) else step.action
        builder = known.get(recipe.service) if isinstance(recipe, BuildImage) else None
        others = builder.build.services.values() if builder and builder.build else ()
        subjects = (f"image/{known[name].image}" for name in others if name in known)
        return frozenset(steps[subject] for subject in subjects if subject in steps and steps[subject] != step.id)

    return replace(plan, steps=tuple(replace(step, after=step.after | needs(step)) for step in plan.steps))


def pull_steps(services: Iterable[Service], observed: Observed, options: PullOptions) -> Plan:
    """What `pull` asks registries for: all but what is only built, or says never. A policy of the file that is content with what is
    there keeps `pull` from asking again, except for the tag `latest`. What can be built instead need not be pulled."""
    draft = Draft()
    for reference, users in _by_image(services).items():
        builder = next((service for service in users if service.build), None)
        policy = options.policy or _said(users, "always")
        if policy in ("never", "build") or (builder and (options.ignore_buildable or not builder.image_named)):
            continue
        if policy == "missing" and reference in observed.images and (options.policy or not _is_latest(reference)):
            continue
        draft.add(PullImage(reference, required=not (builder or options.ignore_failures), service=users[0].name), "asked for")
    return draft.plan()


def push_steps(services: Iterable[Service], options: PushOptions) -> Plan:
    """What is built and has a name of its own goes to the registry of that name, with its further tags."""
    draft = Draft()
    for service in services:
        if service.build and service.image_named:
            for reference in (service.image, *service.build.tags):
                draft.add(PushImage(reference, required=not options.ignore_failures, service=service.name), "asked for")
    return draft.plan()


def _by_image(services: Iterable[Service]) -> dict[str, list[Service]]:
    users: dict[str, list[Service]] = {}
    for service in services:
        if service.provider:
            continue
        users.setdefault(service.image, []).append(service)
        for reference in service.further_images:
            users.setdefault(reference, []).append(service.model_copy(update={"image": reference, "build": None}))
    return users


def _one_image(draft: Draft, reference: str, users: list[Service], observed: Observed, options: UpOptions) -> None:
    builder = next((service for service in users if service.build), None)
    missing = reference not in observed.images
    policy = options.pull or _said(users, "missing")
    build = _build(reference, builder) if builder and not options.no_build else None
    pull = _why_pull(reference, users, observed, policy)
    if build and (options.build or policy == "build"):
        draft.add(build, "missing" if missing else "asked for")
    elif pull and (builder is None or (builder.image_named and not reference.startswith(NO_REGISTRY))):
        draft.add(PullImage(reference, build if missing else None, required=missing or builder is None, service=users[0].name), pull)
    elif missing and build:
        draft.add(build, "missing")
    elif missing:
        raise ComposerError(
            f"services.{users[0].name}.image: {reference} is not in composer's image store",
            hint="run without --no-build" if builder else "pull_policy is never: load the image, or change the policy",
        )


def _said(users: list[Service], otherwise: str) -> str:
    """The policy of the first service that has one."""
    return next((service.pull_policy for service in users if service.pull_policy), otherwise)


def _build(reference: str, builder: Service) -> BuildImage | None:
    recipe = builder.build
    return BuildImage(reference, builder.name, recipe, recipe.no_cache, recipe.pull) if recipe else None


def _why_pull(reference: str, users: list[Service], observed: Observed, policy: str) -> str:
    """The cause of a pull, "" for none."""
    if policy in ("never", "build"):
        return ""
    if reference not in observed.images:
        return "missing"
    if policy == "always":
        return "pull_policy is always"
    if policy != "refresh":
        return ""
    limits = [service.refresh_after for service in users if service.pull_policy == "refresh"]
    due = any(limit is None or observed.ages.get(reference, 0) >= limit for limit in limits)
    return "time to pull again" if due else ""


def _is_latest(reference: str) -> bool:
    last = reference.rpartition("/")[2]
    return "@" not in reference and (":" not in last or last.endswith(":latest"))
