"""All that `build` takes, seen from within: what RUN instructions have, and what images are made from."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.command_line import Composer


def test_what_run_instructions_have(composer: Composer) -> None:
    """Secrets from a file and from a variable, limits, /dev/shm, hosts, a key; no secret stays in the image."""
    composer.write("from file\n", name="token")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", composer.folder / "key"], check=True)
    composer.env["TOKEN"] = "from variable"
    composer.write("""
        services:
          web:
            image: localhost/test-building
            command: [sleep, infinity]
            build:
              context: .
              dockerfile_inline: |
                FROM busybox
                RUN --mount=type=secret,id=plain --mount=type=secret,id=token \\
                    cat /run/secrets/plain /run/secrets/token > /said && ulimit -n >> /said && df -k /dev/shm | tail -1 >> /said
                RUN grep outside /etc/hosts >> /said; grep CapEff /proc/self/status >> /said
                RUN --mount=type=ssh,id=key test -S $$SSH_AUTH_SOCK && echo agent >> /said
              secrets: [plain, {source: env, target: token}]
              ulimits: {nofile: {soft: 100, hard: 200}}
              shm_size: 1m
              extra_hosts: ["outside=10.1.2.3"]
              ssh: [key=./key]
              privileged: true
        secrets: {plain: {file: ./token}, env: {environment: TOKEN}}
    """)
    composer("build")
    composer("up", "-d", "--no-build")
    said = composer.inside("web", "cat", "/said").splitlines()
    assert (said[0], said[1][:13], said[-1]) == ("from file", "from variable", "agent")
    assert "from variable100" in said[1]
    assert " 1024 " in said[2] and said[3].split() == ["10.1.2.3", "outside"]
    assert int(said[4].split()[1], 16).bit_count() > 30
    assert not composer.inside("web", "sh", "-c", "ls /run/secrets 2>/dev/null || true").strip()


def test_further_contexts(composer: Composer) -> None:
    """A folder, an image, and another service's image, which is built before although it is not asked for."""
    composer.write("words\n", name="docs/text")
    composer.write("""
        services:
          web:
            image: localhost/test-context-web
            command: [sleep, infinity]
            build:
              context: .
              dockerfile_inline: |
                FROM base
                COPY --from=docs /text /text
                COPY --from=tools /bin/busybox /tool
              additional_contexts: {docs: ./docs, tools: "docker-image://busybox", base: "service:base"}
          base:
            image: localhost/test-context-base
            build: {context: ., dockerfile_inline: "FROM busybox\\nRUN echo base > /base\\n"}
    """)
    done = composer("build", "web").err
    assert done.index("test-context-base  Built") < done.index("test-context-web  Built")
    composer("up", "-d", "web")
    assert composer.inside("web", "cat", "/base", "/text").split() == ["base", "words"]
    assert [row["Service"] for row in composer.ps()] == ["web"]


@contextmanager
def git_server(folder: Path) -> Iterator[int]:
    """Serves the repositories below a folder on a port of the loopback address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    serving = subprocess.Popen(["git", "daemon", "--export-all", "--listen=127.0.0.1", f"--port={port}", f"--base-path={folder}", folder],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "git daemon does not listen"
        yield port
    finally:
        serving.terminate()
        serving.wait()


def test_a_context_in_a_repository(composer: Composer, tmp_path: Path) -> None:
    """A git URL with branch and folder is fetched by buildah."""
    repository = tmp_path / "served/shop.git"
    (repository / "web").mkdir(parents=True)
    (repository / "web/Dockerfile").write_text("FROM busybox\nCOPY page /page\n")
    (repository / "web/page").write_text("from a repository\n")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", repository]
    for words in (["init", "-q", "-b", "trunk"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], check=True)
    with git_server(tmp_path / "served") as port:
        composer.write(f"""
        services:
          web:
            image: localhost/test-git
            command: [sleep, infinity]
            build: git://127.0.0.1:{port}/shop.git#trunk:web
        """)
        composer("up", "-d")
    assert composer.inside("web", "cat", "/page") == "from a repository\n"


def test_options_of_build(composer: Composer) -> None:
    """Also what a service depends on; RUN under a limit of memory; what changes nothing is said, and what cannot be is refused."""
    composer.write("""
        services:
          web:
            image: localhost/test-options-web
            build: {context: ., dockerfile_inline: "FROM busybox\\nRUN dd if=/dev/zero of=/dev/null bs=300M count=1\\n"}
            depends_on: [base]
          base:
            image: localhost/test-options-base
            build: {context: ., dockerfile_inline: "FROM busybox\\nRUN true\\n"}
    """)
    printed = json.loads(composer("build", "--print", "--with-dependencies", "web").out)
    assert printed["group"]["default"]["targets"] == ["base", "web"]
    assert "--check" in composer("build", "--check", code=1).err
    assert "dd if=/dev/zero" in composer("build", "--memory", "64m", "web", code=1).err
    done = composer("build", "--with-dependencies", "--memory", "2g", "--builder", "mine", "--sbom", "false", "web").err
    assert "test-options-base  Built" in done and done.count("--builder has no effect") == 1 and "--sbom" not in done
    assert composer("build", "--quiet", "base").said == ""
