"""Commands that look: `ps`, `logs`, `port`, `config`, `version`, on one project that is up for all of them."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import composer as package
from composer.store import Places
from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import ids, record


@pytest.fixture(scope="module")
def shop(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composer]:
    composer = Composer(tmp_path_factory.mktemp("looking") / "shop", places)
    composer.write("""
        services:
          web:
            image: busybox
            command: [sh, -c, "echo one; echo two >&2; echo three; exec sleep infinity"]
            ports: ["127.0.0.1::8080", "127.0.0.1::9000/udp"]
            labels: {team: blue}
            scale: 2
          db:
            image: busybox
            expose: ["5432"]
            volumes: ["data:/data", "./:/here"]
            command: [sh, -c, "echo base; exec sleep infinity"]
            depends_on: [job]
          job: {image: busybox, command: [sh, -c, "echo done; exit 3"]}
        volumes: {data: {}}
    """)
    try:
        composer("up", "-d")
        eventually(lambda: record(composer, "shop-job-1").status == "exited")
        yield composer
    finally:
        composer.clear()


def test_ps_lists_what_runs(shop: Composer) -> None:
    """The table has docker compose's columns; -a adds what ended, -q prints ids, names choose services, an unknown one is an error."""
    lines = shop("ps").out.splitlines()
    assert lines[0].split() == ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"]
    assert [line.split()[0] for line in lines[1:]] == ["shop-db-1", "shop-web-1", "shop-web-2"]
    assert "Up " in lines[1]
    assert "->8080/tcp" in lines[2]
    everything = shop("ps", "-a").out
    (job,) = [line for line in everything.splitlines() if line.startswith("shop-job-1")]
    assert "Exited (3)" in job
    known = ids(shop)
    assert shop("ps", "-q").out.split() == [known["shop-db-1"], known["shop-web-1"], known["shop-web-2"]]
    assert shop("ps", "-q", "-a", "job").out == f"{known['shop-job-1']}\n"
    assert shop("ps", "--services").out.split() == ["db", "web"]
    by_template = "{{.Name}} {{.ExitCode}} {{.Label `com.docker.compose.service`}}"
    assert shop("ps", "--status", "exited", "--format", by_template).out == "shop-job-1 3 job\n"
    assert shop("ps", "--filter", "status=paused", "-q").out == ""
    assert "only status=STATE" in shop("ps", "--filter", "name=web", code=1).err
    assert shop("ps", "--format", r"table {{.Service}}\t{{upper .State}}", "db").out == "SERVICE   STATE\ndb        RUNNING\n"
    assert shop("ps", "--orphans=false", "--services").out.split() == ["db", "web"]
    assert "composer has no `publish`" in shop("publish", "--app", "me/shop", code=1).err
    assert shop("ps", "nobody", code=1).err == "composer: no such service: nobody\n"


def test_ps_in_json_has_the_field_names_that_scripts_read(shop: Composer) -> None:
    """One object a line, with docker compose's names and kinds of value."""
    rows = {row["Name"]: row for row in shop.ps()}
    assert set(rows["shop-web-1"]) >= {"Command", "CreatedAt", "ExitCode", "Health", "ID", "Image", "Labels", "LocalVolumes", "Mounts",
                                       "Name", "Names", "Networks", "Ports", "Project", "Publishers", "RunningFor", "Service", "Size",
                                       "State", "Status"}
    web, job = rows["shop-web-1"], rows["shop-job-1"]
    assert (web["Service"], web["State"], web["Project"], web["ExitCode"], web["Image"]) == ("web", "running", "shop", 0, "busybox")
    assert web["ID"] == ids(shop)["shop-web-1"][:12]
    assert (job["State"], job["ExitCode"]) == ("exited", 3)
    labels = dict(label.split("=", 1) for label in web["Labels"].split(",") if "=" in label)
    assert labels["team"] == "blue"
    assert labels["com.docker.compose.project"] == "shop"
    assert labels["com.docker.compose.service"] == "web"
    assert labels["com.docker.compose.container-number"] == "1"
    assert labels["com.docker.compose.oneoff"] == "False"
    tcp = next(one for one in web["Publishers"] if one["Protocol"] == "tcp")
    assert (tcp["URL"], tcp["TargetPort"]) == ("127.0.0.1", 8080)
    assert isinstance(tcp["PublishedPort"], int)
    assert tcp["PublishedPort"] > 0
    db = rows["shop-db-1"]
    assert (db["Ports"], db["Publishers"]) == ("5432/tcp", [{"URL": "", "TargetPort": 5432, "PublishedPort": 0, "Protocol": "tcp"}])
    assert (db["Mounts"], db["LocalVolumes"]) == (f"shop_data,{shop.folder}", "1")


