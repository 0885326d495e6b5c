"""Which attributes composer can do at run time. Whatever is not in this table is refused by `up`, never ignored.

A new attribute is a row here, a field of the model, and a line in `bind`. Beside a pattern stands what values are accepted:
None for all that the specification allows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from composer.errors import LoadError
from composer.load.ignored import LOG_DRIVERS, REASONS, is_own_platform, own_platform
from composer.load.ignored import LOG_OPTIONS as FURTHER_LOG_OPTIONS
from composer.load.node import Node, Path, Table, dotted
from composer.load.quantities import duration

Accept = Callable[[Any], str]  # "" or what is wrong


def only(*values: Any) -> Accept:
    """Other values are not supported yet."""
    return lambda value: "" if value in values else f"{value!r} is not supported by composer yet"


def matching(pattern: str, what: str) -> Accept:
    compiled = re.compile(pattern)
    return lambda value: "" if compiled.fullmatch(str(value)) else f"{value!r} is not {what}"


def parsed(parse: Callable[[str], object], what: str) -> Accept:
    def accept(value: Any) -> str:
        try:
            parse(str(value))
        except ValueError:
            return f"{value!r} is no {what}"
        return ""
    return accept


def options(patterns: Mapping[str, str]) -> Accept:
    """A mapping with no other keys than these, whose values match."""
    def accept(value: Any) -> str:
        unknown = [key for key in value if key not in patterns]
        wrong = [key for key in value if key in patterns and not re.fullmatch(patterns[key], str(value[key]))]
        if unknown:
            return f"there is no option {unknown[0]}, but {', '.join(patterns)}"
        return f"{wrong[0]}: {value[wrong[0]]!r} is not valid" if wrong else ""
    return accept


def refused(reason: str) -> Accept:
    """What can never be had; an empty value asks for nothing."""
    return lambda value: reason if value else ""


def log_driver(value: Any) -> str:
    """The options of drivers that composer does not have are nobody's business."""
    driver, given = value.get("driver") or "json-file", value.get("options") or {}
    problem = LOG_OPTIONS(given) if driver in LOG_DRIVERS else ""
    return problem and f"options: {problem}"


def mount_type(value: Any) -> str:
    """The kinds that Docker's engine refuses on a single Linux machine are refused here."""
    return {"npipe": "'npipe' is a pipe of Windows", "cluster": "'cluster' is a volume of Swarm, and there is none"}.get(value, "")


def named(*names: str) -> Accept:
    """A mapping with no other keys than these."""
    def accept(value: Any) -> str:
        unknown = [key for key in value if key not in names]
        return f"{unknown[0]} is not one of {', '.join(names)}" if unknown else ""
    return accept


def build_context(value: Any) -> str:
    return f"{value!r}: buildah takes a folder, docker-image://, oci-layout:// or service:" if _GIT.match(str(value)) else ""


def extra_host(value: Any) -> str:
    address = str(value).partition("=")[2]
    return "" if address == "host-gateway" else ADDRESS(address)


def own_machine(value: Any) -> str:
    """Images of other platforms would need an emulator."""
    return "" if not value or is_own_platform(value) else (
        f"{value!r} is not this machine's platform, linux/{own_platform()[0]}: its programs cannot run here")


def anything(_value: Any) -> str:
    return ""


_GIT = re.compile(r"git://|git@|ssh://|github\.com/|https?://.*\.git(#|$)")
ADDRESS = parsed(ip_address, "IP address")
MAC = matching(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}", "a MAC address")
INTERFACE = r"(?!lo$)[^\s/:]{1,15}"
LOCAL_TMPFS = matching(r"/[^:]*(:.*)?", "an absolute path, with options behind a colon")
ABSOLUTE = matching(r"/.*", "an absolute path (and a volume's name has at least two letters: one is the drive of a Windows path)")
ID = matching(r"\d+", "a number")
PORT = matching(r"[1-9]\d{0,4}", "a port")
NODE = matching(r"/.*|[a-zA-Z][\w.-]*/[a-zA-Z][\w.-]*=[a-zA-Z0-9][\w.:-]*",
                "the absolute path of a device, or a CDI name like vendor.com/class=name")
