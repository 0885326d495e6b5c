"""What `config` can print instead of the files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from composer.commands.config import ConfigRequest, config
from composer.commands.session import Session
from composer.errors import UsageError
from composer.load.config_hash import config_hash
from composer.load.trace import Trace
from composer.load.variables import Variable, variables
from composer.store import Places
from tests.compose_folder import Folder


class _Listener:
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def _printed(folder: Folder, text: str, **request: Any) -> str:
    options = folder.options(text)
    return config(Session(options, Places.default(), _Listener()), ConfigRequest(**request))  # type: ignore[arg-type]


TEXT = """
services:
  web: {image: "web:${TAG:-1}", environment: ["A=${A:?say it}", "B=${B:+b}", "C=${D:-${E}}"], profiles: [p]}
  db: {build: ., volumes: ["data:/data"]}
volumes: {data: }
models: {m: {model: ai/x}}
"""


def test_variables(folder: Folder) -> None:
    """Every variable once, those in defaults too."""
    folder.environ["A"] = "a"
    trace = Trace()
    from composer.load.phases import resolve

    resolve(folder.options(TEXT), trace)
    assert variables(trace.raw) == [
        Variable("A", required=True),
        Variable("B", alternate="b"),
        Variable("D", default="${E}"),
        Variable("E"),
        Variable("TAG", default="1"),
    ]


def test_variables_as_table_and_json(folder: Folder) -> None:
    """docker compose's columns and keys; a required variable may be missing."""
    lines = _printed(folder, TEXT, listed="variables").splitlines()
    assert lines[0].split("  ")[0] == "NAME" and lines[1].split() == ["A", "true"]
    assert json.loads(_printed(folder, TEXT, listed="variables", form="json"))["TAG"] == {
        "Name": "TAG",
        "DefaultValue": "1",
        "PresenceValue": "",
        "Required": False,
    }


@pytest.mark.parametrize(
    ("listed", "names"),
    [("services", ["db"]), ("volumes", ["data"]), ("networks", ["default"]), ("profiles", ["p"]), ("images", ["p-db"])],
)
def test_names(folder: Folder, listed: str, names: list[str]) -> None:
    """A name a line; profiles also of services that are not active."""
    folder.environ["A"] = "a"
    assert _printed(folder, TEXT, listed=listed).splitlines() == names


def test_images_and_models(folder: Folder) -> None:
    """An image for every service, also when two have the same; of models what they run, not what the file calls them."""
    text = "services: {b: {image: x, models: [m]}, a: {image: x}}\nmodels: {m: {model: ai/x}}"
    assert _printed(folder, text, listed="images") == "x\nx\n"
    assert _printed(folder, text, listed="models") == "ai/x\n"


@pytest.mark.parametrize("request_", [{"listed": "services"}, {"listed": "images"}, {"hashed": "*"}])
def test_lists_need_no_env_files(folder: Folder, request_: dict[str, Any]) -> None:
    """An env_file that is missing stops nobody who only wants names or hashes."""
    assert _printed(folder, "services: {a: {image: x, env_file: nope}}", **request_)


def test_environment(folder: Folder) -> None:
    """What variables hold, the project's name and the current folder among them, whatever PWD said."""
    folder.environ = {"A": "a", "PWD": "/elsewhere"}
    assert _printed(folder, TEXT, listed="environment") == f"A=a\nCOMPOSE_PROJECT_NAME=p\nPWD={folder.path}\n"


def test_hashes(folder: Folder) -> None:
    """One line a service; a service that is not there is an error."""
    folder.environ = {"A": "a", "COMPOSE_PROFILES": "p"}
    everything = _printed(folder, TEXT, hashed="*")
    assert [line.split()[0] for line in everything.splitlines()] == ["db", "web"]
    assert _printed(folder, TEXT, hashed="db") == everything.splitlines(keepends=True)[0]
    with pytest.raises(UsageError, match="no such service: nope"):
        _printed(folder, TEXT, hashed="db,nope")


