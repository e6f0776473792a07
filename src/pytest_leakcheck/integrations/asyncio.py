"""asyncio: a loop that stands still between tests ends what was cancelled; tasks and loops say how they are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytest_leakcheck.describe import label
from pytest_leakcheck.runtime import rawtypes

_MOST_TURNS = 5
"""Turns of the loop at most: what cancelled tasks still do takes a few; what goes on for ever must not."""
_CLOSING = "async_generator_athrow"
"""The type of what closes an async generator, which has no public name."""


def pytest_leakcheck_drain() -> bool:
    """Let the loop that is set in this thread end what was cancelled, where that is all it has ready.

    Whatever else is ready may be what nobody would ever run, and would change what later tests see.
    """
    loop = _standing_loop()
    ready = list(loop._ready) if loop is not None else []  # noqa: SLF001 - a queue that has no public name
    if not ready or not all(map(_is_ending, ready)):
        return False
    del ready  # it would keep alive what the handles call
    for _ in range(_MOST_TURNS):
        loop.call_soon(loop.stop)
        loop.run_forever()
    return True


def _is_ending(handle: Any) -> bool:
    """Tell whether what a handle calls ends a cancelled task, or an async generator that was let go of."""
    callback, arguments = handle._callback, handle._args  # noqa: SLF001 - they have no public names
    if callback is None:
        return True
    owner = rawtypes.c_attribute(callback, "__self__")
    is_task = rawtypes.is_instance(owner, asyncio.Task)
    is_closing = is_task and rawtypes.qualname_of(type(asyncio.Task.get_coro(owner))) == _CLOSING
    return is_closing or any(map(_is_cancelled, (owner, *arguments)))


def _is_cancelled(obj: Any) -> bool:
    """Tell whether an object is a future that was cancelled, or a task that is about to be."""
    if not rawtypes.is_instance(obj, asyncio.Future):
        return False
    if rawtypes.is_instance(obj, asyncio.Task) and (obj._must_cancel or _is_asked_to_end(obj)):  # noqa: SLF001 - no public name
        return True
    return asyncio.Future.cancelled(obj)


def _is_asked_to_end(task: Any) -> bool:
    """Tell whether a task was asked to be cancelled; Python 3.10 does not note that, and each is taken for one."""
    cancelling: Any = getattr(asyncio.Task, "cancelling", None)
    return cancelling is None or cancelling(task) > 0


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
