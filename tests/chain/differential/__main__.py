"""``python -m tests.chain.differential``: as many cases as there is time for, on several cores."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache

from tests.chain.differential import compare as bulk
from tests.chain.differential.report import table, write
from tests.chain.differential.revm import Revm
from tests.chain.differential.shrink import told
from tests.chain.world import artefact

CHUNK = 5_000


def main() -> int:
    """Print what was compared, or the smallest case that the planes do not agree on."""
    parser = argparse.ArgumentParser(prog="python -m tests.chain.differential")
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=11)
    asked = parser.parse_args()
    began = time.monotonic()
    total = bulk.Tally()
    chunks = [
        (asked.seed, start, min(start + CHUNK, asked.cases))
        for start in range(0, asked.cases, CHUNK)
    ]
    with ProcessPoolExecutor(asked.jobs) as pool:
        for done in pool.map(_compared, chunks):
            if isinstance(done, str):
                pool.shutdown(cancel_futures=True)
                sys.stdout.write(done)
                return 1
            total.add(done)
            sys.stderr.write(f"\r{total.drawn.total()} cases, {time.monotonic() - began:.0f} s ")
    text = table(total, engine="revm", seed=asked.seed)
    write(text, "differential-fuzz.txt")
    sys.stdout.write(f"\n{text}")
    return 0


def _compared(chunk: tuple[int, int, int]) -> bulk.Tally | str:
    seed, start, end = chunk
    try:
        return bulk.run(_revm(), seed=seed, indexes=range(start, end))
    except bulk.Disagreement as found:
        return told(found, _revm())


@cache
def _revm() -> Revm:
    return Revm(bytes.fromhex(artefact("Account")["runtime"][2:]))


if __name__ == "__main__":
    sys.exit(main())
