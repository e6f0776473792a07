"""The kinds of holders and of roots that a random graph is made of: how each is made, and how a link is put and cut.

What is watched is of a class of its own for each number, so that a report tells by its names which object it means.
"""

from __future__ import annotations

import collections
import contextlib
import contextvars
import ctypes
import functools
import itertools
import operator
import queue
import threading
import types
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_NODES = 12
MOST_LINKS = 24


class Watched:
    """What must die."""

    __slots__ = ()
    __hash__ = object.__hash__


class Box:
    """Takes what can't be hashed into a set."""

    __slots__ = ("content",)

    def __init__(self, content):
        self.content = content


def _numbered(name, *bases, **body):
    return [type(f"{name}{n}", bases, {"__module__": __name__, **body}) for n in range(MOST_NODES)]


_WEAK = {"__slots__": ("__weakref__", "__dict__")}
_SLOTS = {"__slots__": (*(f"s{n}" for n in range(MOST_LINKS)), "__weakref__")}
CLASSES = {
    "instance": _numbered("Instance", Watched, **_WEAK),
    "slots": _numbered("Slots", Watched, **_SLOTS),
    "own dict": _numbered("Dict", Watched, dict),
    "own list": _numbered("List", Watched, list),
    "own deque": _numbered("Deque", Watched, collections.deque),
    "own set": _numbered("Set", Watched, set),
    "exception": _numbered("Raised", Watched, Exception),
    "raised": _numbered("Caught", Watched, Exception),
}
WATCHED = tuple(CLASSES)
VARIABLES = [contextvars.ContextVar(f"variable{n}") for n in range(MOST_LINKS)]
OF_ROOTS = [contextvars.ContextVar(f"root{n}") for n in range(MOST_NODES)]
STAGED: list[Any] = []


class Kind(NamedTuple):
    """One kind of holder."""

    make: Callable[[int, list[Any]], Any]
    """Given its number, and what it holds from the beginning, where it can't be given anything later."""
    put: Callable[[Any, int, Any], object] | None = None
    """Have it hold one more, under a number; None where it can't."""
    cut: Callable[[Any, int], object] | None = None
    guarded: Callable[[Any, Any, Any], object] | None = None
    """Have it hold one more as long as a third object lives."""
    is_collected: bool = False
    """Whether it is on a cycle of its own."""
    is_weak: bool = False
    """Whether what is put into it is not held."""
    most: int = MOST_LINKS


def is_weakable(obj):
    """Tell whether an object of a graph can be weakly referenced."""
    return isinstance(obj, (Watched, types.FunctionType, types.GeneratorType))


def hashed(obj):
    """Return what can be put into a set for an object."""
    return obj if isinstance(obj, (Watched, types.FunctionType)) else Box(obj)


def _put_item(holder, n, held):
    holder[f"k{n}"] = held


def _cut_item(holder, n):
    del holder[f"k{n}"]


def _append(holder, n, held):
    holder.append((n, held))


def _cut_appended(holder, n):
    place = next(place for place, each in enumerate(holder) if each and each[0] == n)
    holder[place] = None


def _put_argument(holder, n, held):
    if n % 2:
        setattr(holder, f"a{n}", held)
    else:
        holder.args = (*holder.args, held)


def _closure(number, held):
    cells = tuple(types.CellType() for _ in range(MOST_LINKS))
    return types.FunctionType(_OPEN.__code__, globals(), f"closure{number}", None, cells)


exec(  # noqa: S102 - a function of many closure variables
    f"def _enclose():\n  {' = '.join(f'v{n}' for n in range(MOST_LINKS))} = None\n"
    f"  def inner(): return {', '.join(f'v{n}' for n in range(MOST_LINKS))}\n  return inner"
)
_OPEN = globals()["_enclose"]()


def _place(function, n):
    return function.__code__.co_freevars.index(f"v{n}")


def _put_cell(holder, n, held):
    holder.__closure__[_place(holder, n)].cell_contents = held


