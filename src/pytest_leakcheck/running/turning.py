"""How reports turn where something leaked: that of the call, made again as a failure, or else that of the teardown."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import CallInfo, check_interactive_exception
from _pytest.skipping import xfailed_key

from pytest_leakcheck.errors import LeakError
from pytest_leakcheck.neighbours.embedding import embed
from pytest_leakcheck.neighbours.guarded import call_hook
from pytest_leakcheck.options import OPTIONS
from pytest_leakcheck.reporting.reporter import add_leak_section, as_leak_report, note_fingerprints

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from pytest_leakcheck.model import Report
    from pytest_leakcheck.running.runs import Run

_TOLD: pytest.StashKey[list[str]] = pytest.StashKey()
"""The fingerprints of the leaks that the reports of a test's current run tell of."""


def tell(item: pytest.Item, run: Run, report: Report) -> bool:
    """Make the report of the call tell of leaks, or the teardown's where that is out; tell whether it is shown as such.

    What another plugin's protocol collects may never be: it may run the test once more, and show that report alone.
    """
    if run.call is None or run.report is None or not run.is_clean:
        _add_late(run, report)
        return run.is_owned
    run.leak = report
    if run.is_owned:
        return _log_leak(item, run, run.call)
    turn(item, run, _leak_call([], run.call), run.report)
    return False


def _add_late(run: Run, report: Report) -> None:
    run.late = report if run.late is None else replace(run.late, leaks=run.late.leaks + report.leaks)


def turn(item: pytest.Item, run: Run, call: CallInfo[None], collected: pytest.TestReport) -> None:
    """Make a report that somebody has collected, but not logged, the one that `call` makes now."""
    with _own_words(item):
        report = item.ihook.pytest_runtest_makereport(item=item, call=call)
    run.report = run.call = None
    report.sections = list(collected.sections)
    collected.__dict__.clear()
    collected.__dict__.update(report.__dict__)


def _log_leak(item: pytest.Item, run: Run, first: CallInfo[None]) -> bool:
    """Log the report of the call, made again for the leak; tell whether it is a failure, not an expected one."""
    survivors = survivors_of(item, run)
    call = _leak_call(survivors, first)
    with _own_words(item):
        report = item.ihook.pytest_runtest_makereport(item=item, call=call)
    run.report = run.call = None
    with _capture_suspended(item.config):
        item.ihook.pytest_runtest_logreport(report=report)
        if check_interactive_exception(call, report):
            call_hook(item, "pytest_exception_interact", node=item, call=call, report=report)
    survivors.clear()  # the frame of the error has this list
    live_log: Any = getattr(item.config.pluginmanager.get_plugin("logging-plugin"), "log_cli_handler", None)
    if hasattr(live_log, "set_when"):
        live_log.set_when("teardown")  # a logged report ends the live log's section, and the teardown goes on
    return bool(report.failed)


@contextmanager
def _own_words(item: pytest.Item) -> Iterator[None]:
    """Spare pytest the words for the leak's error: it would parse a file of ours each time, for nothing."""
    item.repr_failure = lambda *_, **__: "leak"  # type: ignore[method-assign]
    try:
        yield
    finally:
        del item.repr_failure


def note_told(item: pytest.Item, leak: Report) -> None:
    """Note what is told of this run of a test, for the report of its teardown: that has the properties for JUnit."""
    told = item.stash.setdefault(_TOLD, [])
    told += [each.fingerprint for each in leak.leaks]


def give_told(item: pytest.Item, call: CallInfo[None], report: pytest.TestReport) -> None:
    """Give the report of the teardown, which ends the run, the properties of all that was told of it."""
    if call.when == "teardown" and _TOLD in item.stash:
        told = item.stash[_TOLD]
        note_fingerprints(report, told)
        del item.stash[_TOLD]


def leak_report(
    item: pytest.Item, report: pytest.TestReport, leak: Report, first: pytest.TestReport | None
) -> pytest.TestReport:
    """Return a report made a leak's; `first` is the one of the phase as it was."""
    note_told(item, leak)
    note_fingerprints(report, [each.fingerprint for each in leak.leaks])
    embed(report, leak, item.config)
    return as_leak_report(report, leak, first, is_verbose=item.config.stash[OPTIONS].is_verbose)


def teardown_leak_report(
    item: pytest.Item, leak: Report, call: CallInfo[None], report: pytest.TestReport
) -> pytest.TestReport:
    """Return the report of a teardown after which the leak is an error, or stands beside one."""
    if call.excinfo is not None and isinstance(call.excinfo.value, LeakError):
        return leak_report(item, report, leak, report)
    note_told(item, leak)
    return add_leak_section(report, leak)


def _capture_suspended(config: pytest.Config) -> AbstractContextManager[None]:
    """Let what the terminal prints through: the verdict falls inside the teardown, whose output is captured."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    return capture.global_and_fixture_disabled() if capture else nullcontext()


def survivors_of(item: pytest.Item, run: Run) -> list[Any]:
    """Return the survivors for the debugger's eyes: without one, the error's frame would but keep them alive."""
    return run.check.survivors() if item.config.getoption("usepdb", default=False) else []


def _leak_call(survivors: list[Any], first: CallInfo[None]) -> CallInfo[None]:
    """Return the call again, with the times of the first, as one that raises `LeakError`."""
    call = CallInfo.from_call(lambda: raise_leak(survivors), when="call")
    call.start, call.stop, call.duration = first.start, first.stop, first.duration
    return call


def raise_leak(survivors: list[Any]) -> None:
    """Raise from a frame where a debugger finds `survivors`."""
    raise LeakError("objects outlive the test" + ("; see `survivors`" if survivors else ""))


def is_strict(item: pytest.Item) -> bool:
    """Tell whether the test fails if it passes."""
    xfailed = item.stash.get(xfailed_key, None)
    return xfailed is not None and xfailed.strict


@contextmanager
def strictness_put_off(item: pytest.Item) -> Iterator[None]:
    """Let a test that must fail pass for now, as it may yet leak: a plugin that saw a failure would prepare a rerun."""
    xfailed = item.stash.get(xfailed_key, None)
    if xfailed is None or not xfailed.strict:
        yield
        return
    item.stash[xfailed_key] = replace(xfailed, strict=False)
    try:
        yield
    finally:
        item.stash[xfailed_key] = xfailed


def is_failed_otherwise(item: pytest.Item, report: pytest.TestReport) -> bool:
    """Tell whether another plugin made a report fail that has no error: one that expected failure lacks has none."""
    return bool(report.failed) and not is_strict(item)
