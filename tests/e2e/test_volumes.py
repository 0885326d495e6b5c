"""What containers keep: their own layer, named and anonymous volumes, binds, memory."""

from __future__ import annotations

from collections.abc import Callable

from tests.command_line import Composer
from tests.layers import import_layers
from tests.records import ids, places_of

#: An image with content, an owner and a mode at the places where volumes are mounted.
SHELF = """
    x-shelf: &shelf
      image: test-shelf
      build:
        dockerfile_inline: |
          FROM busybox
          RUN mkdir /shelf && echo first edition > /shelf/book && mkdir /shelf/old && ln -s book /shelf/link
          RUN chown -R 1234:5678 /shelf && chmod 2750 /shelf && chmod 640 /shelf/book
          VOLUME /notes
          CMD ["sleep", "infinity"]
"""


def test_the_containers_own_layer(composer: Composer) -> None:
    """What a container writes stays through stop and start, ends with the container, and never reaches the image or a sibling."""
    composer.write("services: {web: {image: busybox, command: [sleep, infinity], scale: 2}}")
    composer("up", "-d")
    composer.inside("web", "sh", "-c", "echo mine > /etc/passwd; rm /bin/hexdump; mkdir /new; echo x > /new/file")
    second = composer("exec", "-T", "--index", "2", "web", "sh", "-c", "grep root /etc/passwd; ls /bin/hexdump; ls /new", code=None)
    assert second.out.startswith("root:x:0:0:")
    assert "/bin/hexdump\n" in second.out
    assert "/new" in second.err

    composer("stop", "-t", "0", "web")
    composer("start", "web")
    assert composer.inside("web", "cat", "/etc/passwd", "/new/file") == "mine\nx\n"
    assert composer("exec", "-T", "web", "ls", "/bin/hexdump", code=None).code != 0

    composer("up", "-d", "--force-recreate")
    assert composer.inside("web", "head", "-n1", "/etc/passwd").startswith("root:x:0:0:")
    assert composer("exec", "-T", "web", "ls", "/new", code=None).code != 0


def test_a_named_volume_is_filled_once_and_outlives_its_containers(composer: Composer) -> None:
    """Content, owner and mode come from the image at first use; services share it; down keeps it, down -v deletes it."""
    composer.write(SHELF + """
    services:
      web: {<<: *shelf, volumes: ["books:/shelf"]}
      reader: {<<: *shelf, volumes: ["books:/shelf:ro"], depends_on: [web]}
      bare: {<<: *shelf, volumes: [{type: volume, source: empty, target: /shelf, volume: {nocopy: true}}]}
    volumes: {books: {}, empty: {}}
    """)
    composer("up", "-d")
    owners = composer.inside("web", "stat", "-c", "%u:%g %a %n", "/shelf", "/shelf/book")
    assert owners == "1234:5678 2750 /shelf\n1234:5678 640 /shelf/book\n"
    assert composer.inside("web", "cat", "/shelf/link") == "first edition\n"
    assert composer.inside("bare", "ls", "-A", "/shelf") == ""

    composer.inside("web", "sh", "-c", "echo second edition > /shelf/book; rm /shelf/link")
    assert composer.inside("reader", "cat", "/shelf/book") == "second edition\n"
    refused = composer("exec", "-T", "reader", "touch", "/shelf/new", code=None)
    assert refused.code == 1
    assert "Read-only" in refused.said

    composer("down")
    composer("up", "-d")
    assert composer.inside("web", "cat", "/shelf/book") == "second edition\n"
    assert composer("exec", "-T", "web", "ls", "/shelf/link", code=None).code != 0, "it is not filled again"
    composer("down", "-v")
    assert composer.projects() == []
    composer("up", "-d")
    assert composer.inside("web", "cat", "/shelf/book") == "first edition\n"


def test_a_volume_with_a_name_of_its_own_is_shared_by_projects(composer: Composer, project: Callable[..., Composer]) -> None:
    """`name:` leads two projects to the same data."""
    other = project("other")
    file = """
        services: {web: {image: busybox, command: [sleep, infinity], volumes: ["data:/data"]}}
        volumes: {data: {name: test-shared-data}}
    """
    for each in (composer, other):
        each.write(file)
        each("up", "-d")
    composer.inside("web", "sh", "-c", "echo hello > /data/file")
    assert other.inside("web", "cat", "/data/file") == "hello\n"
    other("down")
    assert composer.inside("web", "cat", "/data/file") == "hello\n"


def test_anonymous_volumes_go_from_a_container_to_its_successor(composer: Composer) -> None:
    """VOLUME of the image and a bare path: recreated with their data, new with -V, gone with down -v."""
    file = SHELF + "    services: {web: {<<: *shelf, volumes: [/cache], environment: {COLOUR: %s}}}"
    composer.write(file % "red")
    composer("up", "-d")
    first = ids(composer)
    composer.inside("web", "sh", "-c", "echo note > /notes/n; echo cached > /cache/c")
    composer.write(file % "blue")
    composer("up", "-d")
    assert ids(composer) != first
    assert composer.inside("web", "cat", "/notes/n", "/cache/c") == "note\ncached\n"
    volumes = places_of(composer).volumes
    assert len(list(volumes.iterdir())) == 2

    composer("up", "-d", "--force-recreate", "-V")
    assert composer.inside("web", "ls", "-A", "/notes") == ""
    composer("down", "-v")
    assert not volumes.exists()


