"""What must die: weak references to it, and collections until it does. Knows nothing of holders, paths or reports."""

from __future__ import annotations

import gc
import time
import weakref
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_leakcheck import describe, rawtypes
from pytest_leakcheck.model import Survivor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MOST_ROUNDS = 5
"""Full collections at most: one more while finalisers and weak reference callbacks still free something."""
_FIRST_NAP, _LONGEST_NAP = 0.001, 0.05
"""Seconds slept between two looks while settling, doubled from the one to the other."""


_MOST_OF_REASON = 500


@dataclass(frozen=True, slots=True)
class Watched:
    """One object that must die, held weakly."""

    ref: weakref.ref[Any]
    fact: Survivor


@dataclass(slots=True)
class Watch:
    """The objects of one check, each watched once."""

    watched: list[Watched] = field(default_factory=list)
    total: int = 0
    """How many objects were ever added, dead ones included."""

    def add(self, obj: object, origin: str, reason: str = "") -> None:
        """Watch `obj`; `origin` and `reason` are for the report.

        Raises TypeError where it can't be weakly referenced. An object that is watched already keeps its first origin.
        """
        if not any(entry.ref() is obj for entry in self.watched):
            why = describe.clean(reason, _MOST_OF_REASON) if rawtypes.is_instance(reason, str) else ""
            self._enter(weakref.ref(obj), Survivor(describe.type_name(type(obj)), origin, why))

    def add_new(self, obj: object, origin: str) -> None:
        """Watch `obj`, known to be unwatched, if it can be weakly referenced."""
        try:
            ref = weakref.ref(obj)
        except TypeError:
            return
        self._enter(ref, Survivor(describe.type_name(type(obj)), origin))

    def _enter(self, ref: weakref.ref[Any], fact: Survivor) -> None:
        self.watched.append(Watched(ref, fact))
        self.total += 1

    def tell_origin(self, made_at: Callable[[Any], str]) -> None:
        """Note for each watched object that lives the line that made it."""
        for index, entry in enumerate(self.watched):
            obj = entry.ref()
            if obj is not None:
                self.watched[index] = replace(entry, fact=replace(entry.fact, made=made_at(obj)))

    def refs(self, objects: Iterable[object]) -> list[weakref.ref[Any]]:
        """Return the weak references to `objects`, all of them watched."""
        known = {id(entry.ref()): entry.ref for entry in self.watched}
        return [known[id(obj)] for obj in objects]

    def forget(self, objects: Iterable[object]) -> None:
        """Stop watching `objects`."""
        gone = set(map(id, objects))
        self.watched = [entry for entry in self.watched if id(entry.ref()) not in gone]

    def summary(self) -> str:
        """Return how many objects of which types are watched: ``2 shop.Session, 1 shop.Item``."""
        return describe.tally(entry.fact.type_name for entry in self.watched)

    def collect_young(self) -> bool:
        """Collect the young generations while any watched object lives; tell whether one still does."""
        for generation in (0, 1):
            if not self.drop_dead():
                return False
            gc.collect(generation)
        return self.drop_dead()

    def drop_dead(self) -> bool:
        """Forget what has died; tell whether anything is left."""
        self.watched = [entry for entry in self.watched if entry.ref() is not None]
        return bool(self.watched)

    def alive(self) -> list[Any]:
        """Return the watched objects that live, in the order they were added, each once."""
        living: dict[int, Any] = {}
        for entry in self.watched:
            obj = entry.ref()
            if obj is not None:
                living.setdefault(id(obj), obj)
        return list(living.values())

    def facts(self, objects: Iterable[object]) -> list[Survivor]:
        """Return what is known of each of `objects`, all of them watched."""
        known = {id(entry.ref()): entry.fact for entry in reversed(self.watched)}
        return [known[id(obj)] for obj in objects]

    def collect(self, most: int = _MOST_ROUNDS) -> bool:
        """Collect as little as it takes for all to die; tell whether any survives full collections, at `most` so many.

        Nothing alive, nothing collected: then the young generations, which cost microseconds, and only last a full one.
        What the first one does not free, a second one may: where finalisers and callbacks that it set off let go.
        """
        self.collect_young()
        rounds = 0
        while self.drop_dead() and rounds < most:
            before = len(self.watched)
            freed = gc.collect()
            rounds += 1
            if not freed or not self.drop_dead() or (rounds > 1 and len(self.watched) == before):
                break
        return self.drop_dead()

    def settle(self, seconds: float, drain: Callable[[], object] = lambda: None) -> float:
        """Collect, drain and look until all are dead or `seconds` are over; return the seconds waited."""
        started, nap = time.monotonic(), _FIRST_NAP
        while self.collect():
            waited = time.monotonic() - started
            if waited >= seconds:
                break
            time.sleep(min(nap, seconds - waited))
            nap = min(nap * 2, _LONGEST_NAP)
            drain()
        return time.monotonic() - started
