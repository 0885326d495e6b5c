"""The supervisor's own log, in a process of its own: it takes over descriptor 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BEGIN = """
import logging, os, shutil, sys
from pathlib import Path
from composer.supervisor import journal
path = Path(sys.argv[1])
journal.begin(path, sys.argv[2], limit=4000)
log = logging.getLogger("composer")
"""


def run(path: Path, work: str, level: str = "") -> None:
    subprocess.run([sys.executable, "-c", BEGIN + work, str(path), level], check=True)


def test_it_is_bounded_and_the_last_lines_are_kept(tmp_path: Path) -> None:
    """Two files, of about the limit each; what goes to stderr is in the newer one."""
    path = tmp_path / "log"
    run(path, "for number in range(1000): log.info('line %s', number)\nos.write(2, b'a last word\\n')")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["log", "log.1"]
    assert all(one.stat().st_size < 4100 for one in tmp_path.iterdir())
    assert path.read_text().splitlines()[-1] == "a last word"
    numbers = [int(line.split()[-1]) for line in ((tmp_path / "log.1").read_text() + path.read_text()).splitlines()[:-1]]
    assert numbers == list(range(numbers[0], 1000))


def test_levels(tmp_path: Path) -> None:
    """info without a word, or with a wrong one."""
    work = "log.debug('d'); log.info('i'); log.warning('w')"
    for level, letters in (("debug", "diw"), ("", "iw"), ("nonsense", "iw"), ("WARNING", "w")):
        run(tmp_path / f"log-{level}", work, level)
        assert "".join(line[-1] for line in (tmp_path / f"log-{level}").read_text().splitlines()) == letters


def test_nothing_that_happens_to_its_file_ends_the_supervisor(tmp_path: Path) -> None:
    """A file that was removed is made anew; a folder that was removed, and a full disk (/dev/full), lose lines and no more."""
    path = tmp_path / "state" / "log"
    run(path, "log.info('a'); path.unlink(); log.info('lost'); log.info('b')")
    assert path.read_text().split()[-1] == "b"
    run(path, "shutil.rmtree(path.parent); log.info('a'); log.info('b')")
    assert not path.exists()
    run(path, "os.dup2(os.open('/dev/full', os.O_WRONLY), 2); log.info('a'); log.info('b')")
