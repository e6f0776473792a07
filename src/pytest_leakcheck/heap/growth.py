"""Containers in which the survivors of a leak pile up: what hangs below a new entry of one is of the same leak.

A container is remembered by its place and its entries by their ids, so nothing is kept alive, and a survivor is
recognised at the cost of the entries and what is below the new ones. Errs towards recognising too little: an entry that
took an old one's address, or an old one's place with all of its contents, is not new. Of a bounded container it errs
towards a missed leak as well, where a new entry leads to what grows by itself.
"""

from __future__ import annotations

import contextlib
import itertools
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.heap.below import are_reached, below_each
from pytest_leakcheck.heap.places import is_own_dict, name_of, place_of
from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import rawtypes

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from pytest_leakcheck.heap.places import Place


_COUNTED = (list, dict, set, deque)
"""The types of containers that tell by their length whether something came in the stead of something else."""
MOST_NAMED = 8
"""Entries by different names that are another matter than what piles up beside them by numbers."""


class Growth:
    """The entries of a container that a leak goes into, from the time it was confirmed."""

    def __init__(self, container: Place, *, has_names: bool = True) -> None:
        """Take the entries that there are for known.

        Without `has_names`, what a dict has by a name is another matter than what piles up there by numbers or objects.
        """
        self.container = container
        self._has_names = has_names
        self._names: set[str] = set()
        """Those of the entries that were left out so far."""
        self._known: set[int] = set()
        self._most = size_at(container, _COUNTED) or 0
        """The most entries that were there, where the type tells of their number."""
        self._is_looked_at = False
        self.has_grown = False
        """Whether the last look, and not the first, found more entries than ever: none came in the stead of others."""
        self.take_new()

    def take_latest(self) -> list[Any]:
        """Return the entries behind the last known one: that costs as much as is new, and is mostly all of it."""
        containers = containers_at(self.container)
        size = _size_of(containers, _COUNTED)
        self.has_grown = self._is_looked_at and size is not None and size > self._most
        self._most, self._is_looked_at = max(size or 0, self._most), True
        fresh = [
            entry
            for each in containers
            for entry in itertools.takewhile(lambda entry: id(entry) not in self._known, _backwards(each))
        ]
        self._known.update(map(id, fresh))
        return self._without_named(fresh, containers)

    def take_new(self) -> list[Any]:
        """Return all entries that came since the last call of either, at the cost of looking at each."""
        containers = containers_at(self.container)
        entries = [entry for each in containers for entry in _entries(each)]
        known, self._known = self._known, set(map(id, entries))
        fresh = self._known - known
        return self._without_named([entry for entry in entries if id(entry) in fresh], containers) if fresh else []

    def without_named(self, entries: list[Any]) -> list[Any]:
        """Leave out those of a dict's entries that go by a name, where these are another matter.

        Not where there are more and more: each of them costs a second run.
        """
        return self._without_named(entries, containers_at(self.container))

    def _without_named(self, entries: list[Any], containers: list[Any]) -> list[Any]:
        if self._has_names or not entries:
            return entries
        sought = set(map(id, entries))
        dicts = (each for each in containers if rawtypes.is_instance(each, dict))
        keys = {id(value): key for each in dicts for key, value in rawtypes.items_of(each) if id(value) in sought}
        named = {node: name for node, key in keys.items() if (name := name_of(key)) is not None}
        self._names.update(named.values())
        self._has_names = len(self._names) > MOST_NAMED
        return entries if self._has_names else [entry for entry in entries if id(entry) not in named]

    def leads_back(self, nodes: AbstractSet[int]) -> bool:
        """Tell whether all entries by weak references whose values have ids in `nodes` lead back to these keys.

        There is one then, and none of them goes by itself.
        """
        dicts = (each for each in containers_at(self.container) if rawtypes.is_instance(each, dict))
        entries = (entry for each in dicts for entry in rawtypes.items_of(each) if id(entry[1]) in nodes)
        found = [(weakref.ref.__call__(key), value) for key, value in entries if rawtypes.is_instance(key, weakref.ref)]
        return bool(found) and all(key is not None and are_reached({id(key)}, [value]) for key, value in found)


