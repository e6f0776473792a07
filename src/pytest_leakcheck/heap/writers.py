"""Which modules' functions change what a global of theirs has, read from their code: others have it by an import."""

from __future__ import annotations

import dis
import itertools
import types
from typing import TYPE_CHECKING

from pytest_leakcheck.runtime import rawtypes

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHANGES = frozenset(
    {
        *("add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft"),
        *("remove", "setdefault", "update"),
    }
)
"""Methods of containers that change them."""
_STORES = frozenset({"STORE_SUBSCR", "DELETE_SUBSCR"})


def is_writer(module: types.ModuleType, value: object) -> bool:
    """Tell whether a function of `module`, or a method of a class there, changes `value`, which is a global there.

    Errs towards no where that takes more than a call of the value's own method, or an item by a plain key.
    """
    named = rawtypes.items_of(rawtypes.module_dict(module))
    names = {name for name, each in named if each is value and type(name) is str}
    return any(_changes(code, name) for code in _codes(module) for name in names.intersection(code.co_names))


def _codes(module: types.ModuleType) -> Iterator[types.CodeType]:
    names = rawtypes.module_dict(module)
    values = [value for _, value in rawtypes.items_of(names)]
    classes = [rawtypes.class_dict(value) for value in values if rawtypes.is_type(value)]
    methods = (value for view in classes for _, value in rawtypes.items_of(view))
    for function in itertools.chain(values, methods):
        if type(function) is types.FunctionType and function.__globals__ is names:
            yield function.__code__


def _changes(code: types.CodeType, name: str) -> bool:
    steps = [(step.opname, step.argval) for step in dis.get_instructions(code)]
    places = [index for index, (kind, value) in enumerate(steps) if kind == "LOAD_GLOBAL" and value == name]
    return any(_is_change(steps[index + 1 : index + 3]) for index in places)


def _is_change(following: list[tuple[str, object]]) -> bool:
    """Tell whether what follows the load of a global calls a method that changes it, or sets or deletes an item."""
    (first, value), *further = [*following, ("", None)][:2]
    is_method = type(value) is str and value in _CHANGES and first in ("LOAD_ATTR", "LOAD_METHOD")
    return is_method or (first.startswith("LOAD_") and any(kind in _STORES for kind, _ in further))
