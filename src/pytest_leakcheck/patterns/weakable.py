"""Objects that can be weakly referenced, and what to do about those that can't."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Weakable(Generic[T]):
    """Carry a value in an object that can be weakly referenced.

    Two of them are equal when their values are, and hash as their values do; one that carries a list or a dict is
    therefore unhashable.
    What weak references tell is the death of this carrier, not of the value: the value may be shared, and outlive it.
    """

    value: T


def weakable(value: T) -> Weakable[T]:
    """Wrap a value so that it can be weakly referenced.

    Whatever comes in is wrapped, also what could be weakly referenced as it is: the result is always a `Weakable`,
    with the value in `.value`, so that code which uses it needs no case distinction.
    Each call makes a carrier of its own; somebody has to hold it, as nothing else does.
    """
    return Weakable(value)


def require_weakable(target: object) -> None:
    """Raise `TypeError`, with a remedy, for an object that can't be weakly referenced."""
    try:
        weakref.ref(target)
    except TypeError:
        kind = type(target)
        raise TypeError(f"{kind.__qualname__!r} objects can't be weakly referenced: {_remedy(kind)}") from None


def _remedy(kind: type) -> str:
    wrap = "wrap it with weakable(...)"
    has_slots = any("__slots__" in vars(base) for base in kind.__mro__)
    # Types of variable size (int, tuple and their subclasses) refuse a "__weakref__" slot.
    if has_slots and not kind.__itemsize__:
        return f'add "__weakref__" to the __slots__ of its class, or {wrap}'
    return wrap
