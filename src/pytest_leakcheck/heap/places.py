"""Where survivors are held, kept so that further ones can be recognised there without a collection or a search.

A place remembers a module or class weakly, and the names and types on the way down, no object: so it keeps nothing
alive, and goes on being right when a registry is emptied or filled. Errs towards recognising too much where objects of
the same types hang at the same depth below one name.
"""

from __future__ import annotations

import enum
import functools
import logging
import types
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_leakcheck.heap.below import below_each, held_alone
from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import interpreter, rawtypes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

MOST_OBJECTS = 100_000
"""Objects looked at below a place at most; past it nothing is recognised."""
LATEST = 100
"""Objects looked at one by one, to spare a look at all: it pays while each place has its latest near the end."""
_MOST_KEY = 40
"""A longer key is data, not a name."""
_DEEPEST, _MOST_PARTS = 2, 8
"""How deep tuples in tuples are still names, and of how many parts each, but for the names of arguments."""
_LEAST_COUNTED, _DIGITS = 8, 4
"""Texts of so many characters are data where every fourth of them is a digit, or more: a time, an id in hexadecimal."""


class _Step(NamedTuple):
    module: str
    qualname: str
    """The names of the type that is met there."""
    key: str | None
    """The name that leads there, of an attribute or from a dict, if there is one; other keys and indexes are data.

    Keys that `name_of` tells the names of each stand for an entry of their own, as those of a cache do.
    """
    is_attribute: bool = False
    position: int | None = None
    """Where it is in a tuple: as that of a function's defaults, or of a record, it has a meaning of its own."""


class Place:
    """A name in a module or class, and the steps from what it names down to a survivor."""

    def __init__(self, owner: weakref.ref[Any], steps: tuple[_Step, ...]) -> None:
        self._owner = owner
        self._steps = steps

    def is_same(self, other: Place) -> bool:
        """Tell whether two places are one."""
        return self._owner() is other._owner() and self._steps == other._steps

    def registry(self) -> Place | None:
        """Return the place of the last dict on the way that has an entry by a name, or None where there is none."""
        for number in range(len(self._steps) - 1, 0, -1):
            if self._steps[number].key is not None and not self._steps[number].is_attribute:
                return Place(self._owner, self._steps[:number])
        return None

    def leads_by_name_from(self, container: Place) -> bool:
        """Tell whether an entry by a name is what leads on from a container on the way."""
        number = len(container._steps)
        return self.is_below(container) and number < len(self._steps) and self._steps[number].key is not None

    def is_below(self, other: Place) -> bool:
        """Tell whether a place is on the way that leads on from `other`."""
        return self._owner() is other._owner() and self._steps[: len(other._steps)] == other._steps

    def is_in(self, registry: Place) -> bool:
        """Tell whether a place is that of an entry of `registry`."""
        own = self.registry()
        return own is not None and own.is_same(registry)

    def may_hold(self, types: set[tuple[str, str]]) -> bool:
        """Tell whether a survivor there could be of one of `types`, each a module's and a type's name."""
        return self._steps[-1][:2] in types

    def ends(self) -> tuple[dict[int, Any], dict[int, Any]]:
        """Return the objects held there now, and what holds them, each by id; other keys of dicts count for nothing."""
        met: dict[int, Any] = {}
        found: dict[int, Any] = {}
        for wave in self._waves(is_exact=True):
            met, found = found, wave
        return found, met

    def held(self, *, is_exact: bool = True, is_strict: bool = True) -> dict[int, Any]:
        """Return the objects held there now, by id.

        With `is_exact` off, the keys of dicts are data; with `is_strict` off, those are that could be no attribute's.
        """
        wave: dict[int, Any] = {}
        for wave in self._waves(is_exact=is_exact, is_strict=is_strict):  # noqa: B007 - the last one
            pass
        return wave

    def holds_any(self, nodes: AbstractSet[int]) -> bool:
        """Tell whether an object with its id in `nodes` is held there now: mostly it is among the latest."""
        names = _start_of(self._owner())
        is_among_latest = names is not None and self._leads_from(names, 0, nodes, set())
        return is_among_latest or not nodes.isdisjoint(self.held())

    def _leads_from(self, holder: Any, number: int, nodes: AbstractSet[int], met: set[tuple[int, int]]) -> bool:
        """Tell whether a holder at a step leads to one of `nodes`, before too much is `met`; the latest come first."""
        found = _follow({id(holder): holder}, self._steps[number])
        number += 1
        if number == len(self._steps):
            return not nodes.isdisjoint(found)
        for obj in _latest_first(holder, found):
            if len(met) < LATEST and (number, id(obj)) not in met:
                met.add((number, id(obj)))
                if self._leads_from(obj, number, nodes, met):
                    return True
        return False

    def _waves(self, *, is_exact: bool, is_strict: bool = True) -> Iterator[dict[int, Any]]:
        """Yield what the owner has its names in, and what each step leads to; nothing past a step to too many."""
        names = _start_of(self._owner())
        wave = {id(names): names} if names is not None else {}
        yield wave
        for number, step in enumerate(self._steps):
            may_be_data = not is_exact or not (is_strict or (step.key or "").isidentifier())
            is_name = step.is_attribute or not number or not may_be_data
            wave = _follow(wave, step if is_name else step._replace(key=None))
            wave = {} if len(wave) > MOST_OBJECTS else wave
            yield wave


