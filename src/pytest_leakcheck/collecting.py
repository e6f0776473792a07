"""Tests whose markers are wrong are errors of collection, told where they can be read under xdist too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_leakcheck.marks import VANISHED, marked_class, problem_of, vanished_test
from pytest_leakcheck.rawtypes import is_type, qualname_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def refuse_wrong_markers(collector: pytest.Collector, report: pytest.CollectReport) -> pytest.CollectReport:
    """Return `report`, turned into a failed one that tells what is wrong where a marker is."""
    if not isinstance(collector, (pytest.Module, pytest.Class)):
        return report
    problems = list(_problems(collector, report))
    if problems:
        report.outcome = "failed"
        report.longrepr = "\n".join(problems)
        report.result = []
    return report


def _problems(collector: pytest.Module | pytest.Class, report: pytest.CollectReport) -> Iterator[str]:
    if report.failed:
        yield from _called_class(report)
        return
    for item in report.result:
        if isinstance(item, pytest.Item):
            problem = problem_of(item)
            if problem:
                yield f"{item.nodeid}: {problem}"
    vanished = vanished_test(dict(vars(collector.obj)), collector.funcnamefilter)
    if vanished:
        yield f"{collector.nodeid}: {vanished}"


def _called_class(report: pytest.CollectReport) -> Iterator[str]:
    """Tell of a class that a wrong marker called with the test, which raised."""
    call: Any = getattr(report, "call", None)
    if call is None or call.excinfo is None:
        return
    error = call.excinfo.value
    cause: Any = error.__cause__ or error
    tb = cause.__traceback__
    while tb is not None:
        for name, value in list(tb.tb_frame.f_globals.items()):
            if (
                is_type(value)
                and marked_class(value)
                and not name.startswith("Test")
                and value.__module__ == tb.tb_frame.f_globals.get("__name__")
            ):
                yield VANISHED.format(name="a test", kind=qualname_of(value))
                return
        tb = tb.tb_next
