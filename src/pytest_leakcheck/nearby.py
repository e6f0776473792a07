"""What lies within a few references of the user's own modules: most leaks do, and cost no pass over the heap.

The walk goes down from the globals of the user's modules, a distance at a time, and only whole distances count: so a
path that it gives is a shortest one. It stops before the distance that would exceed its bound.
"""

from __future__ import annotations

import gc
import types
from typing import TYPE_CHECKING

from pytest_leakcheck import rawtypes

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_OBJECTS = 30_000
"""Objects looked at at most; about 20 ms (CPython 3.11)."""
MOST_DISTANCE = 6
_PASSED_OVER = (types.ModuleType, types.FrameType, types.CodeType, types.BuiltinFunctionType)


class Nearby:
    """The objects near some starting dicts, each with its distance and the object that leads to it."""

    def __init__(self, starts: Iterable[tuple[str, dict[str, object]]], avoided: frozenset[int]) -> None:
        """Walk from `starts`, pairs of a module's name and globals; the ids in `avoided` are not entered."""
        self._found: dict[int, tuple[int, str, int]] = {}
        self.objects: dict[int, object] = {}
        wave: list[object] = []
        for name, names in starts:
            self._found[id(names)] = (0, name, 0)
            self.objects[id(names)] = names
            wave.append(names)
        for distance in range(1, MOST_DISTANCE + 1):
            following = self._next(wave, distance, avoided)
            if following is None:
                break
            wave = following

    def _next(self, wave: list[object], distance: int, avoided: frozenset[int]) -> list[object] | None:
        """Return what `wave` leads to and enter it; None, with nothing entered, where it is too much."""
        met: dict[int, tuple[object, int]] = {}
        looked_at = 0
        for holder in wave:
            referents = gc.get_referents(holder)
            looked_at += len(referents)
            if looked_at > MOST_OBJECTS:
                return None
            for obj in referents:
                node = id(obj)
                if node in self._found or node in avoided or node in met or not gc.is_tracked(obj):
                    continue
                if not rawtypes.module_of(type(obj)).startswith("_pytest."):  # a root of its own: a mark, the loader
                    met[node] = (obj, id(holder))
        if len(self._found) + len(met) > MOST_OBJECTS:
            return None
        for node, (obj, holder_id) in met.items():
            self._found[node] = (distance, self._found[holder_id][1], holder_id)
            self.objects[node] = obj
        return [obj for obj, _ in met.values() if not rawtypes.is_one_of(type(obj), _PASSED_OVER)]

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