def held_together(places: Sequence[Place], wanted: AbstractSet[int]) -> list[list[Any]]:
    """Return for each of several places which objects with ids in `wanted` are there, or below what is.

    Only those that nothing else than these places leads to, and what hangs below the objects there. What is below
    several places, or at several, is told of one of them.
    """
    ends = [place.ends() for place in places]
    nodes = [found.keys() & wanted for found, _ in ends]
    members = rawtypes.each_once(found[node] for (found, _), at in zip(ends, nodes, strict=True) for node in at)
    known = set(map(id, members))
    holders = rawtypes.each_once(holder for _, met in ends for node, holder in met.items() if node not in known)
    del ends  # a further list of ours that holds a member would count as something else that leads to it
    alone = held_alone(members, holders, wanted) if members else []
    left = set(map(id, alone))
    starts: list[list[Any]] = []
    for at in nodes:
        starts.append([obj for obj in alone if id(obj) in at & left])
        left -= at
    inner = below_each(starts, left, is_through_classes=False, is_alone=False)
    return [[*start, *rest] for start, rest in zip(starts, inner, strict=True)]


def place_of(objects: list[Any]) -> Place | None:
    """Return the place that a path of objects leads through, or None where it starts at nothing that has a name."""
    names = _start_of(objects[0])
    if names is None or len(objects) < 3:
        return None
    steps: list[_Step] = []
    holder, first = names, 1 if names is objects[0] else 2
    for index in range(first, len(objects)):
        if not is_own_dict(objects[index - 1], objects[index]):
            owner = objects[index - 2] if index > first and is_own_dict(objects[index - 2], holder) else holder
            key = _name_in(owner, objects[index], is_data=bool(steps))
            is_attribute = _items_of(owner) is None and key is not None
            position = _position_in(holder, objects[index])
            steps.append(_Step(*names_of_type(type(objects[index])), key, is_attribute, position))
        holder = objects[index]
    return Place(weakref.ref(objects[0]), tuple(steps)) if steps[0].key is not None else None


def _start_of(owner: Any) -> Any:
    """Return what the first step is taken from: the names of a module or class, a logger itself; None for others."""
    if rawtypes.is_module(owner):
        return rawtypes.module_dict(owner)
    if rawtypes.is_type(owner):
        return rawtypes.class_dict(owner)
    return owner if rawtypes.is_instance(owner, logging.Logger) else None


def names_of_type(kind: type) -> tuple[str, str]:
    """Return the module and the qualified name of a type."""
    return rawtypes.module_of(kind), rawtypes.qualname_of(kind)


def _items_of(holder: Any) -> Any:
    names = gc.get_referents(holder)[0] if type(holder) is types.MappingProxyType else holder
    return rawtypes.items_of(names) if rawtypes.is_instance(names, dict) else None


def _name_in(holder: Any, value: Any, *, is_data: bool) -> str | None:
    """Return the name by that a dict, or an attribute of an object or a class, holds a value.

    With `is_data`, a dict is one of the user's, not the names of a module or class.
    """
    items = _items_of(holder)
    key = next(
        (key for key, found in (rawtypes.attributes_of(holder) if items is None else items) if found is value), None
    )
    if is_data and items is not None:
        return name_of(key)
    return key if type(key) is str and key.isidentifier() and len(key) <= _MOST_KEY else None


def name_of(key: object, depth: int = _DEEPEST) -> str | None:
    """Return the name that a key of a dict is; None for data: numbers, objects, and what was made for one.

    Names are texts, what a module has by a name of its own, the members of enums, None, True and False, and tuples of
    these: there are as many as the source has. Errs towards a missed leak where a program makes up names without end,
    as texts that its users typed, and towards a false alarm where data comes from a closed set, as the days of a week
    by their numbers. What is made anew by the same name, as a function that ``functools.wraps`` named, piles up there.
    """
    if type(key) is str:
        return None if len(key) > _MOST_KEY or _is_counted(key) else key
    if type(key) is tuple:
        return _name_of_tuple(key, depth)
    if rawtypes.is_one_of(type(key), (bool, type(None))):
        return f"value {key!r}"
    name = _name_in_source(key)
    return name if name is not None and "<locals>" not in name else None


def _name_in_source(key: Any) -> str | None:
    """Return what a class, a function, a module or the member of an enum is called, None for anything else."""
    kind = type(key)
    if rawtypes.is_type(key):
        return f"class {'.'.join(names_of_type(key))}"
    if rawtypes.derives(type(kind), enum.EnumMeta):
        member = rawtypes.attribute(key, "_name_")  # several members of a flag may have none
        return f"member {'.'.join((*names_of_type(kind), member))}" if type(member) is str else None
    if rawtypes.is_module(key):
        return f"module {rawtypes.module_name(key)}"
    is_builtin = kind is types.BuiltinFunctionType and rawtypes.is_module(key.__self__)  # others are bound methods
    if kind is types.FunctionType or is_builtin:
        return f"function {'.'.join(map(rawtypes.text_of, (key.__module__, key.__qualname__)))}"
    return None


