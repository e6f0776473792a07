"""What must die: weak references to it, and collections until it does. Knows nothing of holders, paths or reports."""

from __future__ import annotations

import sys
import weakref
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_leakcheck import describe
from pytest_leakcheck.model import Survivor
from pytest_leakcheck.runtime import addresses, clock, interpreter, rawtypes
from pytest_leakcheck.watching.doomed import Doomed, adrift, doomed_among

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Mapping

_MOST_ROUNDS = 5
"""Full collections at most: one more while finalisers and weak reference callbacks still free something."""
_FIRST_NAP, _LONGEST_NAP = 0.001, 0.05
"""Seconds slept between two looks while settling, doubled from the one to the other."""


_MOST_OF_REASON = 500
_MOST_LINES = 100
"""Objects of a type whose lines are asked after, at some 25 microseconds each: of more, one line mostly made all."""
_MOST_FORETOLD = 5_000
"""Young objects up to which it takes less, 3 ms, to foretell which of them go than to look for them among the old."""


class Watched(NamedTuple):
    """One object that must die, held weakly."""

    ref: weakref.ref[Any]
    fact: Survivor
    within: float | None = None
    """Seconds that it may take to die; None: as long as the settings say."""


class Addressed(NamedTuple):
    """One object that must die, known by its address."""

    kind: weakref.ref[type]
    fact: Survivor


class _InPeril(NamedTuple):
    """An object that a finalizer may bring back to life."""

    node: int
    kind: weakref.ref[type]
    entry: Watched


def brought_back(fact: Survivor) -> Survivor:
    """Return what is known of an object that its finalizer has brought back to life."""
    return replace(fact, origin=f"{fact.origin}, brought back to life by its __del__")


