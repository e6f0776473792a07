"""Tests whose markers are wrong are errors of collection, told where they can be read under xdist too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_leakcheck.marks import is_marked, problem_of, vanished
from pytest_leakcheck.rawtypes import is_type

if TYPE_CHECKING:
    from collections.abc import Iterator


def refuse_wrong_markers(collector: pytest.Collector, report: pytest.CollectReport) -> pytest.CollectReport:
    """Return `report`, turned into a failed one that tells what is wrong where a marker is."""
    if not isinstance(collector, (pytest.Module, pytest.Class)):
        return report
    problems = _called_by_marker(collector, report) if report.failed else _problems(collector, report)
    if problems:
        original = f"\n\n{report.longrepr}" if report.failed else ""
        report.outcome = "failed"
        report.longrepr = "\n".join(problems) + original
        report.result = []
    return report


def _problems(collector: pytest.Module | pytest.Class, report: pytest.CollectReport) -> list[str]:
    """Return what is wrong with the tests that were collected, and with those that were not; each problem once."""
    tests: dict[str, list[str]] = {}
    for item in report.result:
        problem = problem_of(item) if isinstance(item, pytest.Item) else None
        if problem:
            tests.setdefault(problem, []).append(item.nodeid)
    told = [f"{nodeids[0]}{_and_more(nodeids)}: {problem}" for problem, nodeids in tests.items()]
    return told + [f"{collector.nodeid}: {problem}" for problem in _vanished(collector)]


def _and_more(nodeids: list[str]) -> str:
    return f" and {len(nodeids) - 1} more" if len(nodeids) > 1 else ""


def _vanished(collector: pytest.Module | pytest.Class) -> Iterator[str]:
    """Tell of each test-named attribute that a wrong marker replaced by what a class or function made of the test."""
    names = dict(vars(collector.obj))
    helpers = [value for name, value in names.items() if not _is_test_name(collector, name) and is_marked(value)]
    functions = [helper for helper in helpers if not is_type(helper)]
    for name, value in names.items():
        if not _is_test_name(collector, name):
            continue
        if is_marked(type(value)):
            yield vanished(name, type(value))
        elif functions and not callable(value):
            yield vanished(name, functions[0])


def _is_test_name(collector: pytest.Module | pytest.Class, name: str) -> bool:
    return bool(collector.funcnamefilter(name) or collector.classnamefilter(name))


def _called_by_marker(collector: pytest.Module | pytest.Class, report: pytest.CollectReport) -> list[str]:
    """Tell of a class or function that a wrong marker called with the test, which raised."""
    call: Any = getattr(report, "call", None)
    if call is None or call.excinfo is None:
        return []
    given = getattr(getattr(collector, "_obj", None), "pytestmark", None)
    if is_marked(given):
        return [f"{collector.nodeid}: {vanished('pytestmark', given)}"]
    error = call.excinfo.value
    error = error.__cause__ or error
    tb, text = error.__traceback__, str(error)
    while tb is not None:
        first = next(iter(tb.tb_frame.f_locals.values()), None)
        for value in list(tb.tb_frame.f_globals.values()):
            if is_marked(value) and (
                type(first) is value or f"{value.__qualname__}(" in text or _init_of(value) in text
            ):
                return [f"{collector.nodeid}: {vanished('a test', value)}"]
        tb = tb.tb_next
    return []


def _init_of(what: Any) -> str:
    return f"{what.__qualname__}.__init__("
