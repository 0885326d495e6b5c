"""`composer watch` on real containers: files of the host reach what runs."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import ids, keepers, kill, pid_of, places_of, record
from tests.terminal import on_terminal
from tests.watching import watching

IDLE = "image: busybox, command: [sleep, infinity], stop_grace_period: 0s"


def seen(composer: Composer, path: str, container: str = "shop-web-1") -> str | None:
    """A file as the container's processes see it, None when it is not there."""
    try:
        return Path(f"/proc/{pid_of(composer, container)}/root{path}").read_text()
    except (FileNotFoundError, NotADirectoryError):
        return None


def write(composer: Composer, name: str, text: str) -> Path:
    path = composer.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def becomes(composer: Composer, path: str, text: str | None, container: str = "shop-web-1") -> None:
    eventually(lambda: seen(composer, path, container) == text, timeout=20)


def count(output: Path, words: str) -> int:
    return output.read_text().count(words)


def test_sync_reaches_all_replicas_in_every_way_of_saving(composer: Composer) -> None:
    """Written in place, renamed over, deleted and made anew, moved, removed, linked; editors' own files never arrive."""
    composer.write(f"""
        services:
          web: {{{IDLE}, scale: 2, develop: {{watch: [{{action: sync, path: ./src, target: /app}}]}}}}
    """)
    source = write(composer, "src/page", "0")
    with watching(composer):
        source.write_text("in place")
        becomes(composer, "/app/page", "in place")
        becomes(composer, "/app/page", "in place", "shop-web-2")
        write(composer, "src/.page.swp", "swap")
        write(composer, "src/4913", "")
        write(composer, "src/page.new", "renamed").rename(source)
        becomes(composer, "/app/page", "renamed")
        source.rename(composer.folder / "src/page~")
        source.write_text("as vim does")
        becomes(composer, "/app/page", "as vim does")
        source.unlink()
        source.write_text("made anew")
        becomes(composer, "/app/page", "made anew")
        write(composer, "src/deep/er/file", "deep")
        becomes(composer, "/app/deep/er/file", "deep")
        (composer.folder / "src/deep").rename(composer.folder / "src/moved")
        becomes(composer, "/app/moved/er/file", "deep")
        becomes(composer, "/app/deep/er/file", None)
        (composer.folder / "src/link").symlink_to("page")
        becomes(composer, "/app/link", "made anew")
        shutil.rmtree(composer.folder / "src/moved")
        source.unlink()
        becomes(composer, "/app/moved", None)
        becomes(composer, "/app/page", None)
        eventually(lambda: os.listdir(f"/proc/{pid_of(composer, 'shop-web-2')}/root/app") == ["link"])


def test_thousand_files_at_once(composer: Composer) -> None:
    """A checkout arrives whole, in folders that were not there, and another one takes its place."""
    composer.write(f"services: {{web: {{{IDLE}, develop: {{watch: [{{action: sync, path: ./src, target: /app}}]}}}}}}")

    def checkout(text: str, folders: int) -> None:
        for number in range(1000):
            write(composer, f"src/{text}/{number % folders}/{number}", text)

    def arrived(text: str) -> bool:
        root = Path(f"/proc/{pid_of(composer, 'shop-web-1')}/root/app")
        return sum(path.read_text() == text for path in root.glob(f"{text}/*/*")) == 1000

    write(composer, "src/.keep", "")
    with watching(composer):
        checkout("main", 50)
        eventually(lambda: arrived("main"), timeout=30)
        shutil.rmtree(composer.folder / "src/main")
        checkout("branch", 10)
        eventually(lambda: arrived("branch"), timeout=30)
        becomes(composer, "/app/main", None)


