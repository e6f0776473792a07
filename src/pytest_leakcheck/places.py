"""Where survivors are held, kept so that further ones can be recognised there without a collection or a search.

A place remembers a module or class weakly, the name in it, and the types on the way down, no object: so it keeps
nothing alive, and goes on being right when a registry is emptied, filled or replaced. Errs towards recognising too much where
objects of the same types hang at the same depth below one name.
"""

from __future__ import annotations

import gc
import weakref
from typing import Any

from pytest_leakcheck import describe, rawtypes

MOST_OBJECTS = 100_000
"""Objects looked at below a place at most; past it nothing is recognised."""


class Place:
    """A name in a module or class, and the types from what it names down to a survivor."""

    def __init__(self, owner: weakref.ref[Any], name: str, types: tuple[str, ...]) -> None:
        self._owner = owner
        self._name = name
        self._types = types

    @property
    def type_name(self) -> str:
        """The survivor's type."""
        return self._types[-1]

    def is_same(self, other: Place) -> bool:
        """Tell whether two places are one."""
        mine, its = (self._owner(), self._name, self._types), (other._owner(), other._name, other._types)
        return mine[0] is its[0] and mine[1:] == its[1:]

    def held(self) -> dict[int, Any]:
        """Return the objects held there now, by id."""
        names = _names_of(self._owner())
        if names is None or self._name not in names:
            return {}
        first = names[self._name]
        wave = {id(first): first} if describe.type_name(type(first)) == self._types[0] else {}
        for wanted in self._types[1:]:
            wave = _step(wave, wanted)
            if len(wave) > MOST_OBJECTS:
                return {}
        return wave


def place_of(objects: list[Any]) -> Place | None:
    """Return the place that a path of objects leads through, or None where it starts at neither module nor class."""
    if len(objects) < 3:
        return None
    names = _names_of(objects[0])
    if names is None:
        return None
    name = next((key for key, value in list(names.items()) if value is objects[2]), None)
    if type(name) is not str:
        return None
    kept = [obj for index, obj in enumerate(objects) if index >= 2 and not _is_own_dict(objects[index - 1], obj)]
    return Place(weakref.ref(objects[0]), name, tuple(describe.type_name(type(obj)) for obj in kept))


def _names_of(owner: Any) -> Any:
    if rawtypes.is_module(owner):
        return rawtypes.module_dict(owner)
    return rawtypes.class_dict(owner) if rawtypes.is_type(owner) else None


def _is_own_dict(holder: Any, held: Any) -> bool:
    return type(held) is dict and not rawtypes.is_instance(holder, dict) and rawtypes.instance_dict(holder) is held


def _step(wave: dict[int, Any], wanted: str) -> dict[int, Any]:
    """Return what the objects of `wave` refer to of the wanted type, an instance's ``__dict__`` passed through."""
    following = {}
    for holder in wave.values():
        for obj in gc.get_referents(holder):
            if describe.type_name(type(obj)) == wanted:
                following[id(obj)] = obj
            elif type(obj) is dict and type(holder) is not dict:
                following.update((id(o), o) for o in gc.get_referents(obj) if describe.type_name(type(o)) == wanted)
    return following
