"""`user:` looked up in the image's files."""

from __future__ import annotations

import pytest

from composer.errors import StorageError
from composer.storage.users import User, find

PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:100:101::/home/app:/bin/sh\nbroken line\n" \
         "odd:x:y:1::/:\n1234:x:7:8::/seven:\nnohome:x:9:9:::\n"
GROUP = "root:x:0:\nstaff:x:50:app,root\napp:x:101:\naudio:x:29:other,app\nshort:x:60\n"


@pytest.mark.parametrize(("wanted", "user"), [
    ("", User(0, 0, (0, 50), "/root")),
    ("0", User(0, 0, (0, 50), "/root")),
    ("app", User(100, 101, (101, 50, 29), "/home/app")),
    ("100", User(100, 101, (101, 50, 29), "/home/app")),
    ("app:staff", User(100, 50, (50,), "/home/app")),
    ("app:60", User(100, 60, (60,), "/home/app")),
    ("4000", User(4000, 0, (0,), "/")),
    ("4000:4001", User(4000, 4001, (4001,), "/")),
    ("1234", User(7, 8, (8,), "/seven")),
    ("nohome", User(9, 9, (9,), "/")),
])
def test_users_are_found_as_docker_finds_them(wanted: str, user: User) -> None:
    """Names go before numbers, numbers need no entry, a named group stands alone."""
    assert find(wanted, PASSWD, GROUP, subject="services.web.user") == user


def test_an_image_without_files_has_root() -> None:
    """Images from scratch have no /etc/passwd."""
    assert find("", "", "", subject="x") == User(0, 0, (0,), "/")


@pytest.mark.parametrize(("wanted", "named"), [("bob", 'user "bob"'), ("app:wheel", 'group "wheel"'), ("odd", 'user "odd"')])
def test_an_unknown_user_or_group_is_named(wanted: str, named: str) -> None:
    """With the place in the compose file in front."""
    with pytest.raises(StorageError, match=f"services.web.user: the image has no {named}"):
        find(wanted, PASSWD, GROUP, subject="services.web.user")