def _cut_cell(holder, n):
    del holder.__closure__[_place(holder, n)].cell_contents


def _function(number, held):
    return types.FunctionType((lambda *values, **names: None).__code__, globals(), f"function{number}")


def _put_default(holder, n, held):
    holder.__defaults__ = (*(holder.__defaults__ or (n,)), held)


def _put_keyword(holder, n, held):
    holder.__kwdefaults__ = {**(holder.__kwdefaults__ or {}), f"k{n}": held}


def _cut_keyword(holder, n):
    holder.__kwdefaults__ = {name: held for name, held in holder.__kwdefaults__.items() if name != f"k{n}"}


def _take(number):
    return STAGED.pop()


def _put_cached(holder, n, held):
    STAGED.append(held)
    holder(n)


def _wait(*held):
    yield held


async def _wait_async(*held):
    await _Never()
    return held


async def _give_async(*held):
    await _Never()
    yield held


class _Never:
    def __await__(self):
        yield


def _generator(number, held):
    made = _wait(*held)
    next(made)
    return made


def _coroutine(number, held):
    made = _wait_async(*held)
    made.send(None)
    return made


def _async_generator(number, held):
    made = _give_async(*held)
    made.asend(None).send(None)
    return made


def _raised(number, held):
    """Return an exception whose traceback has a frame with what is held, of a thread: a frame keeps its callers."""
    made, boxes = CLASSES["raised"][number](), [list(held)]
    thread = threading.Thread(target=_catch, args=(boxes, [made]))
    thread.start()
    thread.join()
    return made


def _catch(boxes, errors):
    with contextlib.suppress(Exception):
        _raise(boxes, errors)


def _raise(boxes, errors):
    local = tuple(boxes.pop())
    if local is not None:
        raise errors.pop()


def _set_in(context, n, held):
    context.run(VARIABLES[n].set, held)


def _cut_in(context, n):
    context.run(VARIABLES[n].set, None)


def _put_object(holder, n, held):
    holder.value = held


def _cut_object(holder, n):
    holder.value = ()  # ctypes goes on holding what was there before None


def _do_nothing(*_):
    pass


def _put_weak_value(holder, n, held):
    if is_weakable(held):
        holder[n] = held


def _put_weak(holder, n, held):
    if is_weakable(held):
        holder.append(weakref.ref(held))


def _put_in_weak_set(holder, n, held):
    if is_weakable(held):
        holder.add(held)


def _put_weakly_keyed(holder, held, guard):
    holder[guard] = held


def _put_callback(holder, held, guard):
    holder.append(weakref.ref(guard, functools.partial(_do_nothing, held)))


def _attribute(prefix="a"):
    return (
        lambda holder, n, held: setattr(holder, f"{prefix}{n}", held),
        lambda holder, n: delattr(holder, f"{prefix}{n}"),
    )


def _of(name):
    return lambda number, held: CLASSES[name][number]()


def _fixed(make):
    return Kind(make)


