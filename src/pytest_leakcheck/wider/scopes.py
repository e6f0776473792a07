"""Wider-scoped fixtures: what was made for them, or tests left to them, may live until they end and is judged then.

Everything is watched weakly. What has died by the end of its fixture costs nothing; what has not is looked at after a
full collection. An object made while such a fixture is set up in a test that is not checked is missed, and so is one
made by the fixtures that pytest makes of ``setup_class``, ``setUpClass`` and the like.
"""

from __future__ import annotations

import threading
import types
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_leakcheck import describe
from pytest_leakcheck.heap.below import below
from pytest_leakcheck.runtime import interpreter, rawtypes
from pytest_leakcheck.runtime.loading import undisturbed
from pytest_leakcheck.watching.census import Census
from pytest_leakcheck.watching.watch import Watch
from pytest_leakcheck.wider.bound import Names, tops_of
from pytest_leakcheck.wider.made import Making
from pytest_leakcheck.wider.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from pytest_leakcheck.checking.check import Session
    from pytest_leakcheck.checking.ledger import Entrusted, Ledger
    from pytest_leakcheck.model import Leak
    from pytest_leakcheck.wider.bound import Bound

_MOST_WAITING = 64
"""Ended set-ups of one fixture that wait for a full collection at most."""


class Accumulated(NamedTuple):
    """What two set-ups of a fixture left in one place."""

    leaks: tuple[Leak, ...] = ()
    tests: tuple[str, ...] = ()
    """The tests that set the fixture up: run alone, they show the leak again."""

    def __or__(self, other: Accumulated) -> Accumulated:
        """Return the two together."""
        return Accumulated(self.leaks + other.leaks, tuple(dict.fromkeys(self.tests + other.tests)))


