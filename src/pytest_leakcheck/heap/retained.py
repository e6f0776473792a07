"""What would die with a survivor: the objects that nothing else refers to, told by counting references.

From the survivor down, stopping at classes, modules and functions, an object belongs to it if every reference to it
comes from objects that do. Limits, which err towards too few: references that the collector does not see count as
holders, and so do those of running frames.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import interpreter, rawtypes

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_OBJECTS = 50_000
"""More objects than that below a survivor are not counted."""
_STOPS = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType, types.FrameType)
_HEADER = 16
"""Bytes of the collector's own before each object that it tracks."""


def retained(survivor: Any, own_references: Callable[[int], int]) -> tuple[int, int] | None:
    """Return how many objects would die with `survivor`, itself included, and their bytes.

    None where that is too much, and where references are not counted.

    `own_references` tells how many references to an object, by its id, are ours.
    """
    found = _below(survivor) if interpreter.COUNTS_REFERENCES else None
    if found is None:
        return None
    held = _held_from_outside(found, survivor, own_references)
    for node in held:
        found.pop(node, None)
    return len(found), sum(_size(obj) for obj in found.values())


def _below(survivor: Any) -> dict[int, Any] | None:
    found, wave = {id(survivor): survivor}, [survivor]
    while wave:
        following = []
        for obj in gc.get_referents(*wave):
            if id(obj) not in found and not _is_stop(obj):
                found[id(obj)] = obj
                following.append(obj)
        if len(found) > MOST_OBJECTS:
            return None
        wave = following
    return found


def _is_stop(obj: Any) -> bool:
    return any(rawtypes.derives(type(obj), stop) for stop in _STOPS)


def _held_from_outside(found: dict[int, Any], survivor: Any, own_references: Callable[[int], int]) -> set[int]:
    """Return the nodes of `found` with references from elsewhere, and all that these lead to."""
    # In an expression of its own: a variable left by a loop would be one more reference to the last object.
    inner = rawtypes.counts_of(
        id(held) for obj in found.values() for held in gc.get_referents(obj) if id(held) in found
    )
    outside = [node for node in found if _count(found, node) - own_references(node) > inner[node]]
    reached: set[int] = set()
    while outside:
        node = outside.pop()
        if node not in reached and node != id(survivor):
            reached.add(node)
            outside += [id(held) for held in gc.get_referents(found[node]) if id(held) in found]
    return reached


def _count(found: dict[int, Any], node: int) -> int:
    """Return how many references there are to an object, that of `found` left out."""
    return rawtypes.reference_count(found, node) - 1


def _size(obj: Any) -> int:
    """Return the bytes of an object, by a ``__sizeof__`` in C: a user's own is passed over."""
    size: int = rawtypes.c_answer(obj, "__sizeof__") or 0
    return size + (_HEADER if gc.is_tracked(obj) else 0)
