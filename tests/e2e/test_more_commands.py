"""Commands for containers that are there (`kill`, `rm`, `pause`), commands that look (`ls`, `images`, `top`, `stats`, `events`,
`volumes`), `cp` and `export`, and those about the machine (`doctor`, `completion`, `install-docker-compose`)."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import ids, pid_of, places_of, record

SHOP = """
    services:
      web:
        image: busybox
        scale: 2
        command: [sh, -c, "trap 'echo hangup' HUP; trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"]
      db: {image: busybox, command: [sleep, infinity], init: true, volumes: ["data:/data", /anon]}
    volumes: {data: {}}
"""


@pytest.fixture
def shop(composer: Composer) -> Composer:
    """Two web containers and a db, up."""
    composer.write(SHOP)
    composer("up", "-d")
    return composer


def states(composer: Composer) -> dict[str, str]:
    return {row["Name"]: row["State"] for row in composer.ps()}


# ---------------------------------------------------------------- kill, rm, pause


def test_kill_sends_any_signal(shop: Composer) -> None:
    """SIGKILL by default, and at once; another one reaches PID 1, which goes on; a name that nobody knows is refused before anything."""
    eventually(lambda: shop("logs", "--no-log-prefix", "web").out == "up\nup\n")
    shop("kill", "-s", "HUP", "web")
    eventually(lambda: shop("logs", "--no-log-prefix", "web").out.count("hangup") == 2)
    assert set(states(shop).values()) == {"running"}
    assert "no signal named 'NOPE'" in shop("kill", "-s", "NOPE", code=1).err
    shop("kill", "db")
    assert record(shop, "shop-db-1").exit_code == 137
    assert states(shop) == {"shop-db-1": "exited", "shop-web-1": "running", "shop-web-2": "running"}
    shop("kill")
    assert set(states(shop).values()) == {"exited"}
    shop("kill", "nobody", code=1)


def test_kill_keeps_the_restart_policy_away(composer: Composer) -> None:
    """Who was killed on purpose stays down; a signal that does not ask for the end leaves the policy in force."""
    composer.write("""
        services:
          web:
            image: busybox
            restart: always
            stop_signal: SIGTERM
            command: [sh, -c, "trap 'exit 3' HUP; while :; do sleep 0.05; done"]
    """)
    composer("up", "-d")
    composer("kill", "-s", "SIGHUP")
    eventually(lambda: record(composer, "shop-web-1").restarts == 1)
    eventually(lambda: states(composer) == {"shop-web-1": "running"})
    composer("kill")
    assert record(composer, "shop-web-1").stop_asked
    assert record(composer, "shop-web-1").restarts == 1
    composer.write("services: {web: {image: busybox, restart: always, command: ['false']}}")
    composer("up", "-d", code=None)
    eventually(lambda: record(composer, "shop-web-1").restarts > 3)  # by now it is mostly between two lives
    composer("kill")
    assert record(composer, "shop-web-1").stop_asked


@pytest.mark.parametrize("rules", ["restart: always", "restart: unless-stopped, stop_signal: SIGTERM"])
def test_kill_takes_any_signal_for_a_stop(composer: Composer, rules: str) -> None:
    """As with Docker: where no stop signal is declared, and with `unless-stopped`, who ends by the signal stays down."""
    composer.write(f"""
        services:
          web: {{image: busybox, {rules}, command: [sh, -c, "trap 'exit 3' HUP; echo ready; while :; do sleep 0.05; done"]}}
    """)
    composer("up", "-d")
    eventually(lambda: "ready" in composer("logs").out)
    composer("kill", "-s", "SIGHUP")
    eventually(lambda: states(composer) == {"shop-web-1": "exited"})
    ended = record(composer, "shop-web-1")
    assert (ended.exit_code, ended.stop_asked, ended.restarts) == (3, True, 0)


def test_kill_can_remove_orphans(shop: Composer) -> None:
    """With --remove-orphans, containers of services that the file no longer names are killed and removed."""
    shop.write("services: {web: {image: busybox}}")
    shop("kill", "--remove-orphans", "web")
    assert states(shop) == {"shop-web-1": "exited", "shop-web-2": "exited"}


def test_rm_removes_what_does_not_run(shop: Composer) -> None:
    """It asks before, unless -f; -s stops first; -v takes anonymous volumes; one-off containers go when no service is named."""
    shop("run", "--name", "single", "db", "true")
    shop("stop", "db")
    assert "nobody said yes" in shop("rm", code=1).err
    shop("rm", stdin="n\n")
    assert {"shop-db-1", "single"} <= ids(shop).keys()
    shop("rm", "db", stdin="y\n")
    assert "shop-db-1" not in ids(shop)
    assert "single" in ids(shop)
    shop("rm", "-f")
    assert states(shop) == {"shop-web-1": "running", "shop-web-2": "running"}
    assert "no stopped containers" in shop("rm", "-f").err
    anonymous = [name for name in shop("volumes", "-q").out.split() if name != "shop_data"]
    assert anonymous, "the anonymous volumes of db should have stayed"
    shop("rm", "-fs", "web")
    assert ids(shop) == {}
    shop("up", "-d", "db")
    before = set(shop("volumes", "-q").out.split())
    shop("rm", "-fsv", "db")
    assert before > set(shop("volumes", "-q").out.split()) >= {"shop_data"}


def test_a_paused_container_does_nothing_until_it_goes_on(shop: Composer) -> None:
    """`ps` says so, processes stand still, `unpause` lets them go on; nothing to pause is an error."""
    pid = pid_of(shop, "shop-web-1")
    shop("pause", "web")
    assert states(shop) == {"shop-db-1": "running", "shop-web-1": "paused", "shop-web-2": "paused"}
    assert "(Paused)" in shop("ps", "web").out
    frozen = children(pid)
    assert not changes(pid, frozen), "a frozen shell started something"
    shop("exec", "-T", "web", "true", code=1)
    shop("unpause", "web")
    assert set(states(shop).values()) == {"running"}
    eventually(lambda: children(pid) != frozen)
    shop("unpause", code=1)
    shop("stop", "-t", "0")
    shop("pause", code=1)


def children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()


def changes(pid: int, before: str) -> bool:
    """Whether it happens within the time of several rounds of the shell's loop."""
    try:
        return eventually(lambda: children(pid) != before, timeout=0.4)
    except AssertionError:
        return False


