"""What of a tree counts."""

from __future__ import annotations

import json

import pytest

from composer.supervisor.watch.sieve import Scope, Sieve, Source

CONTEXT = Scope("/code/shop", ("web/dist", "*.log"))
TREE = Source("web", "/code/shop/web", (CONTEXT, Scope("/code/shop/web", ("node_modules", "!node_modules/mine"))))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/code/shop/web/app.py", "app.py"),
        ("/code/shop/web", ""),
        ("/code/shop/web/deep/er.py", "deep/er.py"),
        ("/code/shop/web/dist/app.js", None),
        ("/code/shop/web/a.log", "a.log"),
        ("/code/shop/web/node_modules/a/b.js", None),
        ("/code/shop/web/node_modules/mine/b.js", "node_modules/mine/b.js"),
        ("/code/shop/website/app.py", None),
        ("/code/shop/web/.git/index", None),
        ("/code/shop/web/deep/.git/index", None),
        ("/code/shop/web/.app.py.swp", None),
        ("/code/shop/web/deep/4913", None),
        ("/code/shop/web/app.py~", None),
        ("/code/shop/web/.#app.py", None),
        ("/code/shop/web/#app.py#", None),
        ("/code/shop/web/app.py___jb_tmp___", None),
        ("/code/shop/web/.app.py.kate-swp", None),
        ("/code/shop/web/.gitignore", ".gitignore"),
    ],
)
def test_what_counts(path: str, name: str | None) -> None:
    """Patterns start from their own folders; editors' and git's own files never count."""
    assert Sieve(TREE).name(path) == name


@pytest.mark.parametrize(
    ("folder", "entered"),
    [
        ("/code/shop/web", True),
        ("/code/shop/web/src", True),
        ("/code/shop/web/dist", False),
        ("/code/shop/web/.git", False),
        ("/code/shop/web/node_modules", True),
        ("/code/shop/web/node_modules/react", False),
        ("/code/shop/other", False),
    ],
)
def test_ignored_folders_are_not_entered(folder: str, entered: bool) -> None:
    """Unless an exception could lead to something in them."""
    assert Sieve(TREE).enters(folder) is entered


def test_include_narrows() -> None:
    """Only what is included counts, and only folders that may lead there are entered; the path itself always counts."""
    sieve = Sieve(Source("web", "/web", include=Scope("/web", ("src/*.py",))))
    assert sieve.name("/web/src/a.py") == "src/a.py"
    assert sieve.name("/web/src/a.js") is None
    assert sieve.name("/web") == ""
    assert [sieve.enters(folder) for folder in ("/web", "/web/src", "/web/lib")] == [True, True, False]


def test_a_source_travels_as_json() -> None:
    """The watcher gets what the supervisor means."""
    narrowed = Source("x", "/web", include=Scope("/web", ("src",)), initial=True)
    for source in (TREE, narrowed):
        assert Source.from_json(json.loads(json.dumps(source.to_json()))) == source
