"""Two million characters that mean no good end in an error, soon and without much memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

MANY = 2_000_000
MOST_SECONDS, MOST_MEGABYTES = 2.0, 300
#: Loads the file and says what came of it: the error's first characters, processor time, most memory.
_LOAD = """
import json, os, resource, sys
from composer.errors import ComposerError
from composer.load import LoadOptions
from composer.load.phases import resolve
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
try:
    resolve(LoadOptions(environ={}, cwd=os.getcwd()))
    words = ""
except ComposerError as error:
    words = "\\n".join(error.lines())
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([words[:3000], len(words), used.ru_utime + used.ru_stime, used.ru_maxrss // 1024]))
"""
_SERVICE = "services: {a: {image: x, "


def _bomb(first: str, line: str) -> str:
    return first + "".join(line.format(name=f"&a{level}", alias=f"*a{level - 1}", level=level) for level in range(1, 20))


HOSTILE: Mapping[str, str | bytes] = {
    "deep lists": "[" * MANY,
    "deep mappings": "{a: " * (MANY // 4),
    "deep blocks": "".join(" " * level + "a:\n" for level in range(1990)),
    "deep dashes": "- " * (MANY // 2),
    "a huge list": f"{_SERVICE}command: [{'a,' * (MANY // 2)}]}}}}",
    "huge variables": "services:\n  a:\n    image: x\n    environment:\n"
    + "".join(f"      K{number}: v\n" for number in range(MANY // 15)),
    "many documents": "---\nservices: {a: {image: x}}\n" * (MANY // 30),
    "a bomb of lists": _bomb("a: &a0 [x,x,x,x,x,x,x,x,x]\n", "x-{level}: {name} [{alias},{alias},{alias},{alias},{alias}]\n"),
    "a bomb of merge keys": _bomb(
        "x-0: &a0 {" + ",".join(f"k{n}: 1" for n in range(3000)) + "}\n", "x-{level}: {name} {{<<: [{alias},{alias}]}}\n"
    ),
    "broken UTF-8": b'services: {a: {image: "\xff\xfe"}}' * (MANY // 32),
    "NUL bytes": 'services: {a: {image: "x\0"}}' * (MANY // 32),
    "nested defaults": f'{_SERVICE}user: "{"${A:-" * (MANY // 6)}{"}" * (MANY // 6)}"}}}}',
    "open braces": f'{_SERVICE}user: "{"${" * (MANY // 2)}"}}}}',
    "a long key": f"{_SERVICE}? {'a' * MANY}\n: 1}}}}",
    "a long number": f"{_SERVICE}cpu_shares: {'1' * MANY}}}}}",
    "a long duration": f"{_SERVICE}stop_grace_period: {'1' * MANY}s}}}}",
    "a long size": f"{_SERVICE}mem_limit: {'1' * MANY}g}}}}",
    "a long command": f'{_SERVICE}command: "{"a " * (MANY // 2)}"}}}}',
    "colons": f'{_SERVICE}volumes: ["{":" * MANY}"]}}}}',
    "a chain of bases": "services:\n  s0: {image: x}\n" + "".join(f"  s{n}: {{extends: s{n - 1}}}\n" for n in range(1, 5000)),
    "a long cycle": "services:\n  s0: {image: x, depends_on: [s4999]}\n"
    + "".join(f"  s{n}: {{image: x, depends_on: [s{n - 1}]}}\n" for n in range(1, 5000)),
    "an include of itself": "include: [./x/../compose.yaml]\nservices: {a: {image: x}}",
    "nothing but comments": "#\n" * (MANY // 2),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_ends_in_an_error(text: str | bytes, tmp_path: Path) -> None:
    """An error that can be read, and no traceback."""
    (tmp_path / "compose.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    done = subprocess.run(
        [sys.executable, "-c", _LOAD],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
    )
    assert done.returncode == 0, done.stderr[-500:]
    words, length, seconds, megabytes = json.loads(done.stdout)
    assert words
    assert length < 10_000 and seconds < MOST_SECONDS and megabytes < MOST_MEGABYTES, (
        f"{length} characters, {seconds:.1f} s, {megabytes} MB"
    )
