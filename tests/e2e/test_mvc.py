"""examples/mvc as its user sees it: in the browser, inside the containers, and over its whole life."""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from composer.store import Places
from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import record
from tests.watching import watching

pytestmark = pytest.mark.usefixtures("demo_images")

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/mvc"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def mvc(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composer]:
    """The example, copied and up."""
    folder = tmp_path_factory.mktemp("mvc") / "mvc"
    shutil.copytree(EXAMPLE, folder)
    composer = Composer(folder, places, {"MVC_PORT": str(free_port())})
    try:
        composer("up", "--build", "-d", "--wait", timeout=300)
        yield composer
    finally:
        composer.clear()


def get(mvc: Composer, path: str = "/", form: dict[str, str] | None = None) -> str:
    """The page, after redirects."""
    data = urlencode(form).encode() if form else None
    with urlopen(Request(f"http://127.0.0.1:{mvc.env['MVC_PORT']}{path}", data=data), timeout=10) as answer:
        return str(answer.read().decode())


def messages(mvc: Composer) -> list[str]:
    return [entry["message"] for entry in json.loads(get(mvc, "/api/entries"))]


def test_every_service_is_ready_and_the_migration_has_ended(mvc: Composer) -> None:
    """`up --wait` returns when the three tiers are healthy; the migration ran before and exited with 0."""
    states = {row["Service"]: (row["State"], row["Health"], row["ExitCode"]) for row in mvc.ps()}
    assert states == {
        "db": ("running", "healthy", 0), "app": ("running", "healthy", 0), "web": ("running", "healthy", 0), "migrate": ("exited", "", 0),
    }
    assert "002_written.sql: applied" in mvc("logs", "--no-log-prefix", "migrate").out


def test_nobody_begins_before_what_he_waits_for_is_really_there(mvc: Composer) -> None:
    """PostgreSQL first runs a temporary server: `healthy` is said of the real one only; migration, application and nginx follow in turn."""
    ready = [line.split()[0] for line in mvc("logs", "-t", "--no-log-prefix", "db").out.splitlines()
             if "database system is ready to accept connections" in line]
    assert len(ready) == 2, "one of the temporary server, one of the real one"
    db, migrate, app, web = (record(mvc, f"mvc-{name}-1") for name in ("db", "migrate", "app", "web"))
    assert db.started_at < datetime.fromisoformat(ready[-1]).timestamp() < migrate.started_at
    assert migrate.finished_at <= app.started_at < web.started_at


def test_an_entry_is_written_and_shown_escaped(mvc: Composer) -> None:
    """A form goes from nginx to the application to the database; the page that the redirect leads to shows it, harmless."""
    page = get(mvc, form={"author": "<b>Eve</b>", "message": "<script>alert(1)</script>"})
    assert "<b>&lt;b&gt;Eve&lt;/b&gt;</b>" in page
    assert "<script>" not in page
    assert "<script>alert(1)</script>" in messages(mvc)


def test_an_empty_entry_is_refused_in_words(mvc: Composer) -> None:
    """The application's own answer, status included, comes through nginx."""
    with pytest.raises(HTTPError) as refused:
        get(mvc, form={"author": "Eve", "message": " "})
    assert refused.value.code == 400
    assert "Please give a name and a message." in refused.value.read().decode()


def test_nginx_serves_the_static_files_and_cannot_change_them(mvc: Composer) -> None:
    """The read-only bind shows the files of the project's folder."""
    assert get(mvc, "/static/style.css") == (mvc.folder / "static/style.css").read_text()
    assert mvc("exec", "-T", "web", "touch", "/usr/share/nginx/html/static/new", code=None).code != 0
    assert not (mvc.folder / "static/new").exists()


def test_only_the_application_can_reach_the_database(mvc: Composer) -> None:
    """`db` has a name on the network `back` alone, so web cannot even find it."""
    assert mvc.inside("app", "getent", "hosts", "db")
    assert mvc("exec", "-T", "web", "getent", "hosts", "db", code=None).code == 2
    assert mvc.inside("web", "getent", "hosts", "app")


