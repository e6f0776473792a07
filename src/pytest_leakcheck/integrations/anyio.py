"""anyio's pytest plugin: its runner, which stands still between tests, lets go of the last thing that it ran."""

from __future__ import annotations

import asyncio
import sys
from typing import Any


async def _nothing() -> None:
    return None


def pytest_leakcheck_drain() -> bool:
    """Have the runner run nothing: until then it keeps the outcome of an async fixture's end, a traceback with locals.

    Not by a method that is meant for others: those raise what was left for the next test.
    """
    runner: Any = getattr(sys.modules.get("anyio.pytest_plugin"), "_current_runner", None)
    run: Any = getattr(runner, "_call_in_runner_task", None)
    if run is None or _is_running() or not _has_task(runner):
        return False
    done = run(_nothing)
    if asyncio.iscoroutine(done):
        runner.get_loop().run_until_complete(done)
    return True


def _has_task(runner: Any) -> bool:
    """Tell whether the task that runs tests on asyncio is there, and goes on; on trio there is no telling."""
    if not hasattr(runner, "_runner_task"):
        return True
    task = runner._runner_task  # noqa: SLF001 - it has no public name
    return task is not None and not task.done()


def _is_running() -> bool:
    """Tell whether this is called from within a loop, as by `assert_collected.now()` in an async test."""
    trio: Any = sys.modules.get("trio")
    return asyncio._get_running_loop() is not None or (trio is not None and trio.lowlevel.in_trio_task())  # noqa: SLF001
