"""Reading the files that conmon writes."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from composer.supervisor import logs
from composer.supervisor.logs import LogLine, Reader, parse, read

START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def record(second: int, text: str, *, tag: str = "F", stream: str = "stdout") -> str:
    stamp = datetime.fromtimestamp(START + second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stamp}.000000000+00:00 {stream} {tag} {text}\n"


def write(path: Path, numbers: range) -> None:
    path.write_text("".join(record(number, f"line {number}") for number in numbers))


def texts(lines: object) -> list[str]:
    return [line.text for line in lines]  # type: ignore[attr-defined]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "container.log"


def test_a_record_is_taken_apart() -> None:
    """Time with nanoseconds and any offset, stream, completeness, text with its spaces."""
    assert parse(b"2026-01-01T02:00:00.500000000+02:00 stderr F  two  spaces ") == LogLine(START + 0.5, "stderr", " two  spaces ")
    assert parse(b"2026-01-01T00:00:01.000000000+00:00 stdout P begun") == LogLine(START + 1, "stdout", "begun", partial=True)
    assert parse(b"2026-01-01T00:00:01.000000000+00:00 stdout F ").text == ""


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"2026-01-01T00:00:00+00:00 stdout X a", b"yesterday stdout F a"])
def test_a_cut_record_keeps_its_text(raw: bytes) -> None:
    """What a full disk has left of a record is shown as it is, without a time."""
    assert parse(raw) == LogLine(0.0, "stdout", raw.decode())


def test_bytes_that_are_no_text_are_replaced() -> None:
    """Output need not be UTF-8."""
    assert parse(b"2026-01-01T00:00:00+00:00 stdout F a\xffb").text == "a\ufffdb"


def test_a_missing_log_has_no_lines(log: Path) -> None:
    """A container that has not started yet is no error."""
    assert list(read(log)) == [] and list(read(log, tail=3)) == []


def test_rotated_files_come_first(log: Path) -> None:
    """path.2, path.1, path: older first, as one log."""
    write(log.with_name("container.log.2"), range(0, 3))
    write(log.with_name("container.log.1"), range(3, 6))
    write(log, range(6, 9))
    assert texts(read(log)) == [f"line {number}" for number in range(9)]
    assert texts(read(log, tail=4)) == ["line 5", "line 6", "line 7", "line 8"]


def test_a_log_that_is_just_being_rotated_is_read(log: Path) -> None:
    """Between renaming and reopening there is no file of the log's name."""
    write(log.with_name("container.log.1"), range(3))
    assert texts(read(log)) == ["line 0", "line 1", "line 2"]


def test_a_number_may_be_missing(log: Path) -> None:
    """While files move along, and after a rotation that was cut short, a gap in the numbers hides nothing."""
    write(log.with_name("container.log.10"), range(0, 2))
    write(log.with_name("container.log.3"), range(2, 4))
    write(log, range(4, 6))
    (log.with_name("container.log.tmp")).write_text(record(99, "not ours"))
    assert texts(read(log)) == [f"line {number}" for number in range(6)]


@pytest.mark.parametrize("tail", [0, 1, 2, 99, 100, 101])
@pytest.mark.parametrize("block", [1, 7, 64, 1 << 16])
def test_tail_is_the_end_of_the_log(log: Path, monkeypatch: pytest.MonkeyPatch, tail: int, block: int) -> None:
    """The last lines in order, wherever the blocks that are read from the end begin."""
    monkeypatch.setattr(logs, "BLOCK", block)
    write(log, range(100))
    assert texts(read(log, tail=tail)) == [f"line {number}" for number in range(max(0, 100 - tail), 100)]


