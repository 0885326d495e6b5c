"""Secrets and configs: where they come from, who may read them, and where they never are."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.command_line import Composer
from tests.records import ids, keepers, places_of

WORD = "xyzzy-4711-plugh"

FILE = """
    services:
      web:
        image: busybox
        command: [sleep, infinity]
        secrets:
          - from_file
          - source: from_variable
            target: word
            uid: "1234"
            gid: "5678"
            mode: 0o440
          - {source: from_file, target: /etc/elsewhere}
        configs:
          - source: from_text
            target: /etc/app.conf
            mode: 0o600
          - from_variable
          - from_file
      other: {image: busybox, command: [sleep, infinity], configs: [from_text]}
      idle: {image: busybox, command: [sleep, infinity]}
    secrets:
      from_file: {file: ./password.txt}
      from_variable: {environment: SECRET_WORD}
    configs:
      from_text: {content: "greeting = ${GREETING}\\n"}
      from_variable: {environment: PLAIN_WORD}
      from_file: {file: ./app.conf}
"""


def prepared(composer: Composer) -> Composer:
    composer.env |= {"SECRET_WORD": WORD, "GREETING": "hello", "PLAIN_WORD": "plain"}
    composer.write("open sesame\n", name="password.txt").chmod(0o600)
    composer.write("colour = blue\n", name="app.conf")
    composer.write(FILE)
    return composer


def test_each_source_is_a_file_with_owner_and_mode(composer: Composer) -> None:
    """file, environment and content arrive at their default or own place with uid, gid and mode, on a tmpfs, read-only."""
    prepared(composer)("up", "-d")
    where = {
        "/run/secrets/from_file": "open sesame\n", "/run/secrets/word": WORD, "/etc/elsewhere": "open sesame\n",
        "/etc/app.conf": "greeting = hello\n", "/from_variable": "plain", "/from_file": "colour = blue\n",
    }
    assert composer.inside("web", "cat", *where) == "".join(where.values())
    owners = composer.inside("web", "stat", "-c", "%u:%g %a", "/run/secrets/word", "/etc/app.conf", "/from_file")
    assert owners == "1234:5678 440\n0:0 600\n0:0 444\n"
    mounts = {line.split()[1]: line.split() for line in composer.inside("web", "cat", "/proc/mounts").splitlines()}
    for path in where:
        assert mounts[path][2] == "tmpfs", path
        assert "ro" in mounts[path][3].split(","), path
    assert composer("exec", "-T", "web", "sh", "-c", "echo mine > /run/secrets/word", code=None).code != 0
    assert composer("exec", "-T", "--user", "99", "web", "cat", "/run/secrets/word", code=None).code != 0
    assert composer.inside("other", "cat", "/from_text") == "greeting = hello\n"
    assert composer("exec", "-T", "other", "ls", "/run/secrets", code=None).code != 0


def test_a_secret_from_the_environment_is_on_no_disk(composer: Composer) -> None:
    """Neither state, records, bundles and logs nor anybody's environment hold its value; it is there again after a restart."""
    prepared(composer)("up", "-d")
    search = ["grep", "-rlsF", "--exclude-dir=images", WORD, composer.places.root]
    assert subprocess.run(search, capture_output=True, text=True, check=False).stdout == ""
    assert WORD not in composer.inside("web", "sh", "-c", "cat /proc/1/environ; env")
    for keeper in keepers(composer).values():
        assert WORD.encode() not in Path(f"/proc/{keeper}/environ").read_bytes()
    places = places_of(composer)
    assert {path.stat().st_mode & 0o7777 for path in places.contents.iterdir()} == {0o600}

    del composer.env["SECRET_WORD"]
    composer("restart", "-t", "0", "web")
    assert composer.inside("web", "cat", "/run/secrets/word") == WORD
    composer("down")
    assert not places.contents.exists()


def test_a_changed_secret_recreates_its_users_alone(composer: Composer) -> None:
    """File, variable and content are looked at by `up`; who does not use them stays."""
    prepared(composer)("up", "-d")
    before = ids(composer)
    assert composer("up", "-d").said == ""

    composer.write("new word\n", name="password.txt")
    composer("up", "-d")
    after = ids(composer)
    assert {name for name in after if after[name] != before[name]} == {"shop-web-1"}
    assert composer.inside("web", "cat", "/run/secrets/from_file") == "new word\n"

    composer.env["SECRET_WORD"] = "another"
    composer("up", "-d")
    assert composer.inside("web", "cat", "/run/secrets/word") == "another"

    before = ids(composer)
    composer.env["GREETING"] = "good evening"
    composer("up", "-d")
    after = ids(composer)
    assert {name for name in after if after[name] != before[name]} == {"shop-web-1", "shop-other-1"}
    assert composer.inside("other", "cat", "/from_text") == "greeting = good evening\n"


def test_a_missing_source_is_an_error_in_words(composer: Composer) -> None:
    """No file and no variable: said with the path in the compose file, and nothing is started."""
    prepared(composer)
    (composer.folder / "password.txt").unlink()
    done = composer("up", "-d", code=1)
    assert "secrets.from_file.file" in done.err
    assert "password.txt" in done.err
    assert composer.ps() == []

    composer.write("open sesame\n", name="password.txt")
    del composer.env["SECRET_WORD"]
    done = composer("up", "-d", code=1)
    assert "SECRET_WORD" in done.err
    assert [row["Name"] for row in composer.ps() if row["State"] == "running" and row["Service"] == "web"] == []


def test_what_is_replaced_between_creation_and_start_is_seen(composer: Composer) -> None:
    """Docker mounts at the start. Who shares the network of a container that is made anew for that has its new one."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sleep, infinity]
            secrets: [key]
            volumes: ["./page:/page"]
          side: {image: busybox, command: [sleep, infinity], network_mode: "service:web"}
        secrets: {key: {file: ./key}}
    """)
    for name in ("page", "key"):
        composer.write("old", name=name)
    composer("create")
    for name in ("page", "key"):
        composer.write("new", name=f"{name}.draft").rename(composer.folder / name)
    composer("start")
    assert composer.inside("web", "cat", "/page", "/run/secrets/key") == "newnew"
    assert composer.inside("side", "ip", "-4", "-o", "addr") == composer.inside("web", "ip", "-4", "-o", "addr")
