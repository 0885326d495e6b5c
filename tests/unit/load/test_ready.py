"""`x-composer`: what it may say, and what is said about the rest."""

from __future__ import annotations

import pytest

from composer.model.ready import Http, Ready, Tcp
from tests.compose_folder import Folder


def ready_of(folder: Folder, text: str) -> Ready | None:
    return folder.load(f"services: {{a: {{image: i, x-composer: {{ready: {{{text}}}}}}}}}").project.services["a"].ready


@pytest.mark.parametrize(("text", "expected"), [
    ("http: 'http://localhost:8080/health?deep=1'", Ready(http=Http(host="localhost", port=8080, path="/health?deep=1"))),
    ("http: 'https://[::1]'", Ready(http=Http(scheme="https", host="::1", port=443))),
    ("http: {port: 80}", Ready(http=Http(port=80))),
    ("http: {port: '80', status: 200-204, headers: [A=b, 'C= d']}",
     Ready(http=Http(port=80, status=200, status_last=204, headers={"A": "b", "C": "d"}))),
    ("http: {port: 80, status: 204, headers: {A: 1}}", Ready(http=Http(port=80, status=204, status_last=204, headers={"A": "1"}))),
    ("tcp: 5432", Ready(tcp=Tcp(port=5432))),
    ("tcp: {port: 1, host: 127.0.0.1}", Ready(tcp=Tcp(port=1, host="127.0.0.1"))),
    ("unix: /run/x.sock", Ready(unix="/run/x.sock")),
    ("log: 'up in \\d+'", Ready(log=r"up in \d+")),
    ("file: /x, interval: 500ms, timeout: 2s, retries: 4, start_period: 1m, start_interval: 1s",
     Ready(file="/x", interval=0.5, timeout=2, retries=4, start_period=60, start_interval=1)),
])
def test_what_it_may_say(folder: Folder, text: str, expected: Ready) -> None:
    """Short and long forms, and the durations of a health check."""
    assert ready_of(folder, text) == expected


@pytest.mark.parametrize(("text", "message"), [
    ("redy: {tcp: 1}", "services.a.x-composer: additional properties 'redy' not allowed\n  compose.yaml, line 1, column 39\n"
                       '  hint: did you mean "ready"?'),
    ("eager: 3", "services.a.x-composer.eager must be a boolean or string\n  compose.yaml, line 1, column 46"),
    ("eager: often", "services.a.x-composer.eager: invalid boolean: often\n  compose.yaml, line 1, column 46"),
    ("restart_on_unhealthy: maybe", "restart_on_unhealthy: invalid boolean: maybe\n  compose.yaml, line 1, column 61"),
    ("ready: {interval: 1s}", "services.a.x-composer.ready: needs one of http, tcp, unix, log, file\n  compose.yaml, line 1, column 46"),
    ("ready: {tcp: 1, log: x}", "ready: takes one of http, tcp, unix, log, file, tcp and log found\n  compose.yaml, line 1, column 46"),
    ("ready: {tcp: 70000}", "ready.tcp: port: 70000 is no port\n  compose.yaml, line 1, column 52"),
    ("ready: {tcp: many}", "ready.tcp: invalid integer: many"),
    ("ready: {tcp: {host: localhost}}", "ready.tcp: missing port"),
    ("ready: {http: 'localhost:80'}", "ready.http: 'localhost:80' is no URL like http://localhost:8080/health"),
    ("ready: {http: 'http://example.org/'}", "'example.org' is neither localhost nor an address: only this container is asked"),
    ("ready: {http: {port: 1, path: x}}", "ready.http: path: 'x' does not begin with /"),
    ("ready: {http: {port: 1, status: ok}}", "ready.http: status: 'ok' is neither a status code nor a range like 200-299"),
    ('ready: {http: {port: 1, headers: {A: "b\\nc"}}}', "ready.http: headers: a header is one line"),
    ("ready: {http: {port: 1, body: x}}", "ready.http: additional properties 'body' not allowed"),
    ("ready: {unix: x.sock}", "ready.unix: 'x.sock' is not an absolute path in the container"),
    ("ready: {log: '('}", "ready.log: not a regular expression: missing ), unterminated subpattern"),
    ("ready: {file: /x, interval: soon}", "ready.interval: time: invalid duration"),
])
def test_what_is_refused(folder: Folder, text: str, message: str) -> None:
    """Every mistake is told with its place, also by `config`."""
    assert message in folder.refusal(lambda: folder.tree(f"services: {{a: {{image: i, x-composer: {{{text}}}}}}}"))


def test_a_log_has_to_be_there(folder: Folder) -> None:
    """Without a log there is no line to wait for."""
    text = "services: {a: {image: i, logging: {driver: none}, x-composer: {ready: {log: up}}}}"
    assert "ready.log: not possible with logging.driver: none" in folder.refusal(lambda: folder.load(text))


def test_config_keeps_it(folder: Folder) -> None:
    """`config` prints what was written, with variables filled in and overrides merged."""
    folder.environ["PORT"] = "99"
    tree = folder.tree("services: {a: {image: i, x-composer: {ready: {tcp: $PORT, interval: 90s}}}}",
                       "services: {a: {x-composer: {restart_on_unhealthy: true, ready: {retries: '5'}}}}")
    assert tree["services"]["a"]["x-composer"] == {"ready": {"tcp": "99", "interval": "1m30s", "retries": 5}, "restart_on_unhealthy": True}
