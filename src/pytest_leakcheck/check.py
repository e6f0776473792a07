"""One test's check: register, run, collect, settle, survivors, leaks. The only place that wires these together."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_leakcheck import targets
from pytest_leakcheck.census import Census
from pytest_leakcheck.model import Leak, Report
from pytest_leakcheck.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_leakcheck.options import Options

_ELSEWHERE = frozenset({"thread", "asyncio task", "asyncio loop", "thread-local", "unaccounted"})
"""Kinds of roots that may let go by themselves in a moment."""


class LeakError(AssertionError):
    """Objects that should be gone are still alive; the text is the report."""

    __module__ = "pytest_leakcheck"


@dataclass(frozen=True, slots=True)
class Plan:
    """What one test is checked for beside what it registers."""

    instances_of: tuple[type | str, ...] = ()
    """Classes and dotted globs, all of whose new instances must go."""
    is_own: bool = False
    """Whether new instances of the project's own classes are watched."""
    is_skipped: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether only registered objects are watched."""
        return not self.instances_of and not self.is_own


class Check:
    """The check of one run of one test, or of one block."""

    def __init__(self, options: Options, plan: Plan) -> None:
        self.options = options
        self.watch = Watch()
        self.set_aside: tuple[Leak, ...] = ()
        """What survives but is held by pytest's own housekeeping alone, or may outlive the test."""
        self.gc_seconds = 0.0
        self.is_over = False
        """Whether it is closed: what is registered from then on is watched by nobody."""
        self.plan = plan
        self._census: Census | None = None
        self._named = targets.named(plan.instances_of)
        self._own = targets.own(options.root or ".", options.packages) if plan.is_own else None

    def start(self) -> None:
        """Take everything that lives now for old; does nothing where only registered objects are watched."""
        if not self.plan.is_empty:
            self._start_census()

    def _start_census(self) -> None:
        self._census = Census(self._is_wanted)
        self._census.start()

    def _is_wanted(self, kind: type) -> bool:
        return self._named(kind) or (self._own is not None and self._own(kind))

    def instances_of(self, classes: Sequence[type | str]) -> None:
        """Watch all instances of `classes` made from here on."""
        self.plan = replace(self.plan, instances_of=(*self.plan.instances_of, *classes))
        self._gather()
        self._named = targets.named(self.plan.instances_of)
        self._start_census()

    def pause(self) -> None:
        """Stop counting new objects: those made until `resume` belong to somebody else."""
        if self._census is not None:
            self._census.pause()

    def resume(self) -> None:
        """Count new objects again."""
        if self._census is not None:
            self._census.resume()

    def add_fixture_value(self, value: object, name: str) -> None:
        """Watch the value of a function-scoped fixture if it was made for this test and can be weakly referenced."""
        if self._own is None or self._census is None or not targets.is_plain_instance(value):
            return
        if self._census.is_new(value):
            self.watch.add_new(value, f"value of the fixture {name!r}", is_asked_for=False)

    def judge(self) -> Report | None:
        """Return the leaks, or None where all is gone.

        A full collection precedes every leak. What only pytest's housekeeping holds is put aside, not reported; what a
        thread or an event loop holds is given time to go.
        """
        self._gather()
        waited = self._settle(self.options.within or 0.0)
        leaks = self._leaks()
        patience = self.options.patience(is_held_elsewhere=any(_is_elsewhere(leak) for leak in leaks))
        if leaks and patience > waited:
            waited += self._settle(patience - waited)
            leaks = self._leaks()
        return Report(leaks, waited=waited if waited >= 0.1 else 0.0) if leaks else None

    def judge_so_far(self) -> Report | None:
        """Return the leaks as `judge` does, and go on watching: a check may be asked more than once."""
        report = self.judge()
        self.start()
        return report

    def survivors(self) -> list[Any]:
        """Return the objects that still live, for a debugger; the caller must drop them."""
        return self.watch.alive()

    def close(self) -> None:
        """Let go of everything."""
        if self._census is not None:
            self._census.stop()
            self._census = None
        self.watch.watched.clear()
        self.is_over = True

    def _settle(self, seconds: float) -> float:
        started, slept = time.perf_counter(), self.watch.settle(seconds)
        self.gc_seconds += time.perf_counter() - started - (slept if seconds else 0.0)
        return slept if seconds else 0.0

    def _gather(self) -> None:
        if self._census is None:
            return
        self._census.stop()
        known = {id(obj) for obj in self.watch.alive()}
        for obj in self._census.new_objects():
            if id(obj) not in known:
                self.watch.add_new(obj, "made during the test", is_asked_for=self._named(type(obj)))
        self._census = None

    def _leaks(self) -> tuple[Leak, ...]:
        objects = self.watch.alive()
        if not objects:
            return ()
        from pytest_leakcheck.explain import explain  # noqa: PLC0415 - most tests never get here, and it imports much

        gc.collect()
        found = explain(objects, self.watch.facts(objects))
        del objects
        self.set_aside = tuple(leak for leak in found if self._may_live(leak))
        return tuple(leak for leak in found if leak not in self.set_aside)

    def _may_live(self, leak: Leak) -> bool:
        is_asked_for = any(survivor.is_asked_for for survivor in leak.survivors)
        return leak.is_housekeeping or (
            not is_asked_for and leak.trace is not None and leak.trace.root.kind == "fixture"
        )


def _is_elsewhere(leak: Leak) -> bool:
    return leak.trace is None or leak.trace.root.kind in _ELSEWHERE
