"""How an image is made where no registry can be reached: from packages and programs that this machine can have."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from composer.errors import ImageError
from composer.process import run
from layout import write_layout
from store import Store, quietly

HERE = Path(__file__).resolve().parent
SUITE = "bookworm"
HOOKS = "/usr/share/mmdebstrap/hooks"


def make_postgres(store: Store, name: str) -> None:
    store.build(HERE / "postgres", name)


def make_nginx(store: Store, name: str) -> None:
    store.build(HERE / "nginx", name)


# ---------------------------------------------------------------- Debian

def make_debian(store: Store, name: str) -> None:
    """Debian's minimal system without documentation and translations; its sources are set, its package lists empty."""
    sources = "".join(f"{entry}\n" for entry in _archive())
    with _scratch() as folder:
        (folder / "sources.list").write_text(sources)
        quietly(["env", f"TMPDIR={folder}", "mmdebstrap", "--variant=minbase", "--skip=output/dev", *_apt_options(), *_hooks(),
                 *(["--include=ca-certificates"] if "https:" in sources else []),
                 SUITE, str(folder / "layer.tar"), *([str(folder / "sources.list")] if sources else [])])
        write_layout(folder / "image", folder / "layer.tar", ["bash"])
        store.copy(f"oci:{folder / 'image'}", name)


def _archive() -> list[str]:
    """Where this machine gets the suite from, as lines of sources.list(5); none when it runs another: then mmdebstrap knows."""
    fields = "$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    listed = _answer("apt-get", "indextargets", "--format", fields, "Created-By: Packages")
    rows = [line.split("|") for line in dict.fromkeys(listed)]
    return [f"deb {uri} {release} {component}" for origin, codename, uri, release, component in rows
            if origin == "Debian" and codename.startswith(SUITE) and uri.startswith("http")]


def _apt_options() -> list[str]:
    """What this machine's apt was told about proxies and clocks holds in the image, too."""
    kept = [line for line in _answer("apt-config", "dump") if line.startswith(("Acquire::http", "Acquire::Check-")) and '""' not in line]
    return [f"--aptopt={line}" for line in [*kept, 'Acquire::Languages "none";']]


def _hooks() -> list[str]:
    """What mmdebstrap does to the tree at the end; it reads "$1" as the tree's path."""
    unwanted = ("usr/share/man/*", "usr/share/info/*", "usr/share/locale/*", "var/cache/apt/*.bin")
    steps = [
        f"copy-in {HERE}/debian/dpkg-slim /etc/dpkg/dpkg.cfg.d",
        f"copy-in {HERE}/debian/apt-clean /etc/apt/apt.conf.d",
        'find "$1"/usr/share/doc ! -type d ! -name copyright -delete',
        "rm -rf " + " ".join(f'"$1"/{path}' for path in unwanted),
    ]
    # Without merged-usr the package that merges comes, and Perl with it.
    return [f"--hook-dir={HOOKS}/merged-usr", *(f"--customize-hook={step}" for step in steps)]


def _answer(*argv: str) -> list[str]:
    """What apt says, by line; nothing on a machine without apt."""
    try:
        return run(argv, error=ImageError).stdout.splitlines()
    except ImageError:
        return []


# ---------------------------------------------------------------- busybox

BUSYBOX_FOLDERS = {"bin": 0o755, "etc": 0o755, "home": 0o755, "root": 0o700, "tmp": 0o1777, "usr": 0o755, "var": 0o755, "var/www": 0o755}
BUSYBOX_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    "etc/group": "root:x:0:\nusers:x:100:\nnogroup:x:65534:\n",
}


def make_busybox(store: Store, name: str) -> None:
    """The static busybox under all its names, the two usual users, and the folders that programs expect."""
    program = _static_busybox()
    applets = [applet for applet in run([str(program), "--list"], error=ImageError).stdout.split() if applet != "busybox"]
    with _scratch() as folder:
        with tarfile.open(folder / "layer.tar", "w") as layer:
            for path, mode in BUSYBOX_FOLDERS.items():
                layer.addfile(_entry(path, tarfile.DIRTYPE, mode))
            _add_file(layer, "bin/busybox", program.read_bytes(), 0o755)
            for applet in applets:
                layer.addfile(_entry(f"bin/{applet}", tarfile.LNKTYPE, 0o755, link="bin/busybox"))
            for path, text in BUSYBOX_FILES.items():
                _add_file(layer, path, text.encode(), 0o644)
        write_layout(folder / "image", folder / "layer.tar", ["sh"])
        store.copy(f"oci:{folder / 'image'}", name)


def _static_busybox() -> Path:
    found = shutil.which("busybox")
    if found is None or b"/ld-linux" in Path(found).read_bytes():
        raise ImageError("no static busybox on this machine", hint="install busybox-static (Debian, Ubuntu) or busybox (Fedora)")
    return Path(found)


def _add_file(layer: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    layer.addfile(_entry(path, tarfile.REGTYPE, mode, size=len(content)), io.BytesIO(content))


def _entry(path: str, kind: bytes, mode: int, *, link: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(path)
    made.type, made.mode, made.linkname, made.size = kind, mode, link, size
    return made


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for a gigabyte; in memory where there is room, which halves mmdebstrap's time."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2 << 30
    with tempfile.TemporaryDirectory(prefix="composer-image-", dir=memory if roomy else "/var/tmp") as folder:
        yield Path(folder)
