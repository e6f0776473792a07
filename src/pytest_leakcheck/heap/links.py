"""A path of live objects to named links, each as Python that a person could type, the interpreter's parts folded.

A rule reads the objects from the holder on and answers with the link and how many steps of the path it covers: an
instance, its ``__dict__`` and the value are three objects and one link, ``.attr``. The rules are asked in order; what
none of them knows is named by its type, never guessed.
"""

from __future__ import annotations

import contextvars
import enum
import functools
import itertools
import keyword
import operator
import threading
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pytest_leakcheck import describe
from pytest_leakcheck.heap.frames import take_locals
from pytest_leakcheck.heap.positions import NOT_KNOWN, Positions
from pytest_leakcheck.model import Link
from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import interpreter, rawtypes


class Named(NamedTuple):
    """A link without its label, and the number of steps of the path that it covers."""

    text: str
    kind: str
    pattern: str
    steps: int


Path = Sequence[Any]
Rule = Callable[[Path], "Named | None"]

INHERENT = frozenset({"bound method", "cell", "wrapped", "traceback frame"})
"""Kinds of links that are never a fault in themselves: what holds their holder is."""


MOST_AHEAD = 1_000
"""Objects of a path that one reference may be told by: the frames of a traceback may be so many."""


def name_links(path: Path, positions: Positions = NOT_KNOWN) -> tuple[tuple[Link, ...], list[int]]:
    """Return the links along `path`, live objects each of which refers to the next, and how many steps each covers."""
    links, steps = [], []
    at = 0
    while at + 1 < len(path):
        holder = path[at]
        position = positions.of(holder, path[at + 1])
        is_known = position is not None
        named = _item(f"{type(holder).__name__} item", position) if is_known else name_step(path[at : at + MOST_AHEAD])
        at += named.steps
        links.append(Link(named.text, describe.label(path[at]), named.kind, named.pattern))
        steps.append(named.steps)
    return tuple(links), steps


def renamed(links: Sequence[Link], steps: Sequence[int], path: Path) -> list[tuple[Link, ...]]:
    """Return the links of a path by further names of what its holders have more than once, each name once.

    `links` and `steps` are what `name_links` told. For items and attributes alone.
    """
    ends = list(itertools.accumulate(steps))
    names = [_further(path[end - step : end + 1], link) for link, step, end in zip(links, steps, ends, strict=True)]
    number = min(map(len, filter(None, names)), default=0)
    return [
        tuple(
            replace(link, text=further[index]) if further else link for link, further in zip(links, names, strict=True)
        )
        for index in range(number)
    ]


def _further(path: Path, link: Link) -> list[str]:
    """Return the indexes, keys or attributes but the first by which the first object on `path` has the last."""
    holder, names, held = path[0], path[-2], path[-1]
    is_item = link.text.startswith("[")
    if not link.text.startswith((".", "[")):
        return []
    if rawtypes.is_instance(names, dict):
        pairs = rawtypes.items_of(names)
    elif is_item:
        pairs = enumerate(_in_order(names))
    else:
        pairs = rawtypes.attributes_of(holder)
    keys = [key for key, value in pairs if value is held][1:]
    return [(_item(link.kind, key) if is_item else _attribute(key, link.kind, 1)).text for key in keys]


def _in_order(values: Any) -> Iterable[Any]:
    base = next((base for base in (list, tuple, deque) if rawtypes.is_instance(values, base)), None)
    return () if base is None else rawtypes.listed(base.__iter__(values))


def bound_of(path: Path) -> str:
    """Return what bounds the number of objects that `path` can lead to, or the empty string."""
    return next(filter(None, (_bound(path, index) for index in range(len(path) - 1))), "")


def bound_at(path: Path, number: int) -> str:
    """Return what bounds the number of objects that come into the last of the first `number` ones on `path`.

    What bounds something above or below that bounds nothing there: one entry of a cache may grow.
    """
    index = number - 1
    if not interpreter.COUNTS_REFERENCES:  # pragma: only on PyPy, whose lru_cache is a closure that has a dict
        while index and any(type(path[index]) is kind for kind in (types.CellType, dict, tuple)):
            index -= 1
        index = index if _is_lru_cache(path[index]) else number - 1
    return _bound(path, index)


