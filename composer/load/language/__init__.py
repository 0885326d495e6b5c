"""The language of compose files: every key of the specification, what may stand there, and a line on what it does.

`shape` is how it is written down, `service` and `parts` hold the attributes of services. Whether composer can do what an
attribute asks for is another question: `composer.load.supported`.
"""

from __future__ import annotations

from composer.load.language.service import SERVICE
from composer.load.language.shape import (
    ANYTHING,
    BOOLEAN,
    NAME,
    NULL,
    SETTINGS,
    TEXT,
    TEXT_OR_TEXTS,
    Shape,
    free,
    many,
    mapping,
    scalar,
)

__all__ = ["ANYTHING", "COMPOSE_FILE", "Shape"]

_OLD_NAME = mapping({"name": TEXT.about("Its name (deprecated: use name).")})
_EXTERNAL = (BOOLEAN | _OLD_NAME).about("Made by somebody else; never created or removed.")
_OPTIONS = free(scalar("number", "string"))
_LABELS = SETTINGS.about("Labels.")
_NAME = TEXT.about("The name outside of the file; PROJECT_KEY without it.")

_NETWORK = mapping({
    "name": _NAME,
    "driver": TEXT.about("The driver."),
    "driver_opts": _OPTIONS.about("Options of the driver."),
    "ipam": mapping({
        "driver": TEXT.about("The address management driver."),
        "config": many(mapping({
            "subnet": TEXT.about("Subnet in CIDR notation."),
            "ip_range": TEXT.about("Part of the subnet to take addresses from."),
            "gateway": TEXT.about("Address of the router."),
            "aux_addresses": free(TEXT).about("Addresses that are taken, by name."),
        })).about("Subnets."),
        "options": free(TEXT).about("Options of the address management driver."),
    }).about("Addresses of the network."),
    "external": _EXTERNAL,
    "internal": BOOLEAN.about("No way to the outside."),
    "enable_ipv4": BOOLEAN.about("Give IPv4 addresses."),
    "enable_ipv6": BOOLEAN.about("Give IPv6 addresses."),
    "attachable": BOOLEAN.about("Other containers may join (Swarm)."),
    "labels": _LABELS,
}) | NULL

_VOLUME = mapping({
    "name": _NAME, "driver": TEXT.about("The driver."), "driver_opts": _OPTIONS.about("Options of the driver."),
    "external": _EXTERNAL, "labels": _LABELS,
}) | NULL

_SECRET = mapping({
    "name": _NAME, "environment": TEXT.about("Variable that holds the value."), "file": TEXT.about("File that holds the value."),
    "external": _EXTERNAL, "labels": _LABELS, "driver": TEXT.about("The driver."),
    "driver_opts": _OPTIONS.about("Options of the driver."), "template_driver": TEXT.about("The template driver."),
})

_CONFIG = mapping({
    "name": _NAME, "content": TEXT.about("The value."), "environment": TEXT.about("Variable that holds the value."),
    "file": TEXT.about("File that holds the value."), "external": _EXTERNAL, "labels": _LABELS,
    "template_driver": TEXT.about("The template driver."),
})

_MODEL = mapping({
    "name": _NAME, "model": TEXT.about("The model."), "context_size": scalar("integer").about("Size of the context."),
    "runtime_flags": many(TEXT).about("Flags for the runtime."),
}, "model") | NULL

_INCLUDE = TEXT | mapping({
    "path": TEXT_OR_TEXTS.about("The file; further ones override it."),
    "env_file": TEXT_OR_TEXTS.about("Variables for this file."),
    "project_directory": TEXT.about("What its relative paths are relative to."),
}, extensions=False)

COMPOSE_FILE = mapping({
    "version": TEXT.about("Obsolete, has no effect."),
    "name": TEXT.about("The project's name."),
    "include": many(_INCLUDE).about("Other compose files to take in."),
    "services": free(SERVICE, NAME).about("What runs."),
    "networks": free(_NETWORK, NAME).about("How services reach each other."),
    "volumes": free(_VOLUME, NAME).about("Data that outlives containers."),
    "secrets": free(_SECRET, NAME).about("Values that are nobody else's business."),
    "configs": free(_CONFIG, NAME).about("Files that services read."),
    "models": free(_MODEL, NAME).about("AI models."),
})
