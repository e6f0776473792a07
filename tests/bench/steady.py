"""Whether the verdicts on threads, executors, event loops and Qt are the same each time: many runs of one suite.

    python tests/bench/steady.py [--runs 200] [--leakcheck]

Printed is how often each test ended how; the exit status is 1 if any test did not always end alike, or ended otherwise
than its name says. The tests of Qt are left out, with a word about it, where PySide6 is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

SUITE = """
import asyncio
import concurrent.futures
import queue
import threading
import time

import pytest

KEPT = []


class Thing:
    pass


def test_passes_thread_that_ends_late(assert_collected):
    thing = assert_collected(Thing())
    thread = threading.Thread(target=lambda thing: time.sleep(0.05), args=(thing,))
    thread.start()


def test_passes_thread_that_is_joined(assert_collected):
    thing = assert_collected(Thing(), by_refcount=True)
    thread = threading.Thread(target=lambda thing: None, args=(thing,))
    thread.start()
    thread.join()


def test_leaks_thread_that_goes_on(assert_collected):
    over = threading.Event()
    KEPT.append(over)
    thing = assert_collected(Thing(), within=0.05)
    threading.Thread(target=lambda thing: over.wait(60), args=(thing,), daemon=True).start()


def test_passes_worker_of_an_executor(assert_collected):
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        for _ in range(20):
            executor.submit(id, assert_collected(Thing()))


def test_passes_executor_that_is_not_shut_down(assert_collected):
    executor = concurrent.futures.ThreadPoolExecutor(1)
    executor.submit(id, assert_collected(Thing())).result()


def test_leaks_future_that_is_kept(assert_collected):
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        KEPT.append(executor.submit(lambda thing: thing, assert_collected(Thing())))


def test_passes_queue_between_threads(assert_collected):
    things = queue.Queue()
    thread = threading.Thread(target=lambda: [things.get() for _ in range(5)])
    thread.start()
    for _ in range(5):
        things.put(assert_collected(Thing()))
    thread.join()


def test_passes_task_that_is_done(assert_collected):
    async def main():
        task = asyncio.ensure_future(work(assert_collected(Thing())))
        await task

    async def work(thing):
        await asyncio.sleep(0)
        return thing

    asyncio.run(main())


def test_passes_task_that_is_cancelled(assert_collected):
    async def main():
        asyncio.ensure_future(asyncio.sleep(60, assert_collected(Thing())))
        await asyncio.sleep(0)

    asyncio.run(main())


def test_leaks_task_that_is_pending(assert_collected):
    loop = asyncio.new_event_loop()
    KEPT.append(loop)
    KEPT.append(loop.create_task(asyncio.sleep(60, assert_collected(Thing(), within=0.05))))


def test_passes_call_that_is_due(assert_collected):
    async def main():
        asyncio.get_running_loop().call_soon(id, assert_collected(Thing(), by_refcount=True))
        await asyncio.sleep(0)

    asyncio.run(main())


def test_passes_async_generator_that_is_closed(assert_collected):
    async def numbers(thing):
        yield 1
        yield 2

    async def main():
        async for _ in numbers(assert_collected(Thing())):
            break

    asyncio.run(main())


def test_leaks_cycle_of_a_callback(assert_collected):
    future = assert_collected(concurrent.futures.Future(), by_refcount=True)
    future.add_done_callback(lambda _: future)
"""

QT = """

from PySide6 import QtCore, QtWidgets


@pytest.fixture(scope="session")
def application():
    return QtWidgets.QApplication.instance() or QtWidgets.QApplication([])


def test_passes_widget_that_is_dropped(application, assert_collected):
    assert_collected(QtWidgets.QWidget())


def test_passes_widget_that_is_deleted_later(application, assert_collected):
    widget = assert_collected(QtWidgets.QWidget())
    widget.deleteLater()


def test_leaks_widget_that_is_kept(application, assert_collected):
    KEPT.append(assert_collected(QtWidgets.QWidget()))
"""

_LINE = re.compile(r"^(PASSED|LEAKED|FAILED|ERROR) \S*?::(test_\w+)", re.MULTILINE)
_MEANT = {"PASSED": "passes", "LEAKED": "leaks"}


def verdicts(folder: Path, options: list[str]) -> tuple[tuple[str, str], ...]:
    """Run the suite once; return each test with how it ended."""
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    surroundings = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "COLUMNS": "200", "NO_COLOR": "1"}
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, env=surroundings)
    return tuple(sorted((test, how) for how, test in _LINE.findall(done.stdout)))


def main() -> int:
    """Run the suite many times and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--leakcheck", action="store_true", help="check all that the tests make, too")
    asked = parser.parse_args()
    has_qt = importlib.util.find_spec("PySide6") is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_steady.py").write_text(SUITE + (QT if has_qt else ""))
        runs = [verdicts(folder, ["--leakcheck"] if asked.leakcheck else []) for _ in range(asked.runs)]
    ends = Counter(end for run in runs for end in run)
    for (test, how), number in sorted(ends.items()):
        sys.stdout.write(f"{number:5} of {asked.runs}  {how}  {test}\n")
    if not has_qt:
        sys.stdout.write("PySide6 is not installed: no test of Qt was run\n")
    number = SUITE.count("\ndef test_") + (QT.count("\ndef test_") if has_qt else 0)
    is_as_meant = all(_MEANT.get(how, "?") == test.split("_")[1] for test, how in ends)
    return 0 if is_as_meant and len(ends) == number and set(ends.values()) == {asked.runs} else 1


if __name__ == "__main__":
    sys.exit(main())
