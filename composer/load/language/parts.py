"""The parts of a service that have attributes of their own: build, deploy, healthcheck, hooks and the like."""

from __future__ import annotations

from composer.load.language.shape import (
    BOOLEAN,
    COMMAND,
    INTEGER,
    NULL,
    NUMBER,
    SETTINGS,
    TEXT,
    TEXT_OR_TEXTS,
    TEXTS,
    free,
    many,
    mapping,
    scalar,
    word,
)

EXTRA_HOSTS = free(TEXT | many(TEXT)) | TEXTS

FILE_GRANTS = many(TEXT | mapping({
    "source": TEXT.about("Key of the top-level element."),
    "target": TEXT.about("Path in the container."),
    "uid": TEXT.about("Owner."),
    "gid": TEXT.about("Group."),
    "mode": NUMBER.about("Permissions, octal."),
}))

ULIMITS = free(INTEGER | mapping({
    "soft": INTEGER.about("The limit."), "hard": INTEGER.about("How far a process may raise it."),
}, "soft", "hard"), r"^[a-z]+$")

BUILD = mapping({
    "context": TEXT.about("Folder, or a remote place, with what the build needs."),
    "dockerfile": TEXT.about("The Dockerfile, relative to the context."),
    "dockerfile_inline": TEXT.about("The Dockerfile's text."),
    "additional_contexts": SETTINGS.about("Further contexts by name."),
    "args": SETTINGS.about("Build arguments; one without a value is taken from the environment."),
    "cache_from": many(TEXT).about("Where to look for cached layers."),
    "cache_to": many(TEXT).about("Where to write cached layers."),
    "entitlements": many(TEXT).about("Privileges of the build."),
    "extra_hosts": EXTRA_HOSTS.about("Further lines for /etc/hosts."),
    "isolation": TEXT.about("Isolation technology (Windows)."),
    "labels": SETTINGS.about("Labels of the image."),
    "network": TEXT.about("Network of RUN instructions."),
    "no_cache": BOOLEAN.about("Build every layer again."),
    "no_cache_filter": TEXT_OR_TEXTS.about("Stages to build without cache."),
    "platforms": many(TEXT).about("Platforms to build for."),
    "privileged": BOOLEAN.about("Build with all privileges."),
    "provenance": scalar("string", "boolean").about("Provenance attestation."),
    "pull": BOOLEAN.about("Pull base images that are there already."),
    "sbom": scalar("string", "boolean").about("Software bill of materials."),
    "secrets": FILE_GRANTS.about("Secrets for RUN --mount=type=secret."),
    "shm_size": scalar("integer", "string").about("Size of /dev/shm."),
    "ssh": SETTINGS.about("SSH agents or keys."),
    "tags": many(TEXT).about("Further names of the image."),
    "target": TEXT.about("Stage to build."),
    "ulimits": ULIMITS.about("Resource limits of RUN instructions."),
})

HEALTHCHECK = mapping({
    "disable": BOOLEAN.about("Switch off the image's check."),
    "interval": TEXT.about("Time between checks."),
    "retries": NUMBER.about("Failures in a row that make it unhealthy."),
    "start_interval": TEXT.about("Time between checks in the start period."),
    "start_period": TEXT.about("Time in which failures do not count."),
    "test": (TEXT | many(TEXT)).about("The command: a text for the shell, or a list that begins with NONE, CMD or CMD-SHELL."),
    "timeout": TEXT.about("How long a check may take."),
})

_READY = mapping({
    "http": (TEXT | mapping({
        "scheme": word("http", "https").about("https does not check the certificate."),
        "host": TEXT.about("localhost or an address; without it the one by which others reach the container."),
        "port": INTEGER.about("The port."),
        "path": TEXT.about("Path and query; / without it."),
        "status": INTEGER.about("Status code, or a range; 200-399 without it."),
        "headers": SETTINGS.about("Further headers."),
    }, "port", extensions=False)).about("A GET: a URL like http://localhost:8080/health, or its parts."),
    "tcp": (INTEGER | mapping({
        "host": TEXT.about("localhost or an address; without it the one by which others reach the container."),
        "port": INTEGER.about("The port."),
    }, "port", extensions=False)).about("A port that takes connections."),
    "unix": TEXT.about("A socket in the container that takes connections."),
    "log": TEXT.about("A regular expression that a line of the log since the start matches."),
    "file": TEXT.about("A path in the container that is there."),
    "interval": TEXT.about("Time between probes."),
    "retries": NUMBER.about("Failures in a row that make it unhealthy."),
    "start_interval": TEXT.about("Time between probes in the start period."),
    "start_period": TEXT.about("Time in which failures do not count."),
    "timeout": TEXT.about("How long a probe may take."),
}, extensions=False)