@pytest.mark.parametrize("words", [("stop",), ("kill",), ("down",), ("restart",), ("rm", "-fs")])
def test_what_is_paused_can_be_ended(shop: Composer, words: tuple[str, ...]) -> None:
    """It is thawed, hears its stop signal, and ends in order, not by SIGKILL after the grace period."""
    shop("pause")
    done = shop(*words)
    assert done.seconds < 8, done.err
    if words == ("stop",):
        assert record(shop, "shop-web-1").exit_code == 0
    if words == ("kill",):
        assert record(shop, "shop-web-1").exit_code == 137


def test_health_checks_rest_while_paused(composer: Composer) -> None:
    """No probe is started in a frozen container, so that it does not become unhealthy by being paused; afterwards they go on."""
    composer.write("""
        services:
          web: {image: busybox, command: [sleep, infinity],
                healthcheck: {test: "echo x >> /probes", interval: 100ms, timeout: 200ms, retries: 1}}
    """)
    composer("up", "-d", "--wait")
    composer("pause")
    root = f"/proc/{pid_of(composer, 'shop-web-1')}/root/probes"
    before = os.stat(root).st_size
    with pytest.raises(AssertionError):
        eventually(lambda: os.stat(root).st_size > before + 2, timeout=0.6)  # the one under way may have been written
    assert record(composer, "shop-web-1").health == "healthy"
    composer("unpause")
    eventually(lambda: os.stat(root).st_size > before + 4)
    assert record(composer, "shop-web-1").health == "healthy"


# ---------------------------------------------------------------- looking


