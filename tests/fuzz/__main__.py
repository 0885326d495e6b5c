"""`make fuzz`: anything at all into the readers of documents, templates, files with variables, and the whole loader; whatever comes
out is a result or an error on purpose. Runs for FUZZ_SECONDS (600); what fails is printed with the smallest example."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from composer.errors import ComposerError
from composer.load import LoadOptions, document, dotenv, render, template, words
from composer.load.phases import load, resolve
from tests.compose_files import DOCUMENTS

SECONDS = float(os.environ.get("FUZZ_SECONDS", "600"))

_pieces = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "services:",
                "a:",
                "- ",
                "\n",
                "  ",
                "{",
                "}",
                "[",
                "]",
                "<<: ",
                "&x ",
                "*x ",
                "!reset ",
                "!override ",
                "${",
                "}",
                "$",
                "A",
                ":-",
                ":?",
                ":+",
                "=",
                "'",
                '"',
                "\\",
                "#",
                "export ",
                "image: i",
                "---\n",
                "|\n",
                ">-\n",
                "\t",
                "0o7",
                "1e9",
                "!!int ",
                "? ",
                "null",
                "~",
                "2020-01-01",
            ]
        ),
        st.text(max_size=5),
    )
).map("".join)


def _document(text: str) -> None:
    document.parse(text, "compose.yaml")


def _template(text: str) -> None:
    template.substitute(text, {"A": "1"}.get)


def _dotenv(text: str) -> None:
    dotenv.parse(text, {"A": "1"}.get)
    dotenv.parse_raw(text, {"A": "1"}.get)


def _words(text: str) -> None:
    words.split(text)


def _loader(content: Any) -> None:
    with TemporaryDirectory() as folder:
        Path(folder, "compose.yaml").write_text(content if isinstance(content, str) else yaml.safe_dump(content), errors="replace")
        options = LoadOptions(environ={"SET": "7"}, cwd=folder, profiles=("*",))
        render.to_yaml(resolve(options).tree)
        load(options)


TARGETS: list[tuple[Callable[[Any], None], st.SearchStrategy[Any]]] = [
    (_document, _pieces),
    (_template, _pieces),
    (_dotenv, _pieces),
    (_words, _pieces),
    (_loader, _pieces),
    (_loader, DOCUMENTS),
]


def _run(target: Callable[[Any], None], inputs: st.SearchStrategy[Any], number: int) -> None:
    @seed(number)
    @settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(inputs)
    def never_a_surprise(given_input: Any) -> None:
        try:
            target(given_input)
        except (ComposerError, ValueError) as refused:  # ValueError: what the short syntaxes raise, and nobody else
            if isinstance(refused, ValueError) and target is _loader:
                raise

    never_a_surprise()


def main() -> None:
    until = time.monotonic() + SECONDS
    for number in count():
        for target, inputs in TARGETS:
            _run(target, inputs, number)
            if time.monotonic() > until:
                print(f"{number * len(TARGETS) * 200} inputs, nothing unexpected")
                return


if __name__ == "__main__":
    main()