def _bound(path: Path, index: int) -> str:
    """Return what bounds the number of objects in one on `path`: itself, or what has it as an attribute."""
    owners = (path[above] for above in range(max(0, index - 2), index))
    return _own_bound(path[index]) or next(filter(None, (_bound_by(owner, path[index]) for owner in owners)), "")


_LIMITED = {
    ("queue", "Queue"): ("queue", "maxsize", "a queue", "item"),
    ("asyncio.queues", "Queue"): ("_queue", "_maxsize", "a queue", "item"),
    ("logging.handlers", "MemoryHandler"): ("buffer", "capacity", "a handler", "record"),
}
"""Classes of the standard library, by module and name, that bound what one of their attributes has: that attribute, the
one with the bound, and words for both."""


def _bound_by(owner: object, held: object) -> str:
    if type(held) is dict and rawtypes.is_type(owner) and rawtypes.derives(type(owner), enum.EnumMeta):
        is_members = rawtypes.item_of(rawtypes.class_dict(owner), "_value2member_map_") is held
        return "the members of an enum" if is_members else ""
    if rawtypes.length_of(held) is None:
        return ""
    if rawtypes.is_module(owner):
        return _bound_by_constant(rawtypes.items_of(rawtypes.module_dict(owner)), held)
    names = ((rawtypes.module_of(base), rawtypes.qualname_of(base)) for base in rawtypes.mro_of(type(owner)))
    attribute, limit, words, thing = next((_LIMITED[each] for each in names if each in _LIMITED), ("", "", "", ""))
    if not attribute:
        return _bound_by_name(owner, held) if any(value is held for _, value in _attributes(owner)) else ""
    most = rawtypes.attribute(owner, limit) if rawtypes.attribute(owner, attribute) is held else None
    return f"{words} of at most {describe.counted(most, thing)}" if type(most) is int and most > 0 else ""


_LIMITS = frozenset(
    {
        *("maxsize", "max_size", "maxlen", "max_len", "max_length", "capacity", "max_entries", "maxentries"),
        *("max_items", "maxitems", "max_cache_size", "cache_size", "size_limit", "max_history", "history_size"),
        *("limit", "max_cached"),
    }
)
"""Names of attributes that tell how much their object keeps at most, as caches written by hand have them."""
_LIMITS_OF_POOLS = (
    *("pool_size", "max_pool_size", "max_overflow", "max_connections", "max_conns", "max_conn", "max_idle"),
    *("max_idle_connections", "max_keepalive", "max_keepalive_connections", "max_workers", "max_threads"),
    *("max_clients", "max_sessions", "max_objects", "max_elements", "max_records", "max_events", "max_messages"),
    *("max_pending", "max_queue", "max_queue_size", "max_cache", "cache_limit", "max_count"),
)
"""And as pools and queues have them: as a constant of a module, such a name is often an option of something else.

Not ``size``, which mostly is the number of what is there now, nor buffers, whose limits are mostly numbers of bytes.
"""
_LIMITS_OF_OBJECTS = frozenset(name.replace("_", "") for name in (*_LIMITS, *_LIMITS_OF_POOLS))
_OF_LIMITS, _OF_TIMES = ("max", "limit", "size", "capacity"), ("time", "ttl", "seconds", "expir")
_SHORTEST_WORD = 4


def _bound_by_name(owner: object, held: object) -> str:
    """Return by which attribute an object tells how much it keeps, unless there is twice as much by now.

    Of several limits each may be that of what is held. Errs towards a missed leak, which is a warning then, where the
    name tells of something else.
    """
    if rawtypes.length_of(held) is None:
        return ""
    numbers = ((name, value) for name, value in _attributes(owner) if type(name) is str and type(value) is int)
    words = ((name, name.rpartition("__")[2].replace("_", "").lower(), most) for name, most in numbers)
    return _limited(held, ((name, most) for name, word, most in words if word in _LIMITS_OF_OBJECTS))


