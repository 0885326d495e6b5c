"""What the phases after merging do: shapes, paths, names, selection, checks, env_file."""

from __future__ import annotations

import pytest

from tests.compose_folder import Folder


@pytest.mark.parametrize(("text", "message", "hint"), [
    ("services: {web: {imge: i}}", "services.web: additional properties 'imge' not allowed", 'did you mean "image"?'),
    ("servces: {}", "additional properties 'servces' not allowed", 'did you mean "services"?'),
    ("services: {web: {image: 1}}", "services.web.image must be a string", ""),
    ("services: {web: {image: i, environment: A=1}}", "services.web.environment must be a mapping or array", ""),
    ("services: {web: {image: i, environment: {A: [1]}}}", "services.web.environment.A must be a boolean, null, number or string", ""),
    ("services: {web: {image: i, environment: {A: 2024-01-01}}}", "services.web.environment.A must be", "write a date in quotes"),
    ("services: {web: {image: i, depends_on: {db: {condition: x}}}}", "value must be one of 'service_started'", ""),
    ("services: {web: {image: i, container_name: a}}", "'a' does not match pattern", ""),
    ("services: {web: {image: i, ports: }}", "services.web.ports must be a array", ""),
    ("services: {web: {image: i, volumes: [{target: /a}]}}", "services.web.volumes[0]: missing type", ""),
    ("services: {web: {image: i, security_opt: [a, a]}}", "services.web.security_opt items at 0 and 1 are equal", ""),
    ("services: [a]", "services must be a mapping", ""),
    ("services: {a b: {image: i}}", "services: additional properties 'a b' not allowed", ""),
    ("- a", "top-level object must be a mapping", ""),
    ("", "empty compose file", ""),
])
def test_shapes(folder: Folder, text: str, message: str, hint: str) -> None:
    """Unknown keys and wrong types are refused at their place."""
    printed = folder.refusal(lambda: folder.tree(text))
    assert message in printed
    assert hint in printed
    assert "compose.yaml" in printed


def test_all_mistakes_at_once(folder: Folder) -> None:
    """A phase reports everything that it finds, each with line and column."""
    printed = folder.refusal(lambda: folder.tree("services:\n  a:\n    imge: x\n  b:\n    image: 1\n"))
    assert "compose.yaml, line 3, column 5" in printed
    assert "compose.yaml, line 5, column 12" in printed


def test_paths(folder: Folder) -> None:
    """Relative paths are relative to the project's folder, ~ is the home of the user; remote contexts stay."""
    tree = folder.tree("""
        services:
          a:
            build: {context: app, additional_contexts: {x: ../y, z: "docker-image://q"}}
            volumes: ["./d:/d", "~/e:/e"]
            secrets: [s]
          b: {build: "https://host/x.git"}
        secrets: {s: {file: ./s}}
        """)
    a = tree["services"]["a"]
    assert a["build"]["context"] == f"{folder.path}/app"
    assert a["build"]["additional_contexts"] == {"x": f"{folder.path.parent}/y", "z": "docker-image://q"}
    assert [mount["source"] for mount in a["volumes"]] == [f"{folder.path}/d", "/home/me/e"]
    assert tree["services"]["b"]["build"]["context"] == "https://host/x.git"
    assert tree["secrets"]["s"]["file"] == f"{folder.path}/s"