class Scopes:
    """The wider-scoped fixtures that stand, and what was found out about those that ended."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._standing: dict[int, Standing] = {}
        self._bound: dict[int, list[Bound]] = {}
        """For each class or module, by its id, the names that set-ups have bound there; they outlive the set-ups."""
        self._counting: list[Census] = []
        """The censuses of the set-ups that run, each within the one before."""
        self._waiting: dict[str, list[Standing]] = {}
        """For each fixture the set-ups that ended, and left what only a full collection tells from survivors."""
        self._patience: dict[str, int] = {}
        """How many of these are looked at together: more, where all that they left was garbage so far."""
        self._ledgers: dict[str, Ledger] = {}
        self._first: dict[str, str] = {}
        """For each fixture that left something the test that it was set up for then."""
        self._told: set[str] = set()
        self._latest: set[str] = set()
        """The set-ups that the last leaks were told of."""

    @property
    def has_watched(self) -> bool:
        """Tell whether the end of any fixture is to be looked at."""
        return bool(self._waiting) or any(standing.watch.watched for standing in self._standing.values())

    @contextmanager
    def setting_up(
        self, definition: Any, test: str, owners: Callable[[], list[Any]], *, is_checked: bool
    ) -> Iterator[None]:
        """Watch what of the project's own classes is made meanwhile until the fixture ends.

        `owners` returns the classes and the module of the test, on which it may bind names. Where the test is not
        checked, only what tests leave to the fixture is watched. A set-up that fails made nothing that is looked at.
        """
        if not self._session.options.is_on:
            yield
            return
        is_of_pytest = _module_of(definition).startswith("_pytest.")
        standing = Standing(definition, *_words_for(definition, is_of_pytest=is_of_pytest), test)
        if is_checked and not is_of_pytest:
            with self._watching(standing), self._noting(standing, owners):
                yield
        else:
            with self._noting(standing, owners):
                yield
        self._forget_ended()
        self._standing[id(definition)] = standing

    @contextmanager
    def _noting(self, standing: Standing, owners: Callable[[], list[Any]]) -> Iterator[None]:
        """Note the names that are bound meanwhile on `owners`, and by a set-up wider than a class's in the program."""
        names = program = Names(())
        making, loaded = Making(), self._session.own.loaded()
        with self._contained(standing.key):
            interpreter.collect(1)
            making.start()
            mine = rawtypes.by_id(owners())
            names = Names(mine.values())
            if standing.definition.scope != "class":
                program = Names(each for each in self._session.own.modules() if id(each) not in mine)
            del mine
        try:
            yield
        finally:
            made = making.stop()
        with self._contained(standing.key):
            standing.made = made if self._session.own.loaded() == loaded else {}
            bound = names.bound()
            self._note_bound(bound)
            standing.bound = bound + program.bound()

    def _forget_ended(self) -> None:
        """Forget those that nothing is watched of; the others are judged as they end."""
        for known in [each for each in self._standing.values() if each.has_ended and not each.watch.watched]:
            del self._standing[id(known.definition)]

    @contextmanager
    def _watching(self, standing: Standing) -> Iterator[None]:
        outer = self._counting[-1] if self._counting else None
        census = Census(self._session.own, self._session.own.passed_over)
        with self._contained(standing.key):
            if outer is not None:
                outer.pause()
            census.start()
        self._counting.append(census)
        try:
            yield
        finally:
            self._counting.pop()
            with self._contained(standing.key):
                census.stop()
                standing.watch.add_new(census.new_objects(), f"made during the set-up of {standing.name}")
            with self._contained(standing.key):
                if outer is not None:
                    outer.resume()

    @contextmanager
    def _contained(self, key: str) -> Iterator[None]:
        """Warn of an error of the check of a fixture, and go on: it must not break the user's run."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is
            why = describe.fault_text(error)
            self._session.ledger.warn(
                f"{key}: not checked to its end, by a fault of the plugin or of what came in between: {why}"
            )

    def bound_on(self, owners: Iterable[Any]) -> list[Bound]:
        """Return the names that set-ups have bound on some classes and modules."""
        return [each for owner in owners for each in self._bound.get(id(owner), ()) if each.owner() is owner]

    def _all_bound(self) -> list[Bound]:
        return [each for bound in self._bound.values() for each in bound if each.owner() is not None]

    def claim(self, watch: Watch, used: Iterable[Any], owners: Iterable[Any], test: str) -> bool:
        """Take over what set-ups that still stand may keep of what `test` left; tell whether there was any.

        That is what their fixtures' values lead to, if they are among those that the test has `used`, and the names
        that they bound. What hangs below a name on the `owners`, the classes and the module of the test, that an
        earlier set-up bound is forgotten.
        """
        standing = [each for each in self._standing.values() if not each.has_ended]
        in_use = set(map(id, used))
        lines: list[tuple[Standing | None, list[Any]]] = [
            (each, each.tops(is_used=id(each.definition) in in_use)) for each in standing
        ]
        lines.append((None, list(tops_of(self.bound_on(owners)))))
        known = rawtypes.by_id([top for _, tops in lines for top in tops])
        if not known:
            return False
        fenced = self._session.own.ids_of_globals() - known.keys()
        left = set(watch.nodes())
        number = len(left)
        for fixture, tops in lines:
            mine = set(map(id, below(tops, left, is_alone=False, but=fenced))) if tops and left else set()
            if fixture is not None:
                fixture.take([entry for entry in watch.watched if id(entry.ref()) in mine], test)
            watch.forget_addresses(mine)
            left -= mine
        return len(left) < number

    def lender_of(self, nodes: Iterable[int]) -> str:
        """Return the name of a fixture that stands, and whose set-up made one of some objects, given by their ids.

        Or, where that is a running thread, whose value or names lead to it, as a pool to those that it starts later.
        Empty for none.
        """
        known = list(nodes)
        standing = [each for each in self._standing.values() if not each.has_ended]
        threads = rawtypes.by_id(threading.enumerate()).keys() & known
        lenders = (each for each in standing if each.has_made(known) or self._has_any(each, threads))
        return next((each.name for each in lenders), "")

    def lender_of_each(self, nodes: Sequence[int]) -> str:
        """Return the name of the one fixture that is such a lender of each of some objects; empty for none."""
        names = {self.lender_of([node]) for node in nodes}
        return names.pop() if len(names) == 1 else ""

    def _has_any(self, standing: Standing, wanted: AbstractSet[int]) -> bool:
        """Tell whether the value of a fixture, or the names that it bound, stand for or lead to one of some objects."""
        tops = rawtypes.by_id(standing.tops(is_used=True)) if wanted else {}
        if not tops:
            return False
        fenced = self._session.own.ids_of_globals() - tops.keys()
        return not wanted.isdisjoint(tops) or bool(below([*tops.values()], wanted, is_alone=False, but=fenced))

    def clearer_of(self, names: Collection[str]) -> str:
        """Return the name of a fixture that stands, whose teardown clears what goes by one of `names`; else empty."""
        standing = (each for each in self._standing.values() if not each.has_ended)
        return next((each.name for each in standing if not self._cleared_by(each).isdisjoint(names)), "")

    def _cleared_by(self, standing: Standing) -> frozenset[str]:
        if standing.clears is None:
            with undisturbed():
                from pytest_leakcheck.wider.clearing import cleared_by  # noqa: PLC0415 - most runs never get here

            standing.clears = cleared_by(standing.definition.func, self._session.own.is_own_module)
        return standing.clears

    def stands(self, name: str) -> bool:
        """Tell whether a fixture of that name stands."""
        return any(each.name == name and not each.has_ended for each in self._standing.values())

    def _note_bound(self, bound: Iterable[Bound]) -> None:
        for each in bound:
            known = self._bound.setdefault(id(each.owner()), [])
            known[:] = [other for other in known if other.owner() is each.owner() and other.name != each.name]
            known.append(each)

    def take_over(self, entrusted: Iterable[Entrusted], test: str = "") -> None:
        """Watch until its fixture ends what only that holds; `test` made it, or it keeps the origin that it has.

        Of several fixtures of one name the one that was set up first is taken, which errs towards judging late.
        """
        for name, watched in entrusted:
            named = (each for each in self._standing.values() if each.name == name and not each.has_ended)
            standing = next(named, None)
            if standing is None:
                continue
            standing.take(watched, test)

    def disturb(self) -> None:
        """Note that a test failed of itself: what survives the fixtures that stand now may be its doing."""
        for standing in self._standing.values():
            standing.is_disturbed = True

    def end(self, *, is_broken: bool = False, is_last: bool = False, may_fail: bool = True) -> Accumulated:
        """Judge what outlives the fixtures that have ended since the last call.

        Nothing is judged after finalizers that are broken; where the test that they ended with can't fail for it, or a
        test failed while the fixture stood, nothing counts as accumulated. `is_last` says that no scope is left.
        """
        ended = [standing for standing in self._standing.values() if standing.has_ended]
        for standing in reversed(ended):
            del self._standing[id(standing.definition)]
            with self._contained(standing.key):
                if not is_broken and standing.watch.collect_young() and standing.leaves_more(self._all_bound()):
                    self._waiting.setdefault(standing.key, []).append(standing)
        found = Accumulated()
        for key, waiting in list(self._waiting.items()):
            if is_last or len(waiting) >= self._patience.get(key, 1):
                del self._waiting[key]
                with self._contained(key):
                    found |= self._look(key, waiting, may_fail=may_fail)
        return found

    def _look(self, key: str, waiting: list[Standing], *, may_fail: bool) -> Accumulated:
        """Judge ended set-ups of one fixture after a full collection, which they share."""
        left_over = Watch([entry for standing in waiting for entry in standing.watch.watched])
        left_over.settle(0.0, self._session.options.extensions.drain)
        bound = self._all_bound()
        left = [standing for standing in waiting if standing.watch.drop_dead() and standing.leaves_more(bound)]
        self._patience[key] = 1 if left else min(2 * self._patience.get(key, 1), _MOST_WAITING)
        found = Accumulated()
        for standing in left:
            with self._contained(key):
                found |= self._judge(standing, may_fail=may_fail and not standing.is_disturbed)
            standing.watch.clear()
        return found

    def _judge(self, standing: Standing, *, may_fail: bool) -> Accumulated:
        with undisturbed():
            from pytest_leakcheck.checking.ledger import Ledger  # noqa: PLC0415 - most runs never get here; it imports much
            from pytest_leakcheck.wider.ending import judge_ending  # noqa: PLC0415 - the same

        ledger = self._ledgers.setdefault(standing.key, Ledger()) if may_fail else Ledger()
        label = f"{standing.key}, set up for {standing.test}"
        options = self._session.options.ignoring_known()
        ending = judge_ending(self._session.ledger, ledger, standing.watch, options, label)
        self.take_over(ending.entrusted)
        for note in ending.notes:
            if note.kind != "warning" or standing.key not in self._told:
                self._session.ledger.notes.append(note)
        self._told |= {standing.key for note in ending.notes if note.kind == "warning"}
        if not may_fail:
            return Accumulated()
        first = self._first.setdefault(standing.key, standing.test) if ledger.known else ""
        if not ending.leaks:
            return Accumulated()
        self._latest.add(label)
        return Accumulated(tuple(ending.leaks), tuple(dict.fromkeys((first, standing.test))))

    def note_told(self, *, is_seen: bool) -> None:
        """Note whether the report of the last leaks is one that the reader sees: if not, the next one tells in full."""
        for ledger in self._ledgers.values():
            for label in () if is_seen else self._latest:
                ledger.untell(label)
        self._latest.clear()


_MOST_WRAPPERS = 10
"""Decorators around a fixture's function that are looked through."""


