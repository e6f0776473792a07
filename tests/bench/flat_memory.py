"""What a run keeps in memory for each test that it has checked, beside what pytest itself keeps.

    python tests/bench/flat_memory.py [--tests 100000]

Two runs of the same suite, with ``--leakcheck`` and without, look at the memory of their process after a fifth of the
tests and after all of them. Each test makes objects of the project's own, takes one from a fixture and registers one;
every tenth replaces what the one before left. Printed is what came on top from the one look to the other, for a test:
objects that the collector tracks, and bytes of the resident set.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

CONFTEST = """
import gc, sys

LOOKS, DONE = {looks}, []

def pytest_runtest_logfinish(nodeid):
    DONE.append(1)
    if len(DONE) in LOOKS:
        gc.collect()
        with open("/proc/self/statm") as file:
            resident = int(file.read().split()[1]) * {page}
        with open("looks.txt", "a") as file:
            file.write(f"{{len(gc.get_objects())}} {{resident}}\\n")
"""
TESTS = """
import pytest

class Thing:
    current = None

class Node:
    def __init__(self):
        self.itself = self

@pytest.fixture
def thing():
    return Thing()

@pytest.fixture
def register(request):
    is_there = request.config.pluginmanager.has_plugin("leakcheck")
    return request.getfixturevalue("assert_collected") if is_there else lambda obj: obj

@pytest.mark.parametrize("number", range({tests}))
def test_it(thing, register, number):
    register(Node())
    if number % 10 == 0:
        Thing.current = Thing()
"""


class Growth(NamedTuple):
    """What came on top for a test."""

    objects: float
    size: float


def growth(tests: int, options: list[str]) -> Growth:
    """Run the suite; return what each test of the last four fifths left."""
    looks = tests // 5, tests
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = __import__("resource").getpagesize()
        (folder / "conftest.py").write_text(CONFTEST.format(looks=looks, page=page))
        (folder / "test_it.py").write_text(TESTS.format(tests=tests))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", *options]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
        early, late = ([int(word) for word in line.split()] for line in (folder / "looks.txt").read_text().splitlines())
    between = looks[1] - looks[0]
    return Growth((late[0] - early[0]) / between, (late[1] - early[1]) / between)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", type=int, default=100_000)
    args = parser.parse_args()
    plain, checked = growth(args.tests, ["-p", "no:leakcheck"]), growth(args.tests, ["--leakcheck"])
    for kind, each in (("pytest alone", plain), ("with --leakcheck", checked)):
        print(f"{kind}: {each.objects:.3f} objects and {each.size:.0f} bytes a test")  # noqa: T201
    more = Growth(checked.objects - plain.objects, checked.size - plain.size)
    print(f"on top: {more.objects:.3f} objects and {more.size:.0f} bytes a test")  # noqa: T201
    print(f"{args.tests:,} tests, Python {platform.python_version()}")  # noqa: T201


if __name__ == "__main__":
    main()