@dataclass(slots=True)
class Watch:
    """The objects of one check, each watched once."""

    watched: list[Watched] = field(default_factory=list)
    addressed: dict[int, Addressed] = field(default_factory=dict)
    """Those that can't be weakly referenced, by their addresses."""
    span: int | None = 0
    """How many objects at most were promoted since these were made; None where that is not known."""
    full_collections: int = 0
    """How many there had been when these were made: another one puts the old objects into another order."""
    is_costly: bool = False
    """Whether looks for these took long."""
    seen: int = -1
    """How many collections there had been when all of these were last seen alive: only another one frees any."""
    total: int = 0
    """How many objects were ever added, dead ones included."""
    _added: dict[int, Watched] = field(default_factory=dict)
    """By their ids those that were added one by one; another object may have come to one's address since."""

    def __len__(self) -> int:
        return len(self.watched) + len(self.addressed)

    def add(
        self,
        obj: object,
        origin: str,
        reason: str = "",
        within: float | None = None,
        *,
        spot: tuple[str, int] = ("", 0),
    ) -> Survivor:
        """Watch `obj`; `origin`, `reason` and `spot`, a file and line, are for the report, `within` is in seconds.

        Returns what is known of it. Raises TypeError where it can't be weakly referenced. An object that is watched
        already keeps its first origin.
        """
        known = self._added.get(id(obj))
        if known is not None and known.ref() is obj:
            return known.fact
        ref = weakref.ref(obj)
        why = describe.clean(reason, _MOST_OF_REASON) if rawtypes.is_instance(reason, str) else ""
        file, line = spot
        fact = Survivor(describe.name_of(obj), origin, why, file=file, line=line)
        self._added[id(obj)] = Watched(ref, fact, within)
        self.watched.append(self._added[id(obj)])
        self.total += 1
        return fact

    def add_back(self, obj: object, fact: Survivor, within: float | None = None) -> None:
        """Watch on what `fact` is known of: a collection took its weak references, its finalizer brought it back."""
        self.watched = [entry for entry in self.watched if entry.ref() is not obj]  # CPython 3.15 keeps the references
        self.watched.append(Watched(weakref.ref(obj), brought_back(fact), within))

    def add_new(self, objects: Iterable[object], origin: str, within: float | None = None) -> None:
        """Watch `objects`, known to be unwatched, as far as they can be weakly referenced; they may be many."""
        new = list(objects)
        kinds = list(map(type, new))
        facts = {node: Survivor(describe.type_name(kind), origin) for node, kind in rawtypes.by_id(kinds).items()}
        known = (facts[id(kind)] for kind in kinds)
        refs = zip(rawtypes.weak_references(new), known, strict=True)
        watched = [Watched(ref, fact, within) for ref, fact in refs if ref is not None]
        self.watched += watched
        self.total += len(watched)

    def add_addresses(self, nodes: Mapping[int, weakref.ref[type]], origin: str, span: int | None = None) -> None:
        """Watch what is at the addresses `nodes`, each given with its type; `span` is as in `addresses.find`."""
        self.span = None if span is None or self.span is None else self.span + span
        self.full_collections = interpreter.full_collections()
        self.seen = -1
        kinds = {id(ref): ref() for ref in nodes.values()}
        facts = {key: Survivor(describe.type_name(kind), origin) for key, kind in kinds.items() if kind is not None}
        self.addressed.update((node, Addressed(ref, facts[id(ref)])) for node, ref in nodes.items() if id(ref) in facts)
        self.total += len(nodes)

    def clear(self) -> None:
        """Watch nothing any more."""
        self.watched.clear()
        self.addressed.clear()
        self._added.clear()

    def tell_origin(self, made_at: Callable[[Any], tuple[str, int] | None]) -> None:
        """Note for the watched objects that live, up to `_MOST_LINES` of a type, the file and line that made them."""
        asked: Counter[str] = Counter()
        for index, entry in enumerate(self.watched):
            obj = entry.ref()
            if obj is not None and asked[entry.fact.type_name] < _MOST_LINES:
                asked[entry.fact.type_name] += 1
                self.watched[index] = entry._replace(fact=_with_line(entry.fact, made_at(obj)))
        for node, obj in _found(self).items():
            known = self.addressed[node]
            self.addressed[node] = known._replace(fact=_with_line(known.fact, made_at(obj)))

    def has_only(self, ref: weakref.ref[Any] | None) -> bool:
        """Tell whether the object of one weak reference is all that is watched."""
        return len(self) == 1 and any(entry.ref is ref for entry in self.watched)

    def refs(self, objects: Iterable[object]) -> list[weakref.ref[Any]]:
        """Return the weak references to those of `objects`, all of them watched, that can have one."""
        known = {id(entry.ref()): entry.ref for entry in self.watched}
        return [known[id(obj)] for obj in objects if id(obj) in known]

    def take_over(self, other: Watch) -> None:
        """Watch what `other` watches as well."""
        self.watched += other.watched
        self.addressed.update(other.addressed)
        self.span, self.seen = None, -1

    def outlast(self, later: Watch, young: int) -> None:
        """Note that `later` watches what a further run left, as which began there were so many `young` objects.

        All that was promoted since that run began may lie behind what is watched here.
        """
        span = later.valid_span if later.addressed else None
        self.span = None if span is None or self.span is None else self.span + young + span

    def forget(self, objects: Iterable[object]) -> None:
        """Stop watching `objects`."""
        self.forget_addresses(map(id, objects))

    def forget_addresses(self, nodes: Iterable[int]) -> None:
        """Stop watching the objects with these ids."""
        gone = set(nodes)
        for node in gone & self._added.keys():
            del self._added[node]
        self.watched = [entry for entry in self.watched if id(entry.ref()) not in gone]
        for node in gone & self.addressed.keys():
            del self.addressed[node]

    def within(self, otherwise: float | None) -> float | None:
        """Return the longest time that a living object was given to die, or `otherwise` where none was given any."""
        given = [entry.within for entry in self.watched if entry.within is not None and entry.ref() is not None]
        return max(given, default=otherwise)

    def summary(self) -> str:
        """Return how many objects of which types are watched: ``2 shop.Session, 1 shop.Item``."""
        facts = [*(entry.fact for entry in self.watched), *(known.fact for known in self.addressed.values())]
        return describe.tally(fact.type_name for fact in facts)

    def numbers(self) -> Counter[str]:
        """Return how many objects of each type, by its name, are watched and live as far as that is cheap to tell."""
        living = [entry.fact for entry in self.watched if entry.ref() is not None]
        living += [known.fact for known in self.addressed.values() if known.kind() is not None]
        return rawtypes.counts_of(fact.type_name for fact in living)

    def collect_young(self, *beside: Watch) -> bool:
        """Collect the young generations while any watched object lives; tell whether one still does.

        What is watched `beside` is looked for with what is left here.
        """
        for generation in (0, 1):
            if not self.drop_dead_refs() and not self.drop_dead_types():
                return False
            if generation and self.addressed and self.span == 0 and not self.drop_dead():  # a look at the young alone
                return False
            promoted = addresses.count_young() if generation and self.addressed and self.span is not None else 0
            doomed = self._foretold() if promoted and self.span == 0 and promoted < _MOST_FORETOLD else None
            self._run_collector(generation)
            self.span = None if self.span is None else self.span + promoted
            if doomed is not None:  # so the old need not be looked at
                self.forget_addresses(doomed)
                self.seen = interpreter.collections()
        drop_dead(self, *beside)
        return len(self) > 0

    def _foretold(self) -> set[int] | None:
        """Return which of those known by address, all of them young, the next collection of the young will free.

        None where that does not tell, as one of them may be brought back to life.
        """
        kinds = (known.kind() for known in self.addressed.values())
        if any(kind is not None and rawtypes.has_finalizer(kind) for kind in kinds):
            return None
        with Doomed(1, self.addressed) as doomed:
            return doomed.objects.keys() & self.addressed.keys()

    def _run_collector(self, generation: int) -> int | None:
        """Collect, and watch on what a finalizer brings back to life.

        Returns how many objects were found to be unreachable; None where the collector does not tell (PyPy).
        """
        in_peril = self._in_peril()
        instances = _references(in_peril)
        freed = interpreter.collect(generation, is_after_ours=True)
        dead = {each.node: each for each in in_peril if each.entry.ref() is None}
        if dead and not _let_go_of_types(dead.values(), instances):
            self._take_back(dead, generation)
        kept = {id(each.entry) for each in in_peril if interpreter.is_finalized(each.entry.ref())}
        if kept:  # CPython 3.15 keeps the weak references to what it brings back
            self.watched = [
                entry._replace(fact=brought_back(entry.fact)) if id(entry) in kept else entry for entry in self.watched
            ]
        return freed

    def is_in_peril(self) -> bool:
        """Tell whether a watched object has a finalizer that is still to run: it may bring the object back to life."""
        return bool(self._in_peril())

    def _in_peril(self) -> list[_InPeril]:
        """Return the watched objects whose finalizers are still to run; each class is looked at once.

        No variable or list here holds one: a collection that comes by itself meanwhile would free the cycle that it
        hangs below without it, and so it would seem to die at once (seen on 3.15.0).
        """
        kinds = rawtypes.by_id([type(entry.ref()) for entry in self.watched])
        perilous = {node for node, kind in kinds.items() if rawtypes.has_finalizer(kind)}
        del kinds
        return [
            _InPeril(id(entry.ref()), weakref.ref(type(entry.ref())), entry)
            for entry in (self.watched if perilous else ())
            if id(type(entry.ref())) in perilous and not interpreter.is_finalized(entry.ref())
        ]

    def _take_back(self, dead: dict[int, _InPeril], generation: int) -> None:
        """Watch those of `dead`, by their ids, that are alive all the same: their weak references alone have died."""
        kinds = {node: each.kind for node, each in dead.items()}
        for node, back in addresses.find_resurrected(kinds, generation).found.items():
            entry = dead[node].entry
            self.watched.append(entry._replace(ref=weakref.ref(back), fact=brought_back(entry.fact)))

    def drop_dead(self) -> bool:
        """Forget what has died; tell whether anything is left."""
        return drop_dead(self)

    def drop_dead_refs(self) -> bool:
        """Forget what weak references tell has died; tell whether any other such object is left."""
        self.watched = [entry for entry in self.watched if entry.ref() is not None]
        return bool(self.watched)

    def drop_dead_types(self) -> bool:
        """Forget those known by address whose types are dead: that is cheaper to tell than that they are themselves."""
        if self.addressed:
            self.addressed = {node: known for node, known in self.addressed.items() if known.kind() is not None}
        return bool(self.addressed)

    @property
    def is_seen(self) -> bool:
        """Whether all of those known by address were seen alive since the latest collection."""
        return 0 <= self.seen == interpreter.collections()

    def see(self, found: Container[int]) -> None:
        """Note which of those known by address were found to live."""
        self.addressed = {node: known for node, known in self.addressed.items() if node in found}
        self.seen = interpreter.collections()

    def alive(self) -> list[Any]:
        """Return the watched objects that live, in the order they were added, each once."""
        return alive(self)[0]

    @property
    def valid_span(self) -> int | None:
        """How many of the youngest old objects those known by address are among; None where that is not known."""
        return self.span if self.full_collections == interpreter.full_collections() else None

    def nodes(self) -> dict[int, type]:
        """Return the ids and types of what lived at the last look, and still does as far as that is cheap to tell."""
        living = {id(obj): type(obj) for entry in self.watched if (obj := entry.ref()) is not None}
        living.update((node, kind) for node, known in self.addressed.items() if (kind := known.kind()) is not None)
        return living

    def type_names(self) -> frozenset[str]:
        """Return the names of the types of what is watched."""
        facts = (*(entry.fact for entry in self.watched), *(known.fact for known in self.addressed.values()))
        return frozenset(fact.type_name for fact in facts)

    def facts(self, objects: Iterable[object]) -> list[Survivor]:
        """Return what is known of each of `objects`, all of them watched."""
        known = {node: each.fact for node, each in self.addressed.items()}
        known.update((id(entry.ref()), entry.fact) for entry in reversed(self.watched))
        return [known[id(obj)] for obj in objects]

    def collect(self, most: int = _MOST_ROUNDS) -> bool:
        """Collect as little as it takes for all to die; tell whether any survives full collections, at `most` so many.

        Nothing alive, nothing collected: then the young generations, which cost microseconds, and only last a full one.
        What the first one does not free, a second one may: where finalisers and callbacks that it set off let go.
        """
        self.collect_young()
        rounds = 0
        while self.drop_dead() and rounds < most:
            before = len(self)
            freed = self._run_collector(2)
            rounds += 1
            if freed == 0 or not self.drop_dead() or (rounds > 1 and len(self) == before):
                break
        return self.drop_dead()

    def settle(self, seconds: float, drain: Callable[[], object] = lambda: None) -> float:
        """Collect, drain and look until all are dead or `seconds` are over; return the seconds waited.

        `drain` tells whether it may have let go of something; it is called at least once where something lives.
        """
        started, nap = clock.now(), _FIRST_NAP
        while self.collect():
            if drain() and not self.collect():
                break
            waited = clock.now() - started
            if waited >= seconds:
                break
            clock.sleep(min(nap, seconds - waited))
            nap = min(nap * 2, _LONGEST_NAP)
        return clock.now() - started


