"""Rows in, rows out: the short syntaxes and the values of the specification."""

from __future__ import annotations

from typing import Any

import pytest

from composer.load import dotenv, ports, template, volumes
from tests.compose_folder import Folder

VARIABLES = {"CITY": "Ulm", "EMPTY": "", "JSON": '{"a":1}'}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("a $ sign", "a $ sign"),
        ("$$CITY", "$CITY"),
        ("$}", "$}"),
        ("^x$", "^x$"),
        ("$CITY-1", "Ulm-1"),
        ("${CITY}s", "Ulms"),
        ("${NONE:-d}", "d"),
        ("${NONE-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${CITY:-d}", "Ulm"),
        ("${CITY:+r}", "r"),
        ("${EMPTY:+r}", ""),
        ("${EMPTY+r}", "r"),
        ("${NONE+r}", ""),
        ("${NONE:-$CITY}", "Ulm"),
        ("${NONE-${NONE:-${CITY}}}", "Ulm"),
        ("${NONE:-a-b:-c?d}", "a-b:-c?d"),
        ("${NONE:-/non:-word}", "/non:-word"),
        ('${NONE:-{"b":2}}', '{"b":2}'),
        ('${JSON:-{"b":2}}', '{"a":1}'),
        ("{{ ${NONE:-x} }}", "{{ x }}"),
        ("${NONE:-}${CITY:?}", "Ulm"),
    ],
)
def test_templates(text: str, filled: str) -> None:
    """Every form of a variable."""
    assert template.substitute(text, VARIABLES.get) == filled


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${NONE:?say it}", "required variable NONE is missing a value: say it"),
        ("${NONE?}", "required variable NONE is missing a value: "),
        ("${EMPTY:?for $CITY}", "required variable EMPTY is missing a value: for Ulm"),
        ("${", "invalid template"),
        ("${}", "invalid template"),
        ("${1}", "invalid template"),
        ("${CITY!x}", "invalid template"),
    ],
)
def test_templates_that_are_refused(text: str, reason: str) -> None:
    """What is missing, and what is no template."""
    with pytest.raises(template.TemplateError, match=reason.replace("$", r"\$")):
        template.substitute(text, VARIABLES.get)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("A= b", {"A": "b"}),
        ("A=b ", {"A": "b"}),
        ("A: b", {"A": "b"}),
        ("A=b:c", {"A": "b:c"}),
        ("A=b=", {"A": "b="}),
        ("A.B-C_D=1", {"A.B-C_D": "1"}),
        ("a[2]=1", {"a[2]": "1"}),
        ("Straße=x", {"Straße": "x"}),
        ("export A=1", {"A": "1"}),
        ("\texport A=1", {"A": "1"}),
        ("exportA=1", {"exportA": "1"}),
        ("A=1#2", {"A": "1#2"}),
        ("A=1 # 2", {"A": "1"}),
        ('A="1 # 2" # 3', {"A": "1 # 2"}),
        ("A='1#2' # 3", {"A": "1#2"}),
        ("A='$CITY'", {"A": "$CITY"}),
        (r'A="\"q\""', {"A": '"q"'}),
        (r'A="a\nb"', {"A": "a\nb"}),
        (r"A='a\nb'", {"A": r"a\nb"}),
        (r'A="\0101"', {"A": "A"}),
        (r'A="\u0041"', {"A": r"\u0041"}),
        ('A="one\ntwo"', {"A": "one\ntwo"}),
        ("A=$CITY", {"A": "Ulm"}),
        ("A=1\nB=$A", {"A": "1", "B": "1"}),
        ("CITY", {"CITY": "Ulm"}),
        ("NONE", {}),
        ("\ufeffA=1", {"A": "1"}),
        ("# only\n\n", {}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ],
)
def test_files_with_variables(line: str, found: dict[str, str]) -> None:
    """Quotes, comments, escapes, variables."""
    assert dotenv.parse(line, VARIABLES.get) == found


@pytest.mark.parametrize(
    ("text", "target", "source"),
    [
        ("/data", "/data", None),
        ("./a:/data", "/data", "./a"),
        ("~/a:/data", "/data", "~/a"),
        ("named:/data", "/data", "named"),
        ("${V:-./a:b}:/data", "/data", "${V:-./a:b}"),
        ("named:${V:-/a:/b}", "${V:-/a:/b}", "named"),
        (r"c:\a:/data", "/data", r"c:\a"),
    ],
)
def test_short_mounts(text: str, target: str, source: str | None) -> None:
    """Colons in variables and drives divide nothing."""
    mount = volumes.parse(text)
    assert (mount["target"], mount.get("source")) == (target, source)


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("80", [{"target": 80}]),
        ("90-91", [{"target": 90}, {"target": 91}]),
        ("8080:80/udp", [{"target": 80, "published": "8080", "protocol": "udp"}]),
        ("8000-8001:80-81", [{"target": 80, "published": "8000"}, {"target": 81, "published": "8001"}]),
        ("8000-8009:80", [{"target": 80, "published": "8000-8009"}]),
        ("[::1]:1:2", [{"target": 2, "published": "1", "host_ip": "::1"}]),
        ("1.2.3.4::2", [{"target": 2, "host_ip": "1.2.3.4"}]),
    ],
)
def test_short_ports(text: str, entries: list[dict[str, Any]]) -> None:
    """Ranges, addresses, protocols."""
    assert ports.parse(text) == [{"mode": "ingress", "protocol": "tcp", **entry} for entry in entries]


