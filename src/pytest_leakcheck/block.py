"""``with no_leak():``, the check of a block of code, with or without pytest."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_leakcheck.checking.check import Check, Session
from pytest_leakcheck.checking.plan import Plan
from pytest_leakcheck.describe import fault_text
from pytest_leakcheck.errors import LeakError
from pytest_leakcheck.extensions import current
from pytest_leakcheck.marks import as_targets, problem_of_seconds
from pytest_leakcheck.options import Options
from pytest_leakcheck.render.text import render

if TYPE_CHECKING:
    import types
    from collections.abc import Sequence

    from pytest_leakcheck.model import Report


class no_leak:  # noqa: N801 - it reads as a statement, like contextlib.suppress
    """Check that instances made in a block are gone at its end.

    `instances_of` is a class, a dotted name with ``*``, or a list of them; without it, all new instances of the classes
    of the current folder's project are watched. With `by_refcount`, each must die without the cycle collector.
    `within` is how many seconds that may take after the block. Raises `LeakError` at the end of the block, with the
    report as its text, and TypeError for a wrong `instances_of` or `within`. A block that raises is not checked. What a
    variable of the function around the block still refers to is alive, and is reported so. Under ``--no-leakcheck``,
    nothing is checked; where the check itself goes wrong, a warning says so.
    Limits, which err towards a missed leak: objects that can't be weakly referenced are not seen.
    """

    def __init__(
        self,
        *,
        instances_of: type | str | Sequence[type | str] | None = None,
        by_refcount: bool = False,
        within: float | None = None,
    ) -> None:
        __tracebackhide__ = True
        if problem_of_seconds(within):
            raise TypeError(f"no_leak: {problem_of_seconds(within)}")
        plan = Plan(
            instances_of=as_targets(instances_of) if instances_of is not None else (),
            is_own=instances_of is None,
            is_strict=True,
            by_refcount=by_refcount,
            within=within,
        )
        self._is_off = current().is_off
        self._session = Session(Options(root=_here(), extensions=current()))
        self._check = Check(self._session, plan, origin="made in the block")

    def __enter__(self) -> None:
        if not self._is_off:
            self._check.start()
            self._check.end_set_up()  # a block has no fixtures

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: types.TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        try:
            report = self._judge() if kind is None and not self._is_off else None
        finally:
            self._check.close()
        for note in self._session.take_notes():
            if note.kind == "warning":
                warnings.warn(note.text, stacklevel=2)
        if report is not None:
            error = LeakError(render(report))
            error.report = report
            raise error

    def _judge(self) -> Report | None:
        try:
            return self._check.judge()
        except Exception as error:  # noqa: BLE001 - the user's code has run well
            why = fault_text(error)
        warnings.warn(f"no_leak: not checked to its end, by a fault of the check: {why}", stacklevel=3)
        return self._check.judge_again(why)


def _here() -> str:
    """Return the current folder; empty where it is gone."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return ""
