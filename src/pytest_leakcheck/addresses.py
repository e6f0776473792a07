"""Objects that can't be weakly referenced, known by their addresses: slotted ones without ``__weakref__``.

Nothing is kept alive by that, and nothing tells that one has died but that it is no longer among the objects that the
collector tracks. Errs towards a false survivor where another object of the same type took the address of a dead one:
who asks must know that no such object can have been made meanwhile, save one that is asked after as well.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import weakref
    from collections.abc import Mapping

CHUNK = 4096


def find(wanted: Mapping[int, weakref.ref[type]]) -> dict[int, Any]:
    """Return the living objects at the addresses `wanted`, each if it is of the type given.

    Where the type is dead, so is the object. Young objects are looked through first, and the old ones from the youngest
    on, until all are found; the whole heap only where one is missing.
    """
    kinds = {node: kind for node, ref in wanted.items() if (kind := ref()) is not None}
    found: dict[int, Any] = {}
    nodes = frozenset(kinds)
    for generation in (0, 1, 2) if sys.implementation.name == "cpython" else (None,):
        objects: list[Any] = gc.get_objects(generation) if nodes else []
        for end in range(len(objects), 0, -CHUNK):
            if len(found) == len(nodes):
                return found
            chunk = objects[max(0, end - CHUNK) : end]
            if not nodes.isdisjoint(map(id, chunk)):
                found.update((id(obj), obj) for obj in chunk if kinds.get(id(obj)) is type(obj))
    return found