def test_ls_knows_all_projects(shop: Composer) -> None:
    """Name, counts by state, files; those that do not run with -a; --filter by name; -q; nothing of it needs a compose file."""
    shop("pause", "db")
    file = str(shop.folder / "compose.yaml")
    assert {"Name": "shop", "Status": "paused(1), running(2)", "ConfigFiles": file} in json.loads(shop("ls", "--format", "json").out)
    lines = shop("ls").out.splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "CONFIG", "FILES"]
    assert any(line.startswith("shop ") and "paused(1), running(2)" in line for line in lines)
    assert "shop" in shop("ls", "-q").out.split()
    assert shop("ls", "-q", "--filter", "name=^nope").out == ""
    shop("stop", "-t", "0")
    assert file not in shop("ls", "--format", "json").out
    assert {"Name": "shop", "Status": "exited(3)", "ConfigFiles": file} in json.loads(shop("ls", "-a", "--format", "json").out)
    assert "only name=REGEX" in shop("ls", "--filter", "status=running", code=1).err


def test_images_and_volumes(shop: Composer) -> None:
    """What containers were made from, and the volumes with where they are, in docker compose's field names."""
    rows = {row["ContainerName"]: row for row in json.loads(shop("images", "--format", "json").out)}
    assert rows.keys() == {"shop-db-1", "shop-web-1", "shop-web-2"}
    assert (rows["shop-db-1"]["Repository"], rows["shop-db-1"]["Tag"]) == ("busybox", "latest")
    assert rows["shop-db-1"]["ID"] == f"sha256:{record(shop, 'shop-db-1').image_id}"
    assert rows["shop-db-1"]["Size"] > 100_000
    assert rows["shop-db-1"]["Platform"].startswith("linux/")
    assert shop("images", "-q").out == f"{record(shop, 'shop-db-1').image_id}\n"
    assert len(shop("images", "web").out.splitlines()) == 3
    volumes = {row["Name"]: row for row in map(json.loads, shop("volumes", "--format", "json").out.splitlines())}
    assert len(volumes) == 2
    assert volumes["shop_data"]["Driver"] == "local"
    shop.inside("db", "sh", "-c", "echo here > /data/note")
    assert Path(volumes["shop_data"]["Mountpoint"], "note").read_text() == "here\n"
    assert shop("volumes", "--format", "{{.Name}}={{.Scope}}", "db").out.split()[-1] == "shop_data=local"
    assert shop("volumes", "-q", "web").out == ""


