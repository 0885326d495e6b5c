"""How logs move along, and are trimmed."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.supervisor.logs import Reader, read
from composer.supervisor.rotation import _move_along
from composer.supervisor.trimming import trim


@pytest.mark.parametrize(("files", "left"), [
    (1, {}),
    (2, {"log.1": "new"}),
    (3, {"log.1": "new", "log.2": "older"}),
    (5, {"log.1": "new", "log.2": "older", "log.3": "oldest"}),
])
def test_the_oldest_goes(tmp_path: Path, files: int, left: dict[str, str]) -> None:
    """With the new one there are as many as asked for; missing ones are fine."""
    for name, text in (("log", "new"), ("log.1", "older"), ("log.2", "oldest")):
        (tmp_path / name).write_text(text)
    if files < 3:
        (tmp_path / "log.2").unlink()
    if files < 2:
        (tmp_path / "log.1").unlink()
    _move_along(tmp_path / "log", files)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == left


RECORD = "2026-01-01T00:00:00.{:09}+00:00 stdout F line {}"


def _write(path: Path, lines: range) -> None:
    path.write_text("".join(RECORD.format(number, number) + "\n" for number in lines))


def test_trimming_keeps_the_newest_without_a_gap(tmp_path: Path) -> None:
    """A burst's file keeps its end from a line's beginning, what is older than that goes, and all together fit."""
    path = tmp_path / "log"
    for number, lines in enumerate((range(400, 410), range(100, 400), range(50, 100), range(50))):
        _write(path.with_name(f"log.{number}") if number else path, lines)
    trim(path, 5000)
    assert sum(name.stat().st_size for name in tmp_path.iterdir() if name != path) in range(4900, 5001)
    kept = [int(line.text.split()[1]) for line in read(path)]
    assert kept == list(range(kept[0], 410))
    assert {name.name for name in tmp_path.iterdir()} == {"log", "log.1"}


def test_trimming_cuts_the_oldest_that_does_not_fit(tmp_path: Path) -> None:
    """The limit is that of all files together: the newer ones stay whole."""
    path = tmp_path / "log"
    for number, lines in enumerate((range(30, 40), range(20, 30), range(20))):
        _write(path.with_name(f"log.{number}") if number else path, lines)
    whole = path.with_name("log.1").read_text()
    trim(path, len(whole) + 200)
    assert path.with_name("log.1").read_text() == whole
    kept = [int(line.text.split()[1]) for line in read(path)]
    assert kept == list(range(kept[0], 40)) and 14 <= kept[0] < 20


@pytest.mark.parametrize("most", [1000, 100, 0])
def test_a_follower_neither_repeats_nor_loses_when_its_file_is_trimmed(tmp_path: Path, most: int) -> None:
    """Whatever of the file it has open was left, it reads that to its end and goes on with what came after."""
    path = tmp_path / "log"
    _write(path, range(100))
    reader = Reader(path)
    assert len(list(reader.lines())) == 100
    with path.open("a") as more:
        more.writelines(RECORD.format(number, number) + "\n" for number in range(100, 150))
    _move_along(path, 3)
    _write(path, range(150, 160))
    trim(path, most)
    assert [int(line.text.split()[1]) for line in reader.lines()] == list(range(100, 160))
    reader.close()
