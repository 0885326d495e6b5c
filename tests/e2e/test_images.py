"""Images: built from recipes, kept while somebody uses them, and what is said when it goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.command_line import Composer
from tests.eventually import eventually
from tests.records import ids, record


def test_a_recipe_with_target_arguments_and_labels(composer: Composer) -> None:
    """args reach the Dockerfile, `target` picks the stage, `tags` name the image too, and what .dockerignore names stays out."""
    composer.write("""
        ARG BASE=nothing
        FROM ${BASE} AS tools
        ARG COLOUR=red
        ARG FROM_ENVIRONMENT
        RUN echo "$COLOUR $FROM_ENVIRONMENT" > /colour
        FROM tools AS web
        COPY . /site
        ENV PAGE=/site/page
        WORKDIR /site
        CMD ["sleep", "infinity"]
        FROM busybox
        RUN false
    """, name="web/Web.dockerfile")
    composer.write("page\n", name="web/page")
    composer.write("secret\n", name="web/private")
    composer.write("private\n", name="web/.dockerignore")
    composer.env["FROM_ENVIRONMENT"] = "given"
    composer.write("""
        services:
          web:
            build:
              context: web
              dockerfile: Web.dockerfile
              target: web
              args: {BASE: busybox, COLOUR: blue, FROM_ENVIRONMENT: }
              labels: {org.example.from: test}
              tags: ["localhost/test-tagged:v1"]
          same: {image: "localhost/test-tagged:v1", depends_on: [web], pull_policy: never}
    """)
    composer("build", "web")
    up = composer("up", "-d")
    assert "Built" not in up.err
    assert composer.inside("web", "cat", "/colour") == "blue given\n"
    assert composer.inside("web", "sh", "-c", "pwd; cat $PAGE; ls") .split() == ["/site", "page", "Web.dockerfile", "page"]
    assert composer.inside("same", "cat", "/colour") == "blue given\n"


def test_the_second_build_comes_from_the_cache(composer: Composer) -> None:
    """Unchanged steps are not run again, and an unchanged image leaves its container alone; a changed one recreates it alone."""
    page = composer.write("first\n", name="page")
    composer.write("""
        services:
          web:
            image: localhost/test-cached
            command: [sleep, infinity]
            build:
              context: .
              dockerfile_inline: |
                FROM busybox
                RUN date +%s.%N > /made && sleep 0.3
                COPY page /page
          idle: {image: busybox, command: [sleep, infinity]}
    """)
    composer("up", "-d", "--build")
    made, before = composer.inside("web", "cat", "/made"), ids(composer)

    again = composer("up", "-d", "--build")
    assert "Image localhost/test-cached  Built" in again.err
    assert ids(composer) == before

    page.write_text("second\n")
    composer("up", "-d", "--build")
    after = ids(composer)
    assert {name for name in after if after[name] != before[name]} == {"shop-web-1"}
    assert composer.inside("web", "cat", "/page") == "second\n"
    assert composer.inside("web", "cat", "/made") == made

    composer("build", "--no-cache", "web")
    composer("up", "-d")
    assert composer.inside("web", "cat", "/made") != made


def test_an_image_in_use_cannot_be_removed(project: Callable[..., Composer]) -> None:
    """`down --rmi all` of one project names the container of another that uses the image, and leaves both image and container whole."""
    keeper, other = project("keeper"), project("other")
    keeper.write("""
        services:
          web:
            image: localhost/test-kept
            command: [sleep, infinity]
            build: {dockerfile_inline: "FROM busybox\\nRUN echo precious > /file\\n"}
    """)
    other.write("services: {web: {image: localhost/test-kept, command: [sleep, infinity]}}")
    keeper("up", "-d")
    other("up", "-d")
    done = other("down", "--rmi", "all", code=None)
    assert "keeper-web-1" in done.err
    assert keeper.inside("web", "cat", "/file") == "precious\n"
    keeper("stop", "-t", "0")
    keeper("start")
    assert keeper.inside("web", "cat", "/file") == "precious\n"

    keeper("down", "--rmi", "all")
    missing = other("up", "-d", code=1)
    assert "localhost/test-kept" in missing.err


def test_a_failing_build_is_told_with_its_last_words(composer: Composer) -> None:
    """The instruction, its output and the image's name; nothing is started; a missing Dockerfile, folder or stage is said, too."""
    recipe = """
        services:
          db: {image: busybox, command: [sleep, infinity]}
          web: {build: %s, depends_on: [db]}
    """
    composer.write(recipe % r'{dockerfile_inline: "FROM busybox\nRUN echo looking; echo no such shelf >&2; exit 7\n"}')
    done = composer("up", "-d", "--build", code=1)
    assert "no such shelf" in done.err
    assert "RUN echo looking" in done.err
    assert "shop-web" in done.err
    assert "Traceback" not in done.said
    assert composer.ps() == []

    composer.write(recipe % "./nowhere")
    assert re.search("nowhere.*(no such|not exist)", composer("up", "-d", "--build", code=1).err, re.DOTALL)
    (composer.folder / "empty").mkdir()
    composer.write(recipe % "./empty")
    assert "Dockerfile" in composer("up", "-d", "--build", code=1).err
    composer.write(recipe % r'{dockerfile_inline: "FROM busybox AS one\n", target: two}')
    assert "two" in composer("up", "-d", "--build", code=1).err
    composer.write(recipe % r'{dockerfile_inline: "FROM localhost/test-nobody-has-this\n"}')
    assert "localhost/test-nobody-has-this" in composer("up", "-d", "--build", code=1).err


