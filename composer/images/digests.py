"""Which digest a name leads to: what `config --resolve-image-digests` writes behind it."""

from __future__ import annotations

from composer.errors import ImageError
from composer.host import Access
from composer.images import tools
from composer.images.manifest import look_up
from composer.images.pull import explain
from composer.images.reference import parse
from composer.images.store import Store
from composer.store import Places


def pinned(places: Places, text: str, access: Access) -> str:
    """`registry/path:tag@digest`, by the registry; by composer's own store when the registry does not know the name or is out of reach.
    Raises ImageError when neither knows it."""
    reference = parse(text)
    if reference.digest:
        return reference.pullable  # a digest wins over a tag
    try:
        with tools.handed(access, [reference.registry]) as files:
            digest = look_up(files, reference).digest
    except ImageError as unknown:
        digest = Store(places.images).digest(str(reference))
        if not digest:
            raise explain(f"failed to resolve digest for {reference}", reference.registry, unknown) from unknown
    return f"{reference}@{digest}"
