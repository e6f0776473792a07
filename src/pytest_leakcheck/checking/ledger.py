"""What is known of survivors that nobody registered, by the places that hold them: it costs nothing the next time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pytest_leakcheck.describe import tally
from pytest_leakcheck.heap.below import below
from pytest_leakcheck.heap.frames import running_threads
from pytest_leakcheck.heap.growth import Growth, take
from pytest_leakcheck.heap.places import held_together, names_of_type

if TYPE_CHECKING:
    import weakref
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pytest_leakcheck.explaining.explain import Finding
    from pytest_leakcheck.heap.places import Place
    from pytest_leakcheck.model import Leak
    from pytest_leakcheck.watching.watch import Watch, Watched

Verdict = Literal["leak", "pending", "replaced", "bounded", "lent", "crowded"]
"""``crowded``: of a dict with entries by names that many tests, each by another name, left something in."""
Reach = Literal["", "near", "far"]
MOST_REMEMBERED = 64
"""Survivors remembered weakly for each place, to tell whether they still live when another comes."""


MOST_ENTRIES = 8
"""Entries of one dict by different names that are known one by one: each costs a search, and a look at each test."""


class Note(NamedTuple):
    """Something found out that is no leak, in words."""

    kind: Literal["aside", "warning", "repeated", "pending"]
    """``repeated``: the text is a test that was run again; ``pending``: the fingerprint of what may yet be a leak,
    empty where no holder was found."""
    text: str


class Entrusted(NamedTuple):
    """Survivors that only a wider-scoped fixture holds, which may live as long as it does."""

    fixture: str
    """The words that a trace has for it as a root."""
    watched: list[Watched]


@dataclass(slots=True)
class Known:
    """What is known of one place."""

    verdict: Verdict
    leak: Leak
    test: str
    """The first test that left a survivor there which may still live."""
    place: Place | None
    refs: list[weakref.ref[Any]] = field(default_factory=list)
    growths: list[Growth] = field(default_factory=list)
    """For a leak, or what is bounded, the containers that its survivors pile up in."""
    is_told: bool = True
    """Whether that test's report, if it is a leak, was one that the reader sees."""
    lender: str = ""
    """The wider-scoped fixture whose set-up made what leads there: that may keep survivors for as long as it stands."""
    is_weak: bool = False
    """Whether what is there may go once the collector frees something."""
    types: set[str] = field(default_factory=set)
    """For a leak, of which types its survivors were."""
    is_certain: bool = False
    """Whether a second run told that it is bounded; without one, an entry of what is bounded may grow."""
    times: int = 0
    """How many tests' second runs told a leak there."""
    running: frozenset[int] = frozenset()
    """The ids of the threads that ran when a thread was found to keep a survivor in a variable."""

    def has_living(self) -> bool:
        """Tell whether a survivor remembered still lives."""
        return any(ref() is not None for ref in self.refs)

    def keep_in_mind(self, refs: Sequence[weakref.ref[Any]]) -> None:
        """Remember further survivors of a leak, the latest of all: those that came first may be replaced meanwhile."""
        self.refs = [*(ref for ref in self.refs if ref() is not None), *refs][-MOST_REMEMBERED:]

    def is_over(self) -> bool:
        """Tell whether it was a leak whose survivors are all dead: the place was emptied, and nothing piles up yet."""
        return self.verdict == "leak" and bool(self.refs) and not self.has_living()

    def still_has_living(self, *, is_alone: bool = True) -> bool:
        """Tell whether one of them is still there, or below what is there: one that lives elsewhere was replaced.

        Without `is_alone`, what something else leads to as well counts as below, be that garbage.
        """
        if self.place is None:
            return self.has_living()
        nodes = self._living()
        if self.place.holds_any(nodes):
            return True
        held = list(self.place.held().values())
        return bool(below(held, nodes, is_alone=is_alone, is_through_classes=self.verdict == "leak"))

    def was_emptied(self) -> bool:
        """Tell whether it was a leak whose survivors are no longer there, though they may wait for the collector.

        Not where a container that they pile up in has but grown, which costs less to tell.
        """
        if self.verdict != "leak" or not self.refs:
            return False
        has_grown = any(growth.has_grown for growth in self.growths)
        return not (has_grown or self.still_has_living(is_alone=False))

    def holds_living(self) -> bool:
        """Tell whether one of them is still there, so that it is no garbage."""
        return self.place is not None and self.place.holds_any(self._living())

    def _living(self) -> set[int]:
        living = (ref() for ref in self.refs)
        return {id(obj) for obj in living if obj is not None}  # a variable here would hold one of them as well


