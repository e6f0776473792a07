"""What the teardown of a wider-scoped fixture clears of what was there before it, told from its code.

``yield; registry.clear()`` in a fixture of a module's: what tests left in the registry may live until then. The names
are read of what is emptied, deleted or bound anew after the ``yield`` or in finalizers, and in the functions that are
called there by names that lead to them. Errs towards judging late what goes by the same name elsewhere; what a teardown
clears by other ways, as by ``getattr`` or through an argument, is missed.
"""

from __future__ import annotations

import dis
import itertools
import types
from collections import deque
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.runtime import rawtypes
from pytest_leakcheck.wider.bound import is_filled, nested, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_EMPTYING = frozenset(
    {"cache_clear", "clear", "discard", "pop", "popitem", "popleft", "remove", "reset", "restore", "unregister"}
)
"""Methods that let go of what an object has."""
_BINDING = frozenset({"STORE_ATTR", "DELETE_ATTR", "STORE_GLOBAL", "DELETE_GLOBAL"})
_OF_ITEMS = frozenset({"STORE_SUBSCR", "DELETE_SUBSCR", "STORE_SLICE"})
_ATTRIBUTE = frozenset({"LOAD_ATTR", "LOAD_METHOD", "LOOKUP_METHOD"})
_FINALIZING = frozenset(
    {"addfinalizer", "addCleanup", "addClassCleanup", "addModuleCleanup", "callback", "enter_context"}
)
"""Calls with what is to be done at the end."""
_OF_TEARDOWN = ("teardown", "cleanup")
"""What pytest calls, in a fixture that it makes itself, the variables with what is called at its end."""
_OF_SET_UP = "setup"
"""And with what is called at its beginning, which may say what is to be done at the end."""
_MOST_FUNCTIONS = 100


def cleared_by(function: Any, is_own: Callable[[str], bool]) -> frozenset[str]:
    """Return the names of what the teardown of a fixture clears, `function` being what pytest calls for it.

    `is_own` tells which modules' functions are looked into, by their names.
    """
    cleared: set[str] = set()
    known: set[int] = set()
    waiting = deque(_ends_of(function, is_own))
    while waiting and len(known) <= _MOST_FUNCTIONS:
        function, steps = waiting.popleft()
        reading = _Reading(function.__globals__, cleared)
        for called in reading.follow(steps):
            for part in _functions_in(called):
                if id(part) not in known and is_own(rawtypes.text_of(part.__module__)):
                    known.add(id(part))
                    waiting.append((part, [*_steps_of(part.__code__)]))
    return frozenset(cleared)


_Step = dis.Instruction


def _ends_of(
    function: Any, is_own: Callable[[str], bool], depth: int = 3
) -> Iterator[tuple[types.FunctionType, list[_Step]]]:
    """Yield the functions that a fixture is made of, each with its steps that are for its end."""
    for part in _functions_in(function):
        steps = list(_steps_of(part.__code__))
        yields = [index for index, step in enumerate(steps) if step.opname == "YIELD_VALUE"]
        if yields:
            yield part, steps[yields[0] :]
            for manager in _open_at_yield(part) if depth else ():
                yield from _exits_of(manager, is_own, depth)
        elif not _FINALIZING.isdisjoint(part.__code__.co_names):
            yield part, steps
        yield from _ends_in_cells(part)