def test_an_image_that_is_not_there(composer: Composer) -> None:
    """pull_policy never says so before anything is made; an image that cannot be pulled is an error that names it."""
    composer.write("services: {web: {image: localhost/test-absent, pull_policy: never}}")
    done = composer("up", "-d", code=1)
    assert "localhost/test-absent" in done.err
    assert "hint: " in done.err
    assert composer.projects() == [] or composer.ps() == []


def test_the_images_configuration_holds_until_the_file_says_otherwise(composer: Composer) -> None:
    """ENV, WORKDIR, USER, ENTRYPOINT, CMD, EXPOSE, STOPSIGNAL, LABEL and HEALTHCHECK of the image arrive in the container."""
    composer.write(r"""
        x-image: &image
          image: localhost/test-configured
          build:
            dockerfile_inline: |
              FROM busybox
              RUN echo 'clerk:x:1234:5678::/home/clerk:/bin/sh' >> /etc/passwd && mkdir -p /desk /home/clerk
              ENV COLOUR=red DRINK=tea
              WORKDIR /desk
              USER clerk
              STOPSIGNAL SIGUSR1
              LABEL org.example.kind=desk
              HEALTHCHECK --interval=30s --retries=1 CMD test "$$COLOUR" = red
              ENTRYPOINT ["/bin/sh", "-c"]
              CMD ["trap 'echo one more tea; exit 5' USR1; echo began; while :; do sleep 0.05; done"]
        services:
          web: *image
          changed:
            <<: *image
            environment: {COLOUR: blue}
            healthcheck: {disable: true}
            entrypoint: [sleep, infinity]
            working_dir: /new/place
            user: "0"
            labels: {org.example.kind: table}
    """)
    composer("up", "-d", "--wait")
    said = composer.inside("web", "sh", "-c", "echo $COLOUR $DRINK $HOME; pwd; id -u; id -g").split()
    assert said == ["red", "tea", "/home/clerk", "/desk", "1234", "5678"]
    rows = {row["Service"]: row for row in composer.ps()}
    assert (rows["web"]["Health"], rows["changed"]["Health"]) == ("healthy", "")
    assert "org.example.kind=desk" in rows["web"]["Labels"]
    assert "org.example.kind=table" in rows["changed"]["Labels"]
    assert composer.inside("changed", "sh", "-c", "echo $COLOUR $DRINK; pwd; id -u").split() == ["blue", "tea", "/new/place", "0"]
    assert composer.inside("changed", "cat", "/proc/1/cmdline").split("\0") == ["sleep", "infinity", ""]

    eventually(lambda: "began" in composer("logs", "web").out)
    composer("stop", "web")
    assert record(composer, "shop-web-1").exit_code == 5
    assert "one more tea" in composer("logs", "web").out
