from __future__ import annotations

from tests.command_line import Composer


def test_a_busybox_container_comes_up_and_goes(composer: Composer) -> None:
    """One service of the session's busybox runs, answers to exec, and `down` removes all of its state."""
    composer.write("services: {idle: {image: busybox, command: [sleep, infinity], stop_grace_period: 0s}}")
    composer("up", "-d")
    assert [row["Name"] for row in composer.ps()] == ["shop-idle-1"]
    assert composer.inside("idle", "echo", "hello") == "hello\n"
    composer("down")
    assert composer.projects() == []
