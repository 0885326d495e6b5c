"""What exec runs: users of the container, and its process with what exec changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from composer.errors import ContainerError
from composer.runtime.conmon import own_words
from composer.runtime.execution import Request, description
from composer.runtime.users import User, look_up, read_in

PASSWD = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:44::/var/www:/bin/sh\nbroken\n"
GROUP = "root:x:0:\nweb:x:44:\nmail:x:8:other,web\n"
KILL = "CAP_KILL"
OWN: dict[str, Any] = {"args": ["serve"], "cwd": "/srv", "env": ["A=1", "HOME=/root", "B=x=y"], "terminal": False,
                       "rlimits": [1],
                       "user": {"uid": 0, "gid": 0, "additionalGids": []}, "capabilities": {"bounding": [KILL], "effective": [KILL]}}


@pytest.mark.parametrize(("text", "user"), [
    ("web", User(33, 44, (44, 8), "/var/www")), ("33", User(33, 44, (44, 8), "/var/www")), ("web:mail", User(33, 8, (8,), "/var/www")),
    ("web:7", User(33, 7, (7,), "/var/www")), ("1000", User(1000, 0, (0,), "/")), ("1000:1001", User(1000, 1001, (1001,), "/")),
])
def test_users_are_looked_up_as_docker_does(text: str, user: User) -> None:
    """Names need an entry, numbers do not; a group given stands alone."""
    assert look_up(text, PASSWD, GROUP) == user


def test_groups_of_the_service_are_added_to_any_user() -> None:
    """`group_add` holds for `exec --user` too, whether a group is given with the user or not; each once."""
    assert look_up("5:6", PASSWD, GROUP, ["7", "6"]).groups == (6, 7)
    assert look_up("5", PASSWD, GROUP, ["7"]).groups == (0, 7)


def test_unknown_names_are_refused() -> None:
    """Users and groups."""
    with pytest.raises(ContainerError, match="no user 'nobody'"):
        look_up("nobody", PASSWD, GROUP)
    with pytest.raises(ContainerError, match="no group 'staff'"):
        look_up("web:staff", PASSWD, GROUP)


def test_no_link_leads_out_of_the_container(tmp_path: Path) -> None:
    """A container could make /etc or /etc/passwd a link to the host's."""
    (tmp_path / "host").mkdir()
    (tmp_path / "host/passwd").write_text("secret")
    (tmp_path / "one/etc").mkdir(parents=True)
    (tmp_path / "one/etc/passwd").symlink_to(tmp_path / "host/passwd")
    (tmp_path / "two").mkdir()
    (tmp_path / "two/etc").symlink_to(tmp_path / "host")
    assert read_in(str(tmp_path / "one"), "etc", "passwd") == "" == read_in(str(tmp_path / "two"), "etc", "passwd")
    assert read_in(str(tmp_path / "host"), "passwd") == "secret"


def test_exec_is_the_containers_process_with_changes() -> None:
    """Environment, directory, user and limits are the container's unless exec says otherwise."""
    plain = description(OWN, Request(["id"]))
    assert plain == {**OWN, "args": ["id"], "capabilities": {"bounding": [KILL], "effective": [KILL], "permitted": [KILL]}}
    changed = description(OWN, Request(["sh"], User(33, 44, (44,), "/var/www"), {"A": "2"}, "/tmp", True, {"CAP_CHOWN"}))
    assert changed["env"] == ["A=2", "HOME=/var/www", "B=x=y", "TERM=xterm"]
    assert (changed["cwd"], changed["terminal"], changed["user"]) == ("/tmp", True, {"uid": 33, "gid": 44, "additionalGids": [44]})
    assert changed["capabilities"] == {"bounding": ["CAP_CHOWN"]} and changed["rlimits"] == [1]


@pytest.mark.parametrize(("said", "told"), [
    ("executable file `x` not found in $PATH\n", "executable file `x` not found in $PATH"),
    ('time="2026-01-01" level=error msg="runc create failed: exec: \\"x\\": not found"\n', 'runc create failed: exec: "x": not found'),
    ("warning\nmount `proc` to `proc`: Operation not permitted", "mount `proc` to `proc`: Operation not permitted"),
    ("", "the OCI runtime failed without a message"),
])
def test_the_runtimes_own_words_are_told(said: str, told: str) -> None:
    """The last line, without time, level and quoting."""
    assert own_words(said) == told
