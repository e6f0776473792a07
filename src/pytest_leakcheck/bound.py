"""What the set-up of a wider scope binds on a test's class or module: the ``store`` of ``cls.store = Store()``.

It is the value of a fixture in other words: tests share it, and what they leave there may live as long as it does.
Which tests use it is told from the names in their code, and errs towards use where another thing has the same name;
what a test gets to by other ways, as ``getattr`` or a helper in another module, is missed.
"""

from __future__ import annotations

import sys
import types
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_leakcheck import interpreter, rawtypes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_PROGRAM = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, staticmethod, classmethod, property)
"""The types of what is bound that no test changes, beside classes and modules."""
_SET_UPS = ("setUp", "tearDown", "asyncSetUp", "asyncTearDown", "setup_method", "teardown_method")
"""The methods that run with each test, without being called by it."""
_MOST_FUNCTIONS = 200
"""Functions that are looked through to tell what a test uses."""


class Bound(NamedTuple):
    """A name on a class or module."""

    owner: weakref.ref[Any]
    name: str
    is_its_own: bool
    """Whether no other module had a name for what it stands for: what was there before stays, whoever uses it."""

    def value(self) -> Any:
        """Return what it names now, or None."""
        owner = self.owner()
        return None if owner is None else rawtypes.item_of(_names_on(owner), self.name)


class Names:
    """The names on some classes and modules at one time, to tell at another which are bound anew."""

    def __init__(self, owners: Iterable[Any]) -> None:
        self._before = [(owner, {name: id(value) for name, value in _items_on(owner)}) for owner in owners]

    def bound(self) -> list[Bound]:
        """Return the names that are bound since to data."""
        return [
            Bound(weakref.ref(owner), name, not _is_named_by_another(value, owner))
            for owner, before in self._before
            for name, value in _items_on(owner)
            if before.get(name) != id(value) and is_data(value)
        ]


def is_data(value: object) -> bool:
    """Tell whether a value may hold objects that tests leave there: no class, function or module is meant to."""
    is_program = rawtypes.is_type(value) or rawtypes.is_module(value) or rawtypes.is_one_of(type(value), _PROGRAM)
    return interpreter.is_tracked(value) and not is_program


def _names_on(owner: Any) -> Any:
    return rawtypes.class_dict(owner) if rawtypes.is_type(owner) else rawtypes.module_dict(owner)


def _items_on(owner: Any) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in rawtypes.items_of(_names_on(owner)) if type(name) is str]


def _is_named_by_another(value: object, owner: object) -> bool:
    modules = [module for _, module in rawtypes.items_of(sys.modules) if module is not owner]
    return any(
        named is value
        for module in modules
        if rawtypes.is_module(module)
        for _, named in rawtypes.items_of(rawtypes.module_dict(module))
    )


def names_used(functions: Iterable[Any], owners: Sequence[Any]) -> set[str]:
    """Return the names in the code of a test's `functions`, and of those of its `owners` that these name."""
    helpers = [dict(_items_on(owner)) for owner in owners]
    waiting = [*functions, *(names[name] for names in helpers for name in _SET_UPS if name in names)]
    known: set[int] = set()
    used: set[str] = set()
    while waiting and len(known) < _MOST_FUNCTIONS:
        for function in _functions_of(waiting.pop()):
            if id(function) in known:
                continue
            known.add(id(function))
            here = set(_names_in(function.__code__))
            waiting += [names[name] for names in helpers for name in here if name in names]
            waiting.append(rawtypes.attribute(function, "__wrapped__"))
            used |= here
    return used


def _functions_of(value: Any) -> list[types.FunctionType]:
    """Return the functions that a name on a class or module stands for."""
    if type(value) is property:
        parts: list[Any] = [value.fget, value.fset, value.fdel]
    elif any(type(value) is kind for kind in (staticmethod, classmethod, types.MethodType)):
        parts = [value.__func__]
    else:
        parts = [value]
    return [part for part in parts if type(part) is types.FunctionType]


def _names_in(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if type(constant) is types.CodeType:
            yield from _names_in(constant)