def test_what_is_ignored_is_not_entered(composer: Composer) -> None:
    """`ignore` and `.dockerignore` keep their folders from being watched at all, `include` narrows, `!` makes exceptions."""
    composer.write(f"""
        services:
          web:
            {{{IDLE}, build: {{context: ., dockerfile_inline: "FROM busybox"}}, develop: {{watch: [
              {{action: sync, path: ., target: /app, ignore: [node_modules, "!node_modules/mine"], include: ["**/*.js", src]}}]}}}}
    """)
    write(composer, ".dockerignore", "dist\n")
    for name in ("node_modules/a/b.js", "node_modules/mine/c.js", "dist/d.js", "src/e.txt", "f.txt"):
        write(composer, name, "0")
    with watching(composer):
        watcher = next(pid for pid in os.listdir("/proc") if pid.isdigit() and _title(pid) == "composer: shop (watcher)"
                       and _parent(pid) == keepers(composer)["supervisor"])
        inodes = {int(line.split("ino:")[1].split()[0], 16) for fd in Path(f"/proc/{watcher}/fdinfo").iterdir()
                  for line in fd.read_text().splitlines() if line.startswith("inotify")}
        watched = {name for name in (".", "node_modules", "node_modules/a", "node_modules/mine", "dist", "src")
                   if (composer.folder / name).stat().st_ino in inodes}
        assert watched == {".", "node_modules", "node_modules/mine", "src"}
        for name in ("node_modules/a/b.js", "dist/d.js", "f.txt", "node_modules/mine/c.js", "src/e.txt"):
            write(composer, name, "1")
        becomes(composer, "/app/src/e.txt", "1")
        becomes(composer, "/app/node_modules/mine/c.js", "1")
        assert [seen(composer, f"/app/{name}") for name in ("node_modules/a/b.js", "dist/d.js", "f.txt")] == [None] * 3


