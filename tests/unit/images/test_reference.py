"""Names of images, as Docker normalises them."""

from __future__ import annotations

import pytest

from composer.errors import ImageError
from composer.images.reference import full_id, is_short_id, parse

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(("text", "normal"), [
    ("nginx", "docker.io/library/nginx:latest"),
    ("nginx:1.25", "docker.io/library/nginx:1.25"),
    ("me/app", "docker.io/me/app:latest"),
    ("docker.io/nginx", "docker.io/library/nginx:latest"),
    ("index.docker.io/me/app:1", "docker.io/me/app:1"),
    ("localhost/app", "localhost/app:latest"),
    ("localhost:5000/app", "localhost:5000/app:latest"),
    ("registry.example:5000/a/b/c:v1.0-rc_2", "registry.example:5000/a/b/c:v1.0-rc_2"),
    ("[2001:db8::1]:5000/app", "[2001:db8::1]:5000/app:latest"),
    ("a__b/c.d-e--f", "docker.io/a__b/c.d-e--f:latest"),
    (f"app@sha256:{HEX}", f"docker.io/library/app@sha256:{HEX}"),
    (f"app:1@sha256:{HEX}", f"docker.io/library/app:1@sha256:{HEX}"),
])
def test_a_name_is_normalised_as_docker_does(text: str, normal: str) -> None:
    """Registry, `library/` and `latest` are added where they are not said, and a normal name is itself."""
    assert str(parse(text)) == normal
    assert str(parse(normal)) == normal


@pytest.mark.parametrize(("text", "why"), [
    ("", "empty"),
    ("docker.io/", "empty"),
    ("Nginx", "lower case"),
    ("me//app", "part of the name is empty"),
    ("app:", '"" is no tag'),
    ("app:-x", '"-x" is no tag'),
    ("app@sha256:12", "no digest"),
    (f"app@sha256:{HEX[:-1]}", "64 hexadecimal digits"),
    ("a b", '"a b" is no part of a name'),
    ("reg.example:port/app", '"reg.example:port" is no registry'),
])
def test_what_is_no_name_is_refused_in_words(text: str, why: str) -> None:
    """The error quotes the name and says which part is wrong."""
    with pytest.raises(ImageError, match="is no image name") as caught:
        parse(text)
    assert why in caught.value.message
    assert f'"{text}"' in caught.value.message


def test_skopeo_gets_the_digest_without_the_tag() -> None:
    """skopeo refuses a name with both."""
    assert parse(f"app:1@sha256:{HEX}").pullable == f"docker.io/library/app@sha256:{HEX}"
    assert parse("app:1").pullable == "docker.io/library/app:1"


def test_ids_are_told_from_names() -> None:
    """64 hexadecimal digits are an id; fewer may be the beginning of one."""
    assert full_id(HEX) == HEX
    assert full_id(f"sha256:{HEX}") == HEX
    assert full_id(HEX[:-1]) is None
    assert is_short_id(HEX[:12])
    assert not is_short_id("nginx")
