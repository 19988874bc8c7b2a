"""Hurt a stack of its own for as long as you like: `python -m tests.faults.soak`.

Each round kills three parts, chosen at random, under traffic, and compares what was
acknowledged with what is stored. The seed of a round that fails is in its last line.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.stack import Stack, running_stack
from tests.faults.traffic import check_nothing_lost, hurt

VICTIMS = (
    *("worker", "one worker", "web", "one web", "beat"),
    *("one scorer", "valkey", "postgres", "one postgres"),
)


def main() -> None:
    """Run rounds until the time is over; the first loss ends it with a traceback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="cs-soak-") as folder,
        running_stack(Path(folder) / "data") as stack,
    ):
        soak(stack, seconds=options.seconds, seed=options.seed)


def soak(stack: Stack, *, seconds: float, seed: int) -> None:
    """Run rounds with the seeds `seed`, `seed` + 1, … and tell what each did."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        victims = random.Random(seed).choices(VICTIMS, k=3)
        tell(f"seed {seed}: killing {', '.join(victims)}")
        traffic = hurt(stack, victims, seed=seed)
        check_nothing_lost(traffic)
        tell(
            f"  {len(traffic.acknowledged):,} items and {len(traffic.decisions):,} "
            f"decisions acknowledged, all there once; {traffic.n_repeats} repeats"
        )
        seed += 1


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
