"""What lies within a few references of the user's own modules: most leaks do, and cost no pass over the heap.

The walk goes down from the globals of the user's modules, a distance at a time, and only whole distances count: so a
path that it gives is a shortest one. It stops before the distance that would exceed its bound. An instance and its
``__dict__`` are one step: from CPython 3.11 on that is there only once somebody has read it, as naming a link does, and
no path may become longer by being told. (On CPython 3.13 the instance goes on
referring to attributes that it stores itself, and the dict does not.)
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
        self._found: dict[int, tuple[int, str, int, int]] = {}
        """For each node its distance, its module's name, the node that leads to it, and how many were met before."""
        self.objects: dict[int, object] = {}
        self._kinds: dict[int, bool] = {}
        """What was found out of types, by id: while the walk lasts, none of them dies."""
        self._most = LEAST_OBJECTS if sought else _most_objects()
        wave: list[object] = []
        for name, names in starts:
            self._found[id(names)] = (0, name, 0, len(self._found))
            self.objects[id(names)] = names
            wave.append(names)
        for distance in range(1, MOST_DISTANCE + 1):
            following = self._next(wave, distance, avoided)
            if following is None or (sought and sought <= self._found.keys()):
                break
            wave = following
        for holder in wave:
            self._open(holder, gc.get_referents(holder))

    def _next(self, wave: list[object], distance: int, avoided: frozenset[int]) -> list[object] | None:
        """Return what `wave` leads to and enter it; None, with nothing entered, where it is too much."""
        met: dict[int, tuple[object, int]] = {}
        known, is_tracked, kinds, looked_at = self._found, interpreter.is_tracked, self._kinds, 0
        for top in wave:
            referents = in_order(top)
            names = None if len(referents) != _ALONE else self._open(top, referents)
            holder = top if names is None else names
            if names is not None:
                referents = in_order(names)
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
            known[node] = (distance, known[holder_id][1], holder_id, len(known))
            self.objects[node] = obj
        return [obj for obj, _ in met.values() if id(type(obj)) not in _PASSED_OVER]

    def _open(self, holder: object, referents: list[object]) -> dict[str, object] | None:
        """Enter the ``__dict__`` of an instance that has its attributes by that alone, and return it; else None."""
        names = names_among(holder, referents)
        if names is not None and id(names) not in self._found:
            distance, module = self._found[id(holder)][:2]
            self._found[id(names)] = (distance, module, id(holder), len(self._found))
            self.objects[id(names)] = names
        return names

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

    def number(self, node: int) -> int:
        """Return how many nodes were met before one: of two, the less is first in all that leads to them."""
        return self._found[node][3]

    def path(self, obj: object) -> list[object]:
        """Return the objects from a module's globals to an object met, both included."""
        node = id(obj)
        objects = [self.objects[node]]
        while self._found[node][2]:
            node = self._found[node][2]
            objects.append(self.objects[node])
        return objects[::-1]


_ALONE = 2
"""How many objects an instance refers to that has its attributes in its ``__dict__`` alone: that and its type."""


def names_among(holder: object, referents: list[object]) -> dict[str, object] | None:
    """Return the ``__dict__`` of an instance that refers to its attributes by that alone, else None.

    To read it makes one of attributes that are in the instance itself, so it is read only where it may be there.
    """
    if len(referents) != _ALONE or referents[1] is not type(holder):
        return None
    return rawtypes.instance_dict(holder) if may_be_names(referents[0]) else None


def may_be_names(obj: object) -> bool:
    """Tell whether an object may be the ``__dict__`` of an instance that has attributes."""
    return type(obj) is dict and type(rawtypes.first_key(obj)) is str


def in_order(holder: object) -> list[object]:
    """Return what an object refers to, in an order that is the same in each run, as far as that has one."""
    referents = gc.get_referents(holder)
    if rawtypes.is_one_of(type(holder), (set, frozenset)):
        referents.sort(key=lambda obj: f"{rawtypes.module_of(type(obj))}.{rawtypes.qualname_of(type(obj))}")
    return referents


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