@pytest.mark.parametrize("text", ["70000", "80/xyz", "web", "", "1:2:3:4", "80-81:90-92", "81-80", "1.2.3:80:80", "[fe80::1%eth0]:80:80"])
def test_short_ports_that_are_refused(text: str) -> None:
    """Out of range, unknown protocols, ranges that do not fit, addresses that are none."""
    with pytest.raises(ValueError, match=r"invalid|no port"):
        ports.parse(text)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ("environment: [A=1, null]", "services.web.environment[1]: unexpected type <nil>"),
        ("environment: ['A =1']", "declared with a trailing space"),
        ("networks: [default, default]", "items at 0 and 1 are equal"),
        ("depends_on: [null]", "services.web.depends_on[0]: must be a string"),
        ("healthcheck: {retries: -1}", "must not be negative"),
        ("expose: [80.5]", "unsupported expose value 80.5"),
        ("ports: ['0']", "is missing a target port"),
        ("devices: [{source: /dev/x}]", "missing a mount target"),
        ("tty: '1'", "invalid boolean: 1"),
        ("group_add: [1.5]", "must be a string: 1.5"),
        ("ports: [80.0]", "invalid port: 80"),
        ("ports: [{target: 80, host_ip: ''}]", "invalid IP address"),
        ("depends_on: {web: {condition: service_started, required: 'true'}}", "must be a boolean"),
        ("dns: [null]", "services.web.dns[0]: must be a string"),
        ("extra_hosts: {a: null}", "services.web.extra_hosts.a: must be a string"),
        ("mem_limit: '-1'", "invalid size: '-1'"),
        ("deploy: {restart_policy: {max_attempts: -1}}", "must not be negative"),
        ("configs: [{target: /x}]", "refers to undefined config"),
        ("extra_hosts: ['a:1.1.1.1', 'a:1.1.1.1']", "without repeated items"),
    ],
)
def test_values_that_are_refused(folder: Folder, attributes: str, reason: str) -> None:
    """Where docker compose refuses, too."""
    assert reason in folder.refusal(lambda: folder.service(attributes, consistency=True))


def test_a_secret_needs_a_source(folder: Folder) -> None:
    """A driver is none; an empty variable is none."""
    for source in ("driver: x", "environment: ''"):
        assert "must declare either `file` or `environment`" in folder.refusal(
            lambda source=source: folder.tree(f"services: {{a: {{image: i}}}}\nsecrets: {{s: {{{source}}}}}")
        )


@pytest.mark.parametrize("merged", ["*one", "*list", "[*one, {tty: true}]"])
def test_merge_keys(folder: Folder, merged: str) -> None:
    """A mapping, a list of mappings, an anchor of either; the same key twice is refused."""
    head = "x-one: &one {image: i}\nx-list: &list [{image: i}]\n"
    assert folder.tree(f"{head}services: {{a: {{<<: {merged}}}}}")["services"]["a"]["image"] == "i"
    assert '"<<" already defined' in folder.refusal(lambda: folder.tree(f"{head}services: {{a: {{<<: {merged}, <<: {merged}}}}}"))


def test_a_file_without_anything(folder: Folder) -> None:
    """An obsolete version alone is no project."""
    assert "empty compose file" in folder.refusal(lambda: folder.tree("version: '3'"))


def test_each_file_is_complete(folder: Folder) -> None:
    """What a file lacks is not made good by a later one."""
    assert "services.a must be a mapping" in folder.refusal(lambda: folder.tree("services: {a: }", "services: {a: {image: i}}"))


def test_null_takes_a_command_away(folder: Folder) -> None:
    """Unlike other attributes, which it leaves as they are."""
    service = folder.service("command: a, hostname: h", "command: , hostname: ")
    assert service == {"hostname": "h"}


def test_secrets_of_an_included_file(folder: Folder) -> None:
    """A variable that only the included project's .env sets."""
    folder.write({"sub/inc.yaml": "services: {a: {image: i, secrets: [s]}}\nsecrets: {s: {environment: PASS}}", "sub/.env": "PASS=word"})
    assert folder.resolve("include: [sub/inc.yaml]\nservices: {b: {image: i}}").contents == {"secrets/s": "word"}


@pytest.mark.parametrize(
    ("attributes", "printed"),
    [
        ("cpus: 0, mem_limit: 1.5", {}),
        ("build: {context: /c, dockerfile: '', target: ''}", {"build": {"context": "/c"}}),
        ("devices: ['${UNSET}']", {"devices": [{"permissions": "rwm"}]}),
        ("storage_opt: {a: null, b: 1}", {"storage_opt": {"a": "", "b": "1"}}),
        ("blkio_config: {weight: 0}", {"blkio_config": {}}),
    ],
)
def test_values_that_say_little(folder: Folder, attributes: str, printed: dict[str, Any]) -> None:
    """Zeros, fractions of bytes and variables that are not set come to what docker compose makes of them."""
    assert folder.service(attributes, normalize=True, consistency=False, resolve_paths=False) == {**printed, "networks": {"default": None}}
