"""All sections of one run -> docs/benchmarks.md. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.section import Goal, Section, number, paragraphs, table

HEAD = """# Benchmarks

Written by `make bench`; do not edit. `make bench-others` before it installs docker compose and podman-compose, so that they are measured
in the same run. `{command}` was this run; `--help` names the rest, such as `--quick` and `--only`."""

GOALS = "## Watched figures\n\nWhat this project holds itself to, and what this run says."


def page(facts: Mapping[str, str], command: str, sections: Sequence[Section]) -> str:
    """The page."""
    bodies = [f"## {section.title}\n\n{section.text}" for section in sections]
    goals = [goal for section in sections for goal in section.goals]
    return paragraphs(HEAD.format(command=command), table(("", ""), facts.items()), GOALS, goals_table(goals), *bodies) + "\n"


def goals_table(goals: Iterable[Goal]) -> str:
    rows = [[goal.figure, _amount(goal.limit, goal.unit), _amount(goal.measured, goal.unit), "yes" if goal.reached else "**no**"]
            for goal in goals]
    return table(("figure", "at most", "measured", "reached"), rows)


def _amount(value: float, unit: str) -> str:
    return f"{number(value)} {unit}".strip()
