"""`composer watch` on real containers: the files that the project itself is made of."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.command_line import Composer
from tests.e2e.test_watch import IDLE, becomes, count, write
from tests.eventually import eventually
from tests.records import ids, keepers, kill, pid_of, record
from tests.terminal import on_terminal
from tests.watching import watching


def environment(composer: Composer, container: str) -> dict[str, str]:
    """Of its PID 1."""
    lines = Path(f"/proc/{pid_of(composer, container)}/environ").read_text().split("\0")
    return dict(line.partition("=")[::2] for line in lines if line)


def is_set(composer: Composer, value: str, container: str = "shop-web-1") -> None:
    eventually(lambda: environment(composer, container).get("A") == value, timeout=20)


def test_what_differs_is_made_anew_and_nothing_else(composer: Composer) -> None:
    """A changed value, a service more and one less, each saved as another editor does it; the plan is shown; others stay the same."""
    text = f'services: {{web: {{{IDLE}, environment: {{A: "1"}}}}, far: {{{IDLE}}}, old: {{{IDLE}}}}}'
    composer.write(text)
    with watching(composer) as output:
        before = ids(composer)
        write(composer, "compose.yaml.new", text.replace('"1"', '"2"')).rename(composer.folder / "compose.yaml")
        is_set(composer, "2")
        after = ids(composer)
        assert after["shop-web-1"] != before["shop-web-1"]
        assert "create container/shop-web-1: configuration changed" in output.read_text()
        composer.write(f'services: {{web: {{{IDLE}, environment: {{A: "2"}}}}, far: {{{IDLE}}}, more: {{{IDLE}}}}}')
        eventually(lambda: set(ids(composer)) == {"shop-web-1", "shop-far-1", "shop-more-1"}, timeout=20)
        (composer.folder / "compose.yaml").unlink()
        composer.write(f'services: {{web: {{{IDLE}, environment: {{A: "3"}}}}, far: {{{IDLE}}}, more: {{{IDLE}}}}}')
        is_set(composer, "3")
    last = ids(composer)
    assert last["shop-far-1"] == before["shop-far-1"]
    assert set(last) == {"shop-web-1", "shop-far-1", "shop-more-1"}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [(".env", "A=1", "A=2"), ("web.env", "A=1", "A=2"), ("compose.override.yaml", "{}", 'services: {web: {environment: {A: "2"}}}'),
     ("more/base.yaml", f'services: {{base: {{{IDLE}, environment: {{A: "1"}}}}}}',
      f'services: {{base: {{{IDLE}, environment: {{A: "2"}}}}}}'),
     ("more/other.yaml", "services: {}", 'services: {web: {environment: {A: "2"}}}')],
)
def test_every_file_counts(composer: Composer, name: str, old: str, new: str) -> None:
    """.env, an env_file, an override that comes later, what is extended and what is included."""
    sources = {".env": "environment: {A: $A}", "web.env": "env_file: [web.env]",
               "more/base.yaml": "extends: {file: more/base.yaml, service: base}"}
    include = name == "more/other.yaml"
    if include:
        write(composer, "more/first.yaml", f'services: {{web: {{{IDLE}, environment: {{A: "1"}}}}}}')
        composer.write("include: [{path: [more/first.yaml, more/other.yaml]}]\nservices: {}")
    else:
        composer.write(f"services: {{web: {{{IDLE}, {sources.get(name, '')}}}}}")
    if name != "compose.override.yaml":
        write(composer, name, old)
    with watching(composer):
        write(composer, name, new)
        is_set(composer, "2")


def test_the_file_of_a_secret_counts(composer: Composer) -> None:
    """Who mounts it is made anew with what it holds now."""
    composer.write(f"{{services: {{web: {{{IDLE}, secrets: [key]}}, far: {{{IDLE}}}}}, secrets: {{key: {{file: key.txt}}}}}}")
    write(composer, "key.txt", "old")
    with watching(composer):
        before = ids(composer)
        write(composer, "key.txt.new", "new").rename(composer.folder / "key.txt")
        becomes(composer, "/run/secrets/key", "new")
        assert ids(composer)["shop-far-1"] == before["shop-far-1"]


def test_a_file_with_an_error_changes_nothing_until_it_is_mended(composer: Composer) -> None:
    """The error is reported with its line, once a save; a file that is included only now is followed, too; so is one that is gone."""
    text = f'services: {{web: {{{IDLE}, environment: {{A: "1"}}}}}}'
    composer.write(text)
    with watching(composer) as output:
        before = ids(composer)
        composer.write("services:\n  web:\n    imagee: busybox\n")
        eventually(lambda: "compose.yaml, line 3, column 5" in output.read_text(), timeout=20)
        write(composer, "other.yaml", "services: [")
        composer.write(f"include: [other.yaml]\n{text}")
        eventually(lambda: "other.yaml, line " in output.read_text(), timeout=20)
        assert ids(composer) == before
        write(composer, "other.yaml", f"services: {{more: {{{IDLE}}}}}")
        eventually(lambda: set(ids(composer)) == {"shop-web-1", "shop-more-1"}, timeout=20)
        (composer.folder / "compose.yaml").unlink()
        eventually(lambda: "no configuration file" in output.read_text(), timeout=20)
        composer.write(text.replace('"1"', '"2"'))
        is_set(composer, "2")
        composer.write(f"name: another\n{text}")
        eventually(lambda: "called another now" in output.read_text(), timeout=20)
        assert count(output, "column 5") == 1
    composer.write(text)
    assert set(ids(composer)) == {"shop-web-1"}


def test_an_up_that_fails_is_told_and_watching_goes_on(composer: Composer) -> None:
    """A port of somebody else, an image that is nowhere: the next save is the next chance."""
    composer.write(f'services: {{web: {{{IDLE}, environment: {{A: "1"}}}}}}')
    with watching(composer) as output:
        composer.write("services: {web: {image: localhost/no-such-image, pull_policy: never}}")
        eventually(lambda: "no-such-image" in output.read_text() and "rror" in output.read_text(), timeout=20)
        composer.write(f'services: {{web: {{{IDLE}, environment: {{A: "2"}}}}}}')
        is_set(composer, "2")


def test_a_checkout_of_code_and_compose_file_at_once(composer: Composer) -> None:
    """Both arrive, also in the container that is made anew for it."""
    develop = "develop: {watch: [{action: sync, path: ./src, target: /app}]}"
    composer.write(f'services: {{web: {{{IDLE}, {develop}, environment: {{A: "1"}}}}}}')
    for number in range(300):
        write(composer, f"src/{number}", "one")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(composer.folder)]
    for arguments in (["init", "-q", "-b", "one"], ["add", "."], ["commit", "-qm", "one"], ["checkout", "-qb", "two"]):
        subprocess.run([*git, *arguments], check=True)
    composer.write(f'services: {{web: {{{IDLE}, {develop}, environment: {{A: "2"}}}}}}')
    for number in range(300):
        write(composer, f"src/{number}", "two")
    subprocess.run([*git, "commit", "-qam", "two"], check=True)
    subprocess.run([*git, "checkout", "-q", "one"], check=True)
    with watching(composer):
        subprocess.run([*git, "checkout", "-q", "two"], check=True)
        is_set(composer, "2")
        for number in (0, 150, 299):
            becomes(composer, f"/app/{number}", "two")


def test_a_supervisor_that_is_killed_while_it_applies_has_a_successor_that_does(composer: Composer) -> None:
    """What was asked for comes true, and watching goes on."""
    text = f'services: {{web: {{{IDLE}, scale: 6, environment: {{A: "1"}}}}}}'
    composer.write(text)
    with watching(composer) as output:
        composer.write(text.replace('"1"', '"2"'))
        eventually(lambda: "plan: 1." in output.read_text(), timeout=20, step=0.002)
        kill(keepers(composer)["supervisor"])
        for number in range(1, 7):
            is_set(composer, "2", f"shop-web-{number}")
        composer.write(text.replace('"1"', '"3"'))
        is_set(composer, "3", "shop-web-6")


def test_an_attached_up_shows_who_came_later(composer: Composer) -> None:
    """`up --watch` follows the compose file as well; the new service's lines are shown beside the others'."""
    said = "image: busybox, init: true, stop_grace_period: 0s, command: [sh, -c, 'echo web is here; exec sleep infinity']"
    text = f"services: {{web: {{{said}}}}}"
    composer.write(text)
    with on_terminal(composer, "up", "--watch") as terminal:
        terminal.until("Watching")
        write(composer, "compose.override.yaml", text.replace("web", "more"))
        terminal.until("more is here")
        terminal.interrupt()
        assert terminal.end() == 130


def test_what_the_user_stopped_stays_stopped(composer: Composer) -> None:
    """Whatever is saved, and for the next supervisor, too; a job that has ended is not run again."""
    text = f'services: {{web: {{{IDLE}, environment: {{A: "1"}}}}, far: {{{IDLE}}}, job: {{image: busybox, command: [echo, done]}}}}'
    composer.write(text)
    with watching(composer):
        composer("stop", "far")
        composer.write(text.replace('"1"', '"2"'))
        is_set(composer, "2")
        kill(keepers(composer)["supervisor"])
        composer.write(text.replace('"1"', '"3"'))
        is_set(composer, "3")
    assert record(composer, "shop-far-1").status == "exited"
    assert composer("logs", "--no-log-prefix", "job").out == "done\n"


def test_a_rebuild_that_a_killed_supervisor_was_in_is_made_by_the_next(composer: Composer) -> None:
    """Also when the project's own files had been saved before."""
    composer.write("""
        services:
          web: {build: ., stop_grace_period: 0s, develop: {watch: [{action: rebuild, path: ./content}]}}
    """)
    write(composer, "Dockerfile", 'FROM busybox\nCOPY content /content\nRUN sleep 2\nCMD ["sleep", "infinity"]\n')
    write(composer, "content", "1")
    with watching(composer) as output:
        write(composer, ".env", "A=1\n")
        eventually(lambda: "nothing to do" in output.read_text(), timeout=20)
        steps = count(output, "RUN sleep 2")
        write(composer, "content", "2")
        eventually(lambda: count(output, "RUN sleep 2") > steps, timeout=30)
        kill(keepers(composer)["supervisor"])
        becomes(composer, "/content", "2")
