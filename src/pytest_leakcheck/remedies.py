"""Why an object can't be weakly referenced, and what to do about it in that very case."""

from __future__ import annotations

import weakref

from pytest_leakcheck import describe
from pytest_leakcheck.runtime import rawtypes

_WRAP = "wrap it: pytest_leakcheck.patterns.weakable(value)."

_ROOMLESS = (
    *(int, float, complex, bool, str, bytes, bytearray, tuple, list, dict),
    *(type(None), object, weakref.ref, weakref.ProxyType, weakref.CallableProxyType),
)
"""Types whose objects PyPy has no weak references to; it does not say so of a type."""
_REASONS = (
    (type(None), "None lives for ever. Did what should have made the object return nothing?"),
    (weakref.ProxyType, "it is a weak proxy itself. Register the object behind it."),
    (weakref.CallableProxyType, "it is a weak proxy itself. Register the object behind it."),
)


def why_not_weakable(obj: object) -> str | None:
    """Return in one line why `obj` can't be weakly referenced and what to do about it; None where it can be."""
    if rawtypes.weak_reference(obj) is not None:
        return None
    kind = type(obj)
    name = describe.short_type_name(kind)
    return f"a weak reference to a {name} object is not possible: {_reason(kind, name)}"


def why_no_instance_is_weakable(kind: type) -> str | None:
    """Return in one line why instances of `kind` can't be weakly referenced and what to do; None where some can be."""
    if any(map(_has_room, _with_heirs(kind))) or _is_bare(kind):
        return None
    name = describe.short_type_name(kind)
    return f"weak references to {name} objects are not possible: {_reason(kind, name)}"


def _with_heirs(kind: type) -> list[type]:
    """Return `kind` and all classes that derive from it."""
    found: list[type] = [kind]
    for each in found:
        heirs: list[type] = type.__subclasses__(each)
        found += [heir for heir in heirs if not any(heir is known for known in found)]
    return found


def _has_room(kind: type) -> bool:
    """Tell whether instances of a class can be weakly referenced; on PyPy those of any class written in Python can."""
    offset = rawtypes.item_of(type.__dict__, "__weakrefoffset__")
    if offset is not None:
        return bool(offset.__get__(kind))
    return not rawtypes.is_static(kind) or not rawtypes.is_one_of(kind, _ROOMLESS)  # pragma: only on PyPy


def _is_bare(kind: type) -> bool:
    """Tell whether a class only has empty ``__slots__``, as a base for classes yet to come has."""
    return all(not rawtypes.class_dict(base).get("__slots__", ("?",)) for base in rawtypes.mro_of(kind)[:-1])


def _reason(kind: type, name: str) -> str:
    bases = rawtypes.mro_of(kind)
    is_slotted = any("__slots__" in rawtypes.class_dict(base) for base in bases)
    known = next((reason for each, reason in _REASONS if kind is each), "")
    if known:
        return known
    if any(rawtypes.derives(kind, base) for base in (tuple, int, bytes)):
        return f"Python gives {name} no room for one. Register the object that holds it, or {_WRAP}"
    if is_slotted and "__dataclass_fields__" in rawtypes.class_dict(kind):
        remedy = "Declare it @dataclass(slots=True, weakref_slot=True) (Python 3.11), or leave slots=True out."
        return f"it is a dataclass with slots. {remedy}"
    if is_slotted:
        return f'{name} has __slots__ without "__weakref__". Add "__weakref__" to its __slots__.'
    if rawtypes.is_one_of(kind, (str, list, dict, float, bytearray, complex)):
        subclass = f"class My{name.title()}({name}): ..."
        return f"Python gives {name} no room for one. Register an instance of a subclass ({subclass}), or {_WRAP}"
    return f"its type, {describe.type_name(kind)}, leaves no room for one. Register the object that holds it."
