"""The verdict on one run: what leaked, found out between the test's own teardown and that of wider scopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pytest_leakcheck.checking.check import Check
from pytest_leakcheck.checking.plan import Plan
from pytest_leakcheck.describe import error_text
from pytest_leakcheck.reporting.beside import completed
from pytest_leakcheck.running.release import (
    forget_carried,
    holds_more_than_texts,
    instance_of,
    let_go,
    parametrize_values,
)
from pytest_leakcheck.running.repeat import made_at, running_again
from pytest_leakcheck.running.runs import RUNS, Run
from pytest_leakcheck.running.sharing import owners_of, why_not_repeatable, wider_fixtures
from pytest_leakcheck.running.turning import tell
from pytest_leakcheck.runtime import clock

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_leakcheck.checking.again import Again
    from pytest_leakcheck.model import Report
    from pytest_leakcheck.watching.watch import Watch
    from pytest_leakcheck.wider.scopes import Scopes

_NEWLINE = r"\n"


def reach(item: pytest.Item, run: Run, scopes: Scopes) -> None:
    """Reach the verdict; log a leak before the wider teardown, which goes further where the run is to stop."""
    run.is_judged = True
    if not (run.is_clean and run.is_body_over):
        return
    run.is_checked = True
    started = clock.now()
    withheld = let_go(item) if holds_more_than_texts(item) and _may_leave_any(run) else None
    if instance_of(item) is not None:
        run.check.pass_over_instance()
    try:
        found = _found(item, run, scopes)
        with run.contained():
            run.leak = completed(found, item.nodeid, run.check.options) if found else None
        run.leak = run.leak or found
    finally:
        if withheld is not None:
            run.is_let_go = True
            withheld.give_back(item)
        run.judged += clock.now() - started
    if run.leak is not None and not tell(item, run, run.leak):
        run.check.session.untell(item.nodeid)  # until its report is logged: another plugin may run the test once more


class _Lending(NamedTuple):
    """The wider-scoped fixtures that stand while a test is judged."""

    item: Any
    scopes: Scopes

    def claim(self, watch: Watch) -> bool:
        item = self.item
        forget_carried(item, watch)
        return self.scopes.claim(watch, wider_fixtures(item), owners_of(item), item.nodeid)

    def lender_of(self, nodes: Iterable[int]) -> str:
        return self.scopes.lender_of(nodes)

    def lender_of_each(self, nodes: Sequence[int]) -> str:
        return self.scopes.lender_of_each(nodes)

    def clearer_of(self, names: Collection[str]) -> str:
        return self.scopes.clearer_of(names)

    def stands(self, name: str) -> bool:
        return self.scopes.stands(name)


def _may_leave_any(run: Run) -> bool:
    """Tell whether pytest must let go of what it has of the test: not where none of it could be judged."""
    with run.contained():
        return run.check.may_leave_any()
    return True


def _found(item: pytest.Item, run: Run, scopes: Scopes) -> Report | None:
    """Return what leaked; where the check breaks off, that is told at the end, and what was asked for judged anew."""
    with run.contained():
        return run.check.judge(
            lambda: _second_run(item, run, scopes),
            kept=parametrize_values(item),
            lending=_Lending(item, scopes),
        )
    return run.check.judge_again(run.trouble)  # the error, whose frames had what was judged, is gone by now


def _second_run(item: pytest.Item, run: Run, scopes: Scopes) -> Again | None:
    """Return how the test may be run again to tell what it left of the project's own classes; None if it might harm."""
    if not isinstance(item, pytest.Function) or run.call is None:
        return None
    bound = scopes.bound_on(owners_of(item))
    why_not = why_not_repeatable(item, run.call.duration, bound=bound, is_asked_for=run.check.plan.is_strict)
    let_go(item)  # of the instance that was made anew for a look at the item's function
    if why_not or not (run.check.plan.is_strict or run.check.session.trials.are_due()):
        return None
    return _Again(item, run, run.call.duration)


@dataclass(frozen=True)
class _Again:
    """Runs a test once more."""

    item: pytest.Function
    run: Run
    """The first one."""
    seconds: float

    def __call__(self, *, is_traced: bool = False, is_told: bool = True) -> Watch | None:
        item, run = self.item, self.run
        second = Check(run.check.session, Plan(is_own=True), options=run.check.options)
        RUNS.begin(item, Run(second, run.hook, is_owned=False))
        second.start()
        try:
            with running_again(item, is_traced=is_traced) as errors:
                second.gather()
                run.check.session.trials.note(has_failed=bool(errors))
                if errors and is_told and not is_traced:
                    run.check.session.ledger.warn(_failed_again(item, errors[0]))
                if errors:
                    return None
                second.settle_found()
                if is_traced:
                    second.found.tell_origin(lambda obj: made_at(obj, second.options.root))
                return second.found
        finally:
            second.stop()
            RUNS.begin(item, run)


def _failed_again(item: pytest.Item, error: BaseException) -> str:
    return (
        f"{item.nodeid}: run a second time, to tell leaks from initialisation, it failed "
        f"({error_text(error).partition(_NEWLINE)[0]}), so what it left counts once another test leaves the same"
    )
