"""Passes over all that the collector tracks: which of it refers to any of many objects, and how often."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import interpreter, rawtypes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

CHUNK, PART = 256, 16
"""Objects whose referents are tested at once, and again in smaller lots where one of them is wanted."""

YOUNG = 4_000
"""Objects at either end of the collector's lists: the young generations come first, what has just left them last."""
RECENT = 4_000
"""Objects of each generation, the last ones of it, that are taken for recent."""
MOST_ATTRIBUTES = 50
"""Items of the largest dict that is taken for an instance's."""


def all_objects() -> list[object]:
    """Return all objects that the collector tracks and that may be asked for their referents."""
    everything = gc.get_objects()
    spoiled = spoiled_by_asking()
    if spoiled is not None:  # pragma: only on CPython 3.12
        everything = [obj for obj in everything if obj is not spoiled]
    return everything


def spoiled_by_asking() -> object:
    """Return the module that must not be asked for its referents, or None.

    CPython 3.12's ``_asyncio`` answers with an iterator off its free list, a dead object that comes to life and death
    once more and is then listed twice: the next walk over the list does not end (tried on 3.12.1; not so on 3.10, 3.11
    and 3.13). What only that module's C state holds is "held by C code" there.
    """
    return rawtypes.loaded("_asyncio") if sys.version_info[:2] == (3, 12) else None


def chunks(objects: list[object], size: int = CHUNK) -> Iterator[list[object]]:
    """Yield `objects` in lists that are short enough to be looked through as one."""
    for start in range(0, len(objects), size):
        yield objects[start : start + size]


def referring(
    objects: list[object], wanted: AbstractSet[int], index: list[frozenset[int]] | None = None
) -> Iterator[object]:
    """Yield those of `objects` that refer to one of `wanted`, and few others; `index` is what `indexed` returned."""
    for number, chunk in enumerate(chunks(objects)):
        if leads_to(chunk, wanted) if index is None else not wanted.isdisjoint(index[number]):
            yield from drilled(chunk, wanted)


def indexed(objects: list[object]) -> list[frozenset[int]]:
    """Return what `objects` refer to, by ids, for many calls of `referring`: it takes as long as two of them without.

    What they come to refer to later is missed.
    """
    return [frozenset(map(id, gc.get_referents(*chunk))) for chunk in chunks(objects)]


def drilled(chunk: list[object], wanted: AbstractSet[int]) -> Iterator[object]:
    """Yield as `referring` does what is in one chunk that leads to one of `wanted`, which may grow meanwhile."""
    for part in chunks(chunk, PART):
        if leads_to(part, wanted):
            yield from part


def recent_objects() -> list[object]:
    """Return what was made last, and what has become old last, less what must not be asked for its referents."""
    if not interpreter.COUNTS_REFERENCES:  # pragma: only on PyPy, where nothing tells what was made when
        return []
    spoiled = spoiled_by_asking()
    found: dict[int, object] = {}  # 3.14+: the collector tracks it while it is empty, and so shows it to itself
    for age in range(3):
        for obj in gc.get_objects(age)[-RECENT:]:
            if obj is not spoiled and obj is not found:  # pragma: skipped only on CPython 3.12, and from 3.14 on
                found[id(obj)] = obj
    return list(found.values())  # each once, though a collection in between may have moved it on


def young_dicts(everything: list[object]) -> dict[int, list[object]]:
    """Return for each object that the youngest dicts refer to those that do; a large one is no instance's."""
    index: dict[int, list[object]] = {}
    for holder in (*everything[:YOUNG], *everything[-YOUNG:]):
        if type(holder) is dict and len(holder) <= MOST_ATTRIBUTES:
            for node in set(map(id, gc.get_referents(holder))):
                index.setdefault(node, []).append(holder)
    return index


def leads_to(objects: list[object], wanted: AbstractSet[int]) -> bool:
    """Tell whether any of `objects` refers to one of `wanted`."""
    return not wanted.isdisjoint(map(id, gc.get_referents(*objects)))
