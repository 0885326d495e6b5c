"""`composer config`: the compose files after every phase of loading, also with what composer cannot do at run time yet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from composer.commands.session import Session
from composer.errors import UsageError

if TYPE_CHECKING:
    from composer.load.phases import Resolved

#: Registries' answers that are waited for at the same time.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class ConfigRequest:
    """`listed`: what is printed instead of the files (services, networks, ..., variables, environment); `hashed`: services, with commas,
    or `*`; `explained`: a path or a variable; `without`: phases to leave out; `digests`: pin the images, `lock`: print only them."""

    services: tuple[str, ...] = ()
    form: str = "yaml"
    listed: str = ""
    hashed: str = ""
    explained: str = ""
    digests: bool = False
    lock: bool = False
    without: Mapping[str, bool] | None = None


def config(session: Session, request: ConfigRequest) -> str:
    """The text to print."""
    from composer.load import render
    from composer.load.phases import resolve

    without = request.without or {}
    options = replace(
        session.options,
        services=request.services,
        only_named=True,
        interpolate=not without.get("no_interpolate") or bool(request.listed or request.hashed),
        normalize=not without.get("no_normalize"),
        resolve_paths=not without.get("no_path_resolution"),
        resolve_env=not (without.get("no_env_resolution") or request.listed or request.hashed),
        consistency=not without.get("no_consistency"),
    )
    if request.explained:
        return _explained(options, request.explained)
    if request.listed == "variables":
        return _variables(options, request.form)
    resolved = resolve(options)
    for warning in resolved.warnings:
        session.audience.warn(warning)
    tree = resolved.tree if options.interpolate else resolved.written
    if request.listed == "environment":
        values = {**resolved.sources.environment, "COMPOSE_PROJECT_NAME": str(tree["name"])}
        return "".join(f"{name}={values[name]}\n" for name in sorted(values))
    if request.hashed:
        return _hashes(tree, request.hashed)
    if request.listed:
        return "".join(f"{name}\n" for name in _names(tree, request.listed, resolved))
    if request.digests or request.lock:
        tree = _pinned(session, tree, request.form, lock=request.lock)
    if not options.interpolate:
        return json.dumps(tree, indent=2, ensure_ascii=False) + "\n" if request.form == "json" else render.to_yaml(tree, escape=False)
    return render.to_json(tree) if request.form == "json" else render.to_yaml(tree)


def _names(tree: dict[str, Any], listed: str, resolved: Resolved) -> list[str]:
    services: dict[str, Any] = tree.get("services", {})
    if listed == "profiles":
        own = {profile for service in services.values() for profile in service.get("profiles", ())}
        return sorted(own | resolved.inactive_profiles)
    if listed == "images":
        before = f"{tree['name']}{resolved.sources.separator}"
        return [service.get("image") or before + name for name, service in sorted(services.items())]
    if listed == "models":
        return sorted(model["model"] for model in tree.get("models", {}).values() if model.get("model"))
    return sorted(tree.get(listed, {}))


def _hashes(tree: dict[str, Any], wanted: str) -> str:
    from composer.load.config_hash import config_hash

    services = tree.get("services", {})
    names = sorted(services) if wanted == "*" else [name.strip() for name in wanted.split(",")]
    unknown = [name for name in names if name not in services]
    if unknown:
        raise UsageError(f"no such service: {unknown[0]}", hint=f"services: {', '.join(sorted(services)) or 'none'}")
    return "".join(f"{name} {config_hash(services[name])}\n" for name in names)


def _pinned(session: Session, tree: dict[str, Any], form: str, *, lock: bool) -> dict[str, Any]:
    """Every image with the digest that its name leads to now; with `lock`, nothing but that, as a file to merge over the others."""
    from concurrent.futures import ThreadPoolExecutor

    from composer.images.access import caller_access
    from composer.images.digests import pinned
    from composer.images.reference import parse

    services = tree.get("services", {})
    named = {name: service["image"] for name, service in services.items() if service.get("image")}
    access = caller_access(session.options.environ, lambda: (parse(image).registry for image in named.values()))
    images = list(dict.fromkeys(named.values()))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        digests = dict(zip(images, pool.map(lambda image: pinned(session.places, image, access), images), strict=True))
    if lock:
        nameless = {"name": ""} if form == "json" else {}  # docker compose's JSON has it
        return {**nameless, "services": {name: {"image": digests[named[name]]} if name in named else {} for name in services}}
    return {**tree, "services": {name: {**service, "image": digests[named[name]]} if name in named else service
                                 for name, service in services.items()}}


def _variables(options: Any, form: str) -> str:
    from composer.load.phases import resolve
    from composer.load.trace import Trace
    from composer.load.variables import variables

    plain = dict.fromkeys(("interpolate", "normalize", "resolve_paths", "resolve_env", "consistency"), False)
    trace = Trace()
    resolve(replace(options, **plain), trace)
    found = variables(trace.raw)
    if form == "json":
        shown = {one.name: {"Name": one.name, "DefaultValue": one.default, "PresenceValue": one.alternate, "Required": one.required}
                 for one in found}
        return json.dumps(shown, indent=4) + "\n"
    rows = [("NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"),
            *((one.name, str(one.required).lower(), one.default, one.alternate) for one in found)]
    widths = [max(20, *(len(row[column]) + 3 for row in rows)) for column in range(3)]
    lines = ("".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)) for row in rows)
    return "".join(f"{line}\n" for line in lines)


def _explained(options: Any, name: str) -> str:
    from composer.load.explain import explain

    return "".join(f"{line}\n" for line in _lines(explain(options, name), ""))


def _lines(explanation: Any, indent: str) -> list[str]:
    """The value, below it who said something, the one that won last."""
    value = explanation.value if explanation.settings else "(not set)"
    lines = [f"{indent}{explanation.name} = {value}"]
    width = max((len(setting.source) for setting in explanation.settings), default=0)
    for setting in explanation.settings:
        won = setting is explanation.settings[-1]
        written = f"   (from {setting.written})" if setting.written and setting.written != setting.value else ""
        source = f"{setting.source:{width}}   " if setting.source else ""
        lines.append(f"{indent}  {'*' if won else ' '} {source}{setting.value}{written}")
        if won:
            lines.append(f"{indent}      {setting.rule}")
    return lines + [line for variable in explanation.variables for line in _lines(variable, f"{indent}    ")]
