"""LocalStorage.prepare on the real kernel, in fresh mount namespaces, with layers made by hand."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from composer.errors import StorageError
from composer.host import Image, ImageConfig, OciMount, Rootfs, RootfsRequest
from composer.model.mounts import FileSource, Grant, Mount, Volume
from composer.model.service import Service
from composer.observed import VolumeState
from composer.storage import kernel
from composer.storage.driver import LocalStorage
from composer.storage.fill import fill
from composer.store import Places, ProjectPlaces, remove_tree, write_bytes
from tests.eventually import eventually
from tests.mount_namespace import in_mount_namespace

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")]


@dataclass
class Bench:
    """A project of its own, and images made of folders."""

    places: ProjectPlaces
    folder: Path
    layers: list[Path] = field(default_factory=list)

    @property
    def storage(self) -> LocalStorage:
        return LocalStorage(self.places)

    def layer(self, files: Mapping[str, str] | None = None) -> Path:
        """A further layer, on top of those before."""
        layer = self.folder / f"layer{len(self.layers)}"
        layer.mkdir()
        for name, text in (files or {}).items():
            (layer / name).parent.mkdir(parents=True, exist_ok=True)
            (layer / name).write_text(text)
        self.layers.append(layer)
        return layer

    def request(self, id_: str = "c1", *, known: Mapping[str, Volume] | None = None, secret_sources: Mapping[str, FileSource] | None = None,
                config_sources: Mapping[str, FileSource] | None = None, anonymous: tuple[tuple[str, str], ...] = (),
                image_volumes: tuple[str, ...] = (), **service: Any) -> RootfsRequest:
        """`known` are the project's volumes by key; what is left goes to the service."""
        image = Image("i", ("img",), tuple(reversed(self.layers)), ImageConfig(volumes=image_volumes))
        return RootfsRequest(id_, Service(name="web", image="img", **service), image, "host1", (("10.0.0.9", ("web", "w")),),
                             known or {}, secret_sources or {}, config_sources or {}, anonymous)

    def prepared(self, request: RootfsRequest, look: Callable[[Rootfs], Any] | None = None) -> Any:
        """What `prepare` returned, or what `look` sees in the container's mount namespace."""
        return in_mount_namespace(lambda: (look or (lambda rootfs: rootfs))(self.storage.prepare(request)))

    def volume(self, key: str = "v") -> tuple[Volume, Path]:
        """A named volume and its data folder."""
        self.storage.create_volume(VolumeState(f"p_{key}", key, ""))
        return Volume(key=key, name=f"p_{key}"), self.places.volumes / f"p_{key}" / "_data"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(Places(tmp_path / "root", tmp_path / "run").project("aaa"), tmp_path)
    yield made
    remove_tree(made.places.contents)


def at(rootfs: Rootfs, target: str) -> OciMount:
    (found,) = [mount for mount in rootfs.mounts if mount.destination == target]
    return found


def named(target: str = "/data", **more: Any) -> dict[str, Any]:
    return {"volumes": (Mount(type="volume", source="v", target=target, **more),)}


# ---------------------------------------------------------------- root file system

#: What every container's `/` has, whatever the image lacks.
PLACES = ("dev", "etc", "proc", "sys")

@pytest.mark.parametrize("count", [1, 40, 60, 200, 400])
def test_any_number_of_layers_is_mounted(bench: Bench, count: int) -> None:
    """The uppermost file wins, each layer's own file is there, and the container's writes stay out of the layers."""
    for number in range(count):
        bench.layer({f"f{number}": str(number), "same": str(number)})

    def look(rootfs: Rootfs) -> None:
        assert len(list(rootfs.path.glob("f*"))) == count
        assert (rootfs.path / "same").read_text() == str(count - 1)
        (rootfs.path / "same").write_text("mine")

    bench.prepared(bench.request(), look)
    assert (bench.layers[-1] / "same").read_text() == str(count - 1)
    assert (bench.places.container("c1").upper / "same").read_text() == "mine"


