"""What lies within a few references of the user's own modules: most leaks do, and cost no pass over the heap.

The walk goes down from the globals of the user's modules, a distance at a time, and only whole distances count: so a
path that it gives is a shortest one. It stops before the distance that would exceed its bound.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING

from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import interpreter, rawtypes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

MOST_OBJECTS, LEAST_OBJECTS = 30_000, 3_000
"""Objects looked at at most, on a large heap and on a small one, where a pass over all of it costs little; the first
takes about 20 ms (CPython 3.11)."""
_BLOCKS = 32
"""Blocks of memory to each of the objects looked at."""
MOST_DISTANCE = 6
MOST_BELOW, MOST_DEPTH = 200, 2
"""Objects looked at below one holder, and how far below it."""
_PASSED_BY = frozenset(map(id, (types.ModuleType, types.FunctionType)))
"""The ids of types below whose objects the program begins, as it does below classes: they are no part of its data."""
_PASSED_OVER = frozenset(map(id, (types.ModuleType, types.FrameType, types.CodeType, types.BuiltinFunctionType)))
"""The ids of types whose objects are met, but not looked into."""


def _most_objects() -> int:
    """Return how many objects to look at on this heap: a power of two of the least number, so that it rarely varies."""
    most, blocks = LEAST_OBJECTS, getattr(sys, "getallocatedblocks", int)()
    while 2 * most <= blocks // _BLOCKS:
        most *= 2
    return min(most, MOST_OBJECTS)


class Nearby:
    """The objects near some starting dicts, each with its distance and the object that leads to it."""

    def __init__(
        self,
        starts: Iterable[tuple[str, dict[str, object]]],
        avoided: frozenset[int],
        sought: frozenset[int] = frozenset(),
    ) -> None:
        """Walk from `starts`, pairs of a module's name and globals; the ids in `avoided` are not entered.

        Where ids are `sought`, the walk ends at the distance by which all of them are met, and a short one suffices.
        """
        self._found: dict[int, tuple[int, str, int]] = {}
        self.objects: dict[int, object] = {}
        self._kinds: dict[int, bool] = {}
        """What was found out of types, by id: while the walk lasts, none of them dies."""
        self._most = LEAST_OBJECTS if sought else _most_objects()
        wave: list[object] = []
        for name, names in starts:
            self._found[id(names)] = (0, name, 0)
            self.objects[id(names)] = names
            wave.append(names)
        for distance in range(1, MOST_DISTANCE + 1):
            following = self._next(wave, distance, avoided)
            if following is None or (sought and sought <= self._found.keys()):
                break
            wave = following

    def _next(self, wave: list[object], distance: int, avoided: frozenset[int]) -> list[object] | None:
        """Return what `wave` leads to and enter it; None, with nothing entered, where it is too much."""
        met: dict[int, tuple[object, int]] = {}
        known, is_tracked, kinds, looked_at = self._found, interpreter.is_tracked, self._kinds, 0
        for holder in wave:
            referents = gc.get_referents(holder)
            looked_at += len(referents)
            if looked_at > self._most:
                return None
            for obj in referents:
                node = id(obj)
                if node in known or node in met or node in avoided or not is_tracked(obj):
                    continue
                is_root = kinds.get(id(type(obj)))
                if not (self._is_root(type(obj)) if is_root is None else is_root):
                    met[node] = (obj, id(holder))
        if len(known) + len(met) > self._most:
            return None
        for node, (obj, holder_id) in met.items():
            known[node] = (distance, known[holder_id][1], holder_id)
            self.objects[node] = obj
        return [obj for obj, _ in met.values() if id(type(obj)) not in _PASSED_OVER]

    def _is_root(self, kind: type) -> bool:
        """Find out whether a type is one of pytest's: a mark, the loader; its objects are roots of their own."""
        verdict = self._kinds[id(kind)] = rawtypes.is_of_pytest(kind)
        return verdict

    def distance(self, node: int) -> int | None:
        """Return how many references lead from a module's globals to a node, or None where it was not met."""
        found = self._found.get(node)
        return found[0] if found else None

    def module(self, node: int) -> str:
        """Return the name of the module that a node met is near to."""
        return self._found[node][1]

    def path(self, obj: object) -> list[object]:
        """Return the objects from a module's globals to an object met, both included."""
        node = id(obj)
        objects = [self.objects[node]]
        while self._found[node][0]:
            node = self._found[node][2]
            objects.append(self.objects[node])
        return objects[::-1]


def lines_below(top: object, wanted: AbstractSet[int]) -> Iterator[list[object]]:
    """Yield the objects from `top` down to each one a little below it that refers to one of `wanted`."""
    above: dict[int, list[object]] = {id(top): [top]}
    wave = [top]
    for _ in range(MOST_DEPTH):
        following: list[object] = []
        for obj in wave:
            for part in gc.get_referents(obj):
                is_program = id(type(part)) in _PASSED_BY or rawtypes.is_type(part)
                if is_program or id(part) in above or not interpreter.is_tracked(part):
                    continue
                if len(above) > MOST_BELOW:
                    return
                above[id(part)] = [*above[id(obj)], part]
                following.append(part)
                if not wanted.isdisjoint(map(id, gc.get_referents(part))):
                    yield above[id(part)]
        wave = following
