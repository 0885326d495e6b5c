"""Attributes that are loaded and change nothing."""

from __future__ import annotations

from platform import machine

from composer.load.ignored import PARTLY, REASONS
from composer.load.node import Table
from composer.load.supported import ATTRIBUTES, SUPPORTED
from tests.compose_folder import Folder

TEXT = """
services:
  web:
    image: i
    cpu_count: 2
    volumes: ["./a:/a:z", "./b:/b:Z"]
    deploy: {placement: {constraints: [x]}, replicas: 2}
  db: {image: i, cpu_count: 3}
"""


def test_each_is_told_once_with_its_place(folder: Folder) -> None:
    """However many services have it; the reason is in the line."""
    warnings = folder.load(TEXT).warnings
    assert [warning for warning in warnings if "cpu_count" in warning] == [
        "services.web.cpu_count has no effect: it is for Windows (compose.yaml, line 5, column 5)"]
    assert sum("bind.selinux" in warning for warning in warnings) == 1
    assert sum("deploy.placement" in warning for warning in warnings) == 1


def test_config_does_not_mention_them(folder: Folder) -> None:
    """`config` prints what the files say, and has nothing to say about it."""
    resolved = folder.resolve(TEXT)
    assert not resolved.warnings
    assert resolved.tree["services"]["web"]["cpu_count"] == 2


def test_what_stands_beside_them_counts(folder: Folder) -> None:
    """Only they are left out of the project."""
    service = folder.load(TEXT).project.services["web"]
    assert service.deploy.replicas == 2
    assert [mount.target for mount in service.volumes] == ["/a", "/b"]


def test_all_are_let_through() -> None:
    """None of them is refused."""
    for pattern in [*REASONS, *(pattern.removesuffix(".*") for pattern in PARTLY)]:
        table: Table[object] | None = SUPPORTED
        for step in pattern.split("."):
            table = table if table is not None and table.rule and not table.below else table.at(step) if table else None
        assert table is not None, pattern


def test_another_platform_is_refused(folder: Folder) -> None:
    """This machine's own is not."""
    own = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine(), machine())
    assert folder.load(f"services: {{a: {{image: i, platform: linux/{own}}}}}").project
    refusal = folder.refusal(lambda: folder.load("services: {a: {image: i, platform: linux/s390y}}"))
    assert "services.a.platform: 'linux/s390y' is not this machine's platform" in refusal


def test_some_values_have_no_effect(folder: Folder) -> None:
    """A log driver that is not here, modes of Swarm, an engine's socket: told, and the rest of the service counts."""
    loaded = folder.load("""
        services:
          web:
            image: i
            logging: {driver: syslog, options: {syslog-address: tcp://a, tag: x}}
            deploy: {mode: global}
            use_api_socket: true
            security_opt: ["credentialspec=file://a"]
          calm: {image: i, logging: {driver: local}, deploy: {mode: replicated}, use_api_socket: false}
    """)
    told = [warning.partition(" has")[0] for warning in loaded.warnings]
    assert told == ["services.web.logging.driver", "services.web.logging.options.tag", "services.web.deploy.mode",
                    "services.web.use_api_socket", "services.web.security_opt[0]"]
    assert loaded.project.services["web"].logging.driver == "json-file"


def test_an_attribute_is_done_or_told() -> None:
    """No attribute is in both tables: what is told either never has an effect, or only for some values."""
    assert not ATTRIBUTES.keys() & REASONS.keys()
