"""Progress on a terminal: one line a resource, redrawn in place while it changes."""

from __future__ import annotations

import time
from dataclasses import replace

from rich.console import Console
from rich.live import Live as RichLive
from rich.table import Table
from rich.text import Text

from composer.cli.printer import FINAL, sentence
from composer.events import Event

#: Lines of a build that stay in sight.
OUTPUT_LINES = 6


class Live:
    """Drawn while anything is under way; what is done stays as text above."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._open: dict[str, Event] = {}
        self._output: list[str] = []
        self._live: RichLive | None = None

    def show(self, event: Event) -> None:
        if event.action == "line":
            self._output = [*self._output, event.detail][-OUTPUT_LINES:]
        elif event.action in FINAL:
            self._finish(event)
        else:
            before = self._open.get(event.subject)  # progress of one piece of work counts from its beginning
            self._open[event.subject] = replace(event, at=before.at) if before and before.action == event.action else event
        self._draw()

    def clear(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def _finish(self, event: Event) -> None:
        self._open.pop(event.subject, None)
        self._output = []
        style = {"error": "red", "warning": "yellow", "unhealthy": "red"}.get(event.action, "green")
        mark = "✘" if event.action == "error" else "!" if event.action == "warning" else "✔"
        self._console.print(f"{mark}{sentence(event)}", style=style, markup=False)

    def _draw(self) -> None:
        if not self._open:
            self.clear()
            return
        if self._live is None:
            self._live = RichLive(console=self._console, transient=True, refresh_per_second=8, get_renderable=self._table)
            self._live.start()
        self._live.refresh()

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        now = time.time()
        for event in self._open.values():
            kind, _, name = event.subject.partition("/")
            detail = Text(event.detail, style="dim")
            table.add_row("⠿", Text(f"{kind.capitalize()} {name}"), event.action.capitalize(), detail, f"{now - event.at:.1f}s")
        for line in self._output:
            table.add_row("", Text(line, style="dim"))
        return table