@dataclass(slots=True)
class Ledger:
    """What this process has found out about survivors, by the places that hold them."""

    known: list[Known] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    """What was found out since they were last taken."""
    _bounds: set[tuple[str, str]] = field(default_factory=set)
    """The places that are bounded, in words, and by what."""
    _replacing: Counter[str] = field(default_factory=Counter)
    """What second runs have cost, in quick ones, for survivors of a type that took an unknown place of earlier ones."""

    def reach(self, types: frozenset[str], cost: int) -> Reach:
        """Return how far to look for the place of survivors that took that of earlier ones, by their types.

        Not at all costs a second run for each test that leaves some there, of which `cost` tells in quick ones; the
        more such places there are, one for each test or so, the less it helps to know one. So the heap is searched once
        those runs have cost about as much, and again when they have cost four times that, sixteen times ...
        """
        before = max((self._replacing[name] for name in types), default=0)
        self._replacing.update(dict.fromkeys(types, cost))
        if _searches_worth(before) < _searches_worth(before + cost):
            return "far"
        return "" if before else "near"

    def untell(self, test: str, fingerprints: Collection[str] | None = None) -> None:
        """Note that a test's leaks, or those with these fingerprints, were not told: the next test does so in full."""
        for known in self.known:
            if known.test == test and (fingerprints is None or known.leak.fingerprint in fingerprints):
                known.is_told = False

    def retell(self, test: str, fingerprints: Collection[str]) -> None:
        """Note that these leaks of a test were told after all: further tests may refer to it."""
        for known in self.known:
            known.is_told |= known.test == test and known.leak.fingerprint in fingerprints

    def set_aside(self, text: str) -> None:
        """Note what survives and is no leak."""
        self.notes.append(Note("aside", text))

    def ignore(self, test: str, leak: Leak, holder: str, reason: str) -> None:
        """Note what survives and is not to be told, as it is held where the user or a plugin says so."""
        why = f" ({reason})" if reason else ""
        self.set_aside(f"{test}: {summary(leak)} in {holder}: ignored{why}")

    def warn(self, text: str) -> None:
        """Note what the user should see without asking."""
        self.notes.append(Note("warning", text))

    def tell_bound(self, test: str, leak: Leak, where: str, bound: str) -> None:
        """Note what survives and is bounded: once for each place, as further tests tell the user nothing new."""
        text = f"{test}: {summary(leak)} in {where}: {bound}, so it is bounded, not a leak"
        is_new = (where, bound) not in self._bounds
        self._bounds.add((where, bound))
        self.notes.append(Note("warning" if is_new else "aside", text))

    def crowd(self, known: Known) -> None:
        """Know of a dict alone, and of no entries, where many of these may yet be leaks; `known` is the latest."""
        registry = known.place.registry() if known.place is not None else None
        if registry is None:
            return
        pending = (each for each in self.known if each.verdict == "pending")
        alike = [each for each in pending if each.place is not None and each.place.is_in(registry)]
        if len(alike) >= MOST_ENTRIES:
            self.known = [each for each in self.known if not any(each is other for other in alike)]
            growth = Growth(registry)
            self.known.append(Known("crowded", known.leak, known.test, registry, growths=[growth]))

    def _leave_crowd(self, place: Place) -> None:
        self.known = [
            each
            for each in self.known
            if each.verdict != "crowded" or each.place is None or not place.is_below(each.place)
        ]

    def recognise(self, watch: Watch) -> list[tuple[Known, list[Any]]]:
        """Return the watched survivors that are held at known places, and those places."""
        living = watch.nodes() if self.known else {}
        found: list[tuple[Known, list[Any]]] = []
        for look in (_grown, _placed):  # the first costs as much as what is new, the second as much as there is
            wanted = [known for known in self.known if not known.is_over()] if living else []
            for known, members in look(wanted, living):
                if not known.was_emptied() and (look is _placed or self._fit(known, watch, members)):
                    for obj in members:
                        del living[id(obj)]
                    found.append((known, members))
        return found

    def _fit(self, known: Known, watch: Watch, members: list[Any]) -> bool:
        """Tell whether some of what came into a leak's container are of types that piled up there before.

        What is of others alone may be made once. A container is known once for each place below it that was a leak.
        """
        if known.verdict != "leak":
            return True
        types, wanted = {fact.type_name for fact in watch.facts(members)}, known.leak.fingerprint
        alike = (each for each in self.known if each.verdict == "leak" and not types.isdisjoint(each.types))
        return any(each.leak.fingerprint == wanted for each in alike)

    def find(self, finding: Finding) -> Known | None:
        """Return what is known of the place or fingerprint of a finding."""
        for known in self.known:
            if known.place is not None and finding.place is not None:
                if known.place.is_same(finding.place):
                    return known
            elif _is_of_one_cause(known.leak, finding.leak):
                return known
        return None

    def told(self, leak: Leak) -> str:
        """Return the test that a leak of the same cause was told of already, or the empty string."""
        wanted = leak.fingerprint
        told = (known for known in self.known if known.verdict == "leak" and known.is_told)
        same = (known.test for known in told if known.leak.fingerprint == wanted)
        return next(same, "")

    def remember(self, verdict: Verdict, finding: Finding, test: str, watch: Watch, objects: Sequence[Any]) -> Known:
        """Enter a verdict on a place, in the stead of an earlier one."""
        known = self.find(finding)
        if known is None:
            known = Known(verdict, finding.leak, test, finding.place)
            self.known.append(known)
        known.times += verdict == "leak"
        if verdict == "leak" and finding.place is not None:
            self._leave_crowd(finding.place)
        known.verdict, known.leak, known.test, known.is_told = verdict, finding.leak, test, True
        known.types.update(fact.type_name for fact in watch.facts(objects))
        known.is_weak |= finding.is_weak
        known.running = running_threads() if finding.keepers else frozenset()
        known.refs = watch.refs(objects)[:MOST_REMEMBERED]
        if verdict in ("leak", "bounded", "lent") and finding.container is not None:
            others = [each for each in known.growths if not each.container.is_same(finding.container)]
            known.growths = [*others, Growth(finding.container, has_names=finding.is_named or verdict != "leak")]
        return known

    def remember_beside(self, leak: Known, finding: Finding, test: str, watch: Watch, objects: Sequence[Any]) -> None:
        """Enter that what comes to a leak's place is replaced, once that was emptied: nothing piles up there so far."""
        place = finding.place
        if place is None or not (leak.is_over() or leak.was_emptied()):
            return
        others = (each for each in self.known if each.place is not None and each.place.is_same(place))
        known = next((each for each in others if each.verdict == "replaced"), None)
        if known is None:
            known = Known("replaced", finding.leak, test, place)
            self.known.append(known)
        known.test, known.is_certain = test, True
        known.refs = watch.refs(objects)[:MOST_REMEMBERED]


