"""`commit`: what the image that comes of a container has."""

from __future__ import annotations

import json
import subprocess

from composer.images import tools
from tests.command_line import Composer

SHOP = """
    services:
      web:
        image: busybox
        command: [sh, -c, "trap 'exit 0' TERM; sleep infinity & wait"]
        environment: {PRICE: "5$$ $$HOME, a=b"}
        labels: {who: "me, you"}
        user: "0:0"
        volumes: [data:/data]
        healthcheck: {test: "true $$HOME", interval: 90s, retries: 7}
    volumes: {data: {}}
"""
CHANGES = """
    rm /bin/vi && rm -r /usr && mkdir /usr && echo new > /usr/only && ln -s /usr/only /link && echo v > /data/file && chown 5:6 /usr/only
"""


def test_a_container_becomes_an_image(composer: Composer) -> None:
    """Files that came, went and were replaced, owners and settings are in it, volumes are not; the container goes on."""
    composer.write(SHOP)
    composer("up", "-d")
    composer.inside("web", "sh", "-c", CHANGES)
    done = composer("commit", "-a", "Me <me@here>", "-m", "after lunch", "web", "localhost/test-commit:1")
    assert {row["State"] for row in composer.ps()} == {"running"}

    made = inspected(composer, "localhost/test-commit:1")
    assert done.out == f"sha256:{made['FromImageID']}\n"
    config = made["Docker"]["config"]
    assert config["Cmd"] == ["sh", "-c", "trap 'exit 0' TERM; sleep infinity & wait"]
    assert "PRICE=5$ $HOME, a=b" in config["Env"] and config["Labels"]["who"] == "me, you" and config["User"] == "0:0"
    assert (config["Healthcheck"]["Test"], config["Healthcheck"]["Retries"]) == (["CMD-SHELL", "true $HOME"], 7)
    assert (made["Docker"]["author"], made["Docker"]["comment"]) == ("Me <me@here>", "after lunch")

    composer("down", "-v")
    composer.write("services: {web: {image: 'localhost/test-commit:1', pull_policy: never}}")
    composer("up", "-d")
    listed = composer.inside("web", "sh", "-c", "ls /bin/vi /data/file 2>&1; ls -n /usr; cat /link; echo $PRICE")
    assert listed.count("No such file") == 2
    assert [line.split()[2:4] for line in listed.splitlines() if line.endswith(" only")] == [["5", "6"]]
    assert listed.splitlines()[-2:] == ["new", "5$ $HOME, a=b"]


def test_a_stopped_container_with_changes_of_its_settings(composer: Composer) -> None:
    """--change is a line of a Dockerfile; what is no such line is refused before anything is made. Nothing is left of the work."""
    composer.write(SHOP)
    composer("up", "-d")
    composer.inside("web", "touch", "/kept")
    composer("stop")
    assert "--change 'RUN true'" in composer("commit", "--change", "RUN true", "web", code=1).err
    nameless = buildah(composer, "images", "--quiet", "--filter", "dangling=true")
    changes = ("-c", 'CMD ["ls", "/kept"]', "-c", "EXPOSE 80", "-c", "ENV TASTE=sweet")
    id_ = composer("commit", "--pause=false", *changes, "web", "localhost/test-commit:2").out.strip()
    config = inspected(composer, "localhost/test-commit:2")["Docker"]["config"]
    assert config["Cmd"] == ["ls", "/kept"] and "80/tcp" in config["ExposedPorts"] and "TASTE=sweet" in config["Env"]
    assert inspected(composer, "localhost/test-commit:2")["FromImageID"] == id_.removeprefix("sha256:")
    assert buildah(composer, "containers", "--quiet") == ""
    assert buildah(composer, "images", "--quiet", "--filter", "dangling=true") == nameless


def inspected(composer: Composer, image: str) -> dict[str, dict[str, dict[str, object]]]:
    found: dict[str, dict[str, dict[str, object]]] = json.loads(buildah(composer, "inspect", "--type", "image", image))
    return found


def buildah(composer: Composer, *words: str) -> str:
    return subprocess.run(tools.buildah(composer.places, *words), capture_output=True, text=True, check=True).stdout