def alive(*watches: Watch) -> list[list[Any]]:
    """Return of each of `watches` the objects that live, in the order they were added, each once.

    The old objects, among which those known by address are looked for, are gone through once for all.
    """
    found = _found(*watches)
    living = []
    for watch in watches:
        objects = [obj for entry in watch.watched if (obj := entry.ref()) is not None]
        living.append([*rawtypes.each_once(objects), *(found[node] for node in watch.addressed if node in found)])
    return living


def drop_dead(*watches: Watch) -> bool:
    """Have `watches` forget what has died; tell whether anything is left. The old are gone through once for all."""
    unseen = []
    for watch in watches:
        watch.drop_dead_refs()
        if watch.drop_dead_types() and not watch.is_seen:
            unseen.append(watch)
    found = _found(*unseen)
    for watch in unseen:
        watch.see(found)
    return any(map(len, watches))


def _found(*watches: Watch) -> dict[int, Any]:
    """Return the living ones of those that `watches` know by address, by their addresses."""
    wanted = {node: known.kind for watch in watches for node, known in watch.addressed.items()}
    if not wanted:
        return {}
    spans = [watch.valid_span for watch in watches if watch.addressed]
    known = [span for span in spans if span is not None]
    look = addresses.find(wanted, max(known) if len(known) == len(spans) else None)
    for watch in watches:
        watch.is_costly |= look.is_costly
    return look.found