def test_top_shows_the_processes(shop: Composer) -> None:
    """Of every container, with the host's numbers and the container's names of users; the image has no part in it."""
    lines = shop("top", "db").out.splitlines()
    assert lines[0].split() == ["SERVICE", "#", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    init, sleep = (line.split() for line in lines[1:])
    assert (init[0], init[1], init[2], init[3]) == ("db", "1", "root", str(pid_of(shop, "shop-db-1")))
    assert sleep[4] == init[3]
    assert sleep[9:] == ["sleep", "infinity"]
    shop("pause")
    assert "sleep infinity" in shop("top").out


def test_stats_measure_containers(composer: Composer) -> None:
    """Processor, memory and its limit, network and processes, from the groups; -a shows what does not run with zeros."""
    composer.write("""
        services:
          busy: {image: busybox, command: [sh, -c, "while :; do :; done"], mem_limit: 64m, cpus: 0.5}
          done: {image: busybox, command: ["true"]}
    """)
    composer("up", "-d")
    rows = {row["Name"]: row for row in map(json.loads, composer("stats", "--no-stream", "--format", "json", "-a").out.splitlines())}
    busy, done = rows["shop-busy-1"], rows["shop-done-1"]
    assert 5 < float(busy["CPUPerc"].rstrip("%")) < 80
    assert busy["MemUsage"].endswith(" / 64MiB")
    assert not busy["MemUsage"].startswith("0B")
    assert busy["PIDs"] == "1"
    assert busy["ID"] == ids(composer)["shop-busy-1"][:12]
    assert (done["CPUPerc"], done["PIDs"]) == ("0.00%", "0")
    assert "shop-done-1" not in composer("stats", "--no-stream").out
    assert composer("stats", "--no-stream", "--no-trunc", "--format", "{{.ID}}").out.strip() == ids(composer)["shop-busy-1"]
    assert "no field .Nope" in composer("stats", "--no-stream", "--format", "{{.Nope}}", code=1).err


def test_events_of_now_and_of_before(composer: Composer) -> None:
    """Live from before the project was up to after it is gone; the past, by --since and --until, without a supervisor's help."""
    composer.write(SHOP)
    listening = composer.start("events", "--json")
    try:
        eventually(lambda: composer.projects())
        eventually(lambda: places_of(composer).socket.exists())
        composer("up", "-d", "db")
        composer("pause", "db")
        composer("unpause", "db")
        past = [json.loads(line) for line in composer("events", "--json", "--since", "1h", "--until", "0s").out.splitlines()]
        assert [one["action"] for one in past] == ["create", "start", "pause", "unpause"]
        assert composer("events", "--since", "1h", "--until", "0s", "web", code=None).out == ""
        id_ = ids(composer)["shop-db-1"]
        composer("kill", "db")
        composer("down")
        said, _ = listening.communicate(timeout=10)
    finally:
        listening.kill()
    heard = [json.loads(line) for line in said.splitlines()]
    assert [one["action"] for one in heard][:4] == ["create", "start", "pause", "unpause"]
    assert sorted(one["action"] for one in heard[4:]) == ["destroy", "die", "kill"]
    assert {(one["type"], one["service"], one["id"]) for one in heard} == {("container", "db", id_)}
    (died,) = [one for one in heard if one["action"] == "die"]
    assert died["attributes"] == {"image": "busybox", "name": "shop-db-1", "exitCode": "137"}


def test_events_end_with_ctrl_c(shop: Composer) -> None:
    """Exit code 130, and the supervisor does not mind; `--until` ends it as well."""
    listening = shop.start("events", "--since", "1h")
    try:
        assert listening.stdout is not None
        assert " container create " in listening.stdout.readline()
        listening.send_signal(signal.SIGINT)
        listening.communicate(timeout=10)
    finally:
        listening.kill()
    assert listening.returncode == 130
    assert shop("events", "--until", "1970-01-01T00:00:00Z").out == ""
    assert set(states(shop).values()) == {"running"}


# ---------------------------------------------------------------- cp, export


def test_cp_into_and_out_of_containers(shop: Composer, tmp_path: Path) -> None:
    """Files and trees, into all replicas or one, by the rules of docker cp; owner and time; also over a file that is mounted."""
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "a").write_text("one\n")
    (tree / "sub" / "b").write_text("two\n")
    (tree / "link").symlink_to("/etc/passwd")
    os.chown(tree / "a", 1234, 1235)
    shop("cp", str(tree), "web:/new")  # is not there: becomes a copy
    shop("cp", str(tree), "web:/tmp")  # is there: gets one
    shop("cp", "--index", "2", f"{tree}/.", "web:/none/new", code=1)  # no parent
    shop("cp", "--index", "2", f"{tree}/.", "web:/opt")  # what is in it
    shop("cp", "-a", str(tree / "a"), "db:/data/kept")
    for index in ("1", "2"):
        look = "cat /new/a /tmp/tree/sub/b; readlink /new/link; stat -c %u /new/a"
        assert shop("exec", "-T", "--index", index, "web", "sh", "-c", look).out == "one\ntwo\n/etc/passwd\n0\n"
    assert shop("exec", "-T", "--index", "2", "web", "ls", "/opt").out.split() == ["a", "link", "sub"]
    assert shop.inside("db", "stat", "-c", "%u:%g", "/data/kept") == "1234:1235\n"
    shop("cp", "web:/new", str(tmp_path / "back"))
    assert (tmp_path / "back" / "sub" / "b").read_text() == "two\n"
    assert (tmp_path / "back" / "link").is_symlink()
    shop("cp", "-L", "web:/new/link", str(tmp_path / "followed"))
    assert "root" in (tmp_path / "followed").read_text()
    hosts = shop.inside("db", "cat", "/etc/hosts")
    (tmp_path / "hosts").write_text(f"{hosts}192.0.2.1 elsewhere\n")
    shop("cp", str(tmp_path / "hosts"), "db:/etc/hosts")
    assert "elsewhere" in shop.inside("db", "cat", "/etc/hosts")
    assert "No such file" in shop("cp", "web:/nope", str(tmp_path), code=1).err
    assert "a folder cannot be copied over it" in shop("cp", str(tree), "db:/data/kept", code=1).err
    shop("cp", "here", "there", code=1)


