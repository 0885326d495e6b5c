"""`type: image` among the volumes: another image's files, also a part of them, and those of another service's image."""

from __future__ import annotations

from tests.command_line import Composer


def test_images_as_mounts(composer: Composer) -> None:
    """Written files stay with the container, a subpath is a part, a rebuilt image makes another container."""
    page = composer.write("FROM scratch\nCOPY page /site/page\n", name="Dockerfile")
    composer.write("one\n", name="page")
    composer.write("""
    services:
      pages: {build: ., image: localhost/test-mounted, scale: 0}
      web:
        image: busybox
        command: [sleep, infinity]
        volumes:
          - {type: image, source: busybox, target: /box, read_only: true}
          - {type: image, source: pages, target: /site, image: {subpath: site}}
    """)
    composer("up", "-d")
    composer.inside("web", "/box/bin/busybox", "true")
    assert "Read-only" in composer("exec", "-T", "web", "touch", "/box/x", code=1).said
    assert composer.inside("web", "cat", "/site/page") == "one\n"
    composer.inside("web", "sh", "-c", "echo mine > /site/mine")
    composer("restart", "-t", "0")
    assert composer.inside("web", "cat", "/site/mine") == "mine\n"
    page.with_name("page").write_text("two\n")
    composer("up", "-d", "--build")
    assert composer.inside("web", "cat", "/site/page") == "two\n"


def test_a_subpath_that_the_image_does_not_have(composer: Composer) -> None:
    """Refused with both names."""
    composer.write("services: {web: {image: busybox, volumes: [{type: image, source: busybox, target: /x, image: {subpath: no/such}}]}}")
    assert "services.web.volumes: image busybox has no no/such" in composer("up", "-d", code=1).err
