"""What cannot work ends in one clear error with a hint and exit code 1: no traceback, nothing half-made left behind."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from composer.store import Places, remove_tree
from tests.command_line import Composer, Done
from tests.e2e.conftest import make_images
from tests.eventually import eventually
from tests.records import ids, record, traces

WEB = "services: {web: {image: busybox, command: [sleep, infinity]}}"


def refused(composer: Composer, *arguments: str, **settings: object) -> Done:
    """Run it; check what all refusals have in common."""
    done = composer(*(arguments or ("up", "-d")), code=1, **settings)  # type: ignore[arg-type]
    assert "Traceback" not in done.said
    assert done.err.count("composer: ") == 1, done.err
    eventually(lambda: not traces(composer), timeout=3)
    return done


@pytest.mark.parametrize(("compose", "words"), [
    ("services:\n  web: {image: busybox\n", ("compose.yaml, line 3", "',' or '}'")),
    ("services:\n  web:\n    imagee: busybox\n", ("imagee", "services.web", "compose.yaml, line 3", 'did you mean "image"')),
    ("services:\n  web: {image: busybox, depends_on: [db]}\n  db: {image: busybox, depends_on: [web]}\n", ("cycle", "db", "web")),
    ("services:\n  web: {image: busybox, depends_on: [bd]}\n  db: {image: busybox}\n", ('"bd"', 'did you mean "db"', "line 2")),
    ("services:\n  web: {image: busybox, gpus: all}\n", ("services.web.gpus", "CDI", "line 2", "hint: ")),
    ("services:\n  web: {image: busybox, scale: many}\n", ("services.web.scale", "line 2")),
    ("services:\n  web: {image: busybox, command: '${UNSET:?has to be set}'}\n", ("UNSET", "has to be set")),
    ("services:\n  web: {image: 'busybox:gone', pull_policy: never}\n", ("busybox:gone", "services.web.image", "line 2", "hint: ")),
    ("services:\n  web: {image: '127.0.0.1:9/gone'}\n", ("127.0.0.1:9/gone", "services.web.image", "line 2")),
    ("services:\n  web: {image: busybox, runtime: kata}\n", ("kata", "services.web.runtime", "line 2", "hint: ")),
    ("services:\n  pages: {build: nowhere}\n", ("nowhere", "services.pages.build", "line 2")),
    ("services:\n  web: {image: busybox, volumes: [{type: bind, source: ./gone, target: /x, bind: {create_host_path: false}}]}\n",
     ("gone", "services.web.volumes", "line 2", "hint: ")),
    ("", ("compose.yaml",)),
], ids=["broken YAML", "unknown key", "cycle", "unknown service", "no such device", "wrong type", "missing variable", "missing image",
        "deaf registry", "missing runtime", "missing build folder", "missing bind source", "empty file"])
def test_refused_before_anything_is_touched(composer: Composer, compose: str, words: tuple[str, ...]) -> None:
    """The error says what, where and what to do."""
    composer.write(compose)
    done = refused(composer)
    for word in words:
        assert word in done.err, done.err


@pytest.mark.parametrize(("compose", "hint"), [
    ("services: {}", "name none"),
    ("services: {web: {image: busybox, profiles: [extra]}}", "inactive profiles: web"),
])
def test_nothing_to_bring_up(composer: Composer, compose: str, hint: str) -> None:
    """`up` without any active service is no silent success."""
    composer.write(compose)
    done = refused(composer)
    assert "no service to bring up" in done.err
    assert hint in done.err


def test_no_compose_file(composer: Composer) -> None:
    """Where there is no compose file, the error names what was looked for."""
    assert "compose.yaml" in refused(composer).err


def test_a_taken_port_is_refused_naming_its_holder(project: Callable[..., Composer]) -> None:
    """Nothing starts, also nothing that needs no port; the holder is a program, or another project."""
    composer = project()
    composer.write("services: {web: {image: busybox, ports: ['127.0.0.1:45873:80']}, db: {image: busybox, command: [sleep, infinity]}}")
    with socket.create_server(("127.0.0.1", 45873)):
        done = refused(composer)
        assert "composer: services.web.ports: port 127.0.0.1:45873" in done.err
        assert "compose.yaml, line 1" in done.err
        assert str(os.getpid()) in done.err
    other = project("other")
    other.write("services: {web: {image: busybox, command: [sleep, infinity], ports: ['127.0.0.1:45873:80']}}")
    other("up", "-d")
    done = composer("up", "-d", code=1)
    assert "45873" in done.err
    assert "other" in done.err
    assert composer.projects() == []


def test_a_missing_program_is_named(composer: Composer, tmp_path: Path) -> None:
    """Without conmon on the PATH, the error says which package brings it."""
    for program in ("crun", "buildah", "skopeo", "nft", "ip"):
        found = shutil.which(program)
        if found:
            (tmp_path / program).symlink_to(found)
    composer.write(WEB)
    done = refused(composer, env={"PATH": str(tmp_path)})
    assert "conmon" in done.err
    assert "hint: " in done.err


def test_an_unprivileged_user_is_told_what_to_do(places: Places) -> None:
    """One line says what to do; commands that only look still work."""
    folder = Path(tempfile.mkdtemp(prefix="unprivileged-"))
    try:
        composer = Composer(folder / "shop", places)
        composer.write(WEB)
        # It may read everything, as if the checkout were in a place that everybody can see.
        may_read = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *may_read]

        def as_nobody(*arguments: str) -> tuple[int, list[str]]:
            done = subprocess.run([*user, *composer.argv(*arguments)], cwd=composer.folder, env=composer.environment(), capture_output=True,
                                  text=True, timeout=20, check=False)
            return done.returncode, done.stderr.splitlines()

        assert as_nobody("up", "-d") == (1, ["composer: composer needs root to make namespaces, mounts and links",
                                             "  hint: sudo composer up -d"])
        assert as_nobody("config", "-q") == (0, [])
        assert traces(composer) == []
    finally:
        remove_tree(folder)


@pytest.fixture
def small_disk(places: Places, tmp_path: Path) -> Iterator[Places]:
    """A state on a file system of its own, of 8 MB."""
    root = tmp_path / "disk"
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", root], check=True)
    own = Places(root / "state", Path(f"/run/ct-{secrets.token_hex(3)}"))
    try:
        make_images(own, "busybox", other=places.root)
        yield own
    finally:
        remove_tree(own.run)
        subprocess.run(["umount", root], check=True)


@pytest.mark.parametrize("left_over", [0, 24 * 1024])
def test_a_full_disk(small_disk: Places, tmp_path: Path, left_over: int) -> None:
    """With no room for the state, or too little, `up` says so and leaves nothing running; with room again it goes on."""
    composer = Composer(tmp_path / "shop", small_disk)
    composer.write("services: {web: {image: busybox, command: [sleep, infinity], scale: 3}}")
    filler = small_disk.root / "filler"
    room = os.statvfs(small_disk.root)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - left_over)
    try:
        done = composer("up", "-d", code=1)
        assert "Traceback" not in done.said
        assert "No space left on device" in done.err
        filler.unlink()
        composer("up", "-d")
        assert len(ids(composer)) == 3
    finally:
        filler.unlink(missing_ok=True)
        composer.clear()
    eventually(lambda: not traces(composer), timeout=3)


def test_a_command_that_is_not_in_the_image(composer: Composer) -> None:
    """The error names the container and the program; the others come up, and a corrected file goes on from there."""
    composer.write("services: {web: {image: busybox, command: [nosuch]}, db: {image: busybox, command: [sleep, infinity]}}")
    done = composer("up", "-d", code=1)
    assert "shop-web-1" in done.err
    assert "nosuch" in done.err
    assert done.err.count("composer: ") == 1
    assert ids(composer).keys() == {"shop-db-1"}
    composer.write("services: {web: {image: busybox, command: [sleep, infinity]}, db: {image: busybox, command: [sleep, infinity]}}")
    composer("up", "-d")
    assert record(composer, "shop-web-1").status == "running"


def test_unknown_options_and_services(composer: Composer) -> None:
    """Typing errors on the command line end in one line and where to look."""
    composer.write(WEB)
    for arguments in (("up", "--detatch"), ("upp",), ("up", "-d", "wbe"), ("up", "--scale", "web"), ("up", "--build", "--no-build"),
                      ("build", "wbe"), ("stop", "wbe"), ("logs", "wbe"), ("run", "wbe"), ("exec", "wbe", "true")):
        done = composer(*arguments, code=1)
        assert done.err.startswith("composer: "), arguments
        assert "Traceback" not in done.err
    assert composer.projects() == []
