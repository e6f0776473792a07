"""asyncio: a loop that stands still between tests does what it has ready; tasks, handles and loops say how they are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytest_leakcheck.describe import label
from pytest_leakcheck.runtime import rawtypes

_MOST_TURNS = 5
"""Turns of the loop at most: what cancelled tasks still do takes a few; what goes on for ever must not."""


def pytest_leakcheck_drain() -> bool:
    """Let the loop that is set in this thread do what it would do first when it runs again: end cancelled tasks."""
    loop = _standing_loop()
    if loop is None or not loop._ready:  # noqa: SLF001 - an empty queue has no public name
        return False
    for _ in range(_MOST_TURNS):
        loop.call_soon(loop.stop)
        loop.run_forever()
    return True


def _standing_loop() -> Any:
    """Return the loop that is set in this thread if it neither runs nor is closed; none is made for the question."""
    policy = getattr(asyncio.events, "_event_loop_policy", None)
    loop: Any = getattr(getattr(policy, "_local", None), "_loop", None)
    is_plain = rawtypes.is_instance(loop, asyncio.BaseEventLoop)
    return loop if is_plain and not loop.is_closed() and asyncio._get_running_loop() is None else None  # noqa: SLF001


@pytest.hookimpl(trylast=True)
def pytest_leakcheck_describe(obj: Any) -> str | None:
    """Tell a task's name and state, what a handle calls, and whether a loop is closed."""
    if rawtypes.is_instance(obj, asyncio.Task):
        return f"{asyncio.Task.get_name(obj)!r}, {_state_of(obj)}"
    if rawtypes.is_instance(obj, asyncio.Handle):
        callback = obj._callback  # noqa: SLF001 - it has no public name
        return "cancelled" if callback is None else f"calls {label(callback)}"
    return _loop_words(obj) if rawtypes.is_instance(obj, asyncio.BaseEventLoop) else None


def _state_of(task: Any) -> str:
    if asyncio.Task.done(task):
        return "done"
    loop = asyncio.Task.get_loop(task)
    return "pending" if not loop.is_closed() else "pending, its loop is closed"


def _loop_words(loop: Any) -> str:
    return "closed" if loop.is_closed() else "running" if loop.is_running() else "not running"
