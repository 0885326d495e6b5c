"""Registries through the command line: push, pull, policies, credentials of the one who called sudo, and what is said when it fails."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import Composer
from tests.eventually import eventually
from tests.images import forget, publish, write
from tests.registry import PASSWORD, PROGRAM, USER, Registry, auth_file, registry

pytestmark = pytest.mark.skipif(not PROGRAM, reason="needs docker-registry")


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("free") / "registry") as made:
        yield made


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("locked") / "registry", locked=True) as made:
        yield made


def policy(composer: Composer, image: str, words: str) -> None:
    composer.write(f"services: {{web: {{image: '{image}', command: [sleep, infinity], {words}}}}}")


def pulled(done_err: str) -> bool:
    return "  Pulled  " in done_err


def test_push_remove_and_pull_on_the_way_up(composer: Composer, free: Registry) -> None:
    """The image comes back from the registry; one line tells it where there is no terminal."""
    image = publish(composer, free, "app:1")
    done = composer("up", "-d")
    assert [line for line in done.err.splitlines() if line.startswith(f" Image {image}")] == re.findall(
        rf"^ Image {re.escape(image)}  Pulled  \d+\.\ds$", done.err, re.MULTILINE)
    assert pulled(done.err)
    assert composer.inside("web", "cat", "/text") == "first\n"
    assert not pulled(composer("up", "-d").err)


def test_pull_push_and_their_options(composer: Composer, free: Registry) -> None:
    """`pull` takes the services named, with dependencies if asked to; what can be built need not be there; -q is silent; `push` takes what
    is built and has a name, with its further tags."""
    base, unbuilt = publish(composer, free, "options:1"), f"{free.address}/unbuilt:1"
    composer.write(f"""
        services:
          web: {{image: '{base}', depends_on: [db]}}
          db: {{image: '{unbuilt}', build: {{dockerfile_inline: "FROM busybox", tags: ['{free.address}/unbuilt:also']}}}}
          own: {{build: {{dockerfile_inline: "FROM busybox"}}}}
          gone: {{image: '{free.address}/gone:1', profiles: [later]}}
    """)
    assert composer("pull", "web").err.count("Image ") == 1
    both = composer("pull", "--include-deps", "web").err
    assert f"Image {base}  Pulled" in both
    assert f"Image {unbuilt}  Warning: image {unbuilt} cannot be pulled" in both
    assert "unbuilt" not in composer("pull", "--ignore-buildable").err
    assert composer("pull", "-q").said == ""
    failed = composer("--profile", "later", "pull", code=1)
    assert failed.err.count("composer: ") == 1
    assert "hint: " in failed.err
    assert "manifest unknown" in composer("--profile", "later", "pull", "--ignore-pull-failures").err
    assert composer("pull", "--policy", "missing", "web").err == ""
    composer("build")
    assert set(re.findall(r"Image (\S+)  Pushed", composer("push").err)) == {unbuilt, f"{free.address}/unbuilt:also"}
    forget(composer, unbuilt)
    assert f"Image {unbuilt}  Pulled" in composer("pull", "db").err


def test_policies(composer: Composer, free: Registry) -> None:
    """always asks each time; daily, weekly and every_... ask when the last pull is long ago; never and missing do not."""
    image = publish(composer, free, "policies:1")
    for words in ("pull_policy: if_not_present", "pull_policy: missing", "pull_policy: never", "pull_policy: daily", "pull_policy: weekly",
                  "pull_policy: every_2h", "pull_policy: refresh, pull_refresh_after: 1h"):
        policy(composer, image, words)
        assert pulled(composer("up", "-d").err) == (words == "pull_policy: if_not_present"), words
    for words in ("pull_policy: always", "pull_policy: refresh", "pull_policy: every_0s"):
        policy(composer, image, words)
        assert pulled(composer("up", "-d").err), words
    policy(composer, image, "pull_policy: always")
    assert not pulled(composer("up", "-d", "--pull", "never").err)
    for file in (composer.places.root / "pulled").iterdir():
        os.utime(file, (0, time.time() - 3 * 3600))
    policy(composer, image, "pull_policy: daily")
    assert not pulled(composer("up", "-d").err)
    policy(composer, image, "pull_policy: every_2h")
    assert pulled(composer("up", "-d").err)
    assert not pulled(composer("up", "-d").err)


def test_a_moved_tag_recreates_the_container(composer: Composer, free: Registry, tmp_path: Path) -> None:
    """`up --pull always` runs what the registry has now."""
    image = publish(composer, free, "moving:1")
    composer("up", "-d")
    other = Composer(tmp_path / "other", composer.places)
    other.folder.mkdir()
    build = json.dumps({"dockerfile_inline": "FROM busybox\nRUN echo second > /text\n"})
    other.write(f"services: {{web: {{image: '{free.address}/next:1', build: {build}}}}}")
    other("build", "--push")
    copy = ["skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", f"docker://{free.address}/next:1", f"docker://{image}"]
    subprocess.run(copy, check=True, capture_output=True)
    assert composer.inside("web", "cat", "/text") == "first\n"
    assert not pulled(composer("up", "-d").err)
    composer("up", "-d", "--pull", "always", "-t", "0")
    assert composer.inside("web", "cat", "/text") == "second\n"


def test_a_recipe_with_a_name_is_pulled_first_and_built_when_that_fails(composer: Composer, free: Registry) -> None:
    """`image` beside `build`: what the registry has saves the build, unless the policy says build."""
    image = publish(composer, free, "both:1", "registry")
    recipe = json.dumps({"dockerfile_inline": "FROM busybox\nRUN echo recipe > /text\n"})
    policy(composer, image, f"build: {recipe}")
    assert pulled(composer("up", "-d").err)
    assert composer.inside("web", "cat", "/text") == "registry\n"
    policy(composer, image, f"build: {recipe}, pull_policy: build")
    assert f"Image {image}  Built" in composer("up", "-d", "-t", "0").err
    assert composer.inside("web", "cat", "/text") == "recipe\n"
    policy(composer, f"{free.address}/neither:1", f"build: {recipe}")
    done = composer("up", "-d", "-t", "0")
    assert f"Image {free.address}/neither:1  Built" in done.err
    assert composer.inside("web", "cat", "/text") == "recipe\n"


def test_the_one_who_called_sudo_has_the_credentials(composer: Composer, locked: Registry, tmp_path: Path) -> None:
    """Those of ~/.docker/config.json in the caller's home, without a word about it in root's environment; no file of composer's ever
    holds them."""
    image = publish(composer, locked, "private:1")
    home, passwd = tmp_path / "home", tmp_path / "passwd"
    passwd.write_text(f"{Path('/etc/passwd').read_text()}{USER}:x:1234:1234::{home}:/bin/sh\n")
    composer.entering = ("unshare", "--mount", "sh", "-ec", f'mount --bind {passwd} /etc/passwd; exec "$@"', "sh")
    caller = {"SUDO_USER": USER, "SUDO_UID": "1234", "HOME": str(tmp_path / "home-of-root")}
    denied = composer("pull", env=caller, code=1)
    assert f"skopeo login {locked.address}" in denied.err
    (home / ".docker").mkdir(parents=True)
    (home / ".docker/config.json").write_text(auth_file(locked.address, PASSWORD))
    assert "unauthorized" in composer("pull", env={"HOME": str(tmp_path / "home-of-root")}, code=1).err
    assert pulled(composer("pull", env=caller).err)
    composer.entering = ()
    composer("up", "-d", "--pull", "always", env={"DOCKER_CONFIG": str(home / ".docker")})
    secret = json.loads(locked.auths)["auths"][locked.address]["auth"]
    places = [str(place) for place in (composer.places.root / "projects", composer.places.root / "pulled", composer.places.run)]
    assert subprocess.run(["grep", "-rlF", "--devices=skip", secret, *places], capture_output=True, text=True, check=False).stdout == ""
    assert image in composer.ps()[0]["Image"]


def test_a_wrong_password_and_a_registry_that_is_down(composer: Composer, locked: Registry) -> None:
    """One error with a hint, exit code 1, nothing half made."""
    image = publish(composer, locked, "refused:1")
    wrong = {"REGISTRY_AUTH_FILE": write(composer, "wrong.json", auth_file(locked.address, "wrong"))}
    for name, said in ((image, "unauthorized"), ("127.0.0.1:1/refused:1", "connection refused")):
        policy(composer, name, "pull_policy: missing")
        for command in (("up", "-d"), ("pull",)):
            done = composer(*command, env=wrong, code=1)
            (error,) = re.findall(r"^composer: (.*)", done.err, re.MULTILINE)
            assert error.startswith(f"services.web.image: image {name} cannot be pulled: ")
            assert "\n  compose.yaml, line 1, column 18\n" in done.err
            assert said in error
            assert "  hint: " in done.err
            assert composer.projects() == []


def test_a_credential_program_is_asked_for_the_password(composer: Composer, locked: Registry, tmp_path: Path) -> None:
    """As docker's credHelpers have it: the program is run as `get`, with the registry on its stdin."""
    publish(composer, locked, "helped:1")
    program = tmp_path / "bin/docker-credential-shelf"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nread registry\n[ "$1 $registry" = "get {locked.address}" ] || exit 1\n'
                       f'echo \'{{"Username": "{USER}", "Secret": "{PASSWORD}"}}\'\n')
    program.chmod(0o755)
    config = write(composer, "helpers.json", json.dumps({"credHelpers": {locked.address: "shelf"}}))
    env = {"REGISTRY_AUTH_FILE": config, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    assert pulled(composer("up", "-d", env=env).err)


def test_images_come_side_by_side_and_a_shared_layer_once(composer: Composer, free: Registry) -> None:
    """All begin before the first is there; what they have in common is fetched by one of them."""
    names = [f"{free.address}/{name}:1" for name in ("base", "left", "right")]
    (composer.folder / "shared").write_bytes(os.urandom(8 << 20))
    recipes = ["FROM busybox\\nCOPY shared /shared", *(f"FROM {names[0]}\\nRUN echo {name} > /text" for name in names[1:])]
    for image, recipe in zip(names, recipes, strict=True):
        composer.write(f"services: {{web: {{image: '{image}', build: {{context: ., dockerfile_inline: \"{recipe}\"}}}}}}")
        composer("build", "--push")
    for image in reversed(names):
        forget(composer, image)
    before = Counter(free.fetched())
    composer.write(f"services: {{{', '.join(f's{number}: {{image: {image!r}}}' for number, image in enumerate(names))}}}")
    events = [json.loads(line) for line in composer("--progress", "json", "pull").said.splitlines()]
    begun = {event["subject"] for event in events[: [event["action"] for event in events].index("pulled")]}
    assert begun == {f"image/{name}" for name in names}
    fetched = Counter(free.fetched()) - before
    assert fetched
    assert set(fetched.values()) == {1}


def publish_big(composer: Composer, place: Registry) -> str:
    """63 MB that cannot be compressed."""
    image = f"{place.address}/big:1"
    (composer.folder / "big").write_bytes(os.urandom(60 << 20))
    build = json.dumps({"dockerfile_inline": "FROM busybox\nCOPY big /big\n"})
    composer.write(f"services: {{web: {{image: '{image}', build: {build}}}}}")
    composer("build", "--push")
    forget(composer, image)
    return image


def test_on_a_terminal_the_bytes_are_shown(composer: Composer, free: Registry) -> None:
    """`Pulling 12.3MB/40MB`, redrawn in place while it goes on."""
    publish_big(composer, free)
    ours, theirs = pty.openpty()
    with subprocess.Popen(composer.argv("pull"), stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd=composer.folder,
                          env=composer.environment({"TERM": "xterm", "COLUMNS": "120"})) as child:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # EIO: the other end is closed
            os.close(ours)
    assert child.returncode == 0
    amounts = re.findall(r"Pulling.{0,40}?([\d.]+[kM]?B)/6[24][.9]*MB", shown.decode())
    assert amounts, shown
    assert "Pulled" in shown.decode()


def test_ctrl_c_gives_a_pull_up(composer: Composer, free: Registry) -> None:
    """Also when the registry has stopped sending; nothing of it stays, and the next command need not wait for it."""
    image = publish_big(composer, free)
    pull = composer.start("--progress", "json", "pull")
    assert pull.stdout
    try:
        for line in pull.stdout:
            if json.loads(line).get("detail", "").startswith("0B/6"):
                break
        os.kill(free.pid, signal.SIGSTOP)
        pull.send_signal(signal.SIGINT)
        assert pull.wait(10) == 130
        eventually(lambda: composer.projects() == [] and not list(composer.places.scratch.iterdir()))
    finally:
        os.kill(free.pid, signal.SIGCONT)
        pull.communicate()
    assert image in composer("pull").err
