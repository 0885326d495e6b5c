"""ImageStore with the real buildah and skopeo, on a store of the test's own; a tiny image of busybox."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from composer.errors import ImageError
from composer.images.driver import ImageStore
from composer.images.load import import_archive, import_rootfs
from composer.images.tools import buildah, skopeo_target
from composer.model.build import Build
from composer.model.health import Healthcheck
from composer.store import Places, write_json
from tests.mount_namespace import in_mount_namespace

BUSYBOX = shutil.which("busybox")

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="buildah needs root"),
    pytest.mark.skipif(not shutil.which("buildah") or not shutil.which("skopeo"), reason="needs buildah and skopeo"),
    pytest.mark.skipif(not BUSYBOX, reason="needs busybox-static"),
]

DOCKERFILE = """
FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]

FROM base AS tool
ARG WHO=nobody
ARG UNSET=default
ARG GIVEN
RUN echo "$WHO $UNSET $GIVEN" > /who
HEALTHCHECK --interval=3s --timeout=500ms --start-period=1m --retries=4 CMD ["/bin/true"]
VOLUME /data
EXPOSE 80 53/udp
STOPSIGNAL SIGUSR1
ENV A=b C="d e"
LABEL from=file
WORKDIR /work
USER 5:6
ENTRYPOINT ["/bin/sh", "-c"]
CMD ["sleep 9"]

FROM base
RUN touch /last
"""


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("context")
    assert BUSYBOX
    shutil.copy(BUSYBOX, folder / "busybox")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """Nothing that a test does, or that the driver starts, may leave a mount in the host's namespace."""
    top = tmp_path_factory.mktemp("store")
    yield Places(top / "root", top / "run")
    assert str(top) not in Path("/proc/self/mounts").read_text()


@pytest.fixture(scope="module")
def store(places: Places, context: Path) -> ImageStore:
    """With the image `tiny` in it."""
    store = ImageStore(places)
    store.build(Build(context=str(context), target="base"), "tiny", print)
    return store


def inline(context: Path, text: str, **more: object) -> Build:
    return Build(context=str(context), dockerfile_inline=text, **more)  # type: ignore[arg-type]


