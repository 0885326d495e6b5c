"""Phase: tree -> Project. The only phase that knows the model; every value is canonical by now, and what the model does not
have was refused by `supported`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from composer.errors import LoadError, LoadErrors
from composer.load import builtin, models
from composer.load.building import build, ulimits
from composer.load.node import Node, Path, fail
from composer.load.quantities import NANOSECONDS, duration, size
from composer.load.ready import bind_ready
from composer.load.security import security_options

if TYPE_CHECKING:
    from composer.load.sources import Sources
    from composer.model.project import Project

_SAME_IN_BOTH = ("working_dir", "user", "hostname", "container_name", "labels", "init", "restart", "expose", "network_mode",
                 "tmpfs", "read_only", "cap_add", "cap_drop", "privileged", "runtime", "cpus", "pids_limit", "scale", "stop_signal",
                 "profiles", "ports", "command", "entrypoint", "depends_on", "annotations", "cgroup", "cpu_period", "cpu_quota",
                 "cpu_shares", "cpuset", "device_cgroup_rules", "devices", "dns", "dns_search", "dns_opt", "domainname", "extra_hosts",
                 "group_add", "ipc", "mac_address", "oom_score_adj", "pid", "stdin_open", "sysctls", "tty", "uts",
                 "attach", "oom_kill_disable", "cpu_rt_period", "cpu_rt_runtime", "userns_mode")

_HOST_BINDING = "com.docker.network.bridge.host_binding_ipv4"

#: Sizes: bytes, as text by now.
_SIZES = ("mem_limit", "mem_reservation", "memswap_limit", "mem_swappiness", "shm_size")


def bind(root: Node, sources: Sources, inactive: tuple[str, ...]) -> Project:
    """Make the Project; `root` is complete and supported."""
    from pydantic import ValidationError  # takes longer to import than a file to load

    from composer.model.project import Project

    tree = _named(root.plain())
    services = {name: _service(name, service, tree, sources) for name, service in (tree.get("services") or {}).items()}
    for name, service in (tree.get("services") or {}).items():
        services[name]["security_opt"] = security_options(service.get("security_opt") or (), sources.folder, name)
    values = {
        "name": tree["name"], "working_dir": sources.folder, "config_files": tuple(file.path for file in sources.files),
        "environment_files": sources.environment_files, "services": services, "inactive": inactive, "separator": sources.separator,
        "models": _each(tree, "models", _file_source),
        "networks": _each(tree, "networks", _network), "volumes": _volumes(tree),
        "secrets": _each(tree, "secrets", _file_source), "configs": _each(tree, "configs", _file_source),
    }
    builtin.resolve(values, root)
    for service in services.values():
        _bind_ports(service, values["networks"])
    try:
        return Project.model_validate(values)
    except ValidationError as wrong:
        raise LoadErrors([_misfit(root, error["loc"], error["msg"]) for error in wrong.errors()]) from wrong


def _bind_ports(service: dict[str, Any], networks: Mapping[str, Any]) -> None:
    """Ports without an address of the host have that of the network's option, if there is one."""
    addresses = (networks.get(key, {}).get("driver_opts", {}).get(_HOST_BINDING) for key in service["networks"])
    bound = next((address for address in addresses if address), "")
    if bound:
        service["ports"] = [{"host_ip": bound, **port} for port in service["ports"]]


def _misfit(root: Node, path: Path, what: str) -> LoadError:
    """A value that the specification allows and the model does not; its place, or that of what it is part of."""
    node = root
    for step in path:
        below = node.fields.get(str(step)) or (node.entries[step] if isinstance(step, int) and step < len(node.entries) else None)
        node = below or node
    return fail(node, path, what)


def contents(root: Node, environment: Mapping[str, str]) -> dict[str, str]:
    """`secrets/KEY` and `configs/KEY` -> value, for those that come from a variable; they never become part of the Project."""
    found = {}
    for kind in ("secrets", "configs"):
        resources = root.find(kind)
        for key, entry in resources.fields.items() if resources is not None else ():
            variable = entry.get("environment")
            if variable and variable in environment:
                found[f"{kind}/{key}"] = environment[variable]
    return found