def test_binds(composer: Composer) -> None:
    """Folders and single files of the host, writable or not; a missing folder is made, unless the file forbids it."""
    composer.write("one\n", name="conf/app.conf")
    composer.write("""
        services:
          web:
            image: busybox
            command: [sleep, infinity]
            volumes:
              - ./conf:/conf
              - ./conf:/locked:ro
              - ./conf/app.conf:/etc/app.conf
              - ./made/by/up:/made
              - type: bind
                source: ./conf
                target: /long
                read_only: true
    """)
    composer("up", "-d")
    assert composer.inside("web", "cat", "/conf/app.conf", "/locked/app.conf", "/etc/app.conf", "/long/app.conf") == "one\n" * 4
    composer.inside("web", "sh", "-c", "echo two > /etc/app.conf; echo new > /conf/new; echo there > /made/file")
    assert (composer.folder / "conf/app.conf").read_text() == "two\n"
    assert (composer.folder / "conf/new").read_text() == "new\n"
    assert (composer.folder / "made/by/up/file").read_text() == "there\n"
    for path in ("/locked/new", "/long/new", "/locked/app.conf"):
        assert "Read-only" in composer("exec", "-T", "web", "touch", path, code=1).said
    (composer.folder / "conf/later").write_text("from the host\n")
    assert composer.inside("web", "cat", "/conf/later") == "from the host\n"

    composer("down", "-v")
    assert (composer.folder / "conf/new").exists(), "a bind is the user's"


def test_a_missing_source_is_refused_before_anything_starts(composer: Composer) -> None:
    """create_host_path: false names the service and the path, and leaves no container."""
    composer.write("""
        services:
          db: {image: busybox, command: [sleep, infinity]}
          web:
            image: busybox
            command: [sleep, infinity]
            volumes: [{type: bind, source: ./nowhere, target: /data, bind: {create_host_path: false}}]
    """)
    done = composer("up", "-d", code=1)
    assert f"services.web.volumes: {composer.folder}/nowhere does not exist" in done.err
    assert "hint: " in done.err
    assert composer.ps() == []
    assert not (composer.folder / "nowhere").exists()


def test_memory_file_systems(composer: Composer) -> None:
    """tmpfs in its three forms: empty, of the size and mode that the file says, and new after a stop."""
    composer.write("""
        services:
          web:
            image: busybox
            command: [sleep, infinity]
            tmpfs: [/run, "/scratch:size=1m,mode=700,uid=99"]
            volumes: [{type: tmpfs, target: /var/www, tmpfs: {size: 2m, mode: 0o1770}}]
    """)
    composer("up", "-d")
    mounts = {line.split()[1]: line.split() for line in composer.inside("web", "cat", "/proc/mounts").splitlines()}
    assert {mounts[path][2] for path in ("/run", "/scratch", "/var/www")} == {"tmpfs"}
    assert all({"nosuid", "nodev", "noexec"} <= set(mounts[path][3].split(",")) for path in ("/run", "/scratch"))
    assert composer.inside("web", "stat", "-c", "%a %u", "/scratch", "/var/www") == "700 99\n1770 0\n"
    kilobytes = composer.inside("web", "df", "-k", "/scratch", "/var/www").splitlines()[1:]
    assert [line.split()[1] for line in kilobytes] == ["1024", "2048"]
    full = composer("exec", "-T", "web", "dd", "if=/dev/zero", "of=/scratch/big", "bs=64k", "count=32", code=None)
    assert "No space left" in full.said
    composer("restart", "-t", "0", "web")
    assert composer.inside("web", "ls", "-A", "/scratch") == ""


def test_a_read_only_root(composer: Composer) -> None:
    """Nothing can be written but volumes and tmpfs."""
    composer.write("""
        services:
          web: {image: busybox, command: [sleep, infinity], read_only: true, tmpfs: [/tmp], volumes: ["data:/data"]}
        volumes: {data: {}}
    """)
    composer("up", "-d")
    for path in ("/file", "/etc/file", "/root/file"):
        assert "Read-only" in composer("exec", "-T", "web", "touch", path, code=1).said
    composer.inside("web", "touch", "/tmp/file", "/data/file")


def test_an_image_of_many_layers(composer: Composer) -> None:
    """More layers than mount(2) has room for: each of them is seen, the topmost wins, and writing works."""
    import_layers(composer.places, "localhost/test-layers:latest", 70, base="docker.io/library/busybox:latest", folder=composer.folder)
    composer.write("services: {web: {image: localhost/test-layers, command: [sleep, infinity]}}")
    composer("up", "-d")
    assert composer.inside("web", "sh", "-c", "ls /pages | wc -l; cat /last").split() == ["70", "69"]
    composer.inside("web", "sh", "-c", "rm /pages/0; echo mine > /pages/60")
    assert composer.inside("web", "sh", "-c", "ls /pages | wc -l; cat /pages/60").split() == ["69", "mine"]
