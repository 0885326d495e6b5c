"""`python -m tests.chaos`: rounds until their number or the time is reached; exit code 1 when a promise did not hold."""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.chaos.world import fence, one_round, own_folder, own_places, shop


def main() -> int:
    chosen = _arguments()
    until = time.monotonic() + chosen.seconds
    failed = played = 0
    with own_places() as places, own_folder() as folder, fence() as fenced, shop(places, folder) as made:
        for number in range(chosen.first, chosen.first + chosen.rounds):
            if time.monotonic() > until:
                break
            begun = time.monotonic()
            problem = one_round(made, chosen.seed, number, fenced)
            played += 1
            failed += bool(problem)
            if problem:
                print(f"FAILED {problem}\n    again: python -m tests.chaos --seed {chosen.seed} --first {number} --rounds 1", flush=True)
            elif chosen.verbose:
                print(f"round {number} {time.monotonic() - begun:.1f} s", flush=True)
    print(f"seed {chosen.seed}: {played} rounds, {failed} failed")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1, help="number of the first round")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--seconds", type=float, default=3600, help="start no round after this time")
    parser.add_argument("-v", "--verbose", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
