"""`composer logs --supervisor`: what the project's supervisor has done and why, from its own log."""

from __future__ import annotations

import select
from collections.abc import Callable

from composer.commands.session import Session
from composer.supervisor.follow import Follower
from composer.supervisor.logs import read


def journal(session: Session, tell: Callable[[str], None], *, follow: bool, tail: int | None) -> int:
    """Line by line; followed, until Ctrl-C or until the project is gone."""
    _, places = session.identity()
    if not follow:
        for line in read(places.log, tail=tail):
            tell(line.text)
        return 0
    follower = Follower()
    try:
        for line in follower.follow(places.log, tail=tail):
            tell(line.text)
        while places.state.exists():
            select.select([follower], [], [])
            for _, line in follower.read():
                tell(line.text)
    finally:
        follower.close()
    return 0