def _own(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without extension fields and without what is not said."""
    return {key: value for key, value in values.items() if not key.startswith("x-") and value is not None}


def _each(tree: Mapping[str, Any], kind: str, make: Callable[[str, dict[str, Any]], dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {key: make(key, _own(entry or {})) for key, entry in (tree.get(kind) or {}).items()}


def _seconds(text: Any) -> float | None:
    return None if text is None else duration(text) / NANOSECONDS["s"]


def _service(name: str, tree: Mapping[str, Any], whole: Mapping[str, Any], sources: Sources) -> dict[str, Any]:
    bindings, variables = models.bind(tree.get("models") or {}, whole.get("models") or {}, sources.environment)
    project, folder, secrets, environment = whole["name"], sources.folder, whole.get("secrets") or {}, sources.environment
    values = {key: tree[key] for key in _SAME_IN_BOTH if tree.get(key) is not None}
    return {
        **values,
        "name": name,
        "image": tree.get("image") or f"{project}{sources.separator}{name}",
        "image_named": bool(tree.get("image")),
        **_pull_policy(tree),
        "build": build(tree["build"], folder, secrets, environment) if tree.get("build") else None,
        "environment": {**variables, **_own_variables(tree.get("environment") or {})},
        "models": bindings,
        "provider": _own(tree["provider"]) if tree.get("provider") else None,
        "networks": {key: _own(attachment or {}) for key, attachment in (tree.get("networks") or {}).items()},
        "ports": [_own(port) for port in tree.get("ports") or ()],
        "depends_on": {key: _own(dependency) for key, dependency in (tree.get("depends_on") or {}).items()},
        "volumes": [_of_service(mount(one), whole) for one in tree.get("volumes") or ()],
        "secrets": [_grant(grant, "/run/secrets/") for grant in tree.get("secrets") or ()],
        "configs": [_grant(grant, "/") for grant in tree.get("configs") or ()],
        **{key: int(tree[key]) for key in _SIZES if tree.get(key) is not None},
        "links": [_link(link) for link in tree.get("links") or ()],
        "external_links": [_link(link) for link in tree.get("external_links") or ()],
        "volumes_from": [_volumes_from(source) for source in tree.get("volumes_from") or ()],
        "blkio_config": _blkio(tree.get("blkio_config") or {}),
        "logging": _logging(tree.get("logging") or {}),
        "gpus": [_request({**one, "capabilities": ["gpu", *(one.get("capabilities") or ())]}) for one in tree.get("gpus") or ()],
        "ulimits": ulimits(tree.get("ulimits")),
        "stop_grace_period": _seconds(tree.get("stop_grace_period")),
        "deploy": _deploy(tree.get("deploy") or {}),
        **{moment: [_hook(hook) for hook in tree.get(moment) or ()] for moment in ("pre_start", "post_start", "pre_stop")},
        "develop": {"watch": [_watch(rule) for rule in (tree.get("develop") or {}).get("watch") or ()]},
        "healthcheck": _healthcheck(tree["healthcheck"]) if tree.get("healthcheck") else None,
        **_own_extension(tree.get("x-composer") or {}),
    }


def _own_extension(tree: Mapping[str, Any]) -> dict[str, Any]:
    """`x-composer` of a service."""
    return {**_own(tree), "ready": bind_ready(tree["ready"]) if tree.get("ready") else None}


def _pull_policy(tree: Mapping[str, Any]) -> dict[str, Any]:
    """`daily`, `weekly` and `every_...` are `refresh` after a time; `refresh` itself has pull_refresh_after, or no time."""
    policy: str = tree.get("pull_policy") or ""
    after = {"daily": "1d", "weekly": "1w", "refresh": tree.get("pull_refresh_after")}.get(policy, policy.removeprefix("every_"))
    if policy in ("daily", "weekly", "refresh") or policy.startswith("every_"):
        return {"pull_policy": "refresh", "refresh_after": _seconds(after)}
    return {"pull_policy": policy}


def _link(text: str) -> dict[str, str]:
    service, _, alias = text.partition(":")
    return {"service": service, "alias": alias or service}


def _blkio(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: [{**one, **({"rate": int(one["rate"])} if "rate" in one else {})} for one in value] if isinstance(value, list) else value
            for key, value in _own(tree).items()}


def _volumes_from(text: str) -> dict[str, Any]:
    """SERVICE[:ro|rw] or container:NAME[:ro|rw]."""
    kind, _, rest = text.partition(":")
    name, _, mode = rest.partition(":") if kind == "container" else text.partition(":")
    return {"container" if kind == "container" else "service": name, "read_only": {"ro": True, "rw": False}.get(mode)}


def _logging(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Docker's defaults: json-file grows without end, local keeps five files of 20 MB. Whatever else is asked for is kept as json-file
    keeps it (`ignored` tells)."""
    driver, options = tree.get("driver") or "json-file", tree.get("options") or {}
    driver, options = (driver, options) if driver in ("json-file", "local", "none") else ("json-file", {})
    most, files = (20 << 20, 5) if driver == "local" else (0, 1)
    most = size(options["max-size"]) if "max-size" in options else most
    return {"driver": driver, "max_size": most if most > 0 else None, "max_file": int(options.get("max-file", files))}


def _own_variables(variables: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in variables.items() if value is not None}


def mount(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The model's values of a canonical entry of `services.*.volumes`."""
    details = {**(tree.get("bind") or {}), **(tree.get("volume") or {}), **(tree.get("tmpfs") or {}), **(tree.get("image") or {})}
    if "size" in details:
        details["size"] = int(details["size"])
    return _own({**{key: tree.get(key) for key in ("type", "source", "target", "read_only")}, **details})


def _of_service(mounted: dict[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """The image that is mounted may be named by the service that runs it."""
    service = (whole.get("services") or {}).get(mounted.get("source")) if mounted["type"] == "image" else None
    return mounted if service is None else {**mounted, "source": service.get("image") or f"{whole['name']}-{mounted['source']}"}


def _grant(tree: Mapping[str, Any], folder: str) -> dict[str, Any]:
    target = tree.get("target") or tree["source"]
    mode = {"mode": int(tree["mode"], 8)} if tree.get("mode") is not None else {}
    owner = {key: int(tree[key]) for key in ("uid", "gid") if tree.get(key)}
    return {"source": tree["source"], "target": target if target.startswith("/") else folder + target, **owner, **mode}


def _deploy(tree: Mapping[str, Any]) -> dict[str, Any]:
    deploy = {key: tree[key] for key in ("mode", "replicas", "labels") if tree.get(key) is not None}
    resources = tree.get("resources") or {}
    deploy["resources"] = {kind: _amounts(resources.get(kind) or {}) for kind in ("limits", "reservations")}
    if policy := _own(tree.get("restart_policy") or {}):
        deploy["restart_policy"] = {**policy, **{key: _seconds(policy[key]) for key in ("delay", "window") if key in policy}}
    return deploy


def _amounts(tree: Mapping[str, Any]) -> dict[str, Any]:
    convert: dict[str, Callable[[Any], Any]] = {"memory": int, "devices": lambda entries: [_request(one) for one in entries]}
    return {key: convert[key](value) if key in convert else value for key, value in _own(tree).items()}


def _request(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {**_own(tree), "options": _own_variables(tree.get("options") or {})}


def _healthcheck(tree: Mapping[str, Any]) -> dict[str, Any]:
    durations = {key: _seconds(tree.get(key)) for key in ("interval", "timeout", "start_period", "start_interval")}
    return {**_own(tree), **durations}


def _hook(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {**_own(tree), "environment": _own_variables(tree.get("environment") or {})}


def _watch(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {**_own(rule), **({"exec": _hook(rule["exec"])} if rule.get("exec") else {})}


def _named(tree: dict[str, Any]) -> dict[str, Any]:
    """A name that is empty, as a variable that is not set leaves it, is none."""
    for kind in ("networks", "volumes", "secrets", "configs"):
        for key, resource in (tree.get(kind) or {}).items():
            resource["name"] = resource.get("name") or f"{tree['name']}_{key}"
    return tree


def _network(key: str, tree: dict[str, Any]) -> dict[str, Any]:
    subnets = [_own(subnet) for subnet in (tree.pop("ipam", None) or {}).get("config") or ()]
    return {**tree, "key": key, "ipam": subnets}


def _volumes(tree: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A name that is not made of the project's is shared with whoever else uses it."""
    return {key: {**_own(volume), "key": key, "shared": volume["name"] != f"{tree['name']}_{key}"}
            for key, volume in (tree.get("volumes") or {}).items()}


def _file_source(key: str, tree: dict[str, Any]) -> dict[str, Any]:
    return {**tree, "key": key}