def test_cp_follows_no_link_out_of_the_container(shop: Composer, tmp_path: Path) -> None:
    """Links and `..` inside are those of the container, in both directions; in a tar stream, names that climb are refused."""
    secret, target = tmp_path / "secret", tmp_path / "target"
    secret.write_text("mine\n")
    target.mkdir()
    shop.inside("db", "ln", "-s", str(secret), "/data/out")
    shop.inside("db", "ln", "-s", f"/../../../../../..{target}", "/data/folder")
    shop("cp", "-L", "db:/data/out", str(tmp_path / "got"), code=1)
    shop("cp", f"db:/../../../../..{secret}", str(tmp_path / "got"), code=1)
    shop("cp", str(secret), "db:/data/folder/x", code=1)
    shop.inside("db", "mkdir", "/tree")
    shop.inside("db", "ln", "-s", "/etc", "/tree/sub")
    (tmp_path / "in/tree/sub").mkdir(parents=True)
    (tmp_path / "in/tree/sub/evil").write_text("x")
    assert "is not followed" in shop("cp", f"{tmp_path}/in/tree", "db:/", code=1).err
    assert not (tmp_path / "got").exists()
    assert not any(target.iterdir())
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../../evil"))
    done = subprocess.run(shop.argv("cp", "-", "db:/data"), input=archive.getvalue(), capture_output=True, cwd=shop.folder,
                          env=shop.environment(), check=False)
    assert done.returncode == 1
    assert b"must not contain .." in done.stderr


def test_cp_by_tar_stream_and_of_a_stopped_container(shop: Composer, tmp_path: Path) -> None:
    """`-` is a tar stream on either side; a container that does not run is read and written all the same, its volumes too."""
    shop.inside("db", "sh", "-c", "echo kept > /data/note; echo own > /own")
    shop("stop", "-t", "0", "db")
    shop("cp", "db:/data/note", str(tmp_path / "note"))
    assert (tmp_path / "note").read_text() == "kept\n"
    out = subprocess.run(shop.argv("cp", "db:/data", "-"), capture_output=True, cwd=shop.folder, env=shop.environment(), check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(out)) as tar:
        assert sorted(tar.getnames()) == ["data", "data/note"]
    subprocess.run(shop.argv("cp", "-", "db:/anon"), input=out, cwd=shop.folder, env=shop.environment(), check=True)
    shop("export", "-o", str(tmp_path / "all.tar"), "db")
    with tarfile.open(tmp_path / "all.tar") as tar:
        assert {"own", "etc/passwd", "anon", "data"} <= set(tar.getnames())
        assert not {"anon/data/note", "data/note"} & set(tar.getnames())
    shop("start", "db")
    assert shop.inside("db", "cat", "/anon/data/note") == "kept\n"


def test_nobody_starts_a_container_whose_files_are_being_written(shop: Composer) -> None:
    """Its file system must not be mounted twice: `start` waits for the end of the copy, and a copy that is killed frees it."""
    shop("stop", "-t", "0", "db")
    copying = subprocess.Popen(shop.argv("cp", "-", "db:/data"), stdin=subprocess.PIPE, cwd=shop.folder, env=shop.environment())
    try:
        eventually(lambda: "held" in places_of(shop).log.read_text())
        starting = shop.start("start", "db")
        with pytest.raises(subprocess.TimeoutExpired):
            starting.wait(0.5)
        assert record(shop, "shop-db-1").status == "exited"
    finally:
        copying.kill()
        copying.communicate()
    assert starting.wait(10) == 0
    starting.communicate()
    assert record(shop, "shop-db-1").status == "running"


