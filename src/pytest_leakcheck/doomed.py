"""What a collection of the young generations is about to free, found out before it begins.

As the collector does it: of the young objects those go that no reference from elsewhere leads to, and with them the
older ones that only they hold. That costs as little as the collection is small, and mostly ends with nothing to free.
Only for where references are counted.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_leakcheck import interpreter, rawtypes

if TYPE_CHECKING:
    from collections.abc import Collection

    from typing_extensions import Self

MOST = 50_000
"""More doomed objects than that are not followed to older ones."""


class Doomed:
    """The objects that a collection of the generations up to `oldest` will free; it must go before that begins."""

    def __init__(self, oldest: int, wanted: Collection[int]) -> None:
        """Look at the young objects as they are now; `wanted` are the ids of those to be asked after."""
        young = gc.get_objects(0)  # without the list itself, as nothing of ours may be among them
        for generation in range(1, oldest + 1):
            young += gc.get_objects(generation)
        self.objects = _unreachable(young)
        del young
        if self.objects:
            _add_older(self.objects, wanted)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.objects.clear()

    @cached_property
    def _holders(self) -> dict[int, list[int]]:
        """For each of the objects those of them that refer to it."""
        found: dict[int, list[int]] = {node: [] for node in self.objects}
        for holder in self.objects:
            for held in {id(obj) for obj in gc.get_referents(self.objects[holder])} & found.keys():
                found[held].append(holder)
        return found

    def above(self, node: int) -> dict[int, list[int]] | None:
        """Return for an object that is to be freed, and for all that leads to it, the holders; None for any other."""
        return self._holders if node in self.objects else None

    def own_references(self, node: int) -> int:
        """Return how many references to a node are ours."""
        return int(node in self.objects)


_ASKING = next(map(sys.getrefcount, [object()])) if interpreter.COUNTS_REFERENCES else 0
"""What asking adds to the number of references to an object that is in one list of ours."""


def _unreachable(young: list[Any]) -> dict[int, Any]:
    """Return those of `young`, which nothing else of ours holds, that nothing but one another refers to, by id."""
    counts = list(map(sys.getrefcount, young))
    inner = Counter(map(id, gc.get_referents(*young)))
    nodes = dict(zip(map(id, young), young, strict=True))
    reached = {node for node, count in zip(nodes, counts, strict=True) if count - _ASKING > inner[node]}
    wave = [nodes[node] for node in reached]
    while wave and len(reached) < len(nodes):
        fresh = {node: obj for obj in gc.get_referents(*wave) if (node := id(obj)) in nodes and node not in reached}
        reached.update(fresh)
        wave = list(fresh.values())
    return {node: obj for node, obj in nodes.items() if node not in reached}


def _add_older(doomed: dict[int, Any], wanted: Collection[int]) -> None:
    """Add what only the doomed refer to, as far as it refers to anything itself or is wanted."""
    met: dict[int, Any] = {}
    known: Counter[int] = Counter()
    wave = list(doomed)
    while wave and len(doomed) < MOST:
        referents = Counter(map(id, _met_from(doomed, wave, met)))
        known.update(referents)
        wave = [node for node in referents if rawtypes.reference_count(met, node) - 1 == known[node]]
        wave = [node for node in wave if node in wanted or gc.is_tracked(met[node])]
        doomed.update((node, met.pop(node)) for node in wave)


def _met_from(doomed: dict[int, Any], wave: list[int], met: dict[int, Any]) -> list[Any]:
    """Return what the doomed of `wave` refer to beside one another, each as often as they do, and note it in `met`."""
    objects = [obj for obj in gc.get_referents(*map(doomed.__getitem__, wave)) if id(obj) not in doomed]
    met.update((id(obj), obj) for obj in objects)
    return objects