def _bound_by_constant(names: Iterable[tuple[Any, Any]], held: object) -> str:
    """Return by which constant a module tells how much its container keeps: ``_MAXCACHE`` beside ``_cache``."""
    texts = [(name, value) for name, value in names if type(name) is str]
    words = next((name.lower().split("_") for name, value in texts if value is held), [])
    numbers = ((name, name.strip("_").lower(), value) for name, value in texts if type(value) is int)
    limits = ((name, most) for name, text, most in numbers if text in _LIMITS or _is_limit_of(words, text))
    return _limited(held, limits)


def _is_limit_of(words: Iterable[str], constant: str) -> bool:
    """Tell whether a constant's name has one of some words in it, and one for a limit of another thing than time."""
    text = constant.replace("_", "")
    is_of_these = any(word in text for word in words if len(word) >= _SHORTEST_WORD)
    return is_of_these and any(each in text for each in _OF_LIMITS) and not any(each in text for each in _OF_TIMES)


def _limited(held: object, limits: Iterable[tuple[str, int]]) -> str:
    """Return what tells of a limit in words, unless a container has twice as much by now."""
    size = rawtypes.length_of(held)
    kept = ((name, most) for name, most in limits if size is not None and size <= 2 * most)
    return next((f"there is a .{describe.clean(name)} of {most:,} beside it" for name, most in kept), "")


def _attributes(owner: Any) -> list[tuple[Any, Any]]:
    """Return what a class or an object has by which name, in a ``__dict__`` or in slots, its classes' included."""
    bases = rawtypes.mro_of(owner if rawtypes.is_type(owner) else type(owner))
    tables = (rawtypes.class_dict(base) for base in bases if rawtypes.module_of(base) != "builtins")
    named = [item for table in tables for item in rawtypes.items_of(table)]
    return named if rawtypes.is_type(owner) else [*rawtypes.attributes_of(owner), *named]


def _own_bound(holder: object) -> str:
    if rawtypes.is_instance(holder, deque) and _DEQUE_MAXLEN(holder) is not None:
        return f"a deque of at most {describe.counted(_DEQUE_MAXLEN(holder), 'item')}"
    most = _most_cached(holder)
    if most is not None:
        return f"an lru_cache of at most {describe.counted(most, 'call')}"
    return _bound_by_name(holder, holder)


_DEQUE_MAXLEN: Any = deque.__dict__["maxlen"].__get__  # a subclass may have a slot of that name


def _most_cached(wrapper: object) -> int | None:
    """Return how many calls an lru_cache keeps at most, or None; ``cache_parameters`` is read, not called."""
    if not _is_lru_cache(wrapper):
        return None
    parameters = rawtypes.attribute(wrapper, "cache_parameters")
    if type(parameters) is not types.FunctionType or "maxsize" not in parameters.__code__.co_freevars:
        return None
    cell = list(rawtypes.items_in(parameters.__closure__))[parameters.__code__.co_freevars.index("maxsize")]
    most = next(iter(gc.get_referents(cell)), None)
    return most if type(most) is int else None


_WEAKLY_KEYED = frozenset({"weakly keyed item", "item by a weak key"})
_WEAK = (weakref.WeakKeyDictionary, weakref.WeakValueDictionary, weakref.finalize._Info)  # type: ignore[attr-defined]  # noqa: SLF001


def has_weak_entry(path: Path, links: Sequence[Link]) -> bool:
    """Tell whether `path` goes through an entry that a weak reference takes out, as those of weak dicts and finalizers.

    The dict may also be a plain one with weak references for keys, whose callbacks do so: `links` are named so.
    """
    is_keyed = any(link.kind in _WEAKLY_KEYED for link in links)
    return is_keyed or any(rawtypes.is_instance(obj, kind) for obj in path for kind in _WEAK)


def has_patch(holders: Sequence[Any], links: Sequence[Link]) -> bool:
    """Tell whether a patch of ``unittest.mock`` that was started put there what one of `links` is, or holds it itself.

    `holders` are what the links start from, one each.
    """
    patch = rawtypes.loaded_class("unittest.mock", "_patch")
    active = None if patch is None else rawtypes.item_of(rawtypes.class_dict(patch), "_active_patches")
    patches = [
        (rawtypes.attribute(each, "target"), rawtypes.text_of(rawtypes.attribute(each, "attribute")))
        for each in rawtypes.items_in(active)
    ]
    return any(
        holder is active or any(holder is target and link.text == f".{name}" for target, name in patches)
        for holder, link in zip(holders, links, strict=False)
    )