def test_everything_that_a_container_inherits_is_there(store: ImageStore, context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HEALTHCHECK too, which OCI's format drops; arguments come from the file, the builder's environment, or the default."""
    monkeypatch.setenv("GIVEN", "from-environment")
    monkeypatch.delenv("UNSET", raising=False)
    lines: list[str] = []
    build = Build(context=str(context), target="tool", args={"WHO": "me", "UNSET": None, "GIVEN": None}, labels={"more": "1"},
                  tags=("tagged:1",))
    image = store.build(build, "full:2", lines.append)
    config = image.config
    assert config.healthcheck == Healthcheck(test=("CMD", "/bin/true"), interval=3, timeout=0.5, start_period=60, retries=4)
    assert (config.volumes, config.exposed_ports, config.stop_signal) == (("/data",), ("53/udp", "80/tcp"), "SIGUSR1")
    assert (config.user, config.working_dir) == ("5:6", "/work")
    assert (config.entrypoint, config.command) == (("/bin/sh", "-c"), ("sleep 9",))
    assert {"A": "b", "C": "d e"}.items() <= config.environment.items()
    assert {"from": "file", "more": "1"}.items() <= config.labels.items()
    assert set(image.names) == {"docker.io/library/full:2", "docker.io/library/tagged:1"}
    assert store.find("tagged:1") == store.find(image.id) == image
    assert "/last" not in [str(path) for layer in image.layers for path in layer.iterdir()]
    who = next(layer / "who" for layer in image.layers if (layer / "who").exists())
    assert who.read_text() == "me default from-environment\n"
    assert any("STEP 1/" in line for line in lines)


def test_what_we_read_is_what_buildah_says(store: ImageStore, places: Places) -> None:
    """The JSON read by hand against `buildah inspect`, and the tree against `buildah mount`."""
    image = store.find("tiny")
    assert image is not None
    said = json.loads(in_mount_namespace(lambda: subprocess.check_output(buildah(places, "inspect", "--type", "image", "tiny"))))
    assert said["FromImageID"] == image.id
    assert [f"{name}={value}" for name, value in image.config.environment.items()] == said["Docker"]["config"]["Env"]
    assert image.config.labels == said["Docker"]["config"]["Labels"]
    assert len(image.layers) == len(said["Docker"]["rootfs"]["diff_ids"])

    def mounted() -> set[str]:
        name = subprocess.check_output(buildah(places, "from", "--pull-never", "tiny"), text=True).strip()
        top = Path(subprocess.check_output(buildah(places, "mount", name), text=True).strip())
        try:
            return {str(path.relative_to(top)) for path in top.rglob("*")}
        finally:
            subprocess.run(buildah(places, "rm", name), check=True, stdout=subprocess.DEVNULL)

    ours = {str(path.relative_to(layer)) for layer in image.layers for path in layer.rglob("*")}
    theirs = in_mount_namespace(mounted)
    assert theirs - ours <= {"dev", "proc", "sys", "run", "etc"}
    assert {"bin/busybox", "bin/sh"} <= ours <= theirs


def test_a_second_build_comes_from_the_cache(store: ImageStore, context: Path) -> None:
    """Unless it is switched off."""
    build = inline(context, "FROM tiny\nRUN echo \"ran-$((40 + 2))\"\n")

    def ran(**options: bool) -> bool:
        lines: list[str] = []
        store.build(build, "cached", lines.append, **options)
        return "ran-42" in lines

    assert ran()
    assert not ran()
    assert ran(no_cache=True)


def test_a_failing_run_shows_its_last_words(store: ImageStore, context: Path, places: Places) -> None:
    """The instruction, its output, and nothing half-made stays."""
    with pytest.raises(ImageError) as caught:
        store.build(inline(context, "FROM tiny\nRUN echo before; cat /no/such; exit 7\n"), "bad", print)
    assert "build of bad: RUN echo before; cat /no/such; exit 7: while running runtime: exit status 7" in caught.value.message
    assert "can't open '/no/such'" in caught.value.message
    assert store.find("bad") is None
    assert json.loads((places.images / "overlay-containers/containers.json").read_text() or "[]") == []


def test_a_missing_base_is_named(store: ImageStore, context: Path) -> None:
    """It can neither be found nor pulled."""
    with pytest.raises(ImageError, match=r"build of x: image nosuch\.invalid/base:9 is not in composer's store and cannot be pulled"):
        store.build(inline(context, "FROM nosuch.invalid/base:9\nRUN true\n"), "x", print)


def test_run_steps_have_their_own_processes(store: ImageStore, context: Path) -> None:
    """They see none of the host's, and what they leave running ends with them; the network is the host's."""
    lines: list[str] = []
    dockerfile = "FROM tiny\nRUN ps | wc -l; (sleep 4711.4711 &); readlink /proc/self/ns/net\n"
    store.build(inline(context, dockerfile), "procs", lines.append, no_cache=True)
    (seen,) = [int(line) for line in lines if line.strip().isdecimal()]
    assert seen < 6
    assert os.readlink("/proc/self/ns/net") in lines
    assert b"4711.4711" not in subprocess.check_output(["ps", "-eo", "args"])


def test_builds_leave_no_mounts_and_no_groups(store: ImageStore, context: Path, places: Places) -> None:
    """buildah works in a mount namespace of its own, and crun removes its cgroups."""
    lines: list[str] = []
    store.build(inline(context, "FROM tiny\nRUN cat /proc/self/cgroup\n"), "clean", lines.append, no_cache=True)
    assert str(places.root) not in Path("/proc/self/mounts").read_text()
    groups = [line.split(":", 2)[1:] for line in lines if line[:1].isdecimal() and "buildah" in line]
    assert groups
    top = Path("/sys/fs/cgroup")
    assert not [path for kind, path in groups if (top / kind.removeprefix("name=") / path.strip("/")).exists()]


def test_two_builds_at_once(store: ImageStore, context: Path) -> None:
    """buildah locks its store; both images are there."""
    errors: list[BaseException] = []

    def build(name: str) -> None:
        try:
            store.build(inline(context, f"FROM tiny\nRUN echo {name} > /name\n"), name, print)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=build, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for name in ("one", "two"):
        image = store.find(name)
        assert image is not None
        assert (image.layers[0] / "name").read_text() == f"{name}\n"


def test_an_image_is_removed_unless_it_is_used(store: ImageStore, context: Path, places: Places) -> None:
    """A container's record holds it; without one the name goes, another name of the same image stays; what is gone is fine."""
    image = store.build(inline(context, "FROM tiny\nLABEL x=y\n", tags=("second",)), "first", print)
    record = places.project("0a").container("c1").record
    write_json(record, {"name": "shop-web-1", "image_id": image.id, "labels": {"com.docker.compose.project": "shop"}})
    with pytest.raises(ImageError, match="container shop-web-1 of project shop uses it"):
        store.remove("first")
    record.unlink()
    store.remove("first")
    assert store.find("first") is None
    left = store.find("second")
    assert left is not None and left.id == image.id
    store.remove(image.id)
    store.remove("second")
    assert store.find(image.id) is None
    assert str(places.root) not in Path("/proc/self/mounts").read_text()


def test_a_pull_that_cannot_be_is_one_clear_line(store: ImageStore) -> None:
    """Name, reason, and what to do."""
    with pytest.raises(ImageError, match=r"image nosuch\.invalid/app:1 cannot be pulled: .*nosuch\.invalid") as caught:
        store.pull("nosuch.invalid/app:1", print)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_rootfs_becomes_an_image(places: Places, tmp_path: Path) -> None:
    """Owners, modes and links as in the tar file, and the instructions that were given; its archive can be read in again."""
    tree = tmp_path / "tree"
    (tree / "home").mkdir(parents=True)
    (tree / "home/file").write_text("x")
    os.chown(tree / "home/file", 70, 71)
    (tree / "home/file").chmod(0o4751)
    (tree / "link").symlink_to("home/file")
    subprocess.run(["tar", "-C", str(tree), "-czf", str(tmp_path / "root.tar.gz"), "."], check=True)
    image = import_rootfs(places, tmp_path / "root.tar.gz", "imported:1", ['CMD ["/x"]', "ENV K=v"])
    assert (image.config.command, image.config.environment["K"]) == (("/x",), "v")
    (layer,) = [layer for layer in image.layers if (layer / "home/file").exists()]
    status = (layer / "home/file").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (70, 71, 0o4751)
    assert os.readlink(layer / "link") == "home/file"
    archive = tmp_path / "saved.tar"
    save = ["skopeo", "copy", skopeo_target(places, "docker.io/library/imported:1"), f"oci-archive:{archive}"]
    in_mount_namespace(lambda: subprocess.run(save, check=True, stdout=subprocess.DEVNULL))
    again = import_archive(places, f"oci-archive:{archive}", "again")
    assert again.config.command == ("/x",)
    with pytest.raises(ImageError, match="no such file"):
        import_rootfs(places, tmp_path / "none.tar", "x")


def test_a_missing_buildah_says_what_to_install(store: ImageStore, context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package has the program's name."""
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ImageError, match="buildah: program not found") as caught:
        store.build(Build(context=str(context)), "x", print)
    assert "apt-get install buildah" in caught.value.hint
