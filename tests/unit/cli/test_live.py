"""Progress on a terminal."""

from __future__ import annotations

import time

from rich.console import Console

from composer.cli.live import Live
from composer.events import Event


def test_what_is_shown_is_taken_literally() -> None:
    """Names, causes and lines of builds may have brackets, which are no markup; of ours none is seen."""
    live = Live()
    live.show(Event(time.time(), "container/shop-[red]web", "creating", "asked for [/dim]"))
    live.show(Event(time.time(), "image/web", "line", "[1/2] RUN make [/nothing]"))
    console = Console(width=120, color_system=None)
    with console.capture() as seen:
        console.print(live._table())
    live.clear()
    shown = seen.get()
    assert all(text in shown for text in ("Container shop-[red]web", "asked for [/dim]", "[1/2] RUN make [/nothing]"))
    assert "[dim]" not in shown
