"""Tree -> Project, and the refusal of what composer cannot do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from composer.load.language import COMPOSE_FILE
from composer.load.supported import SUPPORTED
from composer.model.mounts import Grant, Mount
from composer.model.network import Attachment, Subnet
from composer.model.ports import Port
from composer.model.service import Dependency
from tests.compose_folder import Folder

STACK = """
    services:
      db:
        image: postgres
        command: []
        environment: {POSTGRES_PASSWORD_FILE: /run/secrets/pw, NOPE: }
        volumes: ["data:/var/lib/postgresql", "./x:/x:ro", {type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0700}}]
        secrets: [pw]
        networks: {back: {aliases: [sql], ipv4_address: 10.9.0.5}}
        healthcheck: {test: pg_isready, interval: 1m30s, start_period: 500ms}
        mem_limit: 512m
        stop_grace_period: 1m
        x-composer: {eager: false}
      web:
        build: {context: ./app, args: [A=1]}
        ports: ["127.0.0.1:8080:80", "9000-9001:90-91/udp"]
        configs: [conf, {source: conf, target: /etc/x, uid: "5", mode: 0440}]
        depends_on: {db: {condition: service_healthy, restart: true}}
        deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 1g, pids: 9}}, restart_policy: {condition: on-failure, delay: 5s}}
        cap_drop: [ALL]
        profiles: [all]
      idle: {image: i, profiles: [other]}
    networks: {back: {internal: true, ipam: {config: [{subnet: 10.9.0.0/16}]}}}
    volumes: {data: , common: {name: common}}
    secrets: {pw: {environment: PW}}
    configs: {conf: {content: "x"}}
    """


def test_project(folder: Folder) -> None:
    """Everything of a canonical tree arrives in the model, with seconds, bytes and absolute paths."""
    folder.environ["PW"] = "hush-hush"
    loaded = folder.load(STACK, profiles=("all",))
    project = loaded.project
    db, web = project.services["db"], project.services["web"]
    assert (project.name, project.working_dir, project.inactive) == ("p", str(folder.path.resolve()), ("idle",))
    assert (db.command, db.entrypoint, db.memory, db.stop_grace_period, db.eager) == ((), None, 512 * 2**20, 60.0, False)
    assert db.environment == {"POSTGRES_PASSWORD_FILE": "/run/secrets/pw"}
    assert db.healthcheck is not None
    assert (db.healthcheck.test, db.healthcheck.interval, db.healthcheck.start_period) == (("CMD-SHELL", "pg_isready"), 90.0, 0.5)
    assert db.networks == {"back": Attachment(aliases=("sql",), ipv4_address="10.9.0.5")}
    assert db.volumes == (
        Mount(type="volume", source="data", target="/var/lib/postgresql"),
        Mount(type="bind", source=f"{folder.path}/x", target="/x", read_only=True),
        Mount(type="tmpfs", target="/t", size=2**20, mode=0o700))
    assert db.secrets == (Grant(source="pw", target="/run/secrets/pw"),)
    assert (web.image, web.replicas, web.memory, web.cpu_limit, web.pid_limit) == ("p-web", 2, 2**30, 0.5, 9)
    assert web.build is not None
    assert (web.build.context, web.build.args) == (f"{folder.path}/app", {"A": "1"})
    assert web.ports == (Port(target=80, published="8080", host_ip="127.0.0.1"), Port(target=90, published="9000", protocol="udp"),
                         Port(target=91, published="9001", protocol="udp"))
    assert web.configs == (Grant(source="conf", target="/conf"), Grant(source="conf", target="/etc/x", uid=5, mode=0o440))
    assert web.depends_on == {"db": Dependency(condition="service_healthy", restart=True)}
    assert web.deploy.restart_policy is not None
    assert web.deploy.restart_policy.delay == 5.0
    assert (project.networks["back"].name, project.networks["back"].ipam) == ("p_back", (Subnet(subnet="10.9.0.0/16"),))
    assert project.networks.keys() == {"back", "default"}
    assert not project.volumes["data"].shared
    assert loaded.contents == {"secrets/pw": "hush-hush"}
    assert "hush" not in project.model_dump_json()


def test_positions(folder: Folder) -> None:
    """Every value of the tree says where it was written, in whichever file."""
    loaded = folder.load("services:\n  web:\n    image: i\n", "services:\n  web:\n    user: me\n")
    assert str(loaded.positions["services", "web", "image"]) == "compose.yaml, line 3, column 12"
    assert str(loaded.positions["services", "web", "user"]) == "compose1.yaml, line 3, column 11"


def test_a_volume_with_a_name_of_its_own_is_shared(folder: Folder) -> None:
    """A volume that the file names belongs to no single project."""
    project = folder.load("services: {a: {image: i, volumes: ['vol:/v']}}\nvolumes: {vol: {name: other}}").project
    assert (project.volumes["vol"].name, project.volumes["vol"].shared) == ("other", True)


@pytest.mark.parametrize(("text", "message"), [
    ("services: {a: {image: i, userns_mode: 'keep-id'}}", "services.a.userns_mode: 'keep-id' is not supported"),
    ("services: {a: {image: i, network_mode: 'other:x'}}", "services.a.network_mode: 'other:x' is not one of"),
    ("services: {a: {image: i, restart: sometimes}}", "services.a.restart: 'sometimes' is not one of"),
    ("services: {a: {image: i, networks: [n]}}\nnetworks: {n: {driver: overlay}}", "networks.n.driver"),
    ("services: {a: {image: i, networks: [n]}}\nnetworks: {n: {driver: macvlan}}", "networks.n.driver: 'macvlan' is not supported"),
    ("services: {a: {image: i, networks: {n: {ipv4_address: 1.2.3}}}}\nnetworks: {n: }", "ipv4_address: '1.2.3' is no IP address"),
    ("services: {a: {image: i, secrets: [s]}}\nsecrets: {s: {environment: NOPE}}", 'variable "NOPE" required by secret "s" is not set'),
    ("services: {a: {image: i, secrets: [{source: s, uid: me}]}}\nsecrets: {s: {file: f}}", "secrets[0].uid: 'me' is not a number"),
    ("services: {a: {image: i, x-composer: {eager: 3}}}", "services.a.x-composer.eager"),
])
def test_what_composer_cannot_do_is_refused(folder: Folder, text: str, message: str) -> None:
    """Nothing that the specification knows is ignored: what has no row in the table is refused by name and place."""
    assert message in folder.refusal(lambda: folder.load(text))


def test_config_shows_what_composer_cannot_do(folder: Folder) -> None:
    """The tree has every attribute of the specification, also those that `up` refuses."""
    assert folder.tree("services: {a: {image: i, gpus: all}}")["services"]["a"]["gpus"] == [{"count": -1}]


def test_extension_fields_are_nobodys_business(folder: Folder) -> None:
    """Keys that begin with x- are accepted anywhere and change nothing."""
    loaded = folder.load("x-a: {b: 1}\nservices: {a: {image: i, x-c: 1, deploy: {x-d: 2}}}")
    assert loaded.project == folder.load("services: {a: {image: i}}").project
    assert loaded.tree["x-a"] == {"b": 1}


def test_every_supported_attribute_is_in_the_specification() -> None:
    """The table of supported attributes has no row that the language does not know."""
    def check(table: object, shape: object, path: str) -> None:
        for step, below in table.below.items():  # type: ignore[attr-defined]
            keys = shape.keys or {}  # type: ignore[attr-defined]
            inner = keys.get(step) or (shape.values or shape.items if step == "*" else None)  # type: ignore[attr-defined]
            assert inner is not None or step.startswith("x-"), f"{path}.{step}"
            if inner is not None:
                check(below, inner, f"{path}.{step}")

    check(SUPPORTED, COMPOSE_FILE, "")


def test_loading_imports_little(folder: Folder) -> None:
    """`config` pays for no pydantic, networkx, asyncio, click or rich."""
    folder.options("services: {a: {image: i, depends_on: [b]}, b: {image: i}}")
    code = """if True:
        import sys
        from composer.load import LoadOptions
        from composer.load.phases import resolve
        resolve(LoadOptions(environ={}, cwd=sys.argv[1]))
        print(*sorted({name.partition(".")[0] for name in sys.modules}
                      & {"pydantic", "networkx", "asyncio", "click", "rich", "watchfiles"}))
        """
    ran = subprocess.run([sys.executable, "-c", code, str(folder.path)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


@pytest.mark.parametrize(("words", "policy", "after"), [
    ("", "", None),
    ("pull_policy: if_not_present", "missing", None),
    ("pull_policy: daily", "refresh", 86400),
    ("pull_policy: weekly", "refresh", 604800),
    ("pull_policy: every_1w2d3h4m5s", "refresh", 788645),
    ("pull_policy: refresh", "refresh", None),
    ("pull_policy: refresh, pull_refresh_after: 1h30m", "refresh", 5400),
    ("pull_policy: always, pull_refresh_after: 1h", "always", None),
])
def test_pull_policies(folder: Folder, words: str, policy: str, after: float | None) -> None:
    """What goes by time is `refresh` after that time; without a time, it is each time."""
    service = folder.load(f"services: {{web: {{image: i, {words}}}}}").project.services["web"]
    assert (service.pull_policy, service.refresh_after) == (policy, after)


def test_a_build_with_an_image_has_a_name_of_its_own(folder: Folder) -> None:
    """Which may be in a registry; PROJECT-SERVICE is never looked for in one."""
    services = folder.load("services: {named: {image: i, build: .}, unnamed: {build: .}}").project.services
    assert {name: (service.image, service.image_named) for name, service in services.items()} == {
        "named": ("i", True), "unnamed": ("p-unnamed", False)}