def _title(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
    except OSError:
        return ""


def _parent(pid: str) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_an_image_without_a_shell_and_a_user_who_is_not_root(composer: Composer) -> None:
    """Nothing in the image is needed; new files belong to whom the target's folder does, and that user can write them.
    A root file system that is read-only for the container changes nothing."""
    shutil.copy("/bin/busybox", composer.folder / "sleep")
    composer.write("""
        services:
          web:
            build:
              context: .
              dockerfile_inline: |
                FROM scratch
                COPY --chown=1000:1001 sleep /home/app/sleep
                COPY sleep /bin/sleep
                USER 1000
                CMD ["/bin/sleep", "infinity"]
            read_only: true
            stop_grace_period: 0s
            develop: {watch: [{action: sync, path: ./src, target: /home/app}]}
    """)
    write(composer, "src/a", "0")
    with watching(composer):
        write(composer, "src/a", "1").chmod(0o640)
        write(composer, "src/sleep", "replaced")
        becomes(composer, "/home/app/a", "1")
        becomes(composer, "/home/app/sleep", "replaced")
        there = os.stat(f"/proc/{pid_of(composer, 'shop-web-1')}/root/home/app/sleep")
        assert (there.st_uid, there.st_gid) == (1000, 1001)


def test_initial_sync(composer: Composer) -> None:
    """What differs when the watching begins is brought along where the rule says so, and nothing else."""
    composer.write(f"""
        services:
          web: {{{IDLE}, develop: {{watch: [{{action: sync, path: ./src, target: /app, initial_sync: true}},
                                          {{action: sync, path: ./lib, target: /lib2}}]}}}}
    """)
    write(composer, "src/deep/a", "there before")
    write(composer, "lib/b", "there before")
    with watching(composer):
        becomes(composer, "/app/deep/a", "there before")
        write(composer, "lib/c", "new")
        becomes(composer, "/lib2/c", "new")
        assert seen(composer, "/lib2/b") is None


def test_sync_and_restart(composer: Composer) -> None:
    """The process starts anew with the new file, also when it had ended because of the old one; who asked for it restarts along."""
    composer.write("""
        services:
          web:
            image: busybox
            init: true
            command: [sh, -c, "test -e /conf || sleep infinity; test $$(cat /conf) != broken && exec sleep infinity"]
            develop: {watch: [{action: sync+restart, path: ./conf, target: /conf, initial_sync: true}]}
          edge:
            image: busybox
            init: true
            command: [sleep, infinity]
            depends_on: {web: {condition: service_started, restart: true}}
    """)
    write(composer, "conf", "one")
    with watching(composer):
        eventually(lambda: record(composer, "shop-web-1").status == "running" and seen(composer, "/conf") == "one", timeout=20)
        edge = eventually(lambda: pid_of(composer, "shop-edge-1"), timeout=20)
        before, made = pid_of(composer, "shop-web-1"), ids(composer)
        write(composer, "conf", "two")
        eventually(lambda: pid_of(composer, "shop-web-1") != before and pid_of(composer, "shop-edge-1") != edge, timeout=20)
        assert seen(composer, "/conf") == "two"
        write(composer, "conf", "broken")
        eventually(lambda: record(composer, "shop-web-1").status == "exited" and record(composer, "shop-web-1").exit_code == 1, timeout=20)
        write(composer, "conf", "mended")
        eventually(lambda: seen(composer, "/conf") == "mended", timeout=20)
        assert ids(composer) == made


def test_a_file_that_mends_what_is_waited_for(composer: Composer) -> None:
    """A restart that makes a service unfit, so that who restarts along would wait for long, does not keep the next file from arriving."""
    composer.write("""
        services:
          web:
            image: busybox
            init: true
            command: [sleep, infinity]
            healthcheck: {test: "test $$(cat /conf) = good", interval: 1s, retries: 300, start_period: 1s}
            develop: {watch: [{action: sync+restart, path: ./conf, target: /conf, initial_sync: true}]}
          edge:
            image: busybox
            init: true
            command: [sleep, infinity]
            depends_on: {web: {condition: service_started, restart: true}}
          behind:
            image: busybox
            init: true
            command: [sleep, infinity]
            depends_on: {edge: {condition: service_started}, web: {condition: service_healthy, restart: true}}
    """)
    write(composer, "conf", "good")
    with watching(composer, "--no-up") as output:
        composer("up", "-d", "web", "edge")
        write(composer, "conf", "good enough")
        becomes(composer, "/conf", "good enough")
        write(composer, "conf", "good")
        becomes(composer, "/conf", "good")
        composer("up", "-d", "--wait", timeout=60)
        behind = pid_of(composer, "shop-behind-1")
        write(composer, "conf", "bad")
        eventually(lambda: record(composer, "shop-behind-1").status == "exited" and seen(composer, "/conf") == "bad", timeout=30)
        eventually(lambda: record(composer, "shop-web-1").health == "starting" and record(composer, "shop-web-1").status == "running")
        write(composer, "conf", "good")
        eventually(lambda: pid_of(composer, "shop-behind-1") not in (0, behind), timeout=30)
        assert "not waited for any more" in output.read_text()


def test_sync_and_exec(composer: Composer) -> None:
    """The command runs in every container after its files have arrived, with its own variables, user and folder; its failure is told."""
    composer.write(f"""
        services:
          web:
            {{{IDLE}, develop: {{watch: [{{action: sync+exec, path: ./a, target: /a, exec: {{
              command: [sh, -c, "cat /a > /tmp/$$NAME; test $$(cat /a) != bad || {{ echo no good; exit 3; }}"],
              environment: {{NAME: out}}, working_dir: /tmp}}}}]}}}}
    """)
    write(composer, "a", "0")
    with watching(composer) as output:
        write(composer, "a", "1")
        becomes(composer, "/tmp/out", "1")
        write(composer, "a", "bad")
        eventually(lambda: "failed with exit code 3" in output.read_text())
        assert "no good" in output.read_text()
        write(composer, "a", "2")
        becomes(composer, "/tmp/out", "2")


def test_bind_mounted_paths(composer: Composer) -> None:
    """A sync onto a mount is left out with one warning; restarting works there as anywhere."""
    composer.write(f"""
        services:
          web:
            {{{IDLE}, init: true, volumes: ["./src:/app"], develop: {{watch: [{{action: sync, path: ./src, target: /app}},
              {{action: sync+restart, path: ./src/conf, target: /app/conf}}]}}}}
    """)
    write(composer, "src/conf", "1")
    with watching(composer) as output:
        assert count(output, "is mounted into the container: not synced") == 2
        before = pid_of(composer, "shop-web-1")
        write(composer, "src/page", "1")
        write(composer, "src/conf", "2")
        eventually(lambda: pid_of(composer, "shop-web-1") != before, timeout=20)
        assert count(output, "Synced") == 0


def test_rebuild(composer: Composer) -> None:
    """The image is built and the container replaced; a build that fails keeps the old one and says why; the replaced image is removed."""
    composer.write("""
        services:
          web:
            build: .
            stop_grace_period: 0s
            develop: {watch: [{action: rebuild, path: ./content}, {action: rebuild, path: ./Dockerfile}]}
          edge:
            image: busybox
            command: [sleep, infinity]
            stop_grace_period: 0s
            depends_on: {web: {condition: service_healthy, restart: true}}
    """)
    health = 'HEALTHCHECK --interval=1s CMD ["test", "-e", "/content"]'
    recipe = f'FROM busybox\nCOPY content /content\n{health}\nCMD ["sleep", "infinity"]\n'
    write(composer, "Dockerfile", recipe)
    write(composer, "content", "1")
    with watching(composer) as output:
        old, edge = record(composer, "shop-web-1"), pid_of(composer, "shop-edge-1")
        write(composer, "Dockerfile", f"{recipe}RUN echo not today; false\n")
        eventually(lambda: "buildah failed" in output.read_text() or "Error" in output.read_text(), timeout=60)
        assert "not today" in output.read_text()
        assert record(composer, "shop-web-1").id == old.id
        assert record(composer, "shop-web-1").status == "running"
        write(composer, "Dockerfile", recipe)
        write(composer, "content", "2")
        eventually(lambda: seen(composer, "/content") == "2", timeout=60)
        assert record(composer, "shop-web-1").id != old.id
        eventually(lambda: pid_of(composer, "shop-edge-1") != edge, timeout=20)
        eventually(lambda: record(composer, "shop-edge-1").started_at > record(composer, "shop-web-1").started_at, timeout=20)
        eventually(lambda: old.image_id not in composer("images", "--format", "json").out)


def test_a_supervisor_that_is_killed_loses_no_change(composer: Composer) -> None:
    """Killed while thousands of files are on their way: no half-written file is ever seen, nothing is left of it, and all
    arrives, also what changed and was deleted while nobody was there."""
    composer.write(f"services: {{web: {{{IDLE}, develop: {{watch: [{{action: sync, path: ./src, target: /app}}]}}}}}}")
    for number in range(800):
        write(composer, f"src/{number}", "old" * 5000)
    with watching(composer):
        write(composer, "src/first", "1")
        becomes(composer, "/app/first", "1")
        root = Path(f"/proc/{pid_of(composer, 'shop-web-1')}/root/app")
        for number in range(800):
            write(composer, f"src/{number}", "new" * 5000)
        eventually(lambda: (root / "100").exists(), timeout=20, step=0.001)
        kill(keepers(composer)["supervisor"])
        (composer.folder / "src/first").unlink()
        write(composer, "src/last", "1")
        becomes(composer, "/app/last", "1")
        becomes(composer, "/app/first", None)
        eventually(lambda: len(os.listdir(root)) == 801, timeout=30)
        assert {path.read_text() for path in root.iterdir()} == {"new" * 5000, "1"}


def test_a_supervisor_that_is_killed_goes_on_with_a_rebuild(composer: Composer) -> None:
    """Killed while the image is being built: the next one builds it, and the old container runs until then."""
    composer.write("""
        services:
          web:
            build: {context: ., dockerfile_inline: "FROM busybox\\nCOPY content /content\\nRUN sleep 1\\nCMD sleep infinity"}
            stop_grace_period: 0s
            develop: {watch: [{action: rebuild, path: ./content}]}
    """)
    write(composer, "content", "1")
    with watching(composer) as output:
        old = record(composer, "shop-web-1").id
        told = count(output, "RUN sleep")
        write(composer, "content", "2")
        eventually(lambda: count(output, "RUN sleep") > told, timeout=30)
        kill(keepers(composer)["supervisor"])
        assert seen(composer, "/content") == "1"
        eventually(lambda: record(composer, "shop-web-1").id != old and seen(composer, "/content") == "2", timeout=60)


def test_a_supervisor_that_is_killed_goes_on_with_a_restart(composer: Composer) -> None:
    """Killed while the container stops: the next one starts it, with the new file."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sh, -c, "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.05; done"]
            develop: {watch: [{action: sync+restart, path: ./conf, target: /conf}]}
    """)
    write(composer, "conf", "1")
    with watching(composer) as output:
        before = pid_of(composer, "shop-web-1")
        write(composer, "conf", "2")
        eventually(lambda: record(composer, "shop-web-1").stop_asked, timeout=20)
        kill(keepers(composer)["supervisor"])
        eventually(lambda: pid_of(composer, "shop-web-1") != before and seen(composer, "/conf") == "2", timeout=30)
        eventually(lambda: "Service web  Running" in output.read_text())