def test_port_tells_where_a_port_is(shop: Composer) -> None:
    """`port` agrees with `ps`, for each replica and protocol; a port that is not published is an error."""
    rows = {row["Name"]: row for row in shop.ps("web")}
    for number in (1, 2):
        (published,) = [one["PublishedPort"] for one in rows[f"shop-web-{number}"]["Publishers"] if one["Protocol"] == "tcp"]
        assert shop("port", "--index", str(number), "web", "8080").out == f"127.0.0.1:{published}\n"
    assert shop("port", "--protocol", "udp", "web", "9000").out.startswith("127.0.0.1:")
    assert "no port 81/tcp for container shop-web-1" in shop("port", "web", "81", code=1).err


def test_logs_of_all_and_of_some(shop: Composer) -> None:
    """Names stand before the lines, in one column; -n, -t, --no-log-prefix and names choose; both streams are there."""
    lines = shop("logs").out.splitlines()
    assert sorted(lines) == sorted([
        "shop-db-1   | base", "shop-job-1  | done",
        *(f"shop-web-{number}  | {word}" for number in (1, 2) for word in ("one", "two", "three")),
    ])
    assert lines.index("shop-web-1  | one") < lines.index("shop-web-1  | three")
    assert shop("logs", "--no-log-prefix", "-n", "1", "db", "web").out.count("\n") == 3
    assert shop("logs", "--no-log-prefix", "-n", "1", "db").out == "base\n"
    stamp, _, word = shop("logs", "-t", "--no-log-prefix", "db").out.partition(" ")
    assert word == "base\n"
    assert stamp.startswith("20")
    assert stamp.endswith("Z")
    assert "\033" not in shop("logs").out
    assert "\033[" in shop("--ansi", "always", "logs", "db").out
    shop("logs", "nobody", code=1)


def test_followed_logs_show_what_is_to_come(shop: Composer) -> None:
    """`logs -f` goes on with new lines until it is interrupted, which is exit code 130."""
    following = shop.start("logs", "-f", "-n", "0", "--no-log-prefix", "web")
    try:
        assert following.stdout is not None
        shop.inside("web", "sh", "-c", "for i in 1 2 3; do sleep 0.2; echo new $i > /proc/1/fd/1; done")
        assert following.stdout.readline().startswith("new ")
    finally:
        following.send_signal(signal.SIGINT)
        said, _ = following.communicate(timeout=10)
    assert "Traceback" not in said
    assert following.returncode == 130


def test_config_prints_what_composer_understands(shop: Composer, tmp_path: Path) -> None:
    """Canonical form as YAML and JSON; what it prints loads to the same again; lists of names, a name a line."""
    told = json.loads(shop("config", "--format", "json").out)
    assert told["name"] == "shop"
    assert told["services"]["db"]["depends_on"] == {"job": {"condition": "service_started", "required": True}}
    text = shop("config").out
    again = tmp_path / "again.yaml"
    again.write_text(text)
    assert shop("-f", str(again), "config").out == text
    assert shop("config", "--services").out.split() == ["db", "job", "web"]
    assert shop("config", "--images").out.split() == ["busybox"] * 3
    assert shop("config", "-q").said == ""


def test_version(shop: Composer) -> None:
    """`version`, `--version`, and the forms that scripts read."""
    assert package.__version__ in shop("version").out
    assert shop("version", "--short").out == f"{package.__version__}\n"
    assert json.loads(shop("version", "--format", "json").out)["version"] == package.__version__
    assert shop("--version").out == f"composer version {package.__version__}\n"