def test_the_database_has_no_way_out(mvc: Composer) -> None:
    """An internal network gives no default route; the application has one by the other network."""
    def default_routes(service: str) -> list[str]:
        rows = [line.split() for line in mvc.inside(service, "cat", "/proc/net/route").splitlines()[1:]]
        return [row[0] for row in rows if row[1] == "00000000" and row[7] == "00000000"]

    assert default_routes("db") == []
    assert len(default_routes("app")) == 1


def test_the_password_comes_as_a_file_only(mvc: Composer) -> None:
    """The secret is at /run/secrets, and its value in nobody's environment."""
    password = (mvc.folder / "db_password.txt").read_text()
    assert mvc.inside("app", "cat", "/run/secrets/db_password") == password
    for service in ("db", "app"):
        environment = mvc.inside(service, "env")
        assert "PASSWORD_FILE=/run/secrets/db_password\n" in environment
        assert password not in environment


def test_nobody_but_nginx_runs_as_root(mvc: Composer) -> None:
    """The image's user, and the entrypoint's change of user, are what PID 1 ends up with."""
    def uid(service: str) -> str:
        status = mvc.inside(service, "cat", "/proc/1/status")
        return re.search(r"^Uid:\t(\d+)", status, re.MULTILINE)[1]  # type: ignore[index]

    assert uid("db") == "999"
    assert uid("app") != "0"
    assert uid("web") == "0"


def test_a_second_up_has_nothing_to_do(mvc: Composer) -> None:
    """On an unchanged project the plan is empty and no container is another one."""
    before = {row["Service"]: row["ID"] for row in mvc.ps()}
    assert mvc("up", "--dry-run").out == "nothing to do\n"
    mvc("up", "-d", "--wait")
    assert {row["Service"]: row["ID"] for row in mvc.ps()} == before


def test_a_changed_service_is_recreated_alone(mvc: Composer) -> None:
    """Another published port makes a new web container, and the others stay who they are."""
    before = {row["Service"]: row["ID"] for row in mvc.ps()}
    mvc.env["MVC_PORT"] = str(free_port())
    mvc("up", "-d", "--wait")
    after = {row["Service"]: row["ID"] for row in mvc.ps()}
    assert {name for name in before if before[name] != after[name]} == {"web"}
    assert "Guest book" in get(mvc)


def test_hot_reload(mvc: Composer) -> None:
    """`watch`: the template, the style sheet and the application change in the running site without a rebuild; a further package rebuilds
    the image, and the application is replaced by one that is healthy. The database is not touched."""
    database = record(mvc, "mvc-db-1")
    with watching(mvc, "--no-up", "app", "web") as output:
        (image,) = {record(mvc, f"mvc-{name}-1").image_id for name in ("app", "migrate")}
        change(mvc, "app/page.html", "<h1>", "<h1>Hot ")
        change(mvc, "static/style.css", "", "/* hot */")
        eventually(lambda: "<h1>Hot " in get(mvc) and "/* hot */" in get(mvc, "/static/style.css"), 20)
        change(mvc, "app/page.py", "Nobody has written yet", "Nobody at all")
        eventually(lambda: "at all" in mvc.inside("app", "cat", "page.py") and get(mvc), 30)
        assert record(mvc, "mvc-app-1").image_id == image
        change(mvc, "app/packages.txt", "", "python3-yaml\n")
        eventually(lambda: record(mvc, "mvc-app-1").image_id != image and record(mvc, "mvc-app-1").health == "healthy", 120)
        assert mvc.inside("app", "python3", "-c", "import yaml; print('here')") == "here\n"
        assert "<h1>Hot " in eventually(lambda: get(mvc), 20)
        eventually(lambda: "Service app  Healthy" in output.read_text())  # a wait that the next change meets is given up
    assert record(mvc, "mvc-db-1").process == database.process


def change(mvc: Composer, name: str, old: str, new: str) -> None:
    """Replace a text in a file of the project, "" for its end."""
    path = mvc.folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1) if old else text + new)


def test_entries_survive_down_and_end_with_the_volume(mvc: Composer) -> None:
    """`down` keeps the named volume, `down -v` deletes it."""
    get(mvc, form={"author": "Ada", "message": "I shall be here tomorrow"})
    mvc("down")
    assert mvc.ps() == []
    mvc("up", "-d", "--wait")
    assert "I shall be here tomorrow" in messages(mvc)
    mvc("down", "-v")
    mvc("up", "-d", "--wait")
    assert messages(mvc) == []