def take(growths: Sequence[Sequence[Growth]], wanted: AbstractSet[int], *, is_through_classes: bool) -> list[list[Any]]:
    """Return for each of several lists of containers what came since the last call, and what hangs below that.

    Only objects with ids in `wanted`. What hangs below entries by a class counts where that is asked for; what hangs
    below several is told once.
    """
    found: list[list[Any]] = [[] for _ in growths]
    left = set(wanted)
    for entries in (Growth.take_latest, Growth.take_new) if left else (Growth.take_latest,):
        fresh = [[entry for growth in each for entry in entries(growth)] for each in growths]
        for mine, new, inner in zip(
            found, fresh, below_each(fresh, left, is_through_classes=is_through_classes), strict=True
        ):
            members = {id(obj): obj for obj in (*new, *inner) if id(obj) in left}
            left -= members.keys()
            mine.extend(members.values())
        if not left:
            break
    return found


def containers_at(place: Place | None) -> list[Any]:
    """Return the containers that are at a place now, if any is known."""
    return list(place.held(is_exact=False).values()) if place is not None else []


def size_at(container: Place | None, kinds: Sequence[type] = (list, set, deque)) -> int | None:
    """Return how many entries the containers at a place have, None where one is not of `kinds`."""
    return _size_of(containers_at(container), kinds) if container is not None else None


def _size_of(containers: Sequence[Any], kinds: Sequence[type]) -> int | None:
    sizes = [rawtypes.length_of(each, kinds) for each in containers]
    return None if None in sizes else sum(filter(None, sizes))


def entries_at(container: Place | None) -> Counter[int]:
    """Return how often the containers at a place have each of their entries, by ids."""
    return rawtypes.counts_of(map(id, gc.get_referents(*containers_at(container))))


def _backwards(container: Any) -> Iterator[Any]:
    """Yield what was put into a list or dict, the latest first; nothing of what has no such order."""
    if rawtypes.is_instance(container, list):
        yield from list.__reversed__(container)
    elif rawtypes.is_instance(container, dict):
        with contextlib.suppress(RuntimeError):  # another thread has changed it meanwhile
            for key, value in reversed(dict.items(container)):
                yield value
                yield key


def _entries(container: Any) -> list[Any]:
    """Return what a container refers to, an instance's ``__dict__`` passed through."""
    entries = gc.get_referents(container)
    if not rawtypes.is_instance(container, dict):
        entries += [inner for entry in entries if type(entry) is dict for inner in gc.get_referents(entry)]
    return entries


def container_of(first: Sequence[Sequence[Any]], second: Sequence[Sequence[Any]]) -> Place | None:
    """Return the place of the container in which paths of a first run and of a second one part, or None.

    Each path is of live objects from a root's own to a survivor.
    """
    places = (place_of(list(path[:number])) for path, number in partings(first, second))
    return next((place for place in places if place is not None), None)


def has_container(path: Sequence[Any]) -> bool:
    """Tell whether what leads to the last object of a path goes through anything that may have many entries."""
    steps = zip((None, *path), path[:-1], strict=False)
    return any(rawtypes.length_of(obj) is not None and not is_own_dict(holder, obj) for holder, obj in steps)


def partings(first: Sequence[Sequence[Any]], second: Sequence[Sequence[Any]]) -> Iterator[tuple[Sequence[Any], int]]:
    """Yield each path of a second run with how many objects it shares with one of a first, from the start.

    Not where each starts at a root of its own, as at threads of one name.
    """
    for path in second:
        number = max((_shared(path, other) for other in first), default=0)
        if 0 < number < len(path):
            yield path, number


def _shared(path: Sequence[Any], other: Sequence[Any]) -> int:
    """Return how many objects two paths have in common from the start."""
    number = 0
    for one, two in zip(path, other, strict=False):
        if one is not two:
            break
        number += 1
    return number