def opened(path: Path) -> list[Any]:
    """Return `path` with the ``__dict__`` of each instance on it that refers to its attributes by that alone.

    From CPython 3.11 on, attributes are in the instance itself until its ``__dict__`` is read, as naming a link does.
    """
    objects = list(path[:1])
    for held in path[1:]:
        names = rawtypes.instance_dict(objects[-1])
        if names is not None and held is not names and not any(held is obj for obj in gc.get_referents(objects[-1])):
            objects.append(names)
        objects.append(held)
    return objects


def name_step(path: Path) -> Named:
    """Return the name of the first reference along `path`."""
    for rule in RULES:
        named = rule(path)
        if named is not None:
            return named
    kind = describe.short_type_name(type(path[0]))
    return Named(f"inside the {kind}", "opaque", f"inside {kind}", 1)


def _attribute(name: object, kind: str, steps: int) -> Named:
    is_typable = type(name) is str and name.isidentifier() and not keyword.iskeyword(name)
    is_name = is_typable and not describe.has_token(name)  # type: ignore[arg-type]
    text = f".{describe.clean(name)}" if is_name else f".__dict__[{describe.key_text(name)}]"  # type: ignore[arg-type]
    return Named(text, kind, text, steps)


def _frame(path: Path) -> Named | None:
    holder, held = path[0], path[1]
    if type(holder) is not types.FrameType:
        return None
    if held is holder.f_back:
        return Named(".f_back", "frame", ".f_back", 1)
    return _local(holder, held, 1)


def _local(frame: types.FrameType, held: object, steps: int) -> Named:
    where = f"{describe.function_name(frame.f_code)} ({describe.place(frame.f_code, frame.f_lineno)})"
    found = next((name for name, value in take_locals(frame) if value is held), None)
    name = found or "?"
    text = f"a temporary of {where}" if found is None else f"local {describe.quoted(name)} of {where}"
    return Named(
        text, "local variable", f"local {describe.clean(name)} of {describe.function_name(frame.f_code)}", steps
    )


_SUSPENDED: tuple[tuple[type, str, str], ...] = (
    (types.GeneratorType, "generator", "gi_frame"),
    (types.CoroutineType, "coroutine", "cr_frame"),
    (types.AsyncGeneratorType, "async generator", "ag_frame"),
)


def _generator(path: Path) -> Named | None:
    holder, held = path[0], path[1]
    word, attribute = next(((word, name) for kind, word, name in _SUSPENDED if type(holder) is kind), ("", ""))
    frame = getattr(holder, attribute) if word else None
    if frame is None:
        return None
    steps = 1
    if held is frame and len(path) > 2:  # pragma: only on PyPy and CPython 3.10
        held, steps = path[2], 2
    local = _local(frame, held, steps)
    where = f"{describe.function_name(frame.f_code)} suspended at {describe.place(frame.f_code, frame.f_lineno)}"
    name = local.text.partition(" of ")[0]
    return Named(f"{name} of {word} {where}", word, f"{name} of {word} {describe.function_name(frame.f_code)}", steps)


def _traceback(path: Path) -> Named | None:
    holder, held = path[0], path[1]
    if type(holder) is not types.TracebackType:
        return None
    if held is holder.tb_next:
        return Named(".tb_next", "traceback frame", ".tb_next", 1)
    if held is holder.tb_frame and len(path) > 2 and type(path[2]) is not types.FrameType:
        return _local(holder.tb_frame, path[2], 2)
    return Named(".tb_frame", "traceback frame", ".tb_frame", 1)


def _exception(path: Path) -> Named | None:
    holder, held = path[0], path[1]
    if not rawtypes.is_instance(holder, BaseException):
        return None
    name = describe.short_type_name(type(holder))
    if held is rawtypes.c_attribute(holder, "__traceback__"):
        return _through_traceback(path, name)
    for attribute in ("__cause__", "__context__", "args"):
        if held is rawtypes.c_attribute(holder, attribute):
            if attribute == "args" and len(path) > 2:
                index = _index_of(held, path[2])
                return Named(f".args[{index}]", "exception", ".args[*]", 2)
            return Named(f".{attribute}", "exception", f".{attribute}", 1)
    # PyPy: the arguments are in a list that no collector shows; the tuple is made anew for each who asks.
    for index, argument in enumerate(rawtypes.items_in(rawtypes.c_attribute(holder, "args"))):
        if argument is held:  # pragma: only on PyPy
            return Named(f".args[{index}]", "exception", ".args[*]", 1)
    return None


