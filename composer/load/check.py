"""Phase: does it all go together? References that lead nowhere, attributes that exclude each other, cycles."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from composer import graph
from composer.errors import LoadError
from composer.load.node import Node, Path, dotted, fail
from composer.load.ready import check_ready
from composer.load.shapes import suggestion

Problems = Iterator[LoadError]


def check_resources(root: Node) -> list[LoadError]:
    """What is wrong with top-level volumes, secrets and configs by themselves."""
    problems = [*_volumes(root)]
    for kind, sources in (("secrets", ("file", "environment")), ("configs", ("file", "environment", "content"))):
        problems += [problem for key, entry in _fields(root, kind).items() for problem in _file_object(entry, (kind, key), sources)]
    for name, service in _fields(root, "services").items():
        for index, rule in enumerate(service.get("develop", "watch") or ()):
            if not rule.get("path"):
                problems.append(fail(service, ("services", name, "develop", "watch", index, "path"), "value can't be blank"))
    return problems


def _fields(root: Node, kind: str) -> Mapping[str, Node]:
    node = root.find(kind)
    return node.fields if node is not None else {}


def _volumes(root: Node) -> Problems:
    for key, volume in _fields(root, "volumes").items():
        if volume.get("external"):
            for other in sorted(volume.fields.keys() - {"name", "external"}):
                if not other.startswith("x-"):
                    yield fail(volume.fields[other], ("volumes", key), f'conflicting parameters "external" and "{other}" specified')


def _file_object(entry: Node, path: Path, sources: tuple[str, ...]) -> Problems:
    given = [source for source in sources if source in entry.fields]
    if len(given) > 1:
        yield fail(entry, path, f"{'|'.join(sources)} attributes are mutually exclusive")
    elif not given and not entry.get("driver") and not entry.get("external"):
        yield fail(entry, path, f"one of {'|'.join(sources)} must be set")


def _secret_sources(root: Node) -> Problems:
    """A driver is no source: there is none on one machine."""
    for key, secret in _fields(root, "secrets").items():
        if not (secret.get("external") or secret.get("file") or secret.get("environment")):
            yield fail(secret, ("secrets", key), f'secret "{key}" must declare either `file` or `environment`')


def check_variables(root: Node, contents: Mapping[str, str]) -> list[LoadError]:
    """Secrets and configs whose variable is not set; `contents` has those that are (`secrets/KEY`)."""
    return [fail(entry.fields["environment"], (kind, key, "environment"),
                 f'environment variable "{entry.get("environment")}" required by {kind[:-1]} "{key}" is not set')
            for kind in ("secrets", "configs") for key, entry in _fields(root, kind).items()
            if entry.get("environment") and f"{kind}/{key}" not in contents]


def check_consistency(root: Node, inactive: Collection[str]) -> list[LoadError]:
    """What does not go together in the active services."""
    services = _fields(root, "services")
    problems: list[LoadError] = []
    for name, service in services.items():
        for check in SERVICE_CHECKS:
            problems += check(service, ("services", name))
        problems += _references(root, name, service, inactive)
    problems += _container_names(services)
    problems += _secret_sources(root)
    return problems or _cycle(services)


# ---------------------------------------------------------------- one service

def _has_image(service: Node, path: Path) -> Problems:
    if not (service.get("image") or service.find("build") or service.find("provider")):
        yield fail(service, path, f'service "{path[1]}" has neither an image nor a build context specified')


def _build(service: Node, path: Path) -> Problems:
    build = service.find("build")
    if build is None:
        return
    if build.get("dockerfile") and build.get("dockerfile_inline"):
        yield fail(build, (*path, "build"), "declares mutually exclusive dockerfile and dockerfile_inline")
    platforms, platform = build.get("platforms"), service.get("platform")
    if platforms and platform and platform not in platforms:
        yield fail(build, (*path, "build", "platforms"), f'service.build.platforms MUST include service.platform "{platform}"')


def _network_mode(service: Node, path: Path) -> Problems:
    if service.get("network_mode") and service.get("networks"):
        yield fail(service.fields["network_mode"], path, f"service {path[1]} declares mutually exclusive `network_mode` and `networks`")


def check_runnable(root: Node) -> list[LoadError]:
    """What docker compose prints and the engine then refuses: for those that want to start services, not for `config`."""
    return [problem for name, service in _fields(root, "services").items() for problem in _joined_network(service, ("services", name))]


#: What belongs to the network namespace, and so to the service that it is shared with (docker run: "conflicting options").
_OWN_NETWORK = ("ports", "expose", "hostname", "extra_hosts", "dns", "dns_search", "dns_opt", "links", "mac_address")


def _joined_network(service: Node, path: Path) -> Problems:
    mode = str(service.get("network_mode") or "")
    if not mode.startswith(("service:", "container:")):
        return
    for attribute in _OWN_NETWORK:
        if service.get(attribute):
            other = mode.partition(":")[2]
            yield fail(service.fields[attribute], (*path, attribute), f"not possible with network_mode: {mode}",
                       hint=f"set it at {other}, whose network it is")


def _healthcheck(service: Node, path: Path) -> Problems:
    test = service.find("healthcheck", "test")
    if test is not None and test.entries and test.entries[0].value not in ("CMD", "CMD-SHELL", "NONE"):
        yield fail(test, (*path, "healthcheck", "test"), 'healthcheck.test must start either by "CMD", "CMD-SHELL" or "NONE"')


#: Two spellings of one thing: when both are given they have to say the same.
SAME = (("mem_limit", "deploy.resources.limits.memory"), ("mem_reservation", "deploy.resources.reservations.memory"),
        ("cpus", "deploy.resources.limits.cpus"), ("pids_limit", "deploy.resources.limits.pids"), ("scale", "deploy.replicas"))


def _same(service: Node, path: Path) -> Problems:
    for attribute, other in SAME:
        one, two = service.find(attribute), service.find(*other.split("."))
        if one is not None and two is not None and one.value != two.value:
            yield fail(one, (*path, attribute), f"can't set distinct values on '{attribute}' and '{other}'")


def _replicas(service: Node, path: Path) -> Problems:
    scale = service.find("scale") or service.find("deploy", "replicas")
    if scale is None or not isinstance(scale.value, int):
        return
    if scale.value < 0:
        yield fail(scale, (*path, "scale"), "must be greater than or equal to 0")
    if scale.value > 1 and service.get("container_name"):
        yield fail(service.fields["container_name"], (*path, "container_name"),
                   f"can't set container_name and {path[1]} as container name must be unique: {scale.value} containers are asked for")


def _mounts(service: Node, path: Path) -> Problems:
    taken: dict[str, str] = {}
    for attribute in ("tmpfs", "volumes"):
        for index, entry in enumerate(entries.entries if (entries := service.find(attribute)) else ()):
            here = (*path, attribute, index)
            target = entry.get("target") if entry.fields else str(entry.value).partition(":")[0]
            if entry.fields and target is None:
                yield fail(entry, here, "target is required")
            elif target and target in taken:
                yield fail(entry, here, f"target {target} already mounted as {taken[target]}")
            if entry.get("type") == "bind" and not entry.get("source"):
                yield fail(entry, here, 'invalid mount config for type "bind": field Source must not be empty')
            taken[target] = dotted(here)


def _watch(service: Node, path: Path) -> Problems:
    for index, rule in enumerate(watch.entries if (watch := service.find("develop", "watch")) else ()):
        here = (*path, "develop", "watch", index)
        if rule.get("action") in ("sync", "sync+restart", "sync+exec") and not rule.get("target"):
            yield fail(rule, here, "target is required for non-rebuild actions")


SERVICE_CHECKS: tuple[Callable[[Node, Path], Problems], ...] = (
    _has_image, _build, _network_mode, _healthcheck, _same, _replicas, _mounts, _watch, check_ready)


# ---------------------------------------------------------------- references

def _references(root: Node, name: str, service: Node, inactive: Collection[str]) -> Problems:
    yield from _dependencies(root, name, service, inactive)
    for kind, places in _mentioned(service):
        known = _fields(root, f"{kind}s")
        for path, node, wanted in places:
            if wanted not in known:
                near = suggestion(wanted, known)
                yield fail(node, ("services", name, *path), f'service "{name}" refers to undefined {kind} {wanted}',
                           hint=f'did you mean "{near}"?' if near else f"declare it below {kind}s:")


_Mention = tuple[Path, Node, str]


def _mentioned(service: Node) -> Iterator[tuple[str, list[_Mention]]]:
    yield "network", _keys(service, "networks")
    yield "model", _keys(service, "models")
    yield "volume", [mention for mention in _sources(service, "volumes") if mention[2] and mention[1].get("type") == "volume"]
    yield "secret", [*_sources(service, "secrets"), *_sources(service, "build", "secrets")]
    yield "config", [*_sources(service, "configs")]


def _keys(service: Node, attribute: str) -> list[_Mention]:
    return [((attribute, key), entry, key) for key, entry in _fields(service, attribute).items()]


def _sources(service: Node, *path: str) -> Iterable[_Mention]:
    node = service.find(*path)
    entries = node.entries if node is not None else []
    return [((*path, index), entry, entry.get("source") or "") for index, entry in enumerate(entries)]


def _dependencies(root: Node, name: str, service: Node, inactive: Collection[str]) -> Problems:
    services = _fields(root, "services")
    contexts = {key: entry for key, entry in _fields(service.find("build") or service.new({}), "additional_contexts").items()
                if str(entry.value).startswith("service:")}
    wanted: list[_Mention] = [(("depends_on", key), entry, key) for key, entry in _fields(service, "depends_on").items()]
    wanted += [(("build", "additional_contexts", key), entry, entry.value.removeprefix("service:")) for key, entry in contexts.items()]
    for path, node, other in wanted:
        if other in services or (other in inactive and node.get("required") is False):
            continue
        near = suggestion(other, services)
        hint = "it belongs to a profile that is not active" if other in inactive else f'did you mean "{near}"?' if near else ""
        yield fail(node, ("services", name, *path), f'service "{name}" depends on undefined service "{other}"', hint=hint)
    for key, node in contexts.items():
        other = node.value.removeprefix("service:")
        if other in services and services[other].find("build") is None:
            yield fail(node, ("services", name, "build", "additional_contexts", key),
                       f'service "{name}" declares non-buildable service "{other}" as additional contexts {key}')


def _container_names(services: Mapping[str, Node]) -> Problems:
    taken: dict[str, str] = {}
    for name, service in services.items():
        container = service.get("container_name")
        if container and container in taken:
            yield fail(service.fields["container_name"], ("services", name, "container_name"),
                       f'container name "{container}" is already in use by service "{taken[container]}"')
        elif container:
            taken[container] = name


def _cycle(services: Mapping[str, Node]) -> list[LoadError]:
    cycle = graph.find_cycle({name: tuple(service.get("depends_on") or ()) for name, service in services.items()})
    if not cycle:
        return []
    entry = services[cycle[0]].find("depends_on", cycle[1]) or services[cycle[0]]
    return [fail(entry, ("services", cycle[0], "depends_on"), f"dependency cycle detected: {' -> '.join(cycle)}")]