def test_named_services(folder: Folder) -> None:
    """The named ones and what they need are printed, with what these use."""
    text = "services: {a: {image: i, depends_on: [b], networks: [n]}, b: {image: i}, c: {image: i, networks: [m]}}\nnetworks: {n: , m: }"
    assert _printed(folder, text, services=("a",), listed="services").split() == ["a", "b"]
    assert _printed(folder, text, services=("a",), listed="networks").split() == ["default", "n"]


def test_what_changes_a_hash() -> None:
    """Only what changes the container."""
    service = {"image": "i", "environment": {"A": "1"}}
    assert config_hash(service) == config_hash({**service, "scale": 3, "profiles": ["x"], "depends_on": {}, "x-note": 1})
    assert config_hash(service) != config_hash({**service, "environment": {"A": "2"}})


def test_the_hash_is_docker_composes() -> None:
    """The number that docker compose 2.40.3 prints for the same service."""
    assert config_hash({"image": "x", "networks": {"default": None}, "deploy": {"replicas": 3}}) == HASH


HASH = "44afd1045bf833334d45f6fe848d207c5338c9e318b0126c9f1427c9cc291b8e"


def test_without_interpolation_nothing_comes_from_outside(folder: Folder) -> None:
    """Variables without a value stay without one, arguments of a build without a value go; `external` stays as it was written, and
    decides about the name."""
    text = """
        services:
          a: {image: x, environment: {HERE: , SET: 1}, build: {args: {HERE: , SET: 1}}}
        networks: {default: {name: n}, own: {external: false}, said: {external: "true"},
          open: {external: "${O}"}, old: {external: {name: past}}}
        """
    folder.environ["HERE"] = "from outside"
    options = folder.options(text, project_name="p")
    printed = config(Session(options, Places.default(), _Listener()), ConfigRequest(form="json", without={"no_interpolate": True}))  # type: ignore[arg-type]
    tree = json.loads(printed)
    assert tree["services"]["a"]["environment"] == {"HERE": None, "SET": 1}
    assert tree["services"]["a"]["build"]["args"] == {"SET": 1}
    assert tree["networks"] == {
        "default": {"name": "n"},
        "own": {"external": False, "name": "p_own"},
        "said": {"external": "true", "name": "said"},
        "open": {"external": "${O}", "name": "p_open"},
        "old": {"external": True, "name": "past"},
    }


def test_without_interpolation(folder: Folder) -> None:
    """Variables stay, and with them whatever is not needed for merging, paths and names; all services are there."""
    text = """
        services:
          a:
            image: "x:${T}"
            build: {context: ., args: [A=1, B], ssh: [default]}
            command: a ${B}
            environment: ["A=${B}", C]
            labels: {n: 1}
            ports: ["${P}:80", 81]
            volumes: ["${V}:/x", ./b:/c]
            depends_on: [b]
            mem_limit: 1g
            healthcheck: {test: x, interval: 90s}
            gpus: all
          b: {image: y, profiles: [p], ports: ["80:80"]}
        """
    over = "services: {a: {environment: {D: 1}, labels: [m=2, n=3], tmpfs: /t}}"
    folder.environ["C"] = "c"
    options = folder.options(text, over)
    printed = config(Session(options, Places.default(), _Listener()), ConfigRequest(form="json", without={"no_interpolate": True}))  # type: ignore[arg-type]
    services = json.loads(printed)["services"]
    assert services["a"] == {
        "image": "x:${T}",
        "build": {"context": str(folder.path), "dockerfile": "Dockerfile", "args": ["A=1"], "ssh": {"default": None}},
        "command": "a ${B}",
        "environment": ["A=${B}", "C", "D=1"],
        "labels": ["n=3", "m=2"],
        "ports": ["${P}:80", 81],
        "volumes": [
            {"type": "volume", "source": "${V}", "target": "/x", "volume": {}},
            {"type": "bind", "source": f"{folder.path}/b", "target": "/c", "bind": {"create_host_path": True}},
        ],
        "depends_on": {"b": {"condition": "service_started", "required": True}},
        "mem_limit": "1g",
        "healthcheck": {"test": "x", "interval": "90s"},
        "gpus": [{"count": "all"}],
        "networks": {"default": None},
        "tmpfs": "/t",
    }
    assert services["b"]["ports"] == [{"mode": "ingress", "target": 80, "published": "80", "protocol": "tcp"}]
