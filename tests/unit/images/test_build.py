"""What buildah says, in composer's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.errors import ImageError
from composer.images.build import explain, process_options, recipe_options
from composer.images.driver import ImageStore
from composer.images.pull import reason
from composer.model.build import Build
from composer.model.limits import Ulimit
from composer.store import Places


def test_a_failed_instruction_comes_with_its_last_lines() -> None:
    """The user sees which RUN it was and what it printed."""
    error = explain("app", ["STEP 1/2: FROM base", "STEP 2/2: RUN make", "cc: no input",
                            'Error: building at STEP "RUN make": exit status 2'])
    assert error.message.startswith("build of app: RUN make: exit status 2")
    assert "cc: no input" in error.message


def test_a_missing_base_is_named() -> None:
    """Of several FROM lines it is the last that was begun."""
    error = explain("app", ["[1/2] STEP 1/1: FROM good AS a", "[2/2] STEP 1/1: FROM bad:1",
                            "Error: creating build container: no such host"])
    assert "image bad:1 is not in composer's store and cannot be pulled: no such host" in error.message
    assert "bad:1" in error.hint


def test_any_other_end_shows_what_was_said() -> None:
    """Nothing that buildah said is lost."""
    assert "no stage x" in explain("app", ["Error: no stage x"]).message


def test_skopeos_message_is_taken_out_of_its_log_line() -> None:
    """Time and level are of no use to the user."""
    assert reason(['time="now" level=fatal msg="no \\"such\\" host"', ""]) == 'no "such" host'
    assert reason([]) == "no message"


@pytest.mark.parametrize("build", [Build(context="/nonexistent/folder"), Build(context="/", dockerfile="no/such/Dockerfile")])
def test_a_missing_context_or_dockerfile_is_refused_before_anything_starts(tmp_path: Path, build: Build) -> None:
    """The message has the path."""
    store = ImageStore(Places(tmp_path / "root", tmp_path / "run"))
    with pytest.raises(ImageError, match=r"/nonexistent/folder|no/such/Dockerfile"):
        store.build(build, "app", print)
    assert not (tmp_path / "root").exists()


def test_what_the_recipe_is_made_from() -> None:
    """Names, arguments and contexts; a layout is an image of another transport."""
    build = Build(context="/c", additional_contexts={"docs": "/docs", "base": "docker-image://alpine", "lay": "oci-layout:///l:v1"},
                  args={"A": "1"}, labels={"k": "v"}, tags=("other:2",), target="web")
    assert recipe_options(build, "app") == [
        "--tag", "docker.io/library/app:latest", "--tag", "docker.io/library/other:2", "--build-arg", "A=1",
        "--build-context", "docs=/docs", "--build-context", "base=docker-image://alpine", "--build-context", "lay=docker-image://oci:/l:v1",
        "--label", "k=v", "--target", "web"]
    with pytest.raises(ImageError, match="named by its tag"):
        recipe_options(Build(context="/c", additional_contexts={"a": "oci-layout:///l@sha256:1"}), "app")


def test_what_run_instructions_may_and_see() -> None:
    """Network, hosts, limits, /dev/shm, keys; all privileges instead of Docker's usual further ones."""
    build = Build(context="/c", network="none", extra_hosts=("a=10.0.0.1", "b=::1", "c=host-gateway"), shm_size=1024, privileged=True,
                  ulimits={"nofile": Ulimit(soft=1, hard=2)}, ssh=("default=/run/agent",))
    options = process_options(build)
    pairs = list(zip(options[::2], options[1::2], strict=True))
    assert pairs == [
        ("--network", "none"), ("--cap-add", "all"), ("--security-opt", "seccomp=unconfined"),
        ("--add-host", "a:10.0.0.1"), ("--add-host", "b:::1"), ("--add-host", "c:127.0.0.1"), ("--ulimit", "nofile=1:2"),
        ("--shm-size", "1024"), ("--ssh", "default=/run/agent")]
    assert process_options(Build(context="/c")) == ["--network", "host", "--cap-add", "CAP_MKNOD", "--cap-add", "CAP_AUDIT_WRITE"]
    with pytest.raises(ImageError, match="there is no SSH agent"):
        process_options(Build(context="/c", ssh=("default",)))
