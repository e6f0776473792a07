"""Where survivors are held, kept so that further ones can be recognised there without a collection or a search.

A place remembers a module or class weakly, and the names and types on the way down, no object: so it keeps nothing
alive, and goes on being right when a registry is emptied or filled. Errs towards recognising too much where objects of
the same types hang at the same depth below one name.
"""

from __future__ import annotations

import gc
import types
import weakref
from typing import Any, NamedTuple

from pytest_leakcheck import rawtypes

MOST_OBJECTS = 100_000
"""Objects looked at below a place at most; past it nothing is recognised."""
MOST_BELOW = 30_000
"""Objects looked at below survivors that were recognised."""
_MOST_KEY = 40
"""A longer key is data, not a name."""


class _Step(NamedTuple):
    module: str
    qualname: str
    """The names of the type that is met there."""
    key: str | None
    """The name that leads there from a dict, where it is one; all other keys and indexes are data."""


class Place:
    """A name in a module or class, and the steps from what it names down to a survivor."""

    def __init__(self, owner: weakref.ref[Any], steps: tuple[_Step, ...]) -> None:
        self._owner = owner
        self._steps = steps

    def is_same(self, other: Place) -> bool:
        """Tell whether two places are one."""
        return self._owner() is other._owner() and self._steps == other._steps

    def may_hold(self, types: set[tuple[str, str]]) -> bool:
        """Tell whether a survivor there could be of one of `types`, each a module's and a type's name."""
        return self._steps[-1][:2] in types

    def held(self) -> dict[int, Any]:
        """Return the objects held there now, by id."""
        names = _names_of(self._owner())
        wave = {id(names): names} if names is not None else {}
        for step in self._steps:
            wave = _follow(wave, step)
            if len(wave) > MOST_OBJECTS:
                return {}
        return wave


def below(members: list[Any], wanted: set[int]) -> list[Any]:
    """Return those of the objects with ids in `wanted` that hang below `members`, near enough to be found at once."""
    seen, wave, found = set(map(id, members)), members, []
    while wave and len(seen) < MOST_BELOW:
        following = [obj for obj in gc.get_referents(*wave) if gc.is_tracked(obj) and not _is_shared(obj)]
        wave = []
        for obj in following:
            if id(obj) not in seen:
                seen.add(id(obj))
                wave.append(obj)
        found += [obj for obj in wave if id(obj) in wanted]
    return found


def _is_shared(obj: Any) -> bool:
    return rawtypes.is_type(obj) or rawtypes.is_module(obj) or type(obj) is types.FunctionType


def place_of(objects: list[Any]) -> Place | None:
    """Return the place that a path of objects leads through, or None where it starts at neither module nor class."""
    names = _names_of(objects[0])
    if names is None or len(objects) < 3:
        return None
    steps, holder = [], names
    for index in range(2, len(objects)):
        if not _is_own_dict(objects[index - 1], objects[index]):
            steps.append(_Step(*names_of_type(objects[index]), _name_in(holder, objects[index])))
        holder = objects[index]
    return Place(weakref.ref(objects[0]), tuple(steps)) if steps[0].key is not None else None


def _names_of(owner: Any) -> Any:
    if rawtypes.is_module(owner):
        return rawtypes.module_dict(owner)
    return rawtypes.class_dict(owner) if rawtypes.is_type(owner) else None


def names_of_type(obj: Any) -> tuple[str, str]:
    """Return the module and the qualified name of an object's type."""
    return rawtypes.module_of(type(obj)), rawtypes.qualname_of(type(obj))


def _items_of(holder: Any) -> Any:
    if rawtypes.is_instance(holder, dict):
        return dict.items(holder)
    return holder.items() if type(holder) is types.MappingProxyType else None


def _name_in(holder: Any, value: Any) -> str | None:
    """Return the name by that a dict or a class's attributes hold a value."""
    found = rawtypes.key_of(holder, value) if _items_of(holder) is not None else None
    key = found[0] if found else None
    return key if type(key) is str and key.isidentifier() and len(key) <= _MOST_KEY else None


def _is_own_dict(holder: Any, held: Any) -> bool:
    return type(held) is dict and not rawtypes.is_instance(holder, dict) and rawtypes.instance_dict(holder) is held


def _follow(wave: dict[int, Any], step: _Step) -> dict[int, Any]:
    """Return what the objects of `wave` refer to by that step, an instance's ``__dict__`` passed through."""
    following: dict[int, Any] = {}
    for holder in wave.values():
        items = _items_of(holder)
        if step.key is not None and items is not None:
            held = [value for key, value in list(items) if type(key) is str and key == step.key]
        else:
            held = gc.get_referents(holder)
            if items is None:
                held += [obj for names in held if type(names) is dict for obj in gc.get_referents(names)]
        following.update((id(obj), obj) for obj in held if names_of_type(obj) == step[:2])
    return following