def test_tail_of_a_big_log_reads_its_end_only(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten lines of a log of megabytes cost a block or two."""
    write(log, range(50000))
    read_bytes = []
    pread = logs.os.pread

    def counting(descriptor: int, size: int, offset: int) -> bytes:
        read_bytes.append(size)
        return pread(descriptor, size, offset)

    monkeypatch.setattr(logs.os, "pread", counting)
    assert len(list(read(log, tail=10))) == 10
    assert sum(read_bytes) <= 3 * logs.BLOCK < log.stat().st_size


def test_parts_count_as_one_line(log: Path) -> None:
    """The tail of a log counts lines as they were written, not the parts in which they came."""
    log.write_text(record(0, "first") + record(1, "sec", tag="P") + record(2, "ond", tag="P") + record(3, "!")
                   + record(4, "third, unfin", tag="P") + record(5, "ished so far", tag="P"))
    assert texts(read(log, tail=1)) == ["third, unfin", "ished so far"]
    assert texts(read(log, tail=2)) == ["sec", "ond", "!", "third, unfin", "ished so far"]


def test_since_and_until_are_inclusive(log: Path) -> None:
    """Both ends belong to it, with and without a tail; the tail is of the lines in that time."""
    write(log.with_name("container.log.1"), range(0, 5))
    write(log, range(5, 10))
    wanted = [f"line {number}" for number in range(3, 8)]
    assert texts(read(log, since=START + 3, until=START + 7)) == wanted
    assert texts(read(log, since=START + 3, until=START + 7, tail=100)) == wanted
    assert texts(read(log, since=START + 3, until=START + 7, tail=2)) == wanted[-2:]
    assert texts(read(log, since=START + 100)) == []


def test_a_last_line_without_its_end_waits(log: Path) -> None:
    """It is not shown before it is whole."""
    log.write_text(record(0, "whole") + record(1, "half")[:-1])
    assert texts(read(log)) == ["whole"] and texts(read(log, tail=5)) == ["whole"]


def test_a_reader_gives_each_line_once(log: Path) -> None:
    """Also one that is written in two halves, and those of a log that comes later."""
    reader = Reader(log)
    assert list(reader.lines()) == []
    whole = record(0, "one") + record(1, "two")
    for cut in (10, 50, len(whole)):
        with log.open("a") as file:
            file.write(whole[file.tell() : cut])
    seen = texts(reader.lines())
    with log.open("a") as file:
        file.write(record(2, "three")[:20])
    seen += texts(reader.lines())
    with log.open("a") as file:
        file.write(record(2, "three")[20:])
    seen += texts(reader.lines()) + texts(reader.lines())
    reader.close()
    assert seen == ["one", "two", "three"]


def test_a_reader_goes_on_behind_what_it_skipped(log: Path) -> None:
    """Backlog and what follows are one sequence, also around a line that was half there."""
    log.write_text(record(0, "a") + record(1, "b") + record(2, "c")[:30])
    reader = Reader(log)
    assert texts(reader.skip(tail=1)) == ["b"]
    with log.open("a") as file:
        file.write(record(2, "c")[30:] + record(3, "d"))
    assert texts(reader.lines()) == ["c", "d"]
    reader.close()


def test_a_reader_follows_rotation(log: Path) -> None:
    """The rest of the renamed file, those that came and went meanwhile, the new one: nothing twice."""
    write(log, range(2))
    reader = Reader(log)
    seen = texts(reader.lines())
    log.rename(log.with_name("container.log.1"))
    with log.with_name("container.log.1").open("a") as file:  # conmon has not reopened yet
        file.write(record(2, "line 2"))
    seen += texts(reader.lines())
    with log.with_name("container.log.1").open("a") as file:
        file.write(record(3, "line 3"))
    write(log, range(4, 6))
    log.with_name("container.log.1").rename(log.with_name("container.log.2"))
    log.rename(log.with_name("container.log.1"))
    write(log, range(6, 8))
    seen += texts(reader.lines())
    reader.close()
    assert seen == [f"line {number}" for number in range(8)]


def test_a_reader_survives_the_removal_of_what_it_reads(log: Path) -> None:
    """Of a file that was rotated away, the rest is read and the remaining chain follows."""
    write(log, range(2))
    reader = Reader(log)
    seen = texts(reader.lines())
    with log.open("a") as file:
        file.write(record(2, "line 2"))
    log.unlink()
    write(log.with_name("container.log.1"), range(3, 5))
    write(log, range(5, 7))
    seen += texts(reader.lines())
    reader.close()
    assert seen == [f"line {number}" for number in range(7)]


def test_a_log_that_was_emptied_begins_anew(log: Path) -> None:
    """`truncate -s 0` by hand does not end the following."""
    write(log, range(100))
    reader = Reader(log)
    assert len(list(reader.lines())) == 100
    write(log, range(3))
    assert texts(reader.lines()) == ["line 0", "line 1", "line 2"]
    reader.close()


def test_the_command_line_can_afford_the_import() -> None:
    """Neither asyncio nor pydantic is needed to read or follow logs."""
    code = "import sys, composer.supervisor.logs, composer.supervisor.follow; print(sorted({'asyncio', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_blocks_are_whole_records_of_all_files(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotated files first, cut between records, without one that is still being written."""
    monkeypatch.setattr(logs, "PIECE", 100)
    write(log.with_name("container.log.1"), range(3))
    write(log, range(3, 8))
    with log.open("a") as file:
        file.write("2026-01-01T00:00:09")
    found = list(logs.blocks(log))
    assert len(found) > 3
    assert all(block.endswith(b"\n") for block in found)
    assert b"".join(found).decode() == "".join(record(number, f"line {number}") for number in range(8))
