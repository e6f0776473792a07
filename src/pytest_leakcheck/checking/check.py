"""One test's check: register, run, collect, settle, survivors, leaks. The only place that wires these together."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.checking.grades import Grades, united, why_not_told
from pytest_leakcheck.checking.patience import is_let_go, patience
from pytest_leakcheck.checking.trials import Trials
from pytest_leakcheck.describe import fault_text, key_text, short_place, short_type_name, type_name
from pytest_leakcheck.model import Leak, Report, Survivor
from pytest_leakcheck.runtime import clock, interpreter, rawtypes
from pytest_leakcheck.runtime.addresses import Patience
from pytest_leakcheck.runtime.loading import undisturbed
from pytest_leakcheck.runtime.rawtypes import text_of
from pytest_leakcheck.watching import targets
from pytest_leakcheck.watching.afterlife import Afterlife
from pytest_leakcheck.watching.census import Census
from pytest_leakcheck.watching.watch import Watch, Watched

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable, Collection, Iterable, Sequence

    from pytest_leakcheck.checking.again import Again
    from pytest_leakcheck.checking.ledger import Entrusted, Ledger, Note
    from pytest_leakcheck.checking.lending import Lending
    from pytest_leakcheck.checking.plan import Plan
    from pytest_leakcheck.options import Options


class Session:
    """What the checks of one process share: which classes are the project's own, and what was found out about leaks."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.patience = Patience()
        self.patience_with_finalizers = Patience()
        self.trials = Trials()
        self._ledger: Ledger | None = None
        self._cycles: dict[str, str] = {}
        """The fingerprints of cycles that were told of, and the tests that were."""

    @cached_property
    def own(self) -> targets.OwnTypes:
        """The filter of the project's own classes; making it looks into the project's folder."""
        return targets.own(
            self.options.root or ".",
            self.options.packages,
            watched=self.options.watch,
            ignored=[ignored.name for ignored in self.options.ignore],
        )

    @property
    def ledger(self) -> Ledger:
        """The places of survivors that are known so far."""
        if self._ledger is None:
            with undisturbed():
                from pytest_leakcheck.checking.ledger import Ledger  # noqa: PLC0415 - most runs never get here; it imports much

            self._ledger = Ledger()
        return self._ledger

    def told(self, leak: Leak, test: str) -> Leak:
        """Return a cycle's leak as it is to be told: once in full, then by the test that it was told of."""
        first = self._cycles.setdefault(leak.fingerprint, test)
        return leak if first == test else replace(leak, seen_in=first)

    def untell(self, test: str, fingerprints: Collection[str] | None = None) -> None:
        """Note that leaks of a test, or all of them, were not shown, as where it was expected to fail."""
        for fingerprint, first in list(self._cycles.items()):
            if first == test and (fingerprints is None or fingerprint in fingerprints):
                del self._cycles[fingerprint]
        if self._ledger is not None:
            self._ledger.untell(test, fingerprints)

    def retell(self, test: str, fingerprints: Collection[str]) -> None:
        """Note that leaks of a test that were not shown at first are shown by now."""
        if self._ledger is not None:
            self._ledger.retell(test, fingerprints)

    def take_notes(self) -> list[Note]:
        """Return what was found out beside leaks since the last call."""
        if self._ledger is None:
            return []
        notes, self._ledger.notes = self._ledger.notes, []
        return notes


_NONE_NAMED = targets.named(())


def _never() -> None:
    """Stand for what returns how a test may be run again, where it may not."""


def _origin_of_fixture(name: str) -> str:
    return f"value of the fixture {key_text(text_of(name))}"


