"""What the plugin costs a suite that asks for nothing: pairs of runs with it and with ``-p no:leakcheck``.

    python tests/bench/installed_cost.py [--tests 10000] [--pairs 5] [--objects 0] [--leakcheck]

The runs of a pair follow each other, in turn the one first and the other; printed is the processor time of the best and
of the median run of either kind, their ratio and the difference for a test. With ``--leakcheck`` the run with the
plugin checks every test; ``--objects`` is a number of objects that the suite keeps on the heap all the while.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = "def test_{n}():\n    pass\n\n\n"
HEAP = "HEAP = [[number] for number in range({objects})]\n"


def write_suite(folder: Path, number: int, objects: int) -> None:
    """Write `number` empty tests into files of a thousand, and a heap of `objects` beside them."""
    (folder / "conftest.py").write_text(HEAP.format(objects=objects))
    for start in range(0, number, 1000):
        names = range(start, min(start + 1000, number))
        (folder / f"test_{start}.py").write_text("".join(TESTS.format(n=n) for n in names))


def cpu_seconds(folder: Path, options: list[str]) -> float:
    """Run pytest over a folder; return the processor time of the process."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    before = os.times()
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    after = os.times()
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--objects", type=int, default=0)
    parser.add_argument("--leakcheck", action="store_true")
    args = parser.parse_args()
    options = {"without": ["-p", "no:leakcheck"], "with": ["--leakcheck"] if args.leakcheck else []}
    taken: dict[str, list[float]] = {"without": [], "with": []}
    with tempfile.TemporaryDirectory() as folder:
        write_suite(Path(folder), args.tests, args.objects)
        for pair in range(args.pairs):
            for kind in sorted(options, reverse=bool(pair % 2)):
                taken[kind].append(cpu_seconds(Path(folder), options[kind]))
    for name, pick in (("best", min), ("median", statistics.median)):
        plain, plugin = pick(taken["without"]), pick(taken["with"])
        each = 1000 * (plugin - plain) / args.tests
        print(f"{name}: {plain:.2f} s without, {plugin:.2f} s with, ratio {plugin / plain:.3f}, {each:.3f} ms a test")  # noqa: T201
    numbers = f"{args.tests:,} tests, {args.objects:,} objects kept, {args.pairs} pairs"
    print(f"{numbers}, Python {platform.python_version()}")  # noqa: T201


if __name__ == "__main__":
    main()
