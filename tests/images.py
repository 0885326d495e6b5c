"""Images that only a registry has: made by the real command line, pushed, and taken out of the local store."""

from __future__ import annotations

import json
import subprocess

from tests.command_line import Composer
from tests.registry import Registry


def publish(composer: Composer, place: Registry, name: str, text: str = "first", *, entering: tuple[str, ...] = ()) -> str:
    """An image with a file `/text` in the registry, and nowhere else; the project then has a service `web` of it. Returns its name.
    `entering`: what `composer` is called with from now on, to get where the registry is."""
    image = f"{place.address}/{name}"
    build = json.dumps({"dockerfile_inline": f"FROM busybox\nRUN echo {text} > /text\n"})
    composer.write(f"services: {{web: {{image: '{image}', build: {build}, command: [sleep, infinity]}}}}")
    composer.entering = entering or composer.entering
    composer("build", "--push", env={"REGISTRY_AUTH_FILE": write(composer, "opens.json", place.auths)})
    forget(composer, image)
    composer.write(f"services: {{web: {{image: '{image}', command: [sleep, infinity]}}}}")
    return image


def write(composer: Composer, name: str, text: str) -> str:
    """A file beside the project's folder; its path."""
    path = composer.folder.parent / name
    path.write_text(text)
    return str(path)


def forget(composer: Composer, image: str) -> None:
    """Out of the local store."""
    places = composer.places
    store = ["--root", str(places.images), "--runroot", str(places.image_runroot), "--storage-driver", "overlay"]
    subprocess.run(["unshare", "-m", "buildah", *store, "rmi", image], check=True, capture_output=True)
