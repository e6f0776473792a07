"""Tests whose markers are wrong are errors of collection, told where they can be read under xdist too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_leakcheck.describe import message_of
from pytest_leakcheck.marks import is_marked, problem_of, vanished
from pytest_leakcheck.runtime.rawtypes import (
    class_dict,
    is_module,
    is_type,
    items_of,
    module_dict,
    qualname_of,
    text_of,
)

if TYPE_CHECKING:
    import types
    from collections.abc import Iterator


def refuse_wrong_markers(collector: pytest.Collector, report: pytest.CollectReport) -> pytest.CollectReport:
    """Return `report`, turned into a failed one that tells what is wrong where a marker is."""
    # A module that skips itself has no tests, and to ask for it would import it once more.
    if report.skipped or not isinstance(collector, (pytest.Module, pytest.Class)):
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
    names = _names_of(collector.obj)
    named = [(name, value) for name, value in names if _is_test(collector, name)]
    lost = [(name, value) for name, value in named if is_marked(type(value)) or not callable(value)]
    helpers = _helpers(collector, names) if lost else []
    for name, value in lost:
        if is_marked(type(value)):
            yield vanished(name, type(value))
        elif helpers:
            yield vanished(name, helpers[0])


def _helpers(collector: pytest.Module | pytest.Class, names: list[tuple[str, Any]]) -> list[Any]:
    """Return the marked functions that the names of a module or class lead to."""
    module = collector.getparent(pytest.Module)
    around = _names_of(module.obj) if module is not None and module is not collector else []
    return [what for what in _marked(collector, [*around, *names]) if not is_type(what)]


def _names_of(what: Any) -> list[tuple[str, Any]]:
    """Return what a module or class itself has, by name; keys that are no plain text name nothing."""
    names: Any = module_dict(what) if is_module(what) else class_dict(what) if is_type(what) else {}
    return [(name, value) for name, value in items_of(names) if type(name) is str]


def _marked(collector: pytest.Module | pytest.Class, names: list[tuple[str, Any]]) -> list[Any]:
    """Return what bears the marker among the values of `names`, and of modules among them; tests are left out."""
    reached = [*names, *(item for _, value in names if is_module(value) for item in _names_of(value))]
    return [value for name, value in reached if is_marked(value) and not _is_test(collector, name)]


def _is_test(collector: pytest.Module | pytest.Class, name: str) -> bool:
    return collector.funcnamefilter(name) or collector.classnamefilter(name)


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
    tb = error.__traceback__
    while tb is not None:
        names = [(name, value) for name, value in items_of(tb.tb_frame.f_globals) if type(name) is str]
        for what in _marked(collector, names):
            if _is_called(what, message_of(error), tb.tb_next):
                return [f"{collector.nodeid}: {vanished('a test', what)}"]
        tb = tb.tb_next
    return []


def _is_called(what: Any, text: str, inner: types.TracebackType | None) -> bool:
    """Tell whether an error came of calling `what`: by its text, or raised in a method of it or in itself."""
    own = qualname_of(what) if is_type(what) else text_of(what.__qualname__)
    if any(f"{name}(" in text for name in (own, f"{own}.__init__")):
        return True
    if inner is None:
        return False
    if not is_type(what):
        return inner.tb_frame.f_code is getattr(what, "__code__", None)
    from pytest_leakcheck.heap.frames import take_locals  # noqa: PLC0415 - most runs never get here

    return type(next((value for _, value in take_locals(inner.tb_frame)), None)) is what