def drop_adrift(*watches: Watch) -> None:
    """Have `watches` forget what a look at what hangs below it shows to wait for the collector.

    Not for what must die at once, as `drop_doomed`, which sees more and costs more.
    """
    living = [entry.ref() for watch in watches if watch.drop_dead_refs() for entry in watch.watched]
    kinds = rawtypes.by_id(list(map(type, living)))
    may_come_back = any(rawtypes.has_finalizer(kind) for kind in kinds.values())
    del kinds
    if living and addresses.has_generations() and not may_come_back:
        living = rawtypes.each_once(living)
        doomed = adrift(living)
        for watch in watches:
            watch.forget_addresses(doomed)


def drop_doomed(*watches: Watch) -> bool:
    """Have `watches` forget what has died, or is seen to wait for a full collection.

    Tells whether all that is left is known to be held by something that is older, or was made by somebody else. Where
    the collector frees the rest later, nobody is told any more: so it is not for what must die at once.
    """
    living: dict[int, type] = {}
    drop_adrift(*watches)
    drop_dead(*watches)
    for watch in watches:
        living.update(watch.nodes())
    if not living or not addresses.has_generations():
        return not living
    kinds = rawtypes.by_id(list(living.values()))
    may_come_back = any(rawtypes.has_finalizer(kind) for kind in kinds.values())
    nodes = set(living)
    del living, kinds  # they have their classes, which may be garbage too
    doomed = doomed_among(nodes)
    if doomed is None or (doomed and may_come_back):
        return False
    for watch in watches:
        watch.forget_addresses(doomed)
    return True


def _references(in_peril: Iterable[_InPeril]) -> dict[int, int]:
    """Return how many references there are to each type, by the id of what refers to it weakly: one an instance."""
    if not interpreter.COUNTS_REFERENCES:  # pragma: only on PyPy
        return {}
    kinds = {id(each.kind): each.kind for each in in_peril}  # to hash one would ask its metaclass
    return {node: sys.getrefcount(ref()) for node, ref in kinds.items() if ref() is not None}


def _let_go_of_types(dead: Collection[_InPeril], before: Mapping[int, int]) -> bool:
    """Tell whether objects whose weak references died have let go of their types as well: none of them lives on then.

    Spares a look for them among old objects. Errs towards a missed leak where something else let go in the stead of
    one that was brought back to life.
    """
    now, gone = _references(dead), rawtypes.counts_of(id(each.kind) for each in dead)
    return bool(before) and all(node not in now or before[node] - now[node] >= number for node, number in gone.items())


def _with_line(fact: Survivor, made_at: tuple[str, int] | None) -> Survivor:
    """Return what is known of an object with the file and line that made it, where they are known."""
    if made_at is None:
        return fact
    file, line = made_at
    return replace(fact, made=describe.short_place(file, line), file=file, line=line)
