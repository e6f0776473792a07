"""What teardowns printed, looked up by test: pytest goes through all reports of the run for each failure that it shows.

With a leak in a thousand tests that takes longer than finding it. Only pytest's own way is replaced, not what another
plugin has put in its stead.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from _pytest.terminal import TerminalReporter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

_NAME = "_get_teardown_reports"


@contextmanager
def looked_up(reporter: Any) -> Iterator[None]:
    """Have pytest's `reporter` find the reports of a test's teardown at once while this lasts: no test runs then."""
    real = getattr(TerminalReporter, _NAME, None)
    if real is None or getattr(getattr(reporter, _NAME, None), "__func__", None) is not real:
        yield
        return
    setattr(reporter, _NAME, _Lookup(reporter, getattr(reporter, _NAME)))
    try:
        yield
    finally:
        delattr(reporter, _NAME)


class _Lookup:
    """The reports of teardowns by test, gathered when the first of them is asked for."""

    def __init__(self, reporter: Any, real: Callable[[Any], Any]) -> None:
        self._reporter = reporter
        self._real = real

    def __call__(self, test: Any) -> Any:
        return self._by_test[test] if test in self._by_test else self._real(test)

    @cached_property
    def _by_test(self) -> dict[Any, list[pytest.TestReport]]:
        found: dict[Any, list[pytest.TestReport]] = {}
        for report in self._reporter.getreports(""):
            if report.when == "teardown":
                test = getattr(report, "id", report.nodeid)  # which pytest 9.2 asks by
                found.setdefault(test, []).append(report)
        return found