def _through_traceback(path: Path, name: str) -> Named:
    """Name the local that a stored exception's traceback keeps, all tracebacks and frames between folded."""
    steps = 1
    while steps + 1 < len(path) and rawtypes.is_one_of(type(path[steps]), (types.TracebackType, types.FrameType)):
        steps += 1
    frame = path[steps - 1]
    if type(frame) is not types.FrameType:
        return Named(".__traceback__", "traceback", ".__traceback__", 1)
    local = _local(frame, path[steps], steps)
    return Named(f"traceback of {name}: {local.text}", "traceback", f"traceback of {name}", steps)


def _method(path: Path) -> Named | None:
    holder, held = path[0], path[1]
    if not rawtypes.is_one_of(type(holder), (types.MethodType, types.BuiltinMethodType, types.MethodWrapperType)):
        return None
    name = "__self__" if held is getattr(holder, "__self__", None) else "__func__"
    return Named(f".{name}", "bound method", f".{name}", 1)


def _function(path: Path) -> Named | None:
    function: Any = path[0]
    held = path[1]
    if type(function) is not types.FunctionType:
        return None
    name = describe.function_name(function)
    if held is function.__globals__ and len(path) > 2:
        found = rawtypes.key_of(held, path[2])
        text = f"global {describe.key_text(found[0]) if found else '?'} of {name}"
        return Named(text, "global of a lost module", text, 2)
    return _closure_variable(path, name) or _default_argument(path, name) or _annotation(path)


def _closure_variable(path: Path, name: str) -> Named | None:
    """Name a variable of an enclosing function; PyPy shows the cells alone, not the tuple that they are in."""
    function, held = path[0], path[1]
    cells = list(rawtypes.items_in(function.__closure__))
    steps = 3 if held is function.__closure__ else 2
    if len(path) <= steps or not any(path[steps - 1] is cell for cell in cells):
        return None
    variable = function.__code__.co_freevars[_index_of(cells, path[steps - 1])]
    text = f"closure variable {describe.quoted(variable)} of {name}"
    return Named(text, "closure variable", text, steps)


def _default_argument(path: Path, name: str) -> Named | None:
    """Name a default by its argument; PyPy shows those of positional arguments alone, not the tuple they are in."""
    function, held = path[0], path[1]
    defaults = list(rawtypes.items_in(function.__defaults__))
    steps = 2 if held is function.__defaults__ and len(path) > 2 else 1
    if any(path[steps] is value for value in defaults):
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        index = _index_of(defaults, path[steps]) - len(defaults)
        variable = names[index] if -index <= len(names) else "?"  # there may be more than arguments
        text = f"default argument {describe.quoted(variable)} of {name}"
        return Named(text, "default argument", text, steps)
    if held is function.__kwdefaults__ and len(path) > 2:
        found = rawtypes.key_of(held, path[2])
        text = f"default argument {describe.key_text(found[0]) if found else '?'} of {name}"
        return Named(text, "default argument", text, 2)
    return None


_NO_ANNOTATIONS = ("__dict__", "__doc__", "__module__", "__builtins__", "__type_params__")
"""What else of a function may be a dict or a tuple, beside what its defaults and variables are in."""


def _annotation(path: Path) -> Named | None:
    """Name an annotation by its argument: asked for ``__annotations__``, a function may make a dict, or run code.

    Up to CPython 3.13 names and values are in one tuple until then.
    """
    function, held = path[0], path[1]
    if len(path) == 2 or any(held is rawtypes.c_attribute(function, name) for name in _NO_ANNOTATIONS):
        return None
    parts = list(rawtypes.items_in(held))
    names = rawtypes.items_of(held) if rawtypes.is_instance(held, dict) else zip(parts[::2], parts[1::2], strict=False)
    name = next((name for name, value in names if value is path[2]), None)
    text = f".__annotations__[{describe.key_text(name)}]"
    return None if name is None else Named(text, "attribute", text, 2)


