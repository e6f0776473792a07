"""What the set-up of a wider scope binds on a test's class or module: the ``store`` of ``cls.store = Store()``.

It is the value of a fixture in other words: tests share it, and what they leave there may live as long as it does.
Which tests use it is told from the names in their code, and errs towards use where another thing has the same name;
what a test gets to by other ways, as ``getattr`` or a helper in another module, is missed.
"""

from __future__ import annotations

import dis
import functools
import types
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_leakcheck.runtime import addresses, interpreter, rawtypes

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

_PROGRAM = (types.FunctionType, types.BuiltinFunctionType, staticmethod, classmethod, property)
"""The types of what is bound that no test changes, beside classes and modules."""
_COPIED = ("django.test.testcases", "TestData")
"""The type, by its module and name, that Django puts in the place of what each test is to get a copy of."""
_SET_UPS = (
    *("setUp", "tearDown", "asyncSetUp", "asyncTearDown"),
    *("setup_method", "teardown_method", "setup_function", "teardown_function"),
)
"""What runs with each test, without being called by it."""
_MOST_FUNCTIONS = 500
"""Functions that are looked through to tell what a test uses."""
_CALLED = (types.FunctionType, types.MethodType, functools.partial)
_REBINDS = frozenset({"STORE_ATTR", "DELETE_ATTR", "STORE_GLOBAL", "DELETE_GLOBAL"})


class Bound(NamedTuple):
    """A name on a class or module, and what a set-up bound it to."""

    owner: weakref.ref[Any]
    name: str
    node: int
    """The id of what it was bound to."""
    is_data: bool
    """Whether that may hold objects, or change; of an atom only the name may be bound anew."""
    is_new: bool
    """Whether that was made by the set-up, as far as is known: what was there before stays, whoever uses it."""

    def top(self) -> Any:
        """Return what it was bound to, if that is the set-up's own and still what it names; else None."""
        owner = self.owner()
        value = None if owner is None or not self.is_new else rawtypes.item_of(_names_on(owner), self.name)
        return value if self.is_data and id(value) == self.node else None


def tops_of(bound: Iterable[Bound]) -> Iterator[Any]:
    """Yield what names were bound to, as far as that is of the set-up and still there."""
    for each in bound:
        top = each.top()
        if top is not None:
            yield top


class Names:
    """The names on some classes and modules at one time, to tell at another which are bound anew."""

    def __init__(self, owners: Iterable[Any]) -> None:
        """Note the names on `owners`; for what is new to be told, all that lives must have grown old by now."""
        self._before = [(weakref.ref(owner), {name: id(value) for name, value in _items_on(owner)}) for owner in owners]
        self._promotions = interpreter.collections(1)

    def bound(self) -> list[Bound]:
        """Return the names that are bound since; what was made since counts as new unless it is seen to be old."""
        fresh = [
            (ref, name, value)
            for ref, before in self._before
            for name, value in _items_on(ref())
            if before.get(name) != id(value) and not _is_program(value)
        ]
        is_told = addresses.has_generations() and self._promotions == interpreter.collections(1)
        young = addresses.young() if fresh and is_told else None
        return [
            Bound(ref, name, id(value), is_data(value), is_new=young is None or _is_among(young, value))
            for ref, name, value in fresh
        ]


def _is_among(young: Container[int], value: object) -> bool:
    """Tell whether a value is young; what is not tracked may be."""
    return id(value) in young or not interpreter.is_tracked(value)


def is_data(value: object) -> bool:
    """Tell whether a value may hold objects that tests leave there."""
    return (interpreter.is_tracked(value) or type(value) is dict) and not _is_program(value)


def _is_program(value: object) -> bool:
    kind = type(value)
    is_copied = (rawtypes.module_of(kind), rawtypes.qualname_of(kind)) == _COPIED
    return is_copied or rawtypes.is_type(value) or rawtypes.is_module(value) or rawtypes.is_one_of(kind, _PROGRAM)


def _names_on(owner: Any) -> Any:
    if rawtypes.is_type(owner):
        return rawtypes.class_dict(owner)
    return rawtypes.module_dict(owner) if rawtypes.is_module(owner) else {}


def _items_on(owner: Any) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in rawtypes.items_of(_names_on(owner)) if type(name) is str]


def used_name(bound: Sequence[Bound], functions: Iterable[Any], owners: Sequence[Any]) -> str:
    """Return a name among `bound` that a test uses in its `functions`, or in those of its `owners` that these name.

    Empty where it uses none; a name that is bound to an atom is used where it is bound anew.
    """
    own = [each for each in bound if any(each.owner() is owner for owner in owners)]
    codes = _codes_of(functions, owners) if own else []
    if codes is None:
        return own[0].name  # it may
    used = {name for code in codes for name in code.co_names}
    rebound = {name for code in codes for name in _rebound_in(code)} if any(not each.is_data for each in own) else set()
    return next((each.name for each in own if each.name in (used if each.is_data else rebound)), "")


def _codes_of(functions: Iterable[Any], owners: Sequence[Any]) -> list[types.CodeType] | None:
    """Return the code of functions, of what these name in the classes and modules that are `owners`, and so on.

    What these import is not looked into. None where it is too much.
    """
    homes = {rawtypes.module_of(owner) if rawtypes.is_type(owner) else rawtypes.module_name(owner) for owner in owners}
    helpers = [{name: value for name, value in _items_on(owner) if _is_at_home(value, homes)} for owner in owners]
    waiting = deque([*functions, *(names[name] for names in helpers for name in _SET_UPS if name in names)])
    known: set[int] = set()
    found: list[types.CodeType] = []
    while waiting:
        if len(found) > _MOST_FUNCTIONS:
            return None
        value = waiting.popleft()
        if id(value) in known:
            continue
        known.add(id(value))
        waiting += parts_of(value)
        if type(value) is types.FunctionType:
            codes = list(nested(value.__code__))
            found += codes
            waiting += [names[name] for code in codes for names in helpers for name in code.co_names if name in names]
    return found


def _is_at_home(value: Any, modules: Container[str]) -> bool:
    if type(value) is types.FunctionType:
        return rawtypes.text_of(value.__module__) in modules
    return not rawtypes.is_type(value) or rawtypes.module_of(value) in modules


def parts_of(value: Any) -> list[Any]:
    """Return what a function, or another name on a class or module, calls when it is called, but for what it names."""
    kind = type(value)
    if kind is types.FunctionType:
        cells = [cell.cell_contents for cell in value.__closure__ or () if is_filled(cell)]
        return [
            *(each for each in cells if rawtypes.is_one_of(type(each), _CALLED)),
            rawtypes.attribute(value, "__wrapped__"),
        ]
    if kind is property:
        return [value.fget, value.fset, value.fdel]
    if rawtypes.is_one_of(kind, (staticmethod, classmethod, types.MethodType)):
        return [value.__func__]
    if kind is functools.partial or kind is functools.cached_property:
        return [value.func]
    return [method for _, method in _items_on(value)] if rawtypes.is_type(value) else []


def is_filled(cell: types.CellType) -> bool:
    """Tell whether a variable of an outer function has a value by now."""
    try:
        cell.cell_contents  # noqa: B018 - there is no other way to ask
    except ValueError:
        return False
    return True


def nested(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield code and that of the functions that it makes."""
    yield code
    for constant in code.co_consts:
        if type(constant) is types.CodeType:
            yield from nested(constant)


def _rebound_in(code: types.CodeType) -> Iterator[str]:
    return (step.argval for step in dis.get_instructions(code) if step.opname in _REBINDS)