def test_older_kernels_mount_many_layers_by_descriptors(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Linux 6.7 there is no `lowerdir+`: the kernel says EINVAL, and short names do it; too many are refused in words."""
    for number in range(120):
        bench.layer({f"f{number}": ""})

    def refuse(*_: object) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(kernel, "mount_overlay", refuse)
    assert bench.prepared(bench.request(), lambda rootfs: len(list(rootfs.path.glob("f*")))) == 120
    for _ in range(280):
        bench.layer()
    with pytest.raises(StorageError, match="401 layers are more than this kernel can mount"):
        bench.prepared(bench.request("c2"))


def test_nothing_shows_outside_and_nothing_stays(bench: Bench) -> None:
    """The host's mount table never sees the overlay; folders with odd signs in their names are mounted too."""
    odd = bench.folder / "a:b,c\\d"
    odd.mkdir()
    bench.places = Places(odd / "root", odd / "run").project("aaa")
    bench.layer({"x": "1"})
    inside, outside = bench.prepared(bench.request(), lambda rootfs: (os.path.ismount(rootfs.path), os.listdir(rootfs.path)))
    assert inside
    assert "x" in outside
    assert str(bench.folder) not in Path("/proc/self/mounts").read_text()
    bench.storage.remove_container("c1")
    assert not bench.places.container("c1").folder.exists()


def test_whiteouts_and_opaque_folders_hide(bench: Bench) -> None:
    """As containers/storage unpacks them: a character device 0/0, and the attribute trusted.overlay.opaque."""
    bench.layer({"gone": "1", "kept": "1", "dir/old": "1"})
    upper = bench.layer({"dir/new": "1"})
    os.mknod(upper / "gone", stat.S_IFCHR, os.makedev(0, 0))
    os.setxattr(upper / "dir", "trusted.overlay.opaque", b"y")
    seen = bench.prepared(bench.request(), lambda rootfs: (sorted(os.listdir(rootfs.path)), os.listdir(rootfs.path / "dir")))
    assert seen == (sorted([*PLACES, "dir", "kept"]), ["new"])


def test_the_root_folder_looks_like_the_images(bench: Bench) -> None:
    """Owner and mode of `/` are those of the topmost layer."""
    layer = bench.layer()
    os.chown(layer, 12, 34)
    layer.chmod(0o751)
    status = bench.prepared(bench.request(), lambda rootfs: rootfs.path.stat())
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12, 34, 0o751)


def test_what_a_container_wrote_is_there_after_a_restart(bench: Bench) -> None:
    """The upper folder stays until the container is removed."""
    bench.layer()
    bench.prepared(bench.request(), lambda rootfs: (rootfs.path / "mine").write_text("1"))
    assert bench.prepared(bench.request(), lambda rootfs: (rootfs.path / "mine").read_text()) == "1"


def test_a_layer_that_is_gone_is_named(bench: Bench) -> None:
    """Somebody removed the image below us."""
    bench.layer()
    bench.layer()
    for index in (0, -1):
        request = bench.request()
        moved = bench.layers[index].rename(bench.folder / "elsewhere")
        with pytest.raises(StorageError, match=f"image img: layer {bench.layers[index]} is gone"):
            bench.prepared(request)
        moved.rename(bench.layers[index])


def test_an_upper_folder_on_an_overlay_is_refused_with_a_hint(bench: Bench) -> None:
    """That is composer inside a container without a volume for its state."""
    bench.layer()
    outer = Bench(Places(bench.folder / "o", bench.folder / "o").project("aaa"), bench.folder, bench.layers)

    def nested() -> None:
        rootfs = outer.storage.prepare(outer.request()).path
        inner = Bench(Places(rootfs / "r", rootfs / "r").project("bbb"), bench.folder, bench.layers)
        inner.storage.prepare(inner.request())

    with pytest.raises(StorageError, match="cannot have its upper folder on another overlay") as caught:
        in_mount_namespace(nested)
    assert "COMPOSER_ROOT" in caught.value.hint


def test_an_image_without_layers_has_only_places_for_mounts(bench: Bench) -> None:
    """`FROM scratch` with nothing in it: what every container mounts has something to be mounted on, and nothing of it is the container's
    own."""
    assert sorted(bench.prepared(bench.request(), lambda rootfs: os.listdir(rootfs.path))) == sorted(PLACES)
    assert os.listdir(bench.places.container("c1").upper) == []


def test_what_the_image_has_wins_over_the_places_for_mounts(bench: Bench) -> None:
    """A link stays a link, a file keeps its text."""
    layer = bench.layer({"etc/hosts": "mine"})
    (layer / "sys").symlink_to("/elsewhere")
    seen = bench.prepared(bench.request(), lambda rootfs: ((rootfs.path / "etc/hosts").read_text(), (rootfs.path / "sys").is_symlink()))
    assert seen == ("mine", True)