def _cell(path: Path) -> Named | None:
    if type(path[0]) is not types.CellType:
        return None
    return Named(".cell_contents", "cell", ".cell_contents", 1)


def _partial(path: Path) -> Named | None:
    partial, held = path[0], path[1]
    if not rawtypes.is_instance(partial, functools.partial):
        return None
    base: Any = functools.partial
    if held is base.func.__get__(partial):
        return Named(".func", "partial", ".func", 1)
    if held is base.args.__get__(partial) and len(path) > 2:
        return Named(f".args[{_index_of(held, path[2])}]", "partial", ".args[*]", 2)
    if held is base.keywords.__get__(partial) and len(path) > 2:
        found = rawtypes.key_of(held, path[2])
        text = f".keywords[{describe.key_text(found[0]) if found else '?'}]"
        return Named(text, "partial", text, 2)
    return None


_OF_A_CACHE = (dict, tuple, list, types.CellType)


def _is_lru_cache(obj: Any) -> bool:
    """Tell whether `obj` is what ``functools.lru_cache`` makes: a function of that module's on PyPy."""
    kind: Any = functools._lru_cache_wrapper  # noqa: SLF001 - the only name of this type
    if not rawtypes.is_type(kind):  # pragma: only on PyPy
        return type(obj) is types.FunctionType and any(obj.__code__ is const for const in kind.__code__.co_consts)
    return type(obj) is kind


def _lru_cache(path: Path) -> Named | None:
    wrapper = path[0]
    if not _is_lru_cache(wrapper):
        return None
    function = rawtypes.attribute(wrapper, "__wrapped__")
    if path[1] is rawtypes.instance_dict(wrapper) or path[1] is function:
        return None
    bare = function.__func__ if type(function) is types.MethodType else function
    name = describe.function_name(bare) if type(bare) is types.FunctionType else describe.label(bare)
    steps = 1
    while steps + 1 < len(path) and any(rawtypes.is_instance(path[steps], base) for base in _OF_A_CACHE):
        steps += 1
    return Named(f"cached call of {name}", "lru_cache", f"cached call of {name}", steps)


def _thread_local(path: Path) -> Named | None:
    """Name an attribute of a ``threading.local``: a dict for each thread, on CPython all of them in one."""
    holder = path[0]
    if not rawtypes.is_instance(holder, threading.local):
        return None
    dicts, most = 1, 3 if interpreter.COUNTS_REFERENCES else 2
    while dicts + 1 < len(path) and type(path[dicts]) is dict and dicts < most:
        dicts += 1
    if dicts == 1:
        return None
    found = rawtypes.key_of(path[dicts - 1], path[dicts])
    text = _attribute(found[0], "thread-local", dicts).text if found else ".?"
    return Named(text, "thread-local", text, dicts)


def _context(path: Path) -> Named | None:
    """Name a context variable; the tree between a context and the value is folded."""
    context = contextvars.copy_context() if rawtypes.is_context_tree(path[0]) else path[0]
    if type(context) is not contextvars.Context:
        return None
    steps = 1
    while steps + 1 < len(path) and (
        rawtypes.is_context_tree(path[steps]) or _is_of_node(path[steps - 1], path[steps])
    ):
        steps += 1
    for variable, value in context.items():
        if value is path[steps]:
            text = f"context variable {describe.quoted(variable.name)}"
            return Named(text, "context variable", text, steps)
    return None


def _is_of_node(node: object, held: object) -> bool:
    """Tell whether `held` is the list of a node's own, in a tree that is written in Python (PyPy)."""
    return type(held) is list and rawtypes.module_of(type(node)) == "_immutables_map"


def _context_default(path: Path) -> Named | None:
    if type(path[0]) is not contextvars.ContextVar:
        return None
    text = f"default of the context variable {describe.quoted(path[0].name)}"
    return Named(text, "context default", text, 1)


