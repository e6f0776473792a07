"""Objects that can't be weakly referenced, known by their addresses: slotted ones without ``__weakref__``.

Nothing is kept alive by that, and nothing tells that one has died but that it is no longer among the objects that the
collector tracks. Errs towards a false survivor where another object of the same type took the address of a dead one:
who asks must know that no such object can have been made meanwhile, save one that is asked after as well.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import interpreter

if TYPE_CHECKING:
    import weakref
    from collections.abc import Iterable, Mapping

CHUNK = 4096
OLDEST = 2
SLACK = 2_000
"""Objects that automatic collections may have promoted unnoticed."""
LARGE = 50_000
"""Old objects from which on a look at the youngest of them takes milliseconds: the collector gives all or none."""
MOST_PASSED = 16


class Look(NamedTuple):
    """What a look at some addresses came to."""

    found: dict[int, Any]
    """The living objects by their addresses."""
    is_costly: bool = False


def find(
    wanted: Mapping[int, weakref.ref[type]], span: int | None = None, generations: Iterable[int] = (0, 1, OLDEST)
) -> Look:
    """Return the living objects at the addresses `wanted`, each if it is of the type given.

    Where the type is dead, so is the object. `span` is how many objects at most were promoted to the oldest generation
    since the first of them was made, young collections alone having promoted them: those are its youngest. None: any
    number. `generations` are those to look in.
    """
    kinds = {node: kind for node, ref in wanted.items() if (kind := ref()) is not None}
    found: dict[int, Any] = {}
    nodes, size = frozenset(kinds), 0
    for generation in generations if interpreter.COUNTS_REFERENCES else (None,):
        if len(found) == len(nodes) or (generation == OLDEST and span == 0):
            break
        objects: list[Any] = gc.get_objects(generation)
        size = len(objects)
        first = 0 if span is None or generation != OLDEST else max(0, size - span - SLACK)
        for end in range(size, first, -CHUNK):
            chunk = objects[max(first, end - CHUNK) : end]
            if not nodes.isdisjoint(map(id, chunk)):
                found.update((id(obj), obj) for obj in chunk if kinds.get(id(obj)) is type(obj))
    return Look(found, is_costly=size > LARGE)


def find_resurrected(
    wanted: Mapping[int, weakref.ref[type]], generation: int | None = None, span: int | None = None
) -> Look:
    """Return those of the objects at the addresses `wanted` that their finalizers brought back to life.

    `generation` is that of a collection just over; None: they may have come back at any time, in collections since
    which `span` objects were promoted to the oldest generation, or any number. What does so becomes the youngest of the
    next generation (CPython 3.10-3.15), so the rest of the heap need not be looked at then. Errs towards missing one
    that was brought back with more than `LARGE` others, or before `span` others.
    """
    if generation is None or not has_generations():
        look = find(wanted, span if has_generations() else None)
    else:
        look = find(wanted, LARGE, [min(generation + 1, OLDEST)])
    # Another object may have come to the address; one whose finalizer has run was itself brought back.
    return look._replace(found={node: obj for node, obj in look.found.items() if interpreter.is_finalized(obj)})


def has_generations() -> bool:
    """Tell whether this interpreter keeps new objects in young generations of their own."""
    if sys.implementation.name != "cpython" or not interpreter.has_global_lock():
        return False  # pragma: only on PyPy and free-threaded builds
    return gc.get_threshold()[2] != 0 or sys.version_info < (3, 14)


def young() -> set[int]:
    """Return the ids of the objects that no collection has made old yet."""
    return {*map(id, gc.get_objects(0)), *map(id, gc.get_objects(1))}


def count_young() -> int:
    """Return how many objects the next collection of the young generations may promote."""
    return len(gc.get_objects(0)) + len(gc.get_objects(1))


class Patience:
    """Which tests' objects to look for: on a large heap one look takes as long as many a test.

    For what can't be weakly referenced, of tests that are not run again, and for what a finalizer may have brought back
    to life: where what tests left was no leak, only every second one is looked at, then every fourth, up to every
    sixteenth. Errs towards a missed leak; it goes by tests, not by time, so that each run comes to the same verdicts.
    """

    def __init__(self) -> None:
        self._width = 1
        self._passed = 0

    def is_due(self) -> bool:
        """Tell whether to look for the next test's objects."""
        self._passed += 1
        return self._passed >= self._width

    def note(self, *, is_costly: bool, is_leak: bool) -> None:
        """Note what came of a look."""
        if is_leak:
            self._width = 1
        elif is_costly:
            self._width = min(2 * self._width, MOST_PASSED)
        self._passed = 0
