"""A few rounds of `make chaos`: whatever is killed while a command runs, the next `up` brings everything to where it belongs."""

from __future__ import annotations

from pathlib import Path

from composer.store import Places
from tests.chaos.world import fence, one_round, shop

SEED, ROUNDS = 3, range(13, 22)


def test_killed_at_random_moments(places: Places, tmp_path: Path) -> None:
    """`ps` tells the truth, `up` converges, names and port work, the volume is whole, and `down` leaves nothing: after every kill."""
    folder = tmp_path / "hurt"
    folder.mkdir()
    with fence() as fenced, shop(places, folder) as made:
        problems = [one_round(made, SEED, number, fenced) for number in ROUNDS]
        assert not any(problems), "\n".join(problems)