def _class(path: Path) -> Named | None:
    kind, held = path[0], path[1]
    if not rawtypes.is_type(kind):
        return None
    names = rawtypes.class_dict(kind)
    if len(path) > 2 and any(held is raw for raw in gc.get_referents(names)):
        found = rawtypes.key_of(names, path[2])
        return _attribute(found[0], "class attribute", 2) if found else None
    if held is type.__dict__["__base__"].__get__(kind):
        return Named(".__base__", "class", ".__base__", 1)
    found = rawtypes.key_of(names, held)
    if found:  # pragma: only on PyPy, where the attributes are in no dict that the collector shows
        return _attribute(found[0], "class attribute", 1)
    for name in ("__mro__", "__bases__"):
        if held is type.__dict__[name].__get__(kind) and len(path) > 2:
            return Named(f".{name}[{_index_of(held, path[2])}]", "class", f".{name}[*]", 2)
    return None


def _module(path: Path) -> Named | None:
    module, held = path[0], path[1]
    if not rawtypes.is_module(module):
        return None
    names = rawtypes.module_dict(module)
    if held is names and len(path) > 2:
        found = rawtypes.key_of(names, path[2])
        return _attribute(found[0], "module global", 2) if found else None
    name = describe.clean(rawtypes.module_name(module))
    return Named(f"inside the C module {name}", "opaque", "inside the C module", 1)


def _mapping(path: Path) -> Named | None:
    holder, held = path[0], path[1]
    if not rawtypes.is_instance(holder, dict):
        return None
    for key, value in rawtypes.items_of(holder):
        if value is held:
            return _item(_kind_of_item(key, path), key)
    for key, value in rawtypes.items_of(holder):
        if key is held:
            kind = "weakly valued key" if rawtypes.is_instance(value, weakref.KeyedRef) else "dict key"
            return Named(f"key {describe.key_text(key)}", kind, "key", 1)
    return None


def _kind_of_item(key: Any, path: Path) -> str:
    """Return the kind of a dict's item: whether it goes by a weak reference, and to what it leads to itself."""
    if not rawtypes.is_instance(key, weakref.ref):
        return "dict item"
    referent = weakref.ref.__call__(key)
    return "weakly keyed item" if any(referent is obj for obj in path[1:]) else "item by a weak key"


def _sequence(path: Path) -> Named | None:
    holder, held = path[0], path[1]
    for base in (list, tuple, deque):
        if rawtypes.is_instance(holder, base):
            values = rawtypes.listed(base.__iter__(holder))
            is_held = map(operator.is_, values, itertools.repeat(held))
            index = next(itertools.compress(itertools.count(), is_held), None)
            if index is not None:
                return _field(holder, index) or _item(f"{base.__name__} item", index)
    return None


def _item(kind: str, position: object) -> Named:
    """Name what a container has at a position."""
    return Named(f"[{describe.key_text(position)}]", kind, "[*]", 1)


def _field(holder: object, index: int) -> Named | None:
    """Name an item of a named tuple by its field."""
    names = rawtypes.fields_of(type(holder))
    return _attribute(names[index], "attribute", 1) if index < len(names) else None


def _set(path: Path) -> Named | None:
    for base in (set, frozenset):
        if rawtypes.is_instance(path[0], base):
            return Named("element of the set", "set element", "element", 1)
    return None


def _index_of(items: Any, wanted: object) -> int:
    return next((index for index, item in enumerate(rawtypes.items_in(items)) if item is wanted), 0)


def _instance(path: Path) -> Named | None:
    holder, held = path[0], path[1]
    names = rawtypes.instance_dict(holder)
    if names is not None:
        steps = 2 if held is names and len(path) > 2 else 1
        found = rawtypes.key_of(names, path[steps])
        if found:
            return _mocked(holder, found[0], steps) or _attribute(found[0], "attribute", steps)
    for name, value in rawtypes.slots_of(holder):
        if value is held:
            return _attribute(name, "attribute", 1)
    if held is type(holder):
        return Named(".__class__", "class", ".__class__", 1)
    return None


def _mocked(holder: object, name: object, steps: int) -> Named | None:
    """Name what a mock keeps as its user knows it: ``.call_args``, which is ``_mock_call_args`` inside."""
    base = rawtypes.loaded_class("unittest.mock", "NonCallableMock")
    if base is None or not rawtypes.is_instance(holder, base) or type(name) is not str or name[:6] != "_mock_":
        return None
    return _attribute(name.removeprefix("_mock_"), "mock", steps)


