"""PURE: what the user calls an image -> the name under which the store keeps it, as Docker normalises it.

    nginx                      docker.io/library/nginx:latest
    me/app:1                   docker.io/me/app:1
    localhost:5000/app         localhost:5000/app:latest
    app@sha256:...             docker.io/library/app@sha256:...
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from composer.errors import ImageError

DEFAULT_REGISTRY = "docker.io"

_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_REGISTRY = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-f]{32,}")
_ID = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_SHORT_ID = re.compile(r"[0-9a-f]{7,63}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A normalised name; `tag` is "" only beside a digest."""

    registry: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def repository(self) -> str:
        return f"{self.registry}/{self.path}"

    def __str__(self) -> str:
        return self.repository + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def pullable(self) -> str:
        """As skopeo takes it: a digest wins over a tag, both together are refused there."""
        return f"{self.repository}@{self.digest}" if self.digest else str(self)


def full_id(text: str) -> str | None:
    """The id without prefix when `text` is a whole image id (64 hexadecimal digits, `sha256:` allowed in front)."""
    match = _ID.fullmatch(text)
    return match[1] if match else None


def is_short_id(text: str) -> bool:
    """Whether `text` may also be the beginning of an id; a name of that spelling goes before."""
    return bool(_SHORT_ID.fullmatch(text))


def parse(text: str) -> Reference:
    """Normalise a name; ImageError says which part is wrong (grammar: distribution/reference)."""
    rest, _, digest = text.partition("@")
    if "@" in text and not _DIGEST.fullmatch(digest):
        raise _invalid(text, f'"{digest}" is no digest (sha256: and 64 hexadecimal digits)')
    if digest.startswith("sha256:") and len(digest) != 71:
        raise _invalid(text, f'"{digest}" has not 64 hexadecimal digits')
    name, tag = _split_tag(rest)
    if ":" in rest.rpartition("/")[2] and not _TAG.fullmatch(tag):
        raise _invalid(text, f'"{tag}" is no tag')
    registry, path = _split_registry(name)
    _check_path(text, registry, path)
    return Reference(registry, path, tag or ("" if digest else "latest"), digest)


def _split_tag(rest: str) -> tuple[str, str]:
    head, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return head + slash + name, tag


def _split_registry(name: str) -> tuple[str, str]:
    """Docker's rule: the first part is a registry when it has a dot, a colon, a capital, or is `localhost`."""
    first, slash, rest = name.partition("/")
    if not slash or not (set(first) & {".", ":"} or first == "localhost" or first != first.lower()):
        registry, path = DEFAULT_REGISTRY, name
    else:
        registry, path = first, rest
    if registry == "index.docker.io":
        registry = DEFAULT_REGISTRY
    if registry == DEFAULT_REGISTRY and "/" not in path:
        path = f"library/{path}" if path else ""
    return registry, path


def _check_path(text: str, registry: str, path: str) -> None:
    if not _REGISTRY.fullmatch(registry):
        raise _invalid(text, f'"{registry}" is no registry')
    if not path or path == "library/":
        raise _invalid(text, "the name is empty")
    if path != path.lower():
        raise _invalid(text, "names are lower case", hint=f"did you mean {text.lower()}?")
    for part in path.split("/"):
        if not _COMPONENT.fullmatch(part):
            raise _invalid(text, f'"{part}" is no part of a name' if part else "a part of the name is empty")


def _invalid(text: str, why: str, hint: str = "") -> ImageError:
    return ImageError(f'"{text}" is no image name: {why}', hint=hint)