def test_normalize(folder: Folder) -> None:
    """Names, the default network, build defaults, passed-on variables and implied dependencies are added."""
    folder.environ["PASSED"] = "on"
    tree = folder.tree("""
        services:
          a: {build: {args: [PASSED, NOPE]}, environment: [PASSED, NOPE], links: ["b:x"], volumes_from: [c], volumes: ["data:/d"]}
          b: {image: i, network_mode: none}
          c: {image: i, networks: [own], pid: "service:b"}
        networks: {own: {name: mine}}
        volumes: {data: }
        """)
    a = tree["services"]["a"]
    assert a["build"] == {"context": str(folder.path), "dockerfile": "Dockerfile", "args": {"PASSED": "on"}}
    assert a["environment"] == {"PASSED": "on", "NOPE": None}
    assert a["networks"] == {"default": None}
    assert a["depends_on"] == {"b": {"condition": "service_started", "restart": True, "required": True},
                               "c": {"condition": "service_started", "required": True}}
    assert list(tree["services"]["c"]["depends_on"]) == ["b"]
    assert tree["networks"] == {"default": {"name": "p_default"}, "own": {"name": "mine"}}
    assert tree["volumes"] == {"data": {"name": "p_data"}}


def test_profiles(folder: Folder) -> None:
    """A service with profiles is active when one is asked for, or when it is named itself."""
    text = "services: {a: {image: i}, b: {image: i, profiles: [x]}, c: {image: i, profiles: [x, y]}}"
    assert folder.resolve(text).inactive == ("b", "c")
    assert folder.resolve(text, profiles=("y",)).inactive == ("b",)
    assert folder.resolve(text, profiles=("*",)).inactive == ()
    assert folder.resolve(text, services=("b",)).inactive == ()
    assert "no such service: bb" in folder.refusal(lambda: folder.resolve(text, services=("bb",)))


def test_unused_resources(folder: Folder) -> None:
    """Networks and volumes that no active service uses are left out unless all are asked for."""
    text = "services: {a: {image: i, profiles: [x], networks: [n]}}\nnetworks: {n: }\nvolumes: {v: }"
    assert folder.tree(text).keys() == {"name", "services"}
    assert folder.tree(text, all_resources=True)["networks"].keys() == {"n"}


@pytest.mark.parametrize(("text", "message"), [
    ("services: {a: {user: x}}", 'service "a" has neither an image nor a build context'),
    ("services: {a: {image: i, networks: [n]}}", 'service "a" refers to undefined network n'),
    ("services: {a: {image: i, volumes: ['vol:/v']}}", 'service "a" refers to undefined volume vol'),
    ("services: {a: {image: i, secrets: [s]}}", 'service "a" refers to undefined secret s'),
    ("services: {a: {image: i, configs: [c]}}", 'service "a" refers to undefined config c'),
    ("services: {a: {image: i, depends_on: [bd]}, db: {image: i}}", 'depends on undefined service "bd"'),
    ("services: {a: {image: i, depends_on: [b]}, b: {image: i, profiles: [x]}}", "it belongs to a profile that is not active"),
    ("services: {a: {image: i, network_mode: host, networks: [default]}}", "mutually exclusive `network_mode` and `networks`"),
    ("services: {a: {image: i, healthcheck: {test: [x]}}}", "healthcheck.test must start either by"),
    ("services: {a: {image: i, mem_limit: 1g, deploy: {resources: {limits: {memory: 2g}}}}}", "can't set distinct values on 'mem_limit'"),
    ("services: {a: {image: i, scale: 2, deploy: {replicas: 3}}}", "can't set distinct values on 'scale'"),
    ("services: {a: {image: i, scale: -1}}", "must be greater than or equal to 0"),
    ("services: {a: {image: i, scale: 2, container_name: xx}}", "can't set container_name and a"),
    ("services: {a: {image: i, container_name: xx}, b: {image: i, container_name: xx}}", 'container name "xx" is already in use'),
    ("services: {a: {image: i, volumes: ['/b:/x', {type: bind, source: /c, target: /x/}]}}",
     "services.a.volumes[1]: target /x already mounted as services.a.volumes[0]"),
    ("services: {a: {image: i, tmpfs: /x, volumes: ['/b:/x']}}", "services.a.volumes[0]: target /x already mounted as services.a.tmpfs[0]"),
    ("services: {a: {image: i, volumes: [{type: bind, target: /x}]}}", "field Source must not be empty"),
    ("services: {a: {build: {dockerfile: x, dockerfile_inline: y}}}", "mutually exclusive dockerfile"),
    ("services: {}\nsecrets: {s: {}}", "secrets.s: one of file|environment must be set"),
    ("services: {}\nconfigs: {c: {file: a, content: b}}", "configs.c: file|environment|content attributes are mutually exclusive"),
    ("services: {}\nvolumes: {v: {external: true, driver: x}}", 'volumes.v: conflicting parameters "external" and "driver" specified'),
    ("services: {a: {image: i, depends_on: [b]}, b: {image: i, links: [c]}, c: {image: i, depends_on: [a]}}",
     "dependency cycle detected: a -> b -> c -> a"),
])
def test_checks(folder: Folder, text: str, message: str) -> None:
    """What does not go together is refused, with the place."""
    printed = folder.refusal(lambda: folder.tree(text))
    assert message in printed
    assert "compose.yaml, line" in printed