def test_a_plain_container_is_prepared_in_a_few_milliseconds(bench: Bench) -> None:
    """Twenty containers, the median below 15 ms even on a busy machine (1 to 2 ms when it is idle)."""
    for number in range(5):
        bench.layer({f"f{number}": ""})

    def timed(id_: str) -> float:
        request = bench.request(id_)
        begun = time.perf_counter()
        bench.storage.prepare(request)
        return time.perf_counter() - begun

    times = sorted(in_mount_namespace(lambda id_=f"c{number}": timed(id_)) for number in range(20))  # type: ignore[misc]
    print(f"prepare: median {times[10] * 1000:.2f} ms, best {times[0] * 1000:.2f} ms")
    assert times[10] < 0.015


# ---------------------------------------------------------------- users, network files

def test_the_user_is_looked_up_in_the_image(bench: Bench) -> None:
    """Also through links, which never lead out of the image."""
    layer = bench.layer({"real/passwd": "app:x:7:8::/home/app:\n", "etc/group": "app:x:8:\nmore:x:9:app\n"})
    (layer / "etc/passwd").symlink_to("../../../../real/passwd")
    found = bench.prepared(bench.request(user="app"))
    assert (found.uid, found.gid, found.groups, found.home) == (7, 8, (8, 9), "/home/app")
    with pytest.raises(StorageError, match=r'services\.web\.user: the image has no user "root"'):
        bench.prepared(bench.request(user="root"))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_strange_passwd_does_not_hold_us(bench: Bench, make: Callable[[Path], None]) -> None:
    """A FIFO would block for ever, a folder cannot be read: both count as no file."""
    layer = bench.layer()
    (layer / "etc").mkdir()
    make(layer / "etc/passwd")
    assert bench.prepared(bench.request(user="5")).uid == 5


def test_hosts_hostname_and_resolver_are_bound(bench: Bench) -> None:
    """With the names that the caller gives; on the host's network the host's own resolver."""
    bench.layer()
    rootfs = bench.prepared(bench.request())
    assert "10.0.0.9\tweb w\n" in Path(at(rootfs, "/etc/hosts").source).read_text()
    assert Path(at(rootfs, "/etc/hostname").source).read_text() == "host1\n"
    assert Path(at(rootfs, "/etc/resolv.conf").source).read_text().startswith("nameserver 127.0.0.11\n")
    on_host = bench.prepared(bench.request("c2", network_mode="host"))
    assert "127.0.0.11" not in Path(at(on_host, "/etc/resolv.conf").source).read_text()
    assert Path("/etc/hosts").read_text() in Path(at(on_host, "/etc/hosts").source).read_text()


# ---------------------------------------------------------------- secrets and configs