def test_whoever_is_killed_the_watching_goes_on(composer: Composer) -> None:
    """The watcher; the guard; guard and supervisor together: what changed meanwhile arrives all the same."""
    composer.write(f"services: {{web: {{{IDLE}, develop: {{watch: [{{action: sync, path: ./src, target: /app}}]}}}}}}")
    write(composer, "src/a", "0")

    def watchers() -> list[int]:
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _title(pid) == "composer: shop (watcher)"
                and group in Path(f"/proc/{pid}/cgroup").read_text()]

    with watching(composer):
        group = places_of(composer).hash
        (watcher,) = watchers()
        kill(watcher)
        write(composer, "src/a", "watcher")
        becomes(composer, "/app/a", "watcher")
        kill(keepers(composer)["guard"])
        write(composer, "src/a", "guard")
        becomes(composer, "/app/a", "guard")
        before = keepers(composer)
        eventually(lambda: keepers(composer)["guard"] != before["guard"] or _title(str(keepers(composer)["guard"])))
        both = keepers(composer)
        os.kill(both["guard"], signal.SIGSTOP)
        kill(both["supervisor"])
        kill(both["guard"])
        write(composer, "src/a", "both")
        becomes(composer, "/app/a", "both")
    eventually(lambda: not watchers())


def test_targets_below_volumes_and_tmpfs(composer: Composer) -> None:
    """What is mounted in the container is written where the container sees it."""
    composer.write(f"""
        services:
          web: {{{IDLE}, volumes: ["data:/app/data"], tmpfs: [/app/tmp], develop: {{watch: [{{action: sync, path: ./src, target: /app}}]}}}}
        volumes: {{data: {{}}}}
    """)
    write(composer, "src/.keep", "")
    with watching(composer):
        for name in ("data/in/volume", "tmp/in/memory", "plain"):
            write(composer, f"src/{name}", name)
            becomes(composer, f"/app/{name}", name)
    assert [path.read_text() for path in composer.places.root.glob("projects/*/volumes/shop_data/_data/in/volume")] == ["data/in/volume"]


