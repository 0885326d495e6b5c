"""View: the page. Everything that visitors wrote is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from html import escape
from pathlib import Path
from string import Template

from entries import LONGEST_AUTHOR, LONGEST_MESSAGE, Entry

PAGE = Path(__file__).with_name("page.html")
ENTRY = Template('<li><p>$message</p><footer><b>$author</b> <time datetime="$iso">$written</time></footer></li>')


def render(entries: Sequence[Entry], problem: str = "") -> str:
    """The whole page, by the template as it is now; `problem` is shown above the form."""
    return Template(PAGE.read_text()).substitute(
        problem=f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else "",
        entries="\n".join(map(_item, entries)) or '<li class="empty">Nobody has written yet. Be the first.</li>',
        count=len(entries),
        longest_author=LONGEST_AUTHOR,
        longest_message=LONGEST_MESSAGE,
    )


def _item(entry: Entry) -> str:
    return ENTRY.substitute(
        author=escape(entry.author),
        message=escape(entry.message),
        iso=entry.written.isoformat(),
        written=f"{entry.written.astimezone(UTC):%d %B %Y, %H:%M} UTC",
    )
