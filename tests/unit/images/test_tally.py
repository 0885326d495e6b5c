"""How many bytes of an image have come, from what skopeo draws."""

from __future__ import annotations

import pytest

from composer.images.tally import Tally, human

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
#: As skopeo 1.9 draws on a terminal: each frame goes up and erases the one before.
FRAMES = (
    "Getting image source signatures\r\n",
    "Copying blob aaaaaaaaaaaa [=====>------] 13.0MiB / 30.0MiB\r\nCopying blob bbbbbbbbbbbb [>---] 0.0b / 60.0MiB\r\n",
    "\x1b[2A\x1b[JCopying blob aaaaaaaaaaaa done  \r\nCopying blob bbbbbbbbbbbb [=>---] 512.0KiB / 60.0MiB\r\n",
    "\x1b[2A\x1b[JCopying blob aaaaaaaaaaaa done  \r\nCopying blob bbbbbbbbbbbb done  \r\nCopying config 8133495a56 done\r\n",
)


def said(tally: Tally) -> list[str]:
    words = []
    for frame in FRAMES:
        tally.feed(frame)
        words.append(str(tally))
    return words


def test_the_manifest_gives_the_whole() -> None:
    """The total is right from the start, and what is done counts as the manifest says."""
    assert said(Tally({A: 30 << 20, B: 60 << 20})) == ["0B/94.4MB", "13.6MB/94.4MB", "32MB/94.4MB", "94.4MB/94.4MB"]


def test_without_a_manifest_the_whole_is_what_has_begun() -> None:
    """As with a push, or an image of a Docker engine."""
    assert said(Tally()) == ["", "13.6MB/94.4MB", "32MB/94.4MB", "94.4MB/94.4MB"]


def test_what_is_there_already_does_not_count() -> None:
    """Neither as come nor as to come; when all of it is there, there is nothing to say."""
    tally = Tally({A: 1000, B: 2000})
    tally.feed("Copying blob bbbbbbbbbbbb skipped: already exists  \r\n")
    assert str(tally) == "0B/1kB"
    tally.feed("Copying blob aaaaaaaaaaaa skipped: already exists  \r\n")
    assert str(tally) == ""


def test_pieces_may_be_cut_anywhere() -> None:
    """What read(2) returns ends in the middle of words."""
    tally = Tally({A: 30 << 20, B: 60 << 20})
    for letter in "".join(FRAMES[:3]):
        tally.feed(letter)
    assert str(tally) == "32MB/94.4MB"


@pytest.mark.parametrize(("size", "text"), [
    (0, "0B"), (999, "999B"), (1000, "1kB"), (1_087_675, "1.09MB"), (40_000_000, "40MB"), (999_600, "1MB"), (2.5e9, "2.5GB"),
    (3e12, "3TB"),
])
def test_bytes_as_docker_writes_them(size: float, text: str) -> None:
    """Three digits, powers of 1000."""
    assert human(size) == text