def test_an_inactive_dependency_that_is_not_required(folder: Folder) -> None:
    """With `required: false` the dependency may be of a profile that is not active."""
    text = "services: {a: {image: i, depends_on: {b: {condition: service_started, required: false}}}, b: {image: i, profiles: [x]}}"
    assert folder.resolve(text).inactive == ("b",)


def test_env_file(folder: Folder) -> None:
    """env_file is below environment, a later one above an earlier; a missing one is an error unless it is not required."""
    folder.write({"1.env": "A=1\nB=1\nC=$OUT", "2.env": "B=2", "raw.env": "D='$OUT'", "labels": "l=1\nm=1"})
    folder.environ["OUT"] = "outside"
    text = """
        services:
          a:
            image: i
            env_file: [1.env, {path: 2.env}, {path: nope.env, required: false}, {path: raw.env, format: raw}]
            environment: {A: own}
            label_file: labels
            labels: {m: own}
        """
    service = folder.tree(text)["services"]["a"]
    assert service["environment"] == {"A": "own", "B": "2", "C": "outside", "D": "'$OUT'"}
    assert service["labels"] == {"l": "1", "m": "own"}
    assert "env_file" not in service
    assert len(folder.tree(text, resolve_env=False)["services"]["a"]["env_file"]) == 4
    missing = "services: {a: {image: i, env_file: nope.env}, b: {image: i}}"
    assert "services.a.env_file[0]: env file" in folder.refusal(lambda: folder.tree(missing))
    assert folder.tree(missing, services=("b",))["services"].keys() == {"a", "b"}


def test_variables_that_are_not_set(folder: Folder) -> None:
    """A variable without value is empty, with one warning; a required one is an error with the author's words."""
    loaded = folder.resolve("version: '3'\nservices: {a: {image: 'x$NOPE'}, b: {image: 'y$NOPE'}}")
    version, variable = loaded.warnings if "version" in loaded.warnings[0] else loaded.warnings[::-1]
    assert variable == 'The "NOPE" variable is not set. Defaulting to a blank string.'
    assert "`version` is obsolete" in version
    printed = folder.refusal(lambda: folder.tree("services: {a: {image: '${NOPE:?give me one}'}}"))
    assert "required variable NOPE is missing a value: give me one" in printed
    assert "You may need to escape any $ with another $" in folder.refusal(lambda: folder.tree("services: {a: {image: '${'}}"))


def test_without_interpolation(folder: Folder) -> None:
    """With interpolation switched off, variables stay as they are written."""
    text = "services: {a: {image: 'x$V', ports: ['${P}:80'], scale: '${N}', mem_limit: '${M}', volumes: ['${S}:/x']}}"
    service = folder.tree(text, interpolate=False, consistency=False)["services"]["a"]
    assert (service["image"], service["scale"], service["mem_limit"]) == ("x$V", "${N}", "${M}")
    assert service["ports"] == ["${P}:80"]