# ---------------------------------------------------------------- the machine and the command line


def test_doctor_finds_this_machine_fit(composer: Composer) -> None:
    """Everything that these tests need is there: exit code 0, a line for each thing, JSON for programs; without nft it is 1."""
    found = {one["subject"]: one for one in json.loads(composer("doctor", "--format", "json").out)}
    assert found.keys() >= {"OCI runtime", "conmon", "buildah", "skopeo", "nft", "cgroups", "overlay", "bridge", "veth", "seccomp",
                            "nftables with fib", "user namespaces", "privileges", "ip_forward", "disk"}
    assert not [one for one in found.values() if one["state"] in ("missing", "untried")]
    assert "ok       overlay" in composer("doctor").out
    poor = composer("doctor", env={"PATH": "/nonexistent"}, code=1).out
    assert "MISSING  conmon: not installed" in poor
    assert "install conmon" in poor


def test_without_privilege_one_line_says_what_to_do(shop: Composer) -> None:
    """Neither a traceback nor an empty list that looks like the truth; what needs no privilege works."""
    for words in (["ps"], ["ls"], ["top"], ["kill"], ["stop"], ["events", "--until", "0s"], ["cp", "db:/etc/hosts", "/tmp/x"]):
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *shop.argv(*words)], capture_output=True,
                              text=True, cwd="/", env=shop.environment({"COMPOSE_FILE": str(shop.folder / "compose.yaml")}), check=False)
        assert done.returncode == 1, words
        assert "ermission denied" in done.stderr, (words, done.stderr)
        assert "Traceback" not in done.stderr


def test_completion_names_services(shop: Composer) -> None:
    """Each shell has its script; commands, options and the services of the file are completed."""
    for shell in ("bash", "zsh", "fish"):
        assert "_COMPOSER_COMPLETE" in shop("completion", shell).out

    def complete(*words: str) -> list[str]:
        env = {"_COMPOSER_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
        return [line.split(",")[1] for line in shop(env=env).out.splitlines()]

    assert complete("composer", "stop", "") == ["db", "web"]
    assert complete("composer", "exec", "w") == ["web"]
    assert complete("composer", "unp") == ["unpause"]
    assert "--remove-orphans" in complete("composer", "kill", "--")


def test_docker_compose_by_its_name(shop: Composer, tmp_path: Path) -> None:
    """The command that is installed is composer; a foreign one is left alone unless forced."""
    folder = tmp_path / "bin"
    command = shop("install-docker-compose", "--to", str(folder)).out.strip()
    assert command == str(folder / "docker-compose")
    said = subprocess.run([command, "ps", "--services"], capture_output=True, text=True, cwd=shop.folder, env=shop.environment(),
                          check=True)
    assert said.stdout.split() == ["db", "web"]
    shop("install-docker-compose", "--to", str(folder))
    Path(command).write_text("#!/bin/sh\n")
    assert "not composer's" in shop("install-docker-compose", "--to", str(folder), code=1).err
    shop("install-docker-compose", "-f", "--to", str(folder))


def test_what_is_made_in_the_users_folder_is_the_users(composer: Composer) -> None:
    """Called by sudo: sources of binds, and files that composer writes, belong to the caller."""
    os.chown(composer.folder, 1234, 1235)
    composer.write("services: {web: {image: busybox, command: [sleep, infinity], volumes: ['./made/deep:/made']}}")
    sudo = {"SUDO_UID": "1234", "SUDO_GID": "1235"}
    composer("up", "-d", env=sudo)
    composer("cp", "web:/etc/hosts", "hosts", env=sudo)
    composer("export", "-o", "all.tar", "web", env=sudo)
    composer("config", "-o", "config.yaml", env=sudo)
    for name in ("made", "made/deep", "hosts", "all.tar", "config.yaml"):
        status = (composer.folder / name).stat()
        assert (status.st_uid, status.st_gid) == (1234, 1235), name
