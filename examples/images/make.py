#!/usr/bin/env python3
"""Put the images that examples and tests name into composer's image store.

An image that is there already is left alone. One that another store has (--from) is copied, one that a registry gives is
pulled, and else a stand-in is made on the spot: see stand_ins.py and the Dockerfiles beside it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from composer.errors import ComposerError, ImageError
from composer.process import run
from composer.store import Places
from stand_ins import SUITE, make_busybox, make_debian, make_nginx, make_postgres
from store import Store

#: Seconds that a registry has to answer before it counts as out of reach.
PATIENCE = 5


@dataclass(frozen=True, slots=True)
class Recipe:
    name: str
    make: Callable[[Store, str], None]
    base: str = ""  # the recipe that has to come first


RECIPES = {
    "busybox": Recipe("docker.io/library/busybox:latest", make_busybox),
    "debian": Recipe(f"docker.io/library/debian:{SUITE}-slim", make_debian),
    "postgres": Recipe("docker.io/library/postgres:15", make_postgres, "debian"),
    "nginx": Recipe("docker.io/library/nginx:1.22", make_nginx, "debian"),
}


@cache
def registry_answers() -> bool:
    """Whether pulling is worth a try; asked once."""
    try:
        question = ["skopeo", "inspect", "--raw", f"docker://{RECIPES['busybox'].name}"]
        return run(question, check=False, error=ImageError, timeout=PATIENCE).code == 0
    except ImageError:
        return False


def obtain(recipe: Recipe, store: Store, other: Store | None) -> str:
    """Get an image that the store does not have; how it came, in a word."""
    if other and recipe.name in other.names():
        store.copy(other.reference(recipe.name), recipe.name)
        return "copied"
    if registry_answers():
        store.copy(f"docker://{recipe.name}", recipe.name)
        return "pulled"
    if recipe.base:
        ensure(RECIPES[recipe.base], store, other)
    recipe.make(store, recipe.name)
    return "made"


def ensure(recipe: Recipe, store: Store, other: Store | None) -> None:
    if recipe.name in store.names():
        return
    begun = time.monotonic()
    how = obtain(recipe, store, other)
    print(f" Image {recipe.name}  {how}  {time.monotonic() - begun:.1f}s", flush=True)


def absolute(path: str) -> Path:
    """containers/storage takes no other."""
    return Path(path).absolute()


def parse() -> argparse.Namespace:
    default = Places.default()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("images", nargs="*", metavar="IMAGE", help=f"{', '.join(RECIPES)}; all of them when none is named")
    parser.add_argument("--root", type=absolute, default=default.root, help="COMPOSER_ROOT (%(default)s)")
    parser.add_argument("--run", type=absolute, default=default.run, help="COMPOSER_RUN (%(default)s)")
    parser.add_argument("--from", dest="other", type=absolute, metavar="ROOT", help="another COMPOSER_ROOT, to copy from what it has")
    arguments = parser.parse_args()
    unknown = [key for key in arguments.images if key not in RECIPES]
    if unknown:
        parser.error(f"no recipe for {', '.join(unknown)}: choose from {', '.join(RECIPES)}")
    return arguments


def main() -> int:
    arguments = parse()
    store = Store(Places(arguments.root, arguments.run))
    # A second store needs a runroot of its own.
    other = Store(Places(arguments.other, arguments.run / "from")) if arguments.other else None
    try:
        for key in arguments.images or RECIPES:
            ensure(RECIPES[key], store, other)
    except ComposerError as problem:
        print("\n".join(problem.lines()), file=sys.stderr)
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