def _module_of(definition: Any) -> str:
    function = definition.func.__func__ if type(definition.func) is types.MethodType else definition.func
    return rawtypes.text_of(function.__module__) if type(function) is types.FunctionType else ""


_SET_UP = "_fixture_"
"""What stands before the name of a class or module in that of the fixture that pytest makes of its set-up."""


def _words_for(definition: Any, *, is_of_pytest: bool) -> tuple[str, str]:
    """Return the name of a fixture, or of a set-up that pytest has made one of, and where it is."""
    if not is_of_pytest:
        return describe.fixture_name(definition.scope, definition.argname), _place_of(definition)
    owner = rawtypes.text_of(definition.argname).partition(_SET_UP)[2]
    return f"{definition.scope}-scoped set-up of {owner}", describe.clean(definition.baseid)


def _place_of(definition: Any) -> str:
    """Return where the fixture's function is, or the part of the suite that it is for where that is not to be had."""
    function = definition.func
    for _ in range(_MOST_WRAPPERS):
        function = function.__func__ if type(function) is types.MethodType else function
        wrapped = rawtypes.attribute(function, "__wrapped__")
        function = function if wrapped is None else wrapped
    is_plain = type(function) is types.FunctionType
    return describe.place(function.__code__) if is_plain else describe.clean(definition.baseid)