def _searches_worth(cost: int) -> int:
    """Return how many searches of the heap, of 30 to 180 ms each, second runs of some cost justify (CPython 3.11).

    At 16 quick runs it is one, at 64 two, at 256 three.
    """
    return max(0, (cost.bit_length() - 1) // 2 - 1)


def _grown(known: Sequence[Known], living: Mapping[int, type]) -> Iterator[tuple[Known, list[Any]]]:
    """Yield those of the `living` survivors that came into the containers of what is known."""
    leaks = [each for each in known if each.verdict == "leak"]
    for alike in (leaks, *([each] for each in known if each.verdict != "leak" and each.growths)):
        growths = [each.growths for each in alike]
        for each, members in zip(alike, take(growths, living.keys(), is_through_classes=alike is leaks), strict=True):
            if members:
                yield each, members


def _placed(known: Sequence[Known], living: Mapping[int, type]) -> Iterator[tuple[Known, list[Any]]]:
    """Yield those of the `living` survivors that are, or hang below, what is at a known place."""
    for each in known:
        if each.verdict == "leak" and each.place is not None and each.place.may_hold(_types_of(living)):
            members = [obj for node, obj in each.place.held(is_strict=False).items() if node in living]
            for growth in each.growths:
                members = growth.without_named(members)
            members += below(members, living.keys() - set(map(id, members))) if members else []
            if members:
                yield each, members
    slots = [each for each in known if each.verdict == "replaced"]  # several of them may hold one object
    for alike in (slots, *([each] for each in known if each.verdict not in ("leak", "replaced"))):
        types = _types_of(living)
        near = [(each, each.place) for each in alike if each.place is not None and each.place.may_hold(types)]
        held = held_together([place for _, place in near], living.keys())
        for (each, _), members in zip(near, held, strict=True):
            if members:
                yield each, members


def _types_of(living: Mapping[int, type]) -> set[tuple[str, str]]:
    return set(map(names_of_type, living.values()))


def _is_of_one_cause(leak: Leak, other: Leak) -> bool:
    """Tell whether two leaks without a place have one cause; two threads or contexts may have variables of one name."""
    types = {survivor.type_name for survivor in leak.survivors}
    is_alike = any(survivor.type_name in types for survivor in other.survivors)
    return is_alike and other.trace is not None and leak.fingerprint == other.fingerprint


def summary(leak: Leak) -> str:
    """Return how many objects of which types survive: ``2 shop.Session, 1 shop.Item``."""
    return tally(survivor.type_name for survivor in (*leak.survivors, *leak.also_keeps))
