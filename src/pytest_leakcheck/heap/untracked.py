"""Containers that the collector does not track, and so shows nowhere as holders: they are found from what holds them.

A tuple, and up to CPython 3.13 a dict, of which all parts are untracked (text, numbers, objects of C types such as an
array's) is untracked itself. Whatever holds one that the collector does track refers to it all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import interpreter

if TYPE_CHECKING:
    from collections.abc import Iterable


def untracked_holders(tracked: Iterable[list[object]], wanted: Iterable[int]) -> list[tuple[object, int]]:
    """Return pairs (holder, id of what it holds) for the untracked holders of objects with ids in `wanted`.

    Holders of holders are among them, as far as they are untracked too; each pair comes once. `tracked` is all that
    the collector tracks, in lists of any length.
    """
    above: dict[int, dict[int, object]] = {}
    for container in _untracked_below(tracked):
        for part in gc.get_referents(container):
            above.setdefault(id(part), {})[id(container)] = container
    found: list[tuple[object, int]] = []
    waiting, seen = list(wanted), set(wanted)
    while waiting:
        node = waiting.pop()
        for holder_id, holder in above.get(node, {}).items():
            found.append((holder, node))
            if holder_id not in seen:
                seen.add(holder_id)
                waiting.append(holder_id)
    return found


def _untracked_below(tracked: Iterable[list[object]]) -> list[object]:
    """Return the untracked containers that `tracked` objects hold, and those in them, each once."""
    found: dict[int, object] = {}
    for chunk in tracked:
        waiting = gc.get_referents(*chunk)
        while waiting:
            fresh = {id(obj): obj for obj in waiting if _is_untracked(obj) and id(obj) not in found}
            found.update(fresh)
            waiting = gc.get_referents(*fresh.values())
    return list(found.values())


def _is_untracked(obj: object) -> bool:
    kind = type(obj)
    return (kind is tuple or kind is dict) and not interpreter.is_tracked(obj)