def test_one_watch_a_project(composer: Composer) -> None:
    """The second command says so; `down` ends a watch."""
    composer.write(f"services: {{web: {{{IDLE}, develop: {{watch: [{{action: sync, path: ./src, target: /app}}]}}}}}}")
    with watching(composer) as output:
        assert "already" in composer("watch", "--no-up", code=1).err
        (composer.folder / "more.yaml").write_text(f"services: {{more: {{{IDLE}}}}}")
        assert "already" in composer("-f", "compose.yaml", "-f", "more.yaml", "watch", code=1).err
        assert "shop-more-1" not in composer("ps", "-a").out, "the second command begins nothing"
        composer("down", "-t", "0")
        write(composer, "src/a", "1")
    assert "rror" not in output.read_text()


def test_polling_on_request(composer: Composer) -> None:
    """Where the kernel does not know what happens (files of another machine), composer looks for itself."""
    composer.write(f"services: {{web: {{{IDLE}, develop: {{watch: [{{action: sync, path: ./src, target: /app}}]}}}}}}")
    write(composer, "src/a", "0")
    with watching(composer, "--poll", "0.1"):
        write(composer, "src/a", "11")
        becomes(composer, "/app/a", "11")
        (composer.folder / "src/a").unlink()
        becomes(composer, "/app/a", None)


def test_up_watch_and_its_keys(composer: Composer) -> None:
    """`up --watch` shows logs and follows files, also when the only container ends and is mended by a file; `w` ends and begins it,
    `d` leaves all running, and the terminal as it was."""
    composer.write("""
        services:
          web:
            image: busybox
            init: true
            stop_grace_period: 0s
            command: [sh, -c, "test -e /app/ok || exit 1; echo ready; exec sleep infinity"]
            develop: {watch: [{action: sync+restart, path: ./src, target: /app}]}
    """)
    (composer.folder / "src").mkdir()
    with on_terminal(composer, "up", "--watch") as terminal:
        terminal.until("Watching")
        eventually(lambda: record(composer, "shop-web-1").exit_code == 1)
        write(composer, "src/ok", "1")
        terminal.until("ready")
        terminal.type("w")
        terminal.until("not watched any more")
        write(composer, "src/page", "unseen")
        terminal.type("w")
        begun = len(terminal.shown)
        terminal.until_after(begun, "Watching")
        write(composer, "src/page", "seen")
        becomes(composer, "/app/page", "seen")
        terminal.until_after(begun, "ready")
        terminal.type("d")
        assert terminal.end() == 0
        assert terminal.settings() == terminal.before
    assert record(composer, "shop-web-1").status == "running"


def test_up_watch_goes_on_with_another_supervisor(composer: Composer) -> None:
    """Logs and files: the attached command finds the next supervisor, and Ctrl-C stops the project as ever."""
    composer.write(f"services: {{web: {{{IDLE}, develop: {{watch: [{{action: sync, path: ./src, target: /app}}]}}}}}}")
    with on_terminal(composer, "up", "--watch") as terminal:
        terminal.until("Watching")
        kill(keepers(composer)["supervisor"])
        write(composer, "src/a", "1")
        becomes(composer, "/app/a", "1")
        terminal.interrupt()
        assert terminal.end() == 130
    assert record(composer, "shop-web-1").status == "exited"
