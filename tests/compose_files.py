"""Strategies that make compose files: every attribute with the values that people write, and with some that they should not."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

KEYS = ("A", "B", "PATH_X", "x.y")

_odd = st.sampled_from(
    [None, "", 0, 1, -1, 1.5, True, False, [], {}, "x", [None], ["x", "x"], {"x": None}, {"x": "y"}, "${UNSET}", "${SET}", "$$"]
)
_text = st.sampled_from(["x", "", "a b", "${SET}", "${UNSET:-d}", "10", "true", "a: b", "$$HOME", "é", "a\nb", " lead", "'q'"])
_scalar = st.one_of(_text, st.sampled_from([1, 0, 2.5, True, False, None, -3, 1e10, 12345678901]))
_variables = st.one_of(
    st.dictionaries(st.sampled_from(KEYS), _scalar, max_size=3),
    st.lists(st.sampled_from(["A=1", "B=", "C", "PATH_X=a=b", "A=2", "D=${SET}", "E=${UNSET-q}"]), max_size=4),
)
_texts = st.lists(st.sampled_from(["x", "y", "z", "x"]), max_size=3)
_text_or_texts = st.one_of(st.sampled_from(["x", "y"]), _texts)
_command = st.one_of(
    st.sampled_from(["a b", "sh -c 'x y'", "", "a | b", 'a "b c" d', "a\\ b", "echo $$X"]), st.lists(_text, max_size=3), st.none()
)
_bytes = st.sampled_from(["1g", "512m", "1.5G", 1024, "64kb", "10MiB", "1b", "0"])
_duration = st.sampled_from(["1s", "1m30s", "500ms", "2h", "1d", "0s", "1.5s", "1us", "1m0.5s", "100ms", "36h"])
_integer = st.sampled_from([0, 1, 2, "3", "${SET}", 1.0])
_boolean = st.sampled_from([True, False, "true", "false", "${SET}"])
_port = st.one_of(
    st.sampled_from(
        [
            "80",
            "80:80",
            "8080:80/udp",
            "127.0.0.1:81:80",
            "[::1]:80:80",
            "8000-8001:80-81",
            "3000-3005",
            "8000-8009:80",
            90,
            "${SET}:80",
            "${UNSET}:80",
            "0.0.0.0:80:80",
            "127.0.0.1::80",
            "80:80/tcp",
        ]
    ),
    st.fixed_dictionaries(
        {"target": st.sampled_from([80, "81"])},
        optional={
            "published": st.sampled_from([80, "81", "8000-8001", ""]),
            "protocol": st.sampled_from(["tcp", "udp"]),
            "mode": st.sampled_from(["host", "ingress"]),
            "host_ip": st.just("1.2.3.4"),
            "name": st.just("n"),
            "app_protocol": st.just("http"),
        },
    ),
)
_mount = st.one_of(
    st.sampled_from(
        [
            "/x",
            "v:/x",
            "./a:/a",
            "./a:/b:ro",
            "~/h:/h",
            "v:/y:ro,nocopy",
            "/var/run/x.sock:/x.sock",
            "../up:/up:z",
            "v:/data/",
            "./a:/a:rw,cached",
            ".:/app",
            "c:\\x:/w",
            "/n/../m",
            "v:/${UNSET}w",
        ]
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["bind", "volume", "tmpfs", "image"]), "target": st.sampled_from(["/x", "/y", "/z/"])},
        optional={
            "source": st.sampled_from(["./s", "v", "/abs"]),
            "read_only": _boolean,
            "bind": st.sampled_from([{"propagation": "rslave"}, {"create_host_path": False}, {}]),
            "volume": st.sampled_from([{"nocopy": True}, {"subpath": "s"}, {}]),
            "tmpfs": st.sampled_from([{"size": "1m"}, {"size": 5, "mode": 0o700}]),
        },
    ),
)
_networks = st.one_of(
    st.lists(st.sampled_from(["n", "m", "default"]), max_size=2),
    st.dictionaries(
        st.sampled_from(["n", "m", "default"]),
        st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {},
                optional={
                    "aliases": _texts,
                    "ipv4_address": st.just("10.0.0.5"),
                    "priority": _integer,
                    "mac_address": st.just("02:00:00:00:00:01"),
                },
            ),
        ),
        max_size=2,
    ),
)
_depends = st.one_of(
    st.lists(st.sampled_from(["a", "b"]), max_size=1),
    st.dictionaries(
        st.sampled_from(["a", "b"]),
        st.fixed_dictionaries(
            {"condition": st.sampled_from(["service_started", "service_healthy", "service_completed_successfully"])},
            optional={"required": _boolean, "restart": _boolean},
        ),
        max_size=2,
    ),
)
_build = st.one_of(
    st.sampled_from([".", "./b", "https://github.com/a/b.git", "${UNSET}", "/abs"]),
    st.fixed_dictionaries(
        {},
        optional={
            "context": st.sampled_from([".", "../x", "b"]),
            "dockerfile": st.sampled_from(["D", "/abs/D"]),
            "args": _variables,
            "labels": _variables,
            "target": _text,
            "cache_from": _texts,
            "tags": _texts,
            "no_cache": _boolean,
            "pull": _boolean,
            "shm_size": _bytes,
            "network": st.just("host"),
            "additional_contexts": st.sampled_from([{"x": "./y"}, ["x=./y"], {"i": "docker-image://z"}]),
            "extra_hosts": st.just(["a:1.2.3.4"]),
            "dockerfile_inline": st.just("FROM x\nRUN y\n"),
            "platforms": st.just(["linux/amd64"]),
            "ssh": st.sampled_from([["default"], ["default", "k=./p"], {"k": "./p"}]),
        },
    ),
)
_health = st.fixed_dictionaries(
    {},
    optional={
        "test": st.one_of(st.sampled_from(["x y", ["CMD", "x"], ["NONE"], ["CMD-SHELL", "a || b"], []])),
        "interval": _duration,
        "timeout": _duration,
        "start_period": _duration,
        "start_interval": _duration,
        "retries": _integer,
        "disable": _boolean,
    },
)
_grant = st.one_of(
    st.sampled_from(["s", "t"]),
    st.fixed_dictionaries(
        {"source": st.sampled_from(["s", "t"])},
        optional={
            "target": st.sampled_from(["u", "/abs"]),
            "uid": st.just("1"),
            "gid": st.just("2"),
            "mode": st.sampled_from([0o400, "0440", 292]),
        },
    ),
)
_limits = st.fixed_dictionaries({}, optional={"cpus": st.sampled_from(["0.5", 2, 1.5]), "memory": _bytes, "pids": _integer})
_deploy = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.just("replicated"),
        "replicas": _integer,
        "labels": _variables,
        "endpoint_mode": st.just("vip"),
        "resources": st.fixed_dictionaries({}, optional={"limits": _limits, "reservations": _limits}),
        "restart_policy": st.fixed_dictionaries(
            {}, optional={"condition": st.just("on-failure"), "delay": _duration, "max_attempts": _integer, "window": _duration}
        ),
        "update_config": st.fixed_dictionaries(
            {}, optional={"parallelism": _integer, "delay": _duration, "order": st.just("start-first"), "monitor": _duration}
        ),
        "placement": st.fixed_dictionaries({}, optional={"constraints": _texts, "max_replicas_per_node": _integer}),
    },
)
_hosts = st.one_of(
    st.lists(st.sampled_from(["a:1.2.3.4", "b=::1", "c:[::1]", "d=host-gateway", "a:5.6.7.8"]), max_size=3),
    st.sampled_from([{"a": "1.1.1.1"}, {"b": ["1.1.1.1", "2.2.2.2"]}]),
)
_hooks = st.lists(
    st.fixed_dictionaries({"command": _command}, optional={"user": _text, "environment": _variables, "privileged": _boolean}), max_size=2
)
_ulimits = st.dictionaries(st.sampled_from(["nofile", "core"]), st.sampled_from([0, 5, -1, "7", {"soft": 1, "hard": 2}]), max_size=2)

ATTRIBUTES: dict[str, st.SearchStrategy[Any]] = {
    "annotations": _variables,
    "attach": _boolean,
    "build": _build,
    "cap_add": _texts,
    "cap_drop": _texts,
    "command": _command,
    "configs": st.lists(_grant, max_size=2),
    "container_name": st.sampled_from(["cc", "c_1.x"]),
    "cpus": st.sampled_from([1, "0.5", 1.5]),
    "cpu_shares": _integer,
    "depends_on": _depends,
    "deploy": _deploy,
    "devices": st.lists(
        st.sampled_from(["/dev/a", "/dev/a:/dev/b", "/dev/a:/dev/b:r", "vendor.com/gpu=all", {"source": "/dev/a", "target": "/dev/c"}]),
        max_size=2,
    ),
    "dns": _text_or_texts,
    "dns_search": _text_or_texts,
    "domainname": _text,
    "entrypoint": _command,
    "environment": _variables,
    "expose": st.lists(st.sampled_from([80, "80", "81-82", "90/udp", 80]), max_size=3),
    "external_links": _texts,
    "extra_hosts": _hosts,
    "group_add": st.lists(st.sampled_from([1, "2", "video"]), max_size=2),
    "healthcheck": _health,
    "hostname": _text,
    "image": st.sampled_from(["i", "", "${SET}", "i:${UNSET:-1}"]),
    "init": _boolean,
    "ipc": st.sampled_from(["host", "service:a", "shareable"]),
    "labels": _variables,
    "links": st.lists(st.sampled_from(["a", "b:x"]), max_size=2),
    "logging": st.fixed_dictionaries(
        {}, optional={"driver": st.sampled_from(["j", "k"]), "options": st.sampled_from([{"a": "1"}, {"a": 1, "b": None}, {}])}
    ),
    "mem_limit": _bytes,
    "memswap_limit": _bytes,
    "network_mode": st.sampled_from(["host", "none", "service:a", "bridge"]),
    "networks": _networks,
    "oom_score_adj": st.sampled_from([-5, 5, "3"]),
    "pid": st.sampled_from(["host", "service:b"]),
    "pids_limit": _integer,
    "platform": st.sampled_from(["linux/amd64", ""]),
    "ports": st.lists(_port, max_size=3),
    "post_start": _hooks,
    "pre_stop": _hooks,
    "privileged": _boolean,
    "profiles": _texts,
    "pull_policy": st.sampled_from(["always", "if_not_present", "every_12h", "build"]),
    "read_only": _boolean,
    "restart": st.sampled_from(["no", "always", "on-failure:3", False, "x"]),
    "scale": _integer,
    "secrets": st.lists(_grant, max_size=2),
    "security_opt": _texts,
    "shm_size": _bytes,
    "stdin_open": _boolean,
    "stop_grace_period": _duration,
    "stop_signal": _text,
    "sysctls": _variables,
    "tmpfs": st.sampled_from(["/t", ["/t", "/u:size=1m"], [], ["/x"]]),
    "tty": _boolean,
    "ulimits": _ulimits,
    "user": st.sampled_from(["1", "1:1", "${SET}", 5]),
    "userns_mode": _text,
    "volumes": st.lists(_mount, max_size=3),
    "volumes_from": st.lists(st.sampled_from(["a", "b:ro", "container:x"]), max_size=1),
    "working_dir": _text,
    "x-own": _odd,
    "extends": st.sampled_from(["a", {"service": "b"}]),
}

_resource = {
    "name": st.sampled_from(["x", "${SET}", "${UNSET:-d}", "10", "a b"]),
    "labels": _variables,
    "external": st.sampled_from([True, False, "true", {"name": "e"}]),
    "driver": st.just("local"),
}
_network = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            **_resource,
            "internal": _boolean,
            "attachable": _boolean,
            "enable_ipv6": _boolean,
            "driver_opts": st.sampled_from([{"a": 1}, {"b": "x"}]),
            "ipam": st.sampled_from([{"driver": "default"}, {"config": [{"subnet": "10.0.0.0/8"}]}, {"config": []}, {}]),
        },
    ),
)
_volume = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {}, optional={**_resource, "driver_opts": st.sampled_from([{"type": "none", "o": "bind", "device": "./d"}, {"size": 5}])}
    ),
)
_secret = st.sampled_from(
    [
        {"file": "./f"},
        {"file": "/abs", "name": "z"},
        {"environment": "SET"},
        {"external": True},
        {"environment": "SET", "labels": ["a=b"]},
        {"external": True, "name": "e"},
        {"file": "./f", "environment": "SET"},
    ]
)


#: One attribute in so many has a value that nobody expects.
ODDS = 30


@st.composite
def _service(draw: st.DrawFn) -> Any:
    """Mostly with an image, and with a few attributes."""
    service = {"image": "i"} if draw(st.integers(0, 19)) else {}
    for attribute in draw(st.lists(st.sampled_from(sorted(ATTRIBUTES)), max_size=4, unique=True)):
        service[attribute] = draw(ATTRIBUTES[attribute] if draw(st.integers(0, ODDS)) else _odd)
    return service


#: The content of one compose file: two services, and all that they may refer to, mostly.
DOCUMENTS = st.fixed_dictionaries(
    {
        "services": st.fixed_dictionaries({"a": _service(), "b": _service()}),
        "networks": st.fixed_dictionaries({"n": _network}, optional={"m": _network, "default": _network}),
        "volumes": st.fixed_dictionaries({"v": _volume}),
        "secrets": st.fixed_dictionaries({"s": st.just({"file": "./f"}), "t": _secret}),
        "configs": st.fixed_dictionaries({"s": st.just({"file": "./f"}), "t": st.one_of(_secret, st.just({"content": "a ${SET}"}))}),
    },
    optional={"name": st.sampled_from(["p", "${SET}"]), "version": st.just("3.8"), "x-top": _odd},
)