def test_secrets_and_configs_have_owner_mode_and_contents(bench: Bench) -> None:
    """From file, environment and content, on a memory file system that nobody else can enter or see."""
    bench.layer()
    (bench.folder / "s").write_text("from file")
    bench.places.contents.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_bytes(bench.places.contents / "secrets.env", b"from environment")
    request = bench.request(
        secret_sources={"file": FileSource(key="file", name="file", file=str(bench.folder / "s")),
                        "env": FileSource(key="env", name="env", environment="X")},
        config_sources={"text": FileSource(key="text", name="text", content="from content")},
        secrets=(Grant(source="file", target="/run/secrets/file", uid=5, gid=6, mode=0o400), Grant(source="env", target="/e")),
        configs=(Grant(source="text", target="/t", mode=0o640),))

    def look(rootfs: Rootfs) -> dict[str, tuple[str, int, int, int]]:
        found = {}
        for target in ("/run/secrets/file", "/e", "/t"):
            mount = at(rootfs, target)
            assert {"bind", "ro"} <= set(mount.options)
            status = os.stat(mount.source)
            found[target] = (Path(mount.source).read_text(), status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
            folder = Path(mount.source).parent
            assert os.path.ismount(folder)
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert kernel.file_system(folder) == 0x01021994  # TMPFS_MAGIC
        return found

    seen = bench.prepared(request, look)
    assert seen == {"/run/secrets/file": ("from file", 5, 6, 0o400), "/e": ("from environment", 0, 0, 0o444),
                    "/t": ("from content", 0, 0, 0o640)}
    assert not any(b"from" in path.read_bytes() for path in bench.places.container("c1").folder.rglob("*") if path.is_file())


def test_a_secret_whose_variable_is_unknown_is_an_error(bench: Bench) -> None:
    """The supervisor writes the values; without one nothing is started."""
    bench.layer()
    request = bench.request(secret_sources={"s": FileSource(key="s", name="s", environment="PASSWORD")},
                            secrets=(Grant(source="s", target="/s"),))
    with pytest.raises(StorageError, match=r"secrets\.s\.environment: the value of PASSWORD is not known"):
        bench.prepared(request)


# ---------------------------------------------------------------- volumes

def test_a_new_volume_gets_the_images_files(bench: Bench) -> None:
    """Owners, modes, times, links, hard links, attributes, devices, and those of the folder itself."""
    layer = bench.layer({"data/sub/file": "hello", "data/.hidden": "h"})
    data = layer / "data"
    os.chown(data, 70, 71)
    data.chmod(0o1770)
    os.chown(data / "sub/file", 72, 73)
    (data / "sub/file").chmod(0o4640)
    os.utime(data / "sub/file", (1, 1))
    (data / "link").symlink_to("/etc/passwd")
    os.link(data / "sub/file", data / "hard")
    os.setxattr(data / ".hidden", "user.note", b"kept")
    os.mkfifo(data / "pipe")
    volume, target = bench.volume()
    mount = bench.prepared(bench.request(known={"v": volume}, **named()), lambda rootfs: at(rootfs, "/data"))
    assert mount.source == str(target)
    assert {"rbind", "rw"} <= set(mount.options)
    folder = target.stat()
    assert (folder.st_uid, folder.st_gid, stat.S_IMODE(folder.st_mode)) == (70, 71, 0o1770)
    file = (target / "sub/file").stat()
    assert (file.st_uid, file.st_gid, stat.S_IMODE(file.st_mode), file.st_mtime) == (72, 73, 0o4640, 1)
    assert (target / "hard").stat().st_ino == file.st_ino
    assert os.readlink(target / "link") == "/etc/passwd"
    assert os.getxattr(target / ".hidden", "user.note") == b"kept"
    assert stat.S_ISFIFO((target / "pipe").stat().st_mode)
    assert sorted(os.listdir(target)) == [".hidden", "hard", "link", "pipe", "sub"]


def test_a_volume_is_filled_once(bench: Bench) -> None:
    """What its users deleted does not come back; what they wrote is not touched."""
    bench.layer({"data/a": "image", "data/b": "image"})
    volume, target = bench.volume()
    request = bench.request(known={"v": volume}, **named())
    bench.prepared(request)
    (target / "a").unlink()
    (target / "b").write_text("mine")
    bench.prepared(request)
    assert {path.name: path.read_text() for path in target.iterdir()} == {"b": "mine"}


def test_a_volume_with_contents_is_not_filled(bench: Bench) -> None:
    """They were put there before the first container."""
    bench.layer({"data/a": "image"})
    volume, target = bench.volume()
    (target / "own").write_text("1")
    bench.prepared(bench.request(known={"v": volume}, **named()))
    assert os.listdir(target) == ["own"]


@pytest.mark.parametrize("options", [{"nocopy": True}, {"target": "/nothing/here"}])
def test_a_volume_stays_empty(bench: Bench, options: dict[str, Any]) -> None:
    """With `nocopy`, and where the image has nothing; another container may still fill a volume that was not to be copied to."""
    bench.layer({"data/a": "image"})
    volume, target = bench.volume()
    bench.prepared(bench.request(known={"v": volume}, **named(**options)))
    assert os.listdir(target) == []
    if options.get("nocopy"):
        bench.prepared(bench.request("c2", known={"v": volume}, **named()))
        assert os.listdir(target) == ["a"]


def test_an_empty_folder_gives_its_owner_and_mode(bench: Bench) -> None:
    """An image that prepares /data for its user has nothing in it yet."""
    layer = bench.layer()
    (layer / "data").mkdir(mode=0o700)
    os.chown(layer / "data", 999, 998)
    volume, target = bench.volume()
    bench.prepared(bench.request(known={"v": volume}, **named()))
    status = target.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (999, 998, 0o700)


def test_a_file_in_the_volumes_place_is_an_error(bench: Bench) -> None:
    """A volume is a folder."""
    bench.layer({"data": "file"})
    volume, _ = bench.volume()
    with pytest.raises(StorageError, match="/data is no folder in the image"):
        bench.prepared(bench.request(known={"v": volume}, **named()))


def test_links_in_the_image_stay_inside_it(bench: Bench) -> None:
    """/data -> /etc of the image, never of the host; /var/run/x is /run/x."""
    layer = bench.layer({"etc/inside": "image", "run/x/y": "image"})
    (layer / "data").symlink_to("../../../../../../etc")
    (layer / "var").mkdir()
    (layer / "var/run").symlink_to("/run")
    one, first = bench.volume("one")
    two, second = bench.volume("two")
    mounts = (Mount(type="volume", source="one", target="/data"), Mount(type="volume", source="two", target="/var/run/x"))
    bench.prepared(bench.request(known={"one": one, "two": two}, volumes=mounts))
    assert "inside" in os.listdir(first)
    assert "passwd" not in os.listdir(first)
    assert os.listdir(second) == ["y"]


def test_two_containers_fill_a_volume_once(bench: Bench) -> None:
    """Both find it whole when they go on, whoever did it."""
    bench.layer({f"data/f{number}": "x" * 1000 for number in range(300)})
    volume, target = bench.volume()
    seen: list[int] = []

    def start(id_: str) -> None:
        bench.prepared(bench.request(id_, known={"v": volume}, **named()), lambda _: seen.append(len(os.listdir(target))))

    threads = [threading.Thread(target=start, args=(f"c{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [300] * 4


FILLER = """
import sys
from pathlib import Path
from composer.storage.fill import fill
fill(Path(sys.argv[1]), Path(sys.argv[2]), "/data")
"""


def test_a_fill_that_was_killed_is_done_again(bench: Bench) -> None:
    """SIGKILL at any moment: the next container finds every file whole, and never half of them in the volume while it is copied."""
    layer = bench.layer({f"data/d{number}/f": "x" * 5000 for number in range(400)})
    broken = 0
    for attempt in range(12):
        volume, target = bench.volume(f"v{attempt}")
        child = subprocess.Popen([sys.executable, "-c", FILLER, str(target.parent), str(layer)])
        eventually(lambda folder=target.parent: (folder / ".copy").exists() or (folder / ".filled").exists(), step=0.0005)  # type: ignore[misc]
        time.sleep(0.004 * attempt)  # the moment of the kill, spread over the fill's length
        child.kill()
        child.wait()
        broken += not (target.parent / ".filled").exists()
        bench.prepared(bench.request(f"c{attempt}", known={"v": volume}, **named()))
        assert sorted(os.listdir(target)) == sorted(os.listdir(layer / "data"))
        assert all((target / name / "f").stat().st_size == 5000 for name in os.listdir(target))
        assert not {".copy", ".whole"} & set(os.listdir(target.parent))
    assert broken


def test_a_full_disk_leaves_nothing_half_made(bench: Bench) -> None:
    """The copy is taken away again, and the volume can be filled once there is room."""
    bench.layer({"data/big": "x" * 4_000_000})
    small = bench.folder / "small"
    small.mkdir()

    def body() -> None:
        kernel.mount("tmpfs", small, "tmpfs", 0, "size=2m")
        full = Bench(Places(small / "root", small / "run").project("aaa"), bench.folder, bench.layers)
        volume, target = full.volume()
        with pytest.raises(StorageError, match="No space left on device"):
            full.storage.prepare(full.request(known={"v": volume}, **named()))
        assert os.listdir(target) == []
        assert not {".copy", ".whole", ".filled"} & set(os.listdir(target.parent))
        kernel.mount("tmpfs", small, "tmpfs", 32, "size=20m")  # MS_REMOUNT
        full.storage.prepare(full.request("c2", known={"v": volume}, **named()))
        assert (target / "big").stat().st_size == 4_000_000

    in_mount_namespace(body)


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_a_fill_that_was_killed_while_moving_is_carried_on(bench: Bench, moved: int) -> None:
    """The copy was whole; what is in the volume already stays, the rest follows."""
    layer = bench.layer({"data/a": "1", "data/b": "2"})
    _, target = bench.volume()
    whole = target.parent / ".whole"
    whole.mkdir(mode=0o750)
    for index, name in enumerate(("a", "b")):
        ((target if index < moved else whole) / name).write_text(name)
    fill(target.parent, layer, "/data")
    assert {path.name: path.read_text() for path in target.iterdir()} == {"a": "a", "b": "b"}
    assert stat.S_IMODE(target.stat().st_mode) == 0o750
    assert not whole.exists()


def test_anonymous_volumes_are_made_and_filled(bench: Bench) -> None:
    """Under the name that the container's record has; listed as anonymous."""
    bench.layer({"data/a": "image"})
    bench.prepared(bench.request(image_volumes=("/data",), anonymous=(("/data", "0a1b"),)))
    assert bench.storage.volumes()["0a1b"].anonymous
    assert os.listdir(bench.places.volumes / "0a1b" / "_data") == ["a"]


def test_a_named_volume_that_is_gone_is_an_error(bench: Bench) -> None:
    """It is not made again in silence."""
    bench.layer()
    with pytest.raises(StorageError, match=r"volumes\.v: volume p_v does not exist"):
        bench.prepared(bench.request(known={"v": Volume(key="v", name="p_v")}, **named()))


def test_a_subpath_is_pinned_and_stays_inside(bench: Bench) -> None:
    """The mount is the folder as it was, a link leads nowhere else, a missing one is an error."""
    bench.layer({"data/a": "image"})
    volume, target = bench.volume()
    (target / "sub/deep").mkdir(parents=True)
    (target / "sub/deep/x").write_text("1")
    (target / "out").symlink_to("/etc")
    (target / "file").write_text("2")

    def look(rootfs: Rootfs) -> list[str]:
        source = at(rootfs, "/data").source
        (target / "sub/deep").rename(target / "sub/other")
        (target / "sub/deep").symlink_to("/etc")
        return os.listdir(source)

    request = bench.request(known={"v": volume}, **named(subpath="sub/deep"))
    assert bench.prepared(request, look) == ["x"]
    single = bench.request(known={"v": volume}, **named(subpath="file"))
    assert bench.prepared(single, lambda rootfs: Path(at(rootfs, "/data").source).read_text()) == "2"
    above = bench.request(known={"v": volume}, **named(subpath="../../.."))
    assert bench.prepared(above, lambda rootfs: "out" in os.listdir(at(rootfs, "/data").source))
    for outside in ("out", "none"):
        wanted = bench.request(known={"v": volume}, **named(subpath=outside))
        with pytest.raises(StorageError, match=f"has no {outside}"):
            bench.prepared(wanted)


# ---------------------------------------------------------------- binds and tmpfs

def test_binds_say_what_they_are(bench: Bench) -> None:
    """A missing folder is made, unless that is switched off; read-only, propagation and recursion become options."""
    bench.layer()
    new = bench.folder / "made/here"
    mounts = (Mount(type="bind", source=str(new), target="/a"),
              Mount(type="bind", source="/etc", target="/b", read_only=True, propagation="rslave"),
              Mount(type="bind", source="/etc", target="/c", read_only=True, recursive="writable"),
              Mount(type="bind", source="/etc", target="//d/", recursive="disabled"))
    rootfs = bench.prepared(bench.request(volumes=mounts))
    assert new.is_dir()
    assert at(rootfs, "/a") == OciMount("/a", "bind", str(new), ("rbind", "rprivate", "rw"))
    assert at(rootfs, "/b").options == ("rbind", "rslave", "ro", "rro")
    assert at(rootfs, "/c").options == ("rbind", "rprivate", "ro")
    assert at(rootfs, "/d").options == ("bind", "rprivate", "rw")


def test_tmpfs_takes_docker_defaults_and_the_images_mode(bench: Bench) -> None:
    """The user's options win; without a mode the image's folder gives it, and one that is not there leaves it to the kernel."""
    layer = bench.layer()
    (layer / "cache").mkdir(mode=0o750)
    rootfs = bench.prepared(bench.request(tmpfs=("/cache", "/new:size=1m,exec,mode=700", "/other")))
    assert at(rootfs, "/cache") == OciMount("/cache", "tmpfs", "tmpfs", ("noexec", "nosuid", "nodev", "mode=750"))
    assert at(rootfs, "/new").options == ("nosuid", "nodev", "size=1m", "exec", "mode=700")
    assert at(rootfs, "/other").options == ("noexec", "nosuid", "nodev")
