"""The fixture ``assert_collected`` and the object that a test holds by it."""

from __future__ import annotations

import sys
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, overload

import pytest

from pytest_leakcheck import describe
from pytest_leakcheck.errors import LeakError
from pytest_leakcheck.marks import as_targets, problem_of_seconds
from pytest_leakcheck.remedies import why_not_weakable
from pytest_leakcheck.runtime import rawtypes

if TYPE_CHECKING:
    from pytest_leakcheck.checking.check import Check

T = TypeVar("T")


class AssertCollected:
    """Registers what must be gone once the test, its function-scoped fixtures included, is over."""

    def __init__(self, check: Check | None, fixed: tuple[Any, ...] = ()) -> None:
        self._check = check
        self._fixed = fixed

    @overload
    def __call__(self, obj: T, /, *, reason: str = "", by_refcount: bool = False, within: float | None = None) -> T: ...
    @overload
    def __call__(
        self, obj: Any, /, *more: Any, reason: str = "", by_refcount: bool = False, within: float | None = None
    ) -> tuple[Any, ...]: ...

    def __call__(
        self, obj: Any, /, *more: Any, reason: str = "", by_refcount: bool = False, within: float | None = None
    ) -> Any:
        """Register objects; each must die before the test's verdict.

        `reason` says why it should be gone, for the report. With `by_refcount`, each must die without the cycle
        collector. `within` is how many seconds it may take after the test; without it, as long as ``leakcheck_within``
        says. Returns `obj`, or a tuple of all where there are several.
        Raises TypeError for an object that can't be weakly referenced or a `within` that is no number of seconds, and
        ValueError for a value of parametrize, which pytest keeps for the whole session, and for a class by
        `by_refcount`, as only the collector frees one (CPython 3.10-3.15).
        """
        __tracebackhide__ = True
        self._refuse_late()
        problem = problem_of_seconds(within)
        if problem:
            raise TypeError(f"assert_collected: {problem}")
        objects = (obj, *more)
        spot = _caller()
        for each in objects:
            self._refuse(each, by_refcount=by_refcount)
            if self._check is not None:
                self._check.register(each, spot, reason=reason, by_refcount=by_refcount, within=within)
                self._check.add_parts(each, spot, leaving_out=self._fixed, within=within)
        return objects if more else obj

    def now(self) -> None:
        """Check here and now that all that is registered so far is gone.

        Raises `LeakError` with the report if not. It takes no objects: an argument would be held by the call.
        """
        __tracebackhide__ = True
        self._refuse_late()
        if self._check is None:
            return
        report = self._check.judge_so_far()
        if report is not None:
            from pytest_leakcheck.render.text import render  # noqa: PLC0415 - few tests get here

            error = LeakError(render(report))
            error.report = report
            raise error

    def instances_of(self, *classes: type | str) -> None:
        """Watch every instance of `classes`, subclasses included, that is made from here on in this test.

        Each is a class or a dotted name with ``*``. Raises TypeError for anything else, or for none.
        """
        __tracebackhide__ = True
        self._refuse_late()
        if not classes:
            raise TypeError("instances_of takes one class or more: assert_collected.instances_of(Session)")
        wanted = tuple(chain.from_iterable(map(as_targets, classes)))
        if self._check is not None:
            self._check.instances_of(wanted)

    def _refuse_late(self) -> None:
        __tracebackhide__ = True
        if self._check is not None and self._check.is_over:
            raise RuntimeError("assert_collected: the test that asked for it is over; ask for it anew in each test")

    def _refuse(self, obj: Any, *, by_refcount: bool) -> None:
        __tracebackhide__ = True
        problem = why_not_weakable(obj)
        if problem:
            raise TypeError(f"assert_collected: {problem}")
        if any(obj is value for value in self._fixed):
            raise ValueError(
                f"assert_collected: this {describe.short_type_name(type(obj))} is a value of parametrize, which pytest "
                "keeps for the whole session. Parametrize by a class or a factory, and make the object in the test."
            )
        if by_refcount and rawtypes.is_type(obj):
            raise ValueError(
                f"assert_collected: by_refcount=True can't hold for a class, here {describe.short_type_name(obj)}: "
                "each is on cycles of its own (its __mro__ among them), which only the collector frees. Leave "
                "by_refcount out for it."
            )


_frame_at = sys._getframe  # noqa: SLF001 - as it was when this was loaded: a test may put another in its place


def _caller() -> tuple[str, int]:
    frame = _frame_at(2)  # the registering line is two frames up
    return rawtypes.text_of(frame.f_code.co_filename), frame.f_lineno


@pytest.fixture
def assert_collected(request: pytest.FixtureRequest) -> AssertCollected:
    """Register objects that must be gone once the test is over, as in `assert_collected(window, reason="closed")`.

    No del, no gc.collect() and no inner function is needed: the check comes after the test and its fixtures. Also
    assert_collected.now() to check mid-test, and assert_collected.instances_of(Class) for all new instances.
    """
    item = request.node
    if not isinstance(item, pytest.Function):
        pytest.fail("assert_collected serves test functions and methods only, not doctests", pytrace=False)
    from pytest_leakcheck.running.release import parametrize_values  # noqa: PLC0415 - most runs never get here
    from pytest_leakcheck.running.verdict import check_of  # noqa: PLC0415 - most runs never get here; it imports much

    return AssertCollected(check_of(item), parametrize_values(item))