def _name_of_tuple(key: tuple[Any, ...], depth: int) -> str | None:
    """Return the name that a tuple is whose parts are names, or numbers beside a text or a class.

    Such a number is the flags of a pattern, say; where there are but numbers, they pile up as one alone does, also by
    the name of an argument, and with their own class, which a cache that is typed puts beside them.
    """
    if not depth or len(key) > 2 * _MOST_PARTS:
        return None
    words = _words_in(key)
    parts = [part for index, part in enumerate(key) if index not in words]
    names = [f"{part:x}" if type(part) is int else name_of(part, depth - 1) for part in parts]  # decimals have a limit
    known = [name for name in names if name is not None]
    has_number = any(type(part) is int for part in parts)
    is_named = any(_is_telling(part, parts) for part in parts) if has_number else bool(parts)
    if not is_named or len(known) < len(parts) or len(parts) > _MOST_PARTS:
        return None
    return f"({', '.join([*known, *words.values()])})"


def _is_telling(part: object, parts: list[Any]) -> bool:
    """Tell whether a part makes a number beside it a part of a name, too."""
    is_text = type(part) is str or type(part) is tuple
    return is_text or (rawtypes.is_type(part) and not any(type(other) is part for other in parts))


def _words_in(key: tuple[Any, ...]) -> dict[int, str]:
    """Return where the key of an ``lru_cache`` has its mark, and the names of the arguments that come after it."""
    mark = next((index for index, part in enumerate(key) if part is _MARK), len(key))
    words = {index: f"{key[index]}=" for index in range(mark + 1, len(key), 2) if type(key[index]) is str}
    return {mark: "*", **words} if mark < len(key) else {}


def _mark_of_caches() -> object:
    """Return what an ``lru_cache`` has in its keys between positional arguments and others; none that PyPy's has."""
    cached = functools.lru_cache(maxsize=None)(lambda **_: None)
    cached(name=None)
    keys = [key for table in gc.get_referents(cached) if type(table) is dict for key in table]
    return next((key[0] for key in keys if type(key) is tuple), object())


_MARK = _mark_of_caches()


def _is_counted(text: str) -> bool:
    return len(text) >= _LEAST_COUNTED and sum(map(str.isdigit, text)) * _DIGITS >= len(text)


def _position_in(holder: Any, value: Any) -> int | None:
    """Return where a tuple has a value; None where a plain one has objects of one type: it is one of many there."""
    items = list(tuple.__iter__(holder)) if rawtypes.is_instance(holder, tuple) else []
    is_record = type(holder) is not tuple or rawtypes.is_one_of(type(value), (list, dict, set))
    if not is_record and all(type(item) is type(value) for item in items):
        return None
    return next((index for index, item in enumerate(items) if item is value), None)


def is_own_dict(holder: Any, held: Any) -> bool:
    """Tell whether a dict is the one that an object has its attributes in."""
    return type(held) is dict and not rawtypes.is_instance(holder, dict) and rawtypes.instance_dict(holder) is held


def _entries_by(name: str, items: Iterable[tuple[Any, Any]]) -> list[Any]:
    """Return the values of a dict by the keys that have a name."""
    found = [value for key, value in items if type(key) is str and key == name]
    return found or [value for key, value in items if type(key) is not str and name_of(key) == name]


def _follow(wave: dict[int, Any], step: _Step) -> dict[int, Any]:
    """Return what the objects of `wave` refer to by that step, an instance's ``__dict__`` passed through."""
    holders = list(wave.values())
    if step.key is None and step.position is None:
        held = gc.get_referents(*holders)
    else:
        held = [obj for holder in holders for obj in _held_by(holder, step)]
    kinds = rawtypes.by_id(list(map(type, held)))
    wanted = {node for node, kind in kinds.items() if names_of_type(kind) == step[:2]}
    return {id(obj): obj for obj in held if id(type(obj)) in wanted}


def _latest_first(holder: Any, found: dict[int, Any]) -> list[Any]:
    """Return what was found to be held in the reverse of the order in which it came, as far as that is known.

    The collector of CPython goes through a list, and nothing else, from its end on (3.10 to 3.15).
    """
    is_so = interpreter.COUNTS_REFERENCES and rawtypes.is_instance(holder, list)
    return [*found.values()] if is_so else [*found.values()][::-1]


def _held_by(holder: Any, step: _Step) -> list[Any]:
    if step.key is not None and step.is_attribute:
        value = rawtypes.attribute(holder, step.key)
        return [rawtypes.c_attribute(holder, step.key) if value is None else value]
    if step.key is not None:
        return _entries_by(step.key, _items_of(holder) or ())
    items = list(tuple.__iter__(holder)) if rawtypes.is_instance(holder, tuple) else []
    return items[step.position : step.position + 1] if step.position is not None else []