def _future(path: Path) -> Named | None:
    """Name what asyncio's Future or Task holds and no attribute shows: `_callbacks` answers with a new list."""
    future, held = path[0], path[1]
    if all(rawtypes.module_of(base) != "_asyncio" for base in rawtypes.mro_of(type(future))):
        return None
    if type(held) is types.TracebackType:  # that of its error, or on CPython 3.10 of its cancellation
        error = rawtypes.c_attribute(future, "_exception")
        return _through_traceback(path, "CancelledError" if error is None else describe.short_type_name(type(error)))
    callbacks = rawtypes.c_attribute(future, "_callbacks")
    if any(each is held for pair in rawtypes.items_in(callbacks) for each in list(rawtypes.items_in(pair))[:1]):
        return Named("callback for when it is done", "future callback", "callback", 1)
    return _cancellation(path)


def _cancellation(path: Path) -> Named | None:
    """Name what the error holds that a cancelled future has by no attribute."""
    future, held = path[0], path[1]
    if not rawtypes.is_instance(held, BaseException) or held is rawtypes.c_attribute(future, "_exception"):
        return None
    inner = _exception(path[1:]) if len(path) > 2 else None
    if inner is not None and inner.kind == "traceback":
        return inner._replace(steps=inner.steps + 1)
    return Named("error of its cancellation", "exception", "error of its cancellation", 1)


_C_ATTRIBUTES = (
    (
        "_asyncio.",
        (
            *("_coro", "_callbacks", "_result", "_exception", "_loop", "_context", "_fut_waiter"),
            *("_source_traceback", "_cancel_message"),
        ),
    ),
    ("_io.", ("raw", "buffer")),
    ("builtins.function", ("__doc__", "__annotate__", "__type_params__")),
    ("builtins.property", ("fget", "fset", "fdel")),
    ("builtins.staticmethod", ("__func__", "__wrapped__")),
    ("builtins.classmethod", ("__func__", "__wrapped__")),
    ("_contextvars.Token", ("old_value", "var")),
    ("builtins.weakref", ("__callback__",)),
    ("weakref.", ("__callback__",)),
    ("builtins.super", ("__self__", "__thisclass__")),
    ("builtins.slice", ("start", "stop", "step")),
    ("builtins.async_generator", ("ag_await",)),
    ("builtins.coroutine", ("cr_await",)),
    ("builtins.generator", ("gi_yieldfrom",)),
    ("collections.defaultdict", ("default_factory",)),
)


def _c_attribute(path: Path) -> Named | None:
    """Name what an object of a built-in type holds by the attribute that shows it; these getters run C code alone."""
    holder, held = path[0], path[1]
    kind = type(holder)
    if kind is types.MappingProxyType:
        return Named("underlying mapping", "wrapped", "underlying mapping", 1)
    bases = [f"{rawtypes.module_of(base)}.{rawtypes.qualname_of(base)}" for base in rawtypes.mro_of(kind)]
    for prefix, names in _C_ATTRIBUTES:
        if any(base.startswith(prefix) for base in bases):
            for name in names:
                if rawtypes.c_attribute(holder, name) is held:
                    return Named(f".{name}", "attribute", f".{name}", 1)
    return None


def _memoryview(path: Path) -> Named | None:
    """Name what a view shows; on CPython there is an object without attributes between the two."""
    shown = rawtypes.c_attribute(path[0], "obj") if type(path[0]) is memoryview else None
    steps = 1 if path[1] is shown else 2
    if shown is None or len(path) <= steps or path[steps] is not shown:
        return None
    return Named(".obj", "attribute", ".obj", steps)


RULES: tuple[Rule, ...] = (
    _frame,
    _generator,
    _traceback,
    _exception,
    _method,
    _lru_cache,
    _partial,
    _class,
    _module,
    _thread_local,
    _context,
    _context_default,
    _function,
    _cell,
    _instance,
    _mapping,
    _sequence,
    _set,
    _future,
    _c_attribute,
    _memoryview,
)