OWN = mapping({
    "eager": BOOLEAN.about("Whether health is also looked at before the regular ticks."),
    "ready": _READY.about("How to tell from outside that the service works: one of http, tcp, unix, log, file. Goes before `healthcheck`."),
    "restart_on_unhealthy": BOOLEAN.about("Stop a container that became unhealthy and start it again."),
}, extensions=False)

_HOOK = {
    "command": COMMAND.about("What to run."),
    "user": TEXT.about("Who runs it."),
    "privileged": BOOLEAN.about("Run it with all privileges."),
    "working_dir": TEXT.about("Where it runs."),
    "environment": SETTINGS.about("Further environment variables."),
}
HOOK = mapping(_HOOK, "command")
PRE_START_HOOK = mapping({
    **_HOOK, "image": TEXT.about("Image to run; the service's without it."),
    "per_replica": BOOLEAN.about("Once for each container, not for each service."),
})

DEVELOP = mapping({
    "watch": many(mapping({
        "path": (TEXT | many(TEXT)).about("What to watch."),
        "action": word("rebuild", "sync", "restart", "sync+restart", "sync+exec").about("What to do."),
        "target": TEXT.about("Where to copy to."),
        "ignore": TEXT_OR_TEXTS.about("What not to watch."),
        "include": TEXT_OR_TEXTS.about("The only files to watch."),
        "exec": HOOK.about("What to run after copying."),
        "initial_sync": scalar("boolean").about("Copy everything at the start."),
    }, "path", "action")).about("Rules for changed files."),
}) | NULL

BLKIO = mapping({
    **{f"device_{way}_{unit}": many(mapping({
        "path": TEXT.about("The device."), "rate": INTEGER.about("Most bytes or operations a second."),
    }, extensions=False)).about(f"Limit of {way}s, {'bytes' if unit == 'bps' else 'operations'} a second.")
       for way in ("read", "write") for unit in ("bps", "iops")},
    "weight": INTEGER.about("Weight in the competition for block devices."),
    "weight_device": many(mapping({
        "path": TEXT.about("The device."), "weight": INTEGER.about("Weight for this device."),
    }, extensions=False)).about("Weight by device."),
}, extensions=False)

GPU = mapping({
    "capabilities": TEXTS.about("What the device has to be able to do."),
    "count": scalar("string", "integer").about("How many, or all."),
    "device_ids": TEXTS.about("Which ones."),
    "driver": TEXT.about("The driver."),
    "options": SETTINGS.about("Options of the driver."),
})

_UPDATE = mapping({
    "parallelism": INTEGER.about("Containers at a time."),
    "delay": TEXT.about("Time between groups."),
    "failure_action": TEXT.about("continue, pause or rollback."),
    "monitor": TEXT.about("Time to watch for failures."),
    "max_failure_ratio": NUMBER.about("Failures that are tolerated."),
    "order": word("start-first", "stop-first").about("Which comes first."),
})

DEPLOY = mapping({
    "mode": TEXT.about("replicated, global, replicated-job or global-job."),
    "endpoint_mode": TEXT.about("vip or dnsrr."),
    "replicas": INTEGER.about("How many containers."),
    "labels": SETTINGS.about("Labels of the service."),
    "rollback_config": _UPDATE.about("How to go back."),
    "update_config": _UPDATE.about("How to update."),
    "resources": mapping({
        "limits": mapping({
            "cpus": NUMBER.about("Most processors."), "memory": TEXT.about("Most memory."), "pids": INTEGER.about("Most processes."),
        }).about("Upper limits."),
        "reservations": mapping({
            "cpus": NUMBER.about("Processors to keep."), "memory": TEXT.about("Memory to keep."),
            "generic_resources": many(mapping({
                "discrete_resource_spec": mapping({
                    "kind": TEXT.about("What."), "value": NUMBER.about("How many."),
                }).about("A countable one."),
            })).about("Resources of other kinds."),
            "devices": many(GPU | mapping({}, "capabilities")).about("Devices to keep."),
        }).about("What is kept for it."),
    }).about("Limits and reservations."),
    "restart_policy": mapping({
        "condition": TEXT.about("none, on-failure or any."),
        "delay": TEXT.about("Time before a restart."),
        "max_attempts": INTEGER.about("Most restarts."),
        "window": TEXT.about("Time after which a start counts as a success."),
    }).about("When to restart; wins over `restart`."),
    "placement": mapping({
        "constraints": many(TEXT).about("Where it may run."),
        "preferences": many(mapping({"spread": TEXT.about("Spread over the values of a label.")})).about("Where it should run."),
        "max_replicas_per_node": INTEGER.about("Most containers a machine."),
    }).about("Where it runs."),
}) | NULL