KINDS = {
    "instance": Kind(_of("instance"), *_attribute()),
    "slots": Kind(_of("slots"), *_attribute("s")),
    "own dict": Kind(_of("own dict"), _put_item, _cut_item),
    "own list": Kind(_of("own list"), _append, _cut_appended),
    "own deque": Kind(_of("own deque"), _append, _cut_appended),
    "own set": Kind(_of("own set"), lambda holder, n, held: holder.add(hashed(held))),
    "exception": Kind(_of("exception"), _put_argument),
    "raised": Kind(_raised, *_attribute()),
    "dict": Kind(lambda number, held: {}, _put_item, _cut_item),
    "dict of keys": Kind(lambda number, held: {}, lambda holder, n, held: holder.__setitem__(hashed(held), n)),
    "ordered dict": Kind(lambda number, held: collections.OrderedDict(), _put_item, _cut_item),
    "default dict": Kind(lambda number, held: collections.defaultdict(list), _put_item, _cut_item),
    "user dict": Kind(lambda number, held: collections.UserDict(), _put_item, _cut_item),
    "chain map": Kind(lambda number, held: collections.ChainMap({}, {}), _put_item, _cut_item),
    "list": Kind(lambda number, held: [], lambda holder, n, held: holder.append(held)),
    "deque": Kind(lambda number, held: collections.deque(), lambda holder, n, held: holder.append(held)),
    "set": Kind(lambda number, held: set(), lambda holder, n, held: holder.add(hashed(held))),
    "namespace": Kind(lambda number, held: types.SimpleNamespace(), *_attribute()),
    "closure": Kind(_closure, _put_cell, _cut_cell),
    "defaults": Kind(_function, _put_default),
    "keyword defaults": Kind(_function, _put_keyword, _cut_keyword),
    "function attribute": Kind(_function, *_attribute()),
    "class": Kind(lambda number, held: type(f"Class{number}", (), {}), *_attribute(), is_collected=True),
    "lost module": Kind(lambda number, held: types.ModuleType(f"lost{number}"), *_attribute()),
    "py_object": Kind(lambda number, held: ctypes.py_object(), _put_object, _cut_object, most=1),
    "cache": Kind(lambda number, held: functools.lru_cache(maxsize=None)(_take), _put_cached),
    "bounded cache": Kind(lambda number, held: functools.lru_cache(maxsize=MOST_LINKS)(_take), _put_cached),
    "context": Kind(lambda number, held: contextvars.Context(), _set_in, _cut_in),
    "queue": Kind(lambda number, held: queue.SimpleQueue(), lambda holder, n, held: holder.put(held)),
    "tuple": _fixed(lambda number, held: (f"tuple {number}", *held)),
    "frozenset": _fixed(lambda number, held: frozenset((f"set {number}", *map(hashed, held)))),
    "partial": _fixed(lambda number, held: functools.partial(print, *held[1:], **({"k": held[0]} if held else {}))),
    "method": _fixed(lambda number, held: types.MethodType(print, tuple(held) if len(held) != 1 else held[0])),
    "generator": _fixed(_generator),
    "coroutine": _fixed(_coroutine),
    "async generator": _fixed(_async_generator),
    "map": _fixed(lambda number, held: map(print, list(held))),
    "zip": _fixed(lambda number, held: zip(list(held), list(held[:1]), strict=False)),
    "filter": _fixed(lambda number, held: filter(None, iter(list(held)))),
    "enumerate": _fixed(lambda number, held: enumerate(list(held))),
    "reversed": _fixed(lambda number, held: reversed(list(held))),
    "chain": _fixed(lambda number, held: itertools.chain(list(held))),
    "repeat": _fixed(lambda number, held: itertools.repeat(tuple(held) or None)),
    "mapping proxy": _fixed(
        lambda number, held: types.MappingProxyType({f"k{n}": each for n, each in enumerate(held)})
    ),
    "property": _fixed(lambda number, held: property(*held[:3])),
    "item getter": _fixed(lambda number, held: operator.itemgetter(number, *held)),
    "slice": _fixed(lambda number, held: slice(*(held or [number])[:3])),
    "weak values": Kind(lambda number, held: weakref.WeakValueDictionary(), _put_weak_value, is_weak=True),
    "weak set": Kind(lambda number, held: weakref.WeakSet(), _put_in_weak_set, is_weak=True),
    "weak references": Kind(lambda number, held: [], _put_weak, is_weak=True),
    "weak keys": Kind(lambda number, held: weakref.WeakKeyDictionary(), guarded=_put_weakly_keyed),
    "callbacks": Kind(lambda number, held: [], guarded=_put_callback),
}
MOST_FIXED = {"property": 3, "slice": 3}
"""How many are held at most by what can't be given anything later."""
FIXED = frozenset(name for name, kind in KINDS.items() if not kind.put and not kind.guarded) | {"raised"}
"""What is given all, or, of "raised", something in its traceback, as it is made."""