SECURITY = matching(r"(no-new-privileges|writable-cgroups)([=:](true|false))?|(seccomp|apparmor|label|credentialspec)[=:].+|"
                    r"systempaths[=:]unconfined", "one of no-new-privileges, seccomp=, apparmor=, label=, systempaths=unconfined, "
                    "writable-cgroups, credentialspec=")
LOG_OPTIONS = options({"max-file": r"[1-9]\d*", "max-size": r"(?i)\d+([kmg]?b?|[kmg]ib)|-1",
                       **dict.fromkeys(FURTHER_LOG_OPTIONS, r"(?s).*")})
NO_STORE = refused("there is no store of such things beside the project, as with docker compose; "
                   "give it a `file` or an `environment` variable")
ULIMITS = named("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime",
                "sigpending", "stack")  # getrlimit(2)
DEVICE_RULE = matching(r"[abc] (\d+|\*):(\*|\d+) [rwm]{1,3}", "a rule like `c 10:200 rwm`")

ATTRIBUTES: Mapping[str, Accept | None] = {
    "name": None,
    "version": None,

    "services.*.annotations": None,
    "services.*.attach": None,
    "services.*.blkio_config": None,
    "services.*.build.additional_contexts.*": build_context,
    "services.*.build.args": None,
    "services.*.build.context": None,
    "services.*.build.dockerfile": None,
    "services.*.build.dockerfile_inline": None,
    "services.*.build.extra_hosts.*": extra_host,
    "services.*.build.labels": None,
    "services.*.build.network": only("", "default", "host", "none"),
    "services.*.build.no_cache": None,
    "services.*.build.no_cache_filter": None,
    "services.*.build.platforms": None,
    "services.*.build.privileged": None,
    "services.*.build.pull": None,
    "services.*.build.secrets.*.source": None,
    "services.*.build.secrets.*.target": None,
    "services.*.build.shm_size": None,
    "services.*.build.ssh": None,
    "services.*.build.tags": None,
    "services.*.build.target": None,
    "services.*.build.ulimits": ULIMITS,
    "services.*.cap_add": None,
    "services.*.cap_drop": None,
    "services.*.cgroup": only("private", "host"),
    "services.*.command": None,
    "services.*.configs.*.gid": ID,
    "services.*.configs.*.mode": None,
    "services.*.configs.*.source": None,
    "services.*.configs.*.target": None,
    "services.*.configs.*.uid": ID,
    "services.*.container_name": None,
    "services.*.cpu_period": None,
    "services.*.cpu_quota": None,
    "services.*.cpu_rt_period": None,
    "services.*.cpu_rt_runtime": None,
    "services.*.cpu_shares": None,
    "services.*.cpuset": matching(r"\d+(-\d+)?(,\d+(-\d+)?)*", "a list of processors like 0-2,5"),
    "services.*.cpus": None,
    "services.*.depends_on": None,
    "services.*.deploy.labels": None,
    "services.*.deploy.mode": only("", "replicated", "global", "replicated-job", "global-job"),
    "services.*.deploy.replicas": None,
    "services.*.deploy.resources.limits": None,
    "services.*.deploy.resources.reservations.cpus": None,
    "services.*.deploy.resources.reservations.devices": None,
    "services.*.deploy.resources.reservations.memory": None,
    "services.*.deploy.restart_policy.condition": only("none", "on-failure", "any"),
    "services.*.deploy.restart_policy.delay": None,
    "services.*.deploy.restart_policy.max_attempts": None,
    "services.*.deploy.restart_policy.window": None,
    "services.*.develop": None,
    "services.*.device_cgroup_rules.*": DEVICE_RULE,
    "services.*.devices.*.permissions": matching(r"[rwm]{1,3}", "made of r, w and m"),
    "services.*.devices.*.source": NODE,
    "services.*.devices.*.target": NODE,
    "services.*.dns.*": ADDRESS,
    "services.*.dns_opt": None,
    "services.*.dns_search": None,
    "services.*.domainname": None,
    "services.*.entrypoint": None,
    "services.*.environment": None,
    "services.*.expose": None,
    "services.*.external_links": None,
    "services.*.extra_hosts.*": extra_host,
    "services.*.gpus": None,
    "services.*.group_add": None,
    "services.*.healthcheck": None,
    "services.*.hostname": None,
    "services.*.image": None,
    "services.*.init": None,
    "services.*.ipc": matching(r"private|shareable|host|(service|container):.+",
                                "one of private, shareable, host, service:NAME, container:NAME"),
    "services.*.labels": None,
    "services.*.links": None,
    "services.*.logging": log_driver,
    "services.*.mac_address": MAC,
    "services.*.mem_limit": None,
    "services.*.mem_reservation": None,
    "services.*.mem_swappiness": matching(r"-1|\d\d?|100", "a number from 0 to 100"),
    "services.*.memswap_limit": None,
    "services.*.models": None,
    "services.*.network_mode": matching(r"none|host|bridge|default|(service|container):.+",
                                         "one of none, host, bridge, service:NAME, container:NAME"),
    "services.*.networks.*.aliases": None,
    "services.*.networks.*.driver_opts": options({
        "com.docker.network.endpoint.ifname": INTERFACE,
        "com.docker.network.endpoint.sysctls": r"(\s*net\.[a-z0-9]+\.[a-z]+\.IFNAME\.\w+=[^,]*,?)+",
    }),
    "services.*.networks.*.gw_priority": None,
    "services.*.networks.*.interface_name": matching(INTERFACE, "the name of an interface"),
    "services.*.networks.*.ipv4_address": ADDRESS,
    "services.*.networks.*.ipv6_address": ADDRESS,
    "services.*.networks.*.link_local_ips.*": ADDRESS,
    "services.*.networks.*.mac_address": MAC,
    "services.*.networks.*.priority": None,
    "services.*.oom_kill_disable": None,
    "services.*.oom_score_adj": None,
    "services.*.pid": matching(r"host|(service|container):.+", "one of host, service:NAME, container:NAME"),
    "services.*.pids_limit": None,
    "services.*.ports.*.app_protocol": None,
    "services.*.ports.*.host_ip": ADDRESS,
    "services.*.ports.*.mode": only("ingress", "host"),
    "services.*.ports.*.name": None,
    "services.*.ports.*.protocol": only("tcp", "udp"),
    "services.*.ports.*.published": matching(r"(\d{1,5}(-\d{1,5})?)?", "a port or a range of ports"),
    "services.*.ports.*.target": PORT,
    "services.*.platform": own_machine,
    "services.*.post_start": None,
    "services.*.pre_start": None,
    "services.*.pre_stop": None,
    "services.*.privileged": None,
    "services.*.profiles": None,
    "services.*.provider": None,
    "services.*.pull_policy": None,
    "services.*.pull_refresh_after": parsed(duration, "duration"),
    "services.*.read_only": None,
    "services.*.restart": matching(r"no|always|unless-stopped|on-failure(:\d+)?", "one of no, always, on-failure[:N], unless-stopped"),
    "services.*.runtime": None,
    "services.*.scale": None,
    "services.*.secrets.*.gid": ID,
    "services.*.secrets.*.mode": None,
    "services.*.secrets.*.source": None,
    "services.*.secrets.*.target": None,
    "services.*.secrets.*.uid": ID,
    "services.*.security_opt.*": SECURITY,
    "services.*.shm_size": None,
    "services.*.stdin_open": None,
    "services.*.stop_grace_period": None,
    "services.*.stop_signal": None,
    "services.*.sysctls": None,
    "services.*.tmpfs.*": LOCAL_TMPFS,
    "services.*.tty": None,
    "services.*.ulimits": ULIMITS,
    "services.*.use_api_socket": None,
    "services.*.user": None,
    "services.*.userns_mode": only("", "host"),
    "services.*.uts": only("", "host"),
    "services.*.volumes.*.bind.create_host_path": None,
    "services.*.volumes.*.bind.propagation": None,
    "services.*.volumes.*.bind.recursive": None,
    "services.*.volumes.*.image.subpath": None,
    "services.*.volumes.*.read_only": None,
    "services.*.volumes.*.source": None,
    "services.*.volumes.*.target": ABSOLUTE,
    "services.*.volumes.*.tmpfs": None,
    "services.*.volumes.*.type": mount_type,
    "services.*.volumes.*.volume.nocopy": None,
    "services.*.volumes.*.volume.subpath": None,
    "services.*.volumes_from": None,
    "services.*.working_dir": None,
    "services.*.x-composer.eager": None,
    "services.*.x-composer.ready": None,
    "services.*.x-composer.restart_on_unhealthy": None,

    "models": None,

    "networks.*.driver": only("bridge", "host", "none", "null"),
    "networks.*.driver_opts": options({
        r"com.docker.network.bridge.enable_icc": "(?i)true|false|0|1",
        r"com.docker.network.bridge.enable_ip_masquerade": "(?i)true|1",
        r"com.docker.network.bridge.host_binding_ipv4": r"\d+(\.\d+){3}",
        r"com.docker.network.bridge.name": r"(?!lo$|uplink$|trunk-|half-)[A-Za-z][A-Za-z0-9_.-]{0,14}",
        r"com.docker.network.driver.mtu": r"\d+",
        "mtu": r"\d+",
    }),
    "networks.*.enable_ipv4": only(True),
    "networks.*.enable_ipv6": only(True, False),
    "networks.*.external": None,
    "networks.*.internal": None,
    "networks.*.ipam.config.*.aux_addresses.*": ADDRESS,
    "networks.*.ipam.config.*.gateway": ADDRESS,
    "networks.*.ipam.config.*.ip_range": parsed(ip_network, "range of addresses"),
    "networks.*.ipam.config.*.subnet": parsed(ip_interface, "subnet"),
    "networks.*.ipam.driver": only("default"),
    "networks.*.labels": None,
    "networks.*.name": None,

    "volumes.*.driver": only("local"),
    "volumes.*.driver_opts": options({"type": ".*", "device": ".*", "o": ".*"}),
    "volumes.*.external": None,
    "volumes.*.labels": None,
    "volumes.*.name": None,

    "configs.*.content": None,
    "configs.*.environment": None,
    "configs.*.external": NO_STORE,
    "configs.*.file": None,
    "configs.*.labels": None,
    "configs.*.name": None,
    "secrets.*.environment": None,
    "secrets.*.external": NO_STORE,
    "secrets.*.file": None,
    "secrets.*.labels": None,
    "secrets.*.name": None,
}
SUPPORTED: Table[Accept] = Table.of({pattern: accept or anything for pattern, accept in {**dict.fromkeys(REASONS), **ATTRIBUTES}.items()})


def unsupported(node: Node, table: Table[Accept] = SUPPORTED, path: Path = ()) -> Iterator[LoadError]:
    """Everything in the tree that composer cannot do; keys that begin with x- are nobody's business."""
    if table.rule is not None:
        problem = table.rule(node.plain())
        if problem:
            yield LoadError(f"{dotted(path)}: {problem}", place=node.place)
        if not table.below:
            return
    steps: list[tuple[str | int, Node]] = [*node.fields.items(), *enumerate(node.entries)]
    for step, entry in steps:
        below = table.at(step)
        if below is not None:
            yield from unsupported(entry, below, (*path, step))
        elif not str(step).startswith("x-"):
            yield LoadError(f"{dotted((*path, step))}: not supported by composer yet", place=entry.key_place)
