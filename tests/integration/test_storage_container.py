"""What a container really sees of LocalStorage.prepare: bare OCI runtimes on the mounts that it returned."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from composer.host import Image, ImageConfig, Rootfs, RootfsRequest
from composer.model.mounts import FileSource, Grant, Mount, Volume
from composer.model.service import Service
from composer.observed import VolumeState
from composer.storage.driver import LocalStorage
from composer.store import Places, ProjectPlaces
from tests.mount_namespace import in_mount_namespace

BUSYBOX = shutil.which("busybox")

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root"),
              pytest.mark.skipif(not BUSYBOX, reason="needs busybox-static")]

SCRIPT = """
exec 2>&1
cat /run/secrets/s; stat -c '%u:%g:%a' /run/secrets/s; cat /run/linked
echo x > /run/secrets/s
echo x > /data/new && echo volume written
echo x > /ro/new
echo x > /ro/below/new
stat -c 'tmp %a' /tmp; echo x > /tmp/f && echo tmp written
cat /data/nested/file; head -1 /etc/resolv.conf; cat /etc/hostname
echo x > /top
"""


def oci_config(rootfs: Rootfs, *, read_only: bool) -> dict[str, object]:
    """The least that runs: namespaces, /proc, /dev, and what the driver returned."""
    mounts = [{"destination": "/proc", "type": "proc", "source": "proc"},
              {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}]
    mounts += [{"destination": m.destination, "type": m.type, "source": m.source, "options": list(m.options)}  # type: ignore[dict-item]
               for m in rootfs.mounts]
    return {
        "ociVersion": "1.0.2", "root": {"path": str(rootfs.path), "readonly": read_only}, "mounts": mounts,
        "process": {"args": ["/bin/sh", "-c", SCRIPT], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}},
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network")]},
    }


def run_container(bundle: Path, runtime: str) -> str:
    """Both streams; crun does not take a hybrid cgroup tree, so its v2 part is hidden in this mount namespace."""
    if Path("/sys/fs/cgroup/unified").exists():
        ctypes.CDLL(None).umount2(b"/sys/fs/cgroup/unified", 2)
    done = subprocess.run([runtime, "--root", str(bundle / "oci"), "run", "--bundle", str(bundle), f"test-{os.getpid()}-{runtime}"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    return done.stdout


def image(folder: Path) -> Image:
    """busybox, with links at the targets of mounts: /var/run -> /run, and one that would lead out."""
    layer = folder / "layer"
    for name in ("bin", "run", "var", "data"):
        (layer / name).mkdir(parents=True)
    assert BUSYBOX
    shutil.copy(BUSYBOX, layer / "bin/busybox")
    for applet in ("sh", "cat", "stat", "head", "echo"):
        (layer / "bin" / applet).symlink_to("busybox")
    (layer / "var/run").symlink_to("/run")
    (layer / "out").symlink_to("../../../../../../run")
    (layer / "etc").mkdir()
    return Image("i", ("img",), (layer,), ImageConfig())


def request(places: ProjectPlaces, folder: Path) -> RootfsRequest:
    (folder / "ro/below").mkdir(parents=True)
    (folder / "nested").write_text("nested\n")
    LocalStorage(places).create_volume(VolumeState("v", "v", ""))
    service = Service(
        name="web", image="img", tmpfs=("/tmp:mode=1777",),
        volumes=(Mount(type="bind", source=str(folder / "nested"), target="/data/nested/file"),
                 Mount(type="volume", source="v", target="/data"),
                 Mount(type="bind", source=str(folder / "ro"), target="/ro", read_only=True)),
        secrets=(Grant(source="s", target="/var/run/secrets/s", uid=5, gid=6, mode=0o404),),
        configs=(Grant(source="c", target="/out/linked"),))
    return RootfsRequest("c1", service, image(folder), "host1", (), {"v": Volume(key="v", name="v")},
                         {"s": FileSource(key="s", name="s", content="secret\n")}, {"c": FileSource(key="c", name="c", content="linked\n")})


@pytest.mark.parametrize("runtime", ["crun", "runc"])
@pytest.mark.parametrize("read_only", [False, True])
def test_a_container_sees_its_mounts(tmp_path: Path, runtime: str, read_only: bool) -> None:
    """Secrets with owner and mode through linked folders, a writable volume with a mount in it, read-only to the bottom, tmpfs."""
    if shutil.which(runtime) is None:
        pytest.skip(f"{runtime} is not installed")
    places = Places(tmp_path / "root", tmp_path / "run").project("aaa")
    wanted = request(places, tmp_path)
    outside = set(os.listdir("/run"))

    def body() -> str:
        below = str(tmp_path / "ro/below").encode()
        assert ctypes.CDLL(None).mount(b"tmpfs", below, b"tmpfs", 0, None) == 0
        rootfs = LocalStorage(places).prepare(wanted)
        bundle = places.container("c1").folder
        (bundle / "config.json").write_text(json.dumps(oci_config(rootfs, read_only=read_only)))
        return run_container(bundle, runtime)

    said = in_mount_namespace(body)
    assert said.startswith("secret\n5:6:404\nlinked\n"), said
    assert "can't create /run/secrets/s: Read-only file system" in said
    assert "volume written" in said
    assert "can't create /ro/new: Read-only file system" in said
    assert "can't create /ro/below/new: Read-only file system" in said
    assert "tmp 1777\ntmp written\nnested\nnameserver 127.0.0.11\nhost1\n" in said
    assert ("can't create /top: Read-only file system" in said) is read_only
    assert (places.volumes / "v/_data/new").exists()
    assert not (set(os.listdir("/run")) - outside) & {"linked", "secrets"}
    assert (places.container("c1").upper / "run/secrets/s").read_text() == ""