def _ends_in_cells(function: types.FunctionType) -> Iterator[tuple[types.FunctionType, list[_Step]]]:
    """Yield the same of what a fixture that pytest made calls for a class or a module."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for name, cell in cells:
        if not (name.startswith((*_OF_TEARDOWN, _OF_SET_UP)) and is_filled(cell)):
            continue
        for part in _functions_in(cell.cell_contents):
            if name.startswith(_OF_TEARDOWN) or not _FINALIZING.isdisjoint(part.__code__.co_names):
                yield part, list(_steps_of(part.__code__))


def _open_at_yield(function: types.FunctionType) -> Iterator[Any]:
    """Yield what is read where the ``with`` statements begin that a function's first ``yield`` is in.

    From CPython 3.11 on, whose tables tell what they reach to.
    """
    code = dis.Bytecode(function.__code__)
    steps, entries = list(code), getattr(code, "exception_entries", ())
    at = next((step.offset for step in steps if step.opname == "YIELD_VALUE"), 0)
    for target in dict.fromkeys(entry.target for entry in entries if entry.start <= at < entry.end):
        handler = [step.opname for step in steps if step.offset >= target][:3]
        if "WITH_EXCEPT_START" in handler:
            begin = min(entry.start for entry in entries if entry.target == target)
            before = [step for step in steps if step.offset < begin]
            first = max((index for index, step in enumerate(before) if step.starts_line), default=0)
            yield from _Reading(function.__globals__, set()).follow(before[first:])


def _exits_of(
    manager: Any, is_own: Callable[[str], bool], depth: int
) -> Iterator[tuple[types.FunctionType, list[_Step]]]:
    """Yield what a context manager of the project's does at its end: what is called for it, or its class or itself."""
    if type(manager) is types.FunctionType:
        made_of = rawtypes.attribute(manager, "__wrapped__")
        if type(made_of) is types.FunctionType and is_own(rawtypes.text_of(made_of.__module__)):
            yield from _ends_of(made_of, is_own, depth - 1)
        return
    for end in _functions_in(_member(manager, "__exit__")):
        if is_own(rawtypes.text_of(end.__module__)):
            yield end, list(_steps_of(end.__code__))


def _functions_in(value: Any, depth: int = 3) -> Iterator[types.FunctionType]:
    """Yield the function that is called where a value is, under what wraps it."""
    if type(value) is types.FunctionType:
        yield value
    elif depth and rawtypes.is_one_of(type(value), (staticmethod, classmethod, types.MethodType)):
        for part in parts_of(value):
            yield from _functions_in(part, depth - 1)


def _steps_of(code: types.CodeType) -> Iterator[_Step]:
    """Return the steps of code and of the functions that it makes."""
    return itertools.chain.from_iterable(map(dis.get_instructions, nested(code)))


class _Reading:
    """The reading of some steps: which names they clear, and what they call."""

    def __init__(self, names: dict[str, Any], cleared: set[str]) -> None:
        self._globals = names
        self._cleared = cleared
        self._name = ""
        """The name read last, and what it stands for, if that is known."""
        self._value: Any = None
        self._line: list[str] = []
        """All names read in the line so far."""

    def follow(self, steps: Sequence[_Step]) -> Iterator[Any]:
        """Yield what is called, as far as names tell; note what is cleared."""
        for step in steps:
            if step.starts_line:
                self._line = []
            if step.opname in _BINDING:
                self._cleared.add(step.argval)
            elif step.opname in _OF_ITEMS:
                self._cleared.update(self._line)
            elif step.opname in _ATTRIBUTE:
                self._attribute(step.argval)
                yield self._value
            elif step.opname == "LOAD_GLOBAL":
                self._read(step.argval, rawtypes.item_of(self._globals, step.argval))
                yield self._value
            elif step.opname.startswith(("LOAD_FAST", "LOAD_DEREF")):
                self._read(step.argval if type(step.argval) is str else "", None)

    def _attribute(self, name: str) -> None:
        if name in _EMPTYING:
            self._cleared.add(self._name)
        self._read(name, _member(self._value, name))

    def _read(self, name: str, value: Any) -> None:
        self._name, self._value = name, value
        self._line.append(name)


def _member(owner: Any, name: str) -> Any:
    """Return what an object has under a name, read without running its code; None where that does not tell."""
    if rawtypes.is_module(owner):
        return rawtypes.item_of(rawtypes.module_dict(owner), name)
    found = None if rawtypes.is_type(owner) else rawtypes.attribute(owner, name)
    bases = rawtypes.mro_of(owner if rawtypes.is_type(owner) else type(owner))
    members = (rawtypes.item_of(rawtypes.class_dict(base), name) for base in bases)
    return found if found is not None else next((member for member in members if member is not None), None)