class Check:
    """The check of one run of one test, or of one block."""

    def __init__(
        self,
        session: Session,
        plan: Plan,
        test: str = "",
        *,
        origin: str = "made during the test",
        options: Options | None = None,
    ) -> None:
        self.options = options or session.options
        self.watch = Watch()
        """What is asked for by hand: it must die."""
        self._afterlife: Afterlife[tuple[Survivor, float | None]] = Afterlife()
        """What is registered and may be brought back to life."""
        self.grades, self._own_grades = Grades(), Grades()
        """How those of it die that must do so at once; the same of the project's own."""
        self.found = Watch()
        """What was found to be made of the project's own classes: it must not accumulate."""
        self.set_aside: tuple[Leak, ...] = ()
        """What survives but is held by pytest's own housekeeping alone, or may outlive the test."""
        self.entrusted: list[Entrusted] = []
        """What was found, but may live as long as the wider-scoped fixtures that alone hold it."""
        self.pardoned: list[Leak] = []
        """What survives and is listed as a known leak."""
        self.is_expected: Callable[[], bool] = bool
        """Tells whether the test is expected to fail: then its leaks are told, listed or not."""
        self.gc_seconds = 0.0
        self.fault = ""
        """What went wrong in the check while the test called it."""
        self.is_over = False
        """Whether it is closed: what is registered from then on is watched by nobody."""
        self.plan = plan
        self._test = test
        self._origin = origin
        self.session = session
        self._census: Census | None = None
        self._instance: weakref.ref[Any] | None = None
        self._named = targets.named(plan.instances_of) if plan.instances_of else _NONE_NAMED
        self._own = session.own if plan.is_own else None

    @property
    def _within(self) -> float | None:
        return self.options.within if self.plan.within is None else self.plan.within

    @property
    def total(self) -> int:
        """How many objects were watched."""
        return self.watch.total + self.found.total

    def start(self) -> None:
        """Take everything that lives now for old; does nothing where only registered objects are watched."""
        if not self.plan.is_empty:
            self._start_census()

    def _start_census(self) -> None:
        at_once = self._grade if self.plan.by_refcount and self._can_grade() else None
        if self._own is not None and not self.plan.instances_of:
            patience = None if self.plan.is_strict or at_once else self.session.patience_with_finalizers
            self._census = Census(self._own, self._own.passed_over, at_once, patience)
        else:
            self._census = Census(self._is_wanted, at_once=at_once)
        if self._own is None:
            self._census.ask_no_more()
        self._census.start()
        if at_once is not None:
            self.grades.start()
            self._own_grades.start()

    def _can_grade(self) -> bool:
        """Tell whether it can be known here who dies at once; the user is told if not."""
        why = why_not_told()
        if why:
            self.session.ledger.warn(f"by_refcount was not checked, only that objects die: {why}")
        return not why

    def _grade(self, obj: Any) -> None:
        """Watch how a new object dies."""
        grades = self.grades if self._named(type(obj)) or self.grades.knows(obj) else self._own_grades
        grades.add(obj, Survivor(type_name(type(obj)), self._origin))

    def register(
        self,
        obj: object,
        spot: tuple[str, int],
        *,
        reason: str = "",
        by_refcount: bool = False,
        within: float | None = None,
    ) -> None:
        """Watch `obj`; `spot`, the file and line that ask for it, and `reason` are for the report."""
        origin = f"registered {short_place(*spot)}"
        within = self.plan.within if within is None else within
        fact = self.watch.add(obj, origin, reason, within, spot=spot)
        self._afterlife.add(obj, (fact, within))
        if (by_refcount or self.plan.by_refcount) and not rawtypes.is_type(obj) and self._can_grade():
            self._own_grades.drop(obj)
            self.grades.add(obj, fact)

    def _is_wanted(self, kind: type) -> bool:
        return self._named(kind) or (self._own is not None and self._own(kind))

    def instances_of(self, classes: Sequence[type | str]) -> None:
        """Watch all instances of `classes` made from here on."""
        self.plan = replace(self.plan, instances_of=(*self.plan.instances_of, *classes))
        try:
            self.gather()
        except Exception as error:  # noqa: BLE001 - the user's test calls this
            self.fault = fault_text(error)
        self._named = targets.named(self.plan.instances_of)
        self._start_census()

    def add_parts(
        self,
        obj: object,
        spot: tuple[str, int],
        *,
        leaving_out: Sequence[object] = (),
        within: float | None = None,
    ) -> None:
        """Watch what plugins say belongs to `obj`, as far as it can be weakly referenced and is not `leaving_out`."""
        parts = {id(part): part for part in self.options.extensions.expand(obj)}
        if parts:
            known = {*map(id, leaving_out), *map(id, self.watch.alive())}
            fresh = (part for node, part in parts.items() if node not in known)
            words = f"registered {short_place(*spot)}, part of a {short_type_name(type(obj))}"
            self.watch.add_new(fresh, words, self.plan.within if within is None else within)

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
        self._census.ask(value, name)
        if self._own_grades.is_listening and not self.grades.knows(value):
            self._own_grades.add(value, Survivor(type_name(type(value)), _origin_of_fixture(name)))

    def add_instance(self, instance: object) -> None:
        """Watch the instance that pytest made of the test's class as it collected the test, once other things survive.

        By itself it is not: it is mostly so old that only a full collection would tell it from garbage.
        """
        if self._own is not None and self._own(type(instance)):
            self._instance = rawtypes.weak_reference(instance)

    def pass_over_instance(self) -> None:
        """Leave that instance out: pytest still has it."""
        self._instance = None

    def _take_instance(self) -> None:
        if self._instance is not None:
            obj = self._instance()
            known = self.found.nodes()
            if obj is not None and id(obj) not in known:
                self.found.watched.append(Watched(self._instance, Survivor(type_name(type(obj)), self._origin)))

    def end_set_up(self) -> None:
        """Note that the test's fixtures are set up, save for those that it asks for itself."""
        if self._census is not None:
            self._census.ask_no_more()

    def gather(self) -> None:
        """End the census and watch what it counted."""
        self._take_back()
        census = self._census
        self.stop()
        if census is not None and census.is_broken:
            self.fault = self.fault or "an error amid the test kept new objects from being counted"
        if census is None or census.is_empty:
            return
        known = {*self.watch.nodes(), *self.found.nodes()}
        for value, name in census.new_values():
            if id(value) not in known:
                self.found.add_new([value], _origin_of_fixture(name))
                known.add(id(value))
        counted = [obj for obj in census.new_objects() if id(obj) not in known]
        back = {id(obj): obj for obj in rawtypes.with_finalizer(counted) if interpreter.is_finalized(obj)}
        fresh = [obj for obj in counted if id(obj) not in back]
        if self.plan.instances_of:
            self.watch.add_new((obj for obj in fresh if self._named(type(obj))), self._origin, self.plan.within)
            fresh = [obj for obj in fresh if not self._named(type(obj))]
        self.found.add_new(fresh, self._origin)
        back.update((id(obj), obj) for obj in census.brought_back() if id(obj) not in known)
        for obj in back.values():
            watch = self.watch if self._named(type(obj)) else self.found
            watch.add_back(obj, Survivor(type_name(type(obj)), self._origin), self.plan.within)
        if census.new_addresses():
            self.found.add_addresses(census.new_addresses(), self._origin, census.span)

    def may_leave_any(self) -> bool:
        """Tell whether anything that is watched may live by now; where not, there is nothing to judge."""
        return bool(
            self.watch.drop_dead_refs()
            or self.found
            or self._afterlife
            or self.grades
            or self._own_grades
            or (self._census is not None and self._census.may_have_living())
        )

    def judge_so_far(self) -> Report | None:
        """Judge what is registered or named so far, and go on counting; what leaked is watched no more."""
        is_counting = self._census is not None
        try:
            self.gather()
            report = self._judge_asked_for()
        except Exception as error:  # noqa: BLE001 - the user's test calls this
            self.fault = fault_text(error)
            report = None
        report = self.judge_again(self.fault) if self.fault else report
        if report is not None:
            self._afterlife.stop()
            self.watch.clear()
            self.grades.clear()
        if is_counting:
            self._start_census()
        return self.unpardoned(report)

    def judge(
        self,
        again: Callable[[], Again | None] | None = None,
        *,
        kept: Sequence[Any] = (),
        lending: Lending | None = None,
    ) -> Report | None:
        """Return the leaks, or None where all is gone.

        A full collection precedes every leak. What only pytest's housekeeping holds is put aside, not reported; what a
        thread or an event loop holds is given time to go. `again` is asked, where it comes to that, for what runs the
        test once more, and returns what it left of the project's own classes, or None if it failed; for None where it
        would do harm. `kept` are objects that pytest keeps for the session: what hangs below them and was not asked for
        is not looked into. `lending` has the wider-scoped fixtures that stand, and may keep what the test left.
        """
        self.gather()
        if not (self.watch or self.found or self.grades or self._own_grades):
            return None
        asked = self._judge_asked_for()
        cycles = self._own_cycles()
        leaks = (*(asked.leaks if asked else ()), *self._accumulated(again, kept, lending), *cycles)
        return self.unpardoned(Report(leaks, waited=asked.waited if asked else 0.0) if leaks else None)

    def unpardoned(self, report: Report | None) -> Report | None:
        """Return what is left of a report without the leaks that a baseline lists, which are noted."""
        if report is None or not self.options.baseline or self.is_expected():
            return report
        pardoned = [leak for leak in report.leaks if self.options.pardons(leak)]
        self.pardoned += pardoned
        self.session.untell(self._test, {leak.fingerprint for leak in pardoned})
        leaks = tuple(leak for leak in report.leaks if not self.options.pardons(leak))
        return replace(report, leaks=leaks) if leaks else None

    def judge_again(self, why: str) -> Report | None:
        """Return the leaks of what was asked for, where `judge` broke off; `why` is told where that goes on.

        Never raises; what nobody asked for is passed over.
        """
        try:
            self.stop()
            return self.unpardoned(self._judge_asked_for())
        except Exception:  # noqa: BLE001 - as the first time, and there is an answer without a search
            facts = tuple(entry.fact for entry in self.watch.watched if entry.ref() is not None)
            broken_off = f"the check ended with {why}"
            return self.unpardoned(Report((Leak(facts, None, unavailable=broken_off),))) if facts else None

    def _judge_asked_for(self) -> Report | None:
        self.grades.is_verdict = self._own_grades.is_verdict = True
        within = self.watch.within(self._within)
        waited = self._settle(within or 0.0)
        leaks = self._leaks()
        further = patience(leaks, within) - waited
        if leaks and (further > 0 or is_let_go(leaks)):
            waited += self._settle(max(further, 0.0))
            leaks = self._leaks()
        leaks += self._cycles(self.grades)
        return Report(leaks, waited=waited if waited >= 0.1 else 0.0) if leaks else None

    def _cycles(self, grades: Grades) -> tuple[Leak, ...]:
        """Return what only the collector freed, less what pytest made wait, and what was brought back to life."""
        if not grades:
            return ()
        alive = (*self.watch.alive(), *self.found.alive())
        grades.forget(id(obj) for obj in alive if interpreter.is_finalized(obj))
        found = united(grades.collected())
        self.set_aside += tuple(leak for leak in found if leak.is_housekeeping)
        return tuple(leak for leak in found if not leak.is_housekeeping)

    def _own_cycles(self) -> list[Leak]:
        """Return the same of the project's own classes, each cycle of the run told in full once."""
        if self.found and self._own_grades:
            self.found.collect()
        return [self.session.told(leak, self._test) for leak in self._cycles(self._own_grades)]

    def _accumulated(
        self,
        again: Callable[[], Again | None] | None,
        kept: Sequence[Any],
        lending: Lending | None,
    ) -> list[Leak]:
        ask = cache(again) if again is not None and self.plan.may_repeat else _never
        patience = self.session.patience
        takes_patience = len(self.found.addressed) > 0 and not self.plan.is_strict and ask() is None
        if takes_patience and not patience.is_due():
            self.found.addressed.clear()
            takes_patience = False
        leaks = self._confirmed(ask, kept, None if self.plan.is_strict else lending)
        if takes_patience:
            patience.note(is_costly=self.found.is_costly, is_leak=bool(leaks))
        return leaks

    def _confirmed(self, ask: Callable[[], Again | None], kept: Sequence[Any], lending: Lending | None) -> list[Leak]:
        started = clock.now()
        self.found.forget(self.watch.alive())
        is_left = self.settle_found()
        if is_left:
            self._take_instance()
        if is_left and kept:
            self._leave_out(kept, self.found)
        if is_left and lending is not None and lending.claim(self.found):
            ask = _never
        self.gc_seconds += clock.now() - started
        if not self.found or self.found.has_only(self._instance):
            return []
        with undisturbed():
            from pytest_leakcheck.checking.confirm import Confirmation  # noqa: PLC0415 - most tests never get here

        confirmation = Confirmation(
            self.session.ledger,
            self._test,
            self.found,
            self.options.ignoring_known(),
            is_strict=self.plan.is_strict,
            within=self._within,
            leave_out=partial(self._leave_out, kept) if kept else None,
            instance=self._instance,
            lending=lending,
        )
        leaks = confirmation.judge(ask())
        self.entrusted = confirmation.entrusted
        return leaks

    def _leave_out(self, kept: Sequence[Any], watch: Watch) -> None:
        """Forget what hangs below values that pytest keeps for the session, unless they are the program's own."""
        with undisturbed():
            from pytest_leakcheck.heap.below import below, is_shared  # noqa: PLC0415 - most tests never get here

        nodes = watch.nodes().keys()
        kept = [value for value in kept if interpreter.is_tracked(value) and not is_shared(value)]
        if not below(list(kept), nodes):
            return
        named = self.session.own.ids_of_globals()  # takes a millisecond
        watch.forget(below([value for value in kept if id(value) not in named], nodes))

    def settle_found(self) -> bool:
        """Collect the young generations, and once more after pending work; tell whether anything found still lives."""
        is_left = self.found.collect_young()
        return is_left and (not self.options.extensions.drain() or self.found.collect_young())

    def survivors(self) -> list[Any]:
        """Return the objects that still live, for a debugger; the caller must drop them."""
        return [*self.watch.alive(), *self.found.alive()]

    def stop(self) -> None:
        """End the census, whatever it counted."""
        census, self._census = self._census, None
        if census is not None:
            census.stop()

    def close(self) -> None:
        """Let go of everything, whatever goes wrong in that."""
        with contextlib.suppress(Exception):
            self.stop()
        self._afterlife.stop()
        self.watch.clear()
        self.found.clear()
        self.grades.clear()
        self._own_grades.clear()
        self.is_over = True

    def _take_back(self) -> bool:
        """Watch on what a collection that came by itself brought back to life; tell whether there is any."""
        back = self._afterlife.back()
        known = self.watch.nodes() if back else {}  # what our own collections bring back is watched already
        fresh = [each for each in back if id(each[0]) not in known]
        for obj, (fact, within) in fresh:
            self.watch.add_back(obj, fact, within)
        return bool(fresh)

    def _settle(self, seconds: float) -> float:
        started, slept = clock.now(), self.watch.settle(seconds, self.options.extensions.drain)
        if self._take_back():  # a collection may come amid the verdict, too
            self.watch.settle(0.0)
        self.gc_seconds += clock.now() - started - (slept if seconds else 0.0)
        return slept if seconds else 0.0

    def _leaks(self) -> tuple[Leak, ...]:
        objects = self.watch.alive()
        if not objects:
            return ()
        with undisturbed():
            from pytest_leakcheck.explaining.explain import explain  # noqa: PLC0415 - most tests never get here

        words = self.options.extensions.describe
        found = explain(objects, self.watch.facts(objects), seconds=self.options.search_limit, words=words)
        self.set_aside = tuple(leak for leak in found if leak.is_housekeeping)
        return self._without_known(leak for leak in found if not leak.is_housekeeping)

    def _without_known(self, leaks: Iterable[Leak]) -> tuple[Leak, ...]:
        """Return the leaks without those that only known holders keep, which are noted."""
        with undisturbed():
            from pytest_leakcheck.checking.held import known_in  # noqa: PLC0415 - most tests never get here

        holders, left = self.options.extensions.known(), []
        for leak in leaks:
            known = known_in(leak, holders)
            if known is None:
                left.append(leak)
            else:
                self.session.ledger.ignore(self._test, leak, known.holder, known.reason)
        return tuple(left)
