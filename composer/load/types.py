"""Phase: every value gets its type. Variables make everything text, so `scale: ${N}` is text until here; durations and sizes
take the form in which they are printed (`1m30s`, "268435456")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from composer.load.node import Node, Path, Rule, Table, fail, text
from composer.load.quantities import boolean, count, duration, duration_text, exposed, integer, mode, natural, number, size, whole_text


def _rule(convert: Callable[[Any], Any]) -> Rule:
    def rule(node: Node, path: Path) -> Node:
        if node.value is None or isinstance(node.value, dict | list) or (isinstance(node.value, str) and "${" in node.value):
            return node  # a variable is only left where interpolation is switched off
        try:
            return node.with_value(convert(node.value))
        except (ValueError, OverflowError) as wrong:
            raise fail(node, path, str(wrong)) from wrong
    return rule


BOOLEAN, INTEGER, NUMBER, TEXT = _rule(boolean), _rule(integer), _rule(number), _rule(text)
DURATION = _rule(lambda value: duration_text(duration(value)))
SIZE = _rule(lambda value: str(size(value)))
MODE = _rule(lambda value: f"0{mode(value):o}")
EXPOSE = _rule(exposed)
COUNT, NATURAL = _rule(count), _rule(natural)


def _options(node: Node, path: Path) -> Node:
    """Options of a driver that are text or whole numbers; one of which nothing is said is empty."""
    return node.with_value({key: _rule(whole_text)(entry.with_value("") if entry.value is None else entry, (*path, key))
                            for key, entry in node.fields.items()})


TYPES = Table.of({
    "services.*.attach": BOOLEAN,
    "services.*.blkio_config.*.*.rate": SIZE,
    "services.*.blkio_config.*.*.weight": INTEGER,
    "services.*.blkio_config.weight": INTEGER,
    "services.*.build.no_cache": BOOLEAN,
    "services.*.build.privileged": BOOLEAN,
    "services.*.build.provenance": TEXT,
    "services.*.build.pull": BOOLEAN,
    "services.*.build.sbom": TEXT,
    "services.*.build.secrets.*.mode": MODE,
    "services.*.build.shm_size": SIZE,
    "services.*.build.ulimits.*": INTEGER,
    "services.*.build.ulimits.*.hard": INTEGER,
    "services.*.build.ulimits.*.soft": INTEGER,
    "services.*.configs.*.mode": MODE,
    "services.*.cpu_count": INTEGER,
    "services.*.cpu_percent": NUMBER,
    "services.*.cpu_period": INTEGER,
    "services.*.cpu_quota": INTEGER,
    "services.*.cpu_rt_period": INTEGER,
    "services.*.cpu_rt_runtime": INTEGER,
    "services.*.cpu_shares": INTEGER,
    "services.*.cpus": NUMBER,
    "services.*.depends_on.*.restart": BOOLEAN,
    "services.*.deploy.placement.max_replicas_per_node": NATURAL,
    "services.*.deploy.replicas": INTEGER,
    "services.*.deploy.resources.*.cpus": NUMBER,
    "services.*.deploy.resources.*.devices.*.count": COUNT,
    "services.*.deploy.resources.*.generic_resources.*.discrete_resource_spec.value": INTEGER,
    "services.*.deploy.resources.*.memory": SIZE,
    "services.*.deploy.resources.*.pids": INTEGER,
    "services.*.deploy.restart_policy.delay": DURATION,
    "services.*.deploy.restart_policy.max_attempts": NATURAL,
    "services.*.deploy.restart_policy.window": DURATION,
    "services.*.deploy.rollback_config.delay": DURATION,
    "services.*.deploy.rollback_config.max_failure_ratio": NUMBER,
    "services.*.deploy.rollback_config.monitor": DURATION,
    "services.*.deploy.rollback_config.parallelism": NATURAL,
    "services.*.deploy.update_config.delay": DURATION,
    "services.*.deploy.update_config.max_failure_ratio": NUMBER,
    "services.*.deploy.update_config.monitor": DURATION,
    "services.*.deploy.update_config.parallelism": NATURAL,
    "services.*.develop.watch.*.exec.privileged": BOOLEAN,
    "services.*.env_file.*.required": BOOLEAN,
    "services.*.expose.*": EXPOSE,
    "services.*.gpus.*.count": COUNT,
    "services.*.group_add.*": _rule(whole_text),
    "services.*.healthcheck.disable": BOOLEAN,
    "services.*.healthcheck.interval": DURATION,
    "services.*.healthcheck.retries": NATURAL,
    "services.*.healthcheck.start_interval": DURATION,
    "services.*.healthcheck.start_period": DURATION,
    "services.*.healthcheck.timeout": DURATION,
    "services.*.init": BOOLEAN,
    "services.*.mem_limit": SIZE,
    "services.*.mem_reservation": SIZE,
    "services.*.mem_swappiness": SIZE,
    "services.*.memswap_limit": SIZE,
    "services.*.networks.*.driver_opts.*": TEXT,
    "services.*.networks.*.gw_priority": INTEGER,
    "services.*.networks.*.priority": INTEGER,
    "services.*.oom_kill_disable": BOOLEAN,
    "services.*.oom_score_adj": INTEGER,
    "services.*.pids_limit": INTEGER,
    "services.*.ports.*.published": TEXT,
    "services.*.ports.*.target": INTEGER,
    "services.*.post_start.*.privileged": BOOLEAN,
    "services.*.pre_start.*.per_replica": BOOLEAN,
    "services.*.pre_start.*.privileged": BOOLEAN,
    "services.*.pre_stop.*.privileged": BOOLEAN,
    "services.*.privileged": BOOLEAN,
    "services.*.read_only": BOOLEAN,
    "services.*.scale": INTEGER,
    "services.*.secrets.*.mode": MODE,
    "services.*.shm_size": SIZE,
    "services.*.stdin_open": BOOLEAN,
    "services.*.stop_grace_period": DURATION,
    "services.*.storage_opt": _options,
    "services.*.tty": BOOLEAN,
    "services.*.ulimits.*": INTEGER,
    "services.*.ulimits.*.hard": INTEGER,
    "services.*.ulimits.*.soft": INTEGER,
    "services.*.volumes.*.bind.create_host_path": BOOLEAN,
    "services.*.volumes.*.read_only": BOOLEAN,
    "services.*.volumes.*.tmpfs.mode": _rule(mode),
    "services.*.volumes.*.tmpfs.size": SIZE,
    "services.*.volumes.*.volume.nocopy": BOOLEAN,
    "services.*.x-composer.eager": BOOLEAN,
    "services.*.x-composer.ready.http.headers.*": TEXT,
    "services.*.x-composer.ready.http.port": INTEGER,
    "services.*.x-composer.ready.http.status": TEXT,
    "services.*.x-composer.ready.interval": DURATION,
    "services.*.x-composer.ready.retries": NATURAL,
    "services.*.x-composer.ready.start_interval": DURATION,
    "services.*.x-composer.ready.start_period": DURATION,
    "services.*.x-composer.ready.tcp.port": INTEGER,
    "services.*.x-composer.ready.timeout": DURATION,
    "services.*.x-composer.restart_on_unhealthy": BOOLEAN,
    "configs.*.external": BOOLEAN,
    "networks.*.attachable": BOOLEAN,
    "networks.*.driver_opts.*": TEXT,
    "networks.*.enable_ipv4": BOOLEAN,
    "networks.*.enable_ipv6": BOOLEAN,
    "networks.*.external": BOOLEAN,
    "networks.*.internal": BOOLEAN,
    "secrets.*.driver_opts.*": TEXT,
    "secrets.*.external": BOOLEAN,
    "volumes.*.driver_opts.*": TEXT,
    "volumes.*.external": BOOLEAN,
})


def is_boolean(path: Path) -> bool:
    """Whether an attribute is true or false."""
    table: Table[Rule] | None = TYPES
    for step in path:
        if table is None:
            return False
        table = table.at(step)
    return table is not None and table.rule is BOOLEAN
