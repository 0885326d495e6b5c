"""Which capabilities a container gets."""

from __future__ import annotations

import pytest

from composer.errors import ContainerError
from composer.runtime.capabilities import DEFAULT, NAMES, from_mask, granted

HELD = frozenset(NAMES) - {"CAP_SYS_RESOURCE"}


def test_the_default_is_dockers_mask() -> None:
    """Docker's 14 are the well-known 00000000a80425fb."""
    assert from_mask(0xA80425FB) == DEFAULT
    assert set(granted((), (), privileged=False, held=HELD)) == DEFAULT


@pytest.mark.parametrize(("add", "drop", "expected"), [
    (("NET_ADMIN",), (), DEFAULT | {"CAP_NET_ADMIN"}),
    (("cap_net_admin",), ("mknod", "CAP_KILL"), (DEFAULT | {"CAP_NET_ADMIN"}) - {"CAP_MKNOD", "CAP_KILL"}),
    ((), ("ALL",), frozenset()),
    (("CHOWN",), ("all",), {"CAP_CHOWN"}),
    (("ALL",), (), HELD),
    (("ALL",), ("SYS_ADMIN",), HELD - {"CAP_SYS_ADMIN"}),
])
def test_adding_and_dropping_as_docker(add: tuple[str, ...], drop: tuple[str, ...], expected: frozenset[str]) -> None:
    """ALL, any case, with or without CAP_; nothing that composer does not hold."""
    assert set(granted(add, drop, privileged=False, held=HELD)) == expected


def test_privileged_is_all_that_is_held() -> None:
    """In the kernel's order, so that equal sets give equal text."""
    assert granted((), ("MKNOD",), privileged=True, held=HELD) == tuple(name for name in NAMES if name in HELD)


def test_what_cannot_be_given_is_refused_in_words() -> None:
    """An unknown name, and a known one that composer lacks."""
    with pytest.raises(ContainerError, match="cap_drop: no capability named 'NET_ADMN'"):
        granted((), ("NET_ADMN",), privileged=False, held=HELD)
    with pytest.raises(ContainerError, match="cap_add: composer itself does not hold CAP_SYS_RESOURCE"):
        granted(("SYS_RESOURCE",), (), privileged=False, held=HELD)
