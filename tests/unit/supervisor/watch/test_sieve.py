"""What of a tree counts."""

from __future__ import annotations

import json

import pytest

from composer.supervisor.watch.sieve import Scope, Sieve, Source

CONTEXT = Scope("/work/shop", ("web/dist", "*.log"))
TREE = Source("web", "/work/shop/web", (CONTEXT, Scope("/work/shop/web", ("node_modules", "!node_modules/mine"))))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/work/shop/web/app.py", "app.py"),
        ("/work/shop/web", ""),
        ("/work/shop/web/deep/er.py", "deep/er.py"),
        ("/work/shop/web/dist/app.js", None),
        ("/work/shop/web/a.log", "a.log"),
        ("/work/shop/web/node_modules/a/b.js", None),
        ("/work/shop/web/node_modules/mine/b.js", "node_modules/mine/b.js"),
        ("/work/shop/website/app.py", None),
        ("/work/shop/web/.git/index", None),
        ("/work/shop/web/deep/.git/index", None),
        ("/work/shop/web/.app.py.swp", None),
        ("/work/shop/web/deep/4913", None),
        ("/work/shop/web/app.py~", None),
        ("/work/shop/web/.#app.py", None),
        ("/work/shop/web/#app.py#", None),
        ("/work/shop/web/app.py___jb_tmp___", None),
        ("/work/shop/web/.app.py.kate-swp", None),
        ("/work/shop/web/.gitignore", ".gitignore"),
    ],
)
def test_what_counts(path: str, name: str | None) -> None:
    """Patterns start from their own folders; editors' and git's own files never count."""
    assert Sieve(TREE).name(path) == name


@pytest.mark.parametrize(
    ("folder", "entered"),
    [
        ("/work/shop/web", True),
        ("/work/shop/web/src", True),
        ("/work/shop/web/dist", False),
        ("/work/shop/web/.git", False),
        ("/work/shop/web/node_modules", True),
        ("/work/shop/web/node_modules/react", False),
        ("/work/shop/other", False),
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
