"""The language of .dockerignore. The table's rows follow moby's patternmatcher tests in kind."""

from __future__ import annotations

import re

import pytest

from composer.errors import UsageError
from composer.supervisor.watch.patterns import Patterns


@pytest.mark.parametrize(
    ("lines", "path", "matched"),
    [
        (["**"], "file", True),
        (["**"], "dir/file", True),
        (["**/"], "file", True),
        (["**/**"], "dir/file", True),
        (["dir/**"], "dir/file", True),
        (["dir/**"], "dir/dir2/file", True),
        (["dir/**"], "dire/file", False),
        (["**/dir2/*"], "dir/dir2/file", True),
        (["**/dir2/*"], "dir/dir2/dir2/file", True),
        (["**file"], "file", True),
        (["**file"], "dir/dir/file", True),
        (["**/file"], "dir/file", True),
        (["**/file*"], "dir/dir/file.txt", True),
        (["**/file*txt"], "dir/dir/file.txt", True),
        (["a**/*.txt"], "abc/def/file.txt", True),
        (["a**/*.txt"], "def/file.txt", False),
        (["a[b-d]e"], "ace", True),
        (["a[b-d]e"], "aze", False),
        (["abc.def"], "abcdef", False),
        (["abc?def"], "abcZdef", True),
        (["abc?def"], "abc/def", False),
        ([r"a\*b"], "a*b", True),
        ([r"a\*b"], "axb", False),
        (["a(b)+"], "a(b)+", True),
        (["*.log"], "a.log", True),
        (["*.log"], "deep/a.log", False),
        (["node_modules"], "node_modules/a/b.js", True),
        (["node_modules"], "web/node_modules/a.js", False),
        (["/dist/"], "dist/app.js", True),
        (["./dist"], "dist", True),
        (["docs", "!docs/keep.md"], "docs/keep.md", False),
        (["docs", "!docs/keep.md"], "docs/other.md", True),
        (["!docs/keep.md", "docs"], "docs/keep.md", True),
        (["*", "!src"], "src/app.py", False),
        (["*", "!src", "src/*.pyc"], "src/app.pyc", True),
        (["# comment", "", "  a  "], "a", True),
        (["# comment"], "# comment", False),
        (["! a"], "a", False),
        ([".."], "a", False),
        (["."], "a", False),
        ([], "a", False),
    ],
)
def test_match(lines: list[str], path: str, matched: bool) -> None:
    """A path is matched as `docker build` would leave it out of the context."""
    assert Patterns.of(lines).match(path) is matched


@pytest.mark.parametrize(
    ("lines", "folder", "entered"),
    [
        (["node_modules"], "node_modules", False),
        (["node_modules"], "src", True),
        (["node_modules", "!node_modules/mine"], "node_modules", True),
        (["node_modules", "!node_modules/mine"], "node_modules/other", False),
        (["node_modules", "!src/x"], "node_modules", False),
        (["*", "!src/*.py"], "src", True),
        (["*", "!src/*.py"], "lib", False),
        (["cache", "!**/keep"], "cache/deep", True),
    ],
)
def test_a_folder_that_is_matched_with_all_below_it_need_not_be_entered(lines: list[str], folder: str, entered: bool) -> None:
    """Only where an exception could match something below a matched folder has it to be looked into."""
    assert Patterns.of(lines).match_all_below(folder) is not entered


@pytest.mark.parametrize(
    ("lines", "folder", "entered"),
    [
        (["*.py"], "", True),
        (["*.py"], "src", False),
        (["src/*.py"], "src", True),
        (["src/*.py"], "src/deep", False),
        (["src/**/*.py"], "src/deep/deeper", True),
        (["**/*.py"], "any/where", True),
        (["src"], "src/deep", True),
        (["a/b/c"], "a", True),
        (["a/b/c"], "b", False),
    ],
)
def test_a_folder_in_which_nothing_can_match_need_not_be_entered(lines: list[str], folder: str, entered: bool) -> None:
    """Patterns that choose (`include`) lead through the folders of their own paths, and through all below `**`."""
    assert Patterns.of(lines).may_match_below(folder) is entered


@pytest.mark.parametrize("text", ["[z-a]", "src/[^]", "[a\\]"])
def test_a_pattern_that_is_none_is_named(text: str) -> None:
    """One error, as with docker, and not the end of whoever asks."""
    with pytest.raises(UsageError, match=re.escape(text)):
        Patterns.of(["*.log", text])
