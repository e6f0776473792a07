"""``make fuzz``: thousands of random graphs, hostile objects and texts, a few hundred to a process, seeds printed.

A failure is printed with its smallest example, the command that tries that one again, and the seed that led to it.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import random
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
SCRIPTS = {"graphs": "judged.py", "hostile": "hostility.py", "texts": "texts.py"}
COUNTS = {"graphs": 20_000, "hostile": 2_000, "texts": 1_000}
LOTS = {"graphs": 500, "hostile": 250, "texts": 125}
"""How many plans one process tries."""


class Lot(NamedTuple):
    """What one process tries."""

    subject: str
    seed: int
    count: int


def _lots(counts: dict[str, int], seed: int) -> list[Lot]:
    lots = []
    for subject, count in counts.items():
        sizes = [min(LOTS[subject], count - start) for start in range(0, count, LOTS[subject])]
        lots += [Lot(subject, seed + number, size) for number, size in enumerate(sizes)]
    return lots


def _try(lot: Lot) -> tuple[Lot, dict[str, Any], float]:
    started = time.monotonic()
    call = [sys.executable, str(HERE / "drive.py"), *map(str, lot)]
    done = subprocess.run(call, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        found = {
            "tried": 0,
            "plan": None,
            "problems": [f"the process ended with {done.returncode}", done.stderr[-3000:]],
        }
    else:
        found = json.loads(done.stdout.splitlines()[-1])
    return lot, found, time.monotonic() - started


def _tell(lot: Lot, found: dict[str, Any], seconds: float) -> None:
    words = f"{len(found['problems'])} problems" if found["problems"] else "all right"
    print(f"{lot.subject:8} seed {lot.seed}: {found['tried']:,} tried in {seconds:.0f} s, {words}", flush=True)
    for problem in found["problems"]:
        print("    " + problem.replace("\n", "\n    "))
    if found["problems"]:
        script = os.path.relpath(HERE / SCRIPTS[lot.subject])
        run = os.path.relpath(HERE / "run.py")
        if found["plan"] is not None:
            print(f"    this one again: {sys.executable} {script} {shlex.quote(json.dumps(found['plan']))}")
        print(f"    this seed again: {sys.executable} {run} --seed {lot.seed} --{lot.subject} {lot.count}", flush=True)


def main() -> int:
    """Try all that is asked for; return 1 where anything went wrong."""
    parser = argparse.ArgumentParser(description="Try random graphs, hostile objects and texts.")
    parser.add_argument("--seed", type=int, help="of the first lot; those of the others follow (default: a random one)")
    parser.add_argument("--workers", type=int, default=2)
    for subject, count in COUNTS.items():
        parser.add_argument(f"--{subject}", type=int, metavar="N", help=f"(default: {count:,} where none is given)")
    options = parser.parse_args()
    counts = {subject: getattr(options, subject) for subject in COUNTS if getattr(options, subject)} or COUNTS
    seed = random.randrange(1_000_000) if options.seed is None else options.seed  # noqa: S311 - no secret
    print(f"seed {seed}, {sys.implementation.name} {sys.version.split()[0]}", flush=True)
    started, tried, wrong = time.monotonic(), dict.fromkeys(counts, 0), 0
    with concurrent.futures.ThreadPoolExecutor(options.workers) as pool:
        for lot, found, seconds in pool.map(_try, _lots(counts, seed)):
            _tell(lot, found, seconds)
            tried[lot.subject] += found["tried"]
            wrong += bool(found["problems"])
    told = ", ".join(f"{count:,} {subject}" for subject, count in tried.items())
    print(f"{told} in {time.monotonic() - started:.0f} s from seed {seed}: {wrong} lots with anything wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
