"""Beside pytest-timeout: its timer stands still during a verdict, and a further run of a test has a limit of its own.

What is known of a test's timer comes from that plugin's own hooks. Its method ``thread`` ends the whole process, which
would be too high a price for a second run that hangs: that one is limited by a signal, where nothing else uses it.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


@dataclass(slots=True)
class Timer:
    """The timer of one test, as that plugin last set or cancelled it."""

    settings: Any
    """With the attributes ``timeout``, in seconds, ``method`` and ``func_only``."""
    is_running: bool = False
    is_to_go_on: bool = False
    """Whether it is to run once a verdict is reached."""
    is_of_further_run: bool = False


_MOST_OF_LIMIT = 0.4
"""Of a test's limit, what its first run may take for a second one to be tried."""
_TIMER = pytest.StashKey[Timer]()
_NO_TIMER = nullcontext()


class Timeouts:
    """The hooks that tell of timers; they let others set and cancel them."""

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> object:
        """Note the timer; have that of a further run set anew where it would end the process."""
        timer = item.stash.get(_TIMER, None)
        if timer is not None and timer.is_of_further_run and settings.method != "signal":
            return item.config.hook.pytest_timeout_set_timer(item=item, settings=settings._replace(method="signal"))
        if timer is None:
            timer = item.stash[_TIMER] = Timer(settings)
        timer.settings, timer.is_running = settings, True
        return None

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_cancel_timer(self, item: pytest.Item) -> None:
        """Note that nothing runs; a debugger, too, has the timer cancelled, for good."""
        timer = item.stash.get(_TIMER, None)
        if timer is not None:
            timer.is_running = timer.is_to_go_on = False


def suspended(item: pytest.Item) -> AbstractContextManager[None]:
    """Stop the timer of a test for the time of a verdict; what comes after has the whole limit again."""
    timer = item.stash.get(_TIMER, None)
    return _NO_TIMER if timer is None or not timer.is_running else _suspended(item, timer)


@contextmanager
def _suspended(item: pytest.Item, timer: Timer) -> Iterator[None]:
    item.config.hook.pytest_timeout_cancel_timer(item=item)
    timer.is_to_go_on = True
    try:
        yield
    finally:
        if timer.is_to_go_on:
            item.config.hook.pytest_timeout_set_timer(item=item, settings=timer.settings)


def why_no_further_run(item: pytest.Item, seconds: float) -> str:
    """Return why the limit of a test whose first run took `seconds` forbids a further one; empty where it does not."""
    timer = item.stash.get(_TIMER, None)
    if timer is None:
        return ""
    if seconds > _MOST_OF_LIMIT * timer.settings.timeout:
        return "two runs might take longer than its timeout"
    if not _has_signal(timer.settings):
        return "a second run that hangs would end the process"
    return ""


def _has_signal(settings: Any) -> bool:
    """Tell whether a signal may limit what runs: that plugin uses it anyway, or nobody does."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        return False
    return settings.method == "signal" or signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


@contextmanager
def further_run(item: pytest.Item) -> Iterator[None]:
    """Keep the timers of a further run apart from the first one's."""
    timer = item.stash.get(_TIMER, None)
    if timer is None:
        yield
        return
    item.stash[_TIMER] = Timer(timer.settings, is_of_further_run=True)
    try:
        yield
    finally:
        item.stash[_TIMER] = timer


@contextmanager
def limited(item: pytest.Item) -> Iterator[None]:
    """Give one phase of a further run the limit of the test; where only the body has one, it has it already."""
    timer = item.stash.get(_TIMER, None)
    if timer is None or timer.settings.func_only:
        yield
        return
    item.config.hook.pytest_timeout_set_timer(item=item, settings=timer.settings)
    try:
        yield
    finally:
        item.config.hook.pytest_timeout_cancel_timer(item=item)
