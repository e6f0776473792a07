"""Who holds what on the live heap, asked in batches; our own state is left out here and nowhere else.

A small batch of objects goes to ``gc.get_referrers`` at once; a large one is found in one pass over the heap that tests
the ids of all referents, since ``get_referrers`` compares every reference with every object asked for.
Limits, which err towards a missed holder: the collector sees neither C variables, nor containers without
``tp_traverse``, nor objects that ``gc.freeze`` has hidden, nor the locals of running functions (`roots` adds those).
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from typing_extensions import Self

    from pytest_leakcheck.paths import Anchor
    from pytest_leakcheck.roots import Roots

BATCH = 64
"""Up to so many objects one ``gc.get_referrers`` beats a pass in Python (measured at 1 M objects, CPython 3.11)."""
CHUNK = 256
"""Objects whose referents are tested at once in a pass over the heap."""


class Heap:
    """The live heap as a graph of ids, for `paths.find_paths`.

    It holds every object that it has met, so it must go as soon as the trace is told: use it in a ``with`` statement.
    """

    def __init__(self, objects: Collection[object], roots: Roots, own: Iterable[object] = ()) -> None:
        """Start from `objects`; `own` are containers of ours that refer to them, not to be taken for holders."""
        self.objects: dict[int, object] = {id(obj): obj for obj in objects}
        self._roots = roots
        self._own = {id(self.objects), id(objects), *map(id, own)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.objects.clear()

    def anchor(self, node: int) -> Anchor | None:
        """Return what makes an object part of a root, or None."""
        return self._roots.anchor(self.objects[node])

    def holders(self, nodes: Collection[int]) -> list[tuple[int, int]]:
        """Return an edge (holder, held) for each object that refers to one of `nodes`, in the collector's order."""
        wanted = frozenset(nodes)
        return self._ask(nodes, wanted) if len(nodes) <= BATCH else self._scan(wanted)

    def raw_holders(self, node: int) -> list[object]:
        """Return the objects that refer to a node met before, ours left out."""
        asked = (self.objects[node],)
        return [holder for holder in gc.get_referrers(*asked) if holder is not asked and id(holder) not in self._own]

    def _ask(self, nodes: Collection[int], wanted: frozenset[int]) -> list[tuple[int, int]]:
        edges: list[tuple[int, int]] = []
        asked = tuple(map(self.objects.__getitem__, nodes))
        for holder in gc.get_referrers(*asked):
            if holder is not asked:  # 3.13 copies the arguments and passes over the copy alone
                self._add_edges(holder, wanted, edges)
        return edges

    def _scan(self, wanted: frozenset[int]) -> list[tuple[int, int]]:
        edges: list[tuple[int, int]] = []
        everything = gc.get_objects()
        for start in range(0, len(everything), CHUNK):
            chunk = everything[start : start + CHUNK]
            if not wanted.isdisjoint(map(id, gc.get_referents(*chunk))):
                for holder in chunk:
                    self._add_edges(holder, wanted, edges)
        return edges

    def _add_edges(self, holder: object, wanted: frozenset[int], edges: list[tuple[int, int]]) -> None:
        if id(holder) in self._own:
            return
        held = [node for node in map(id, gc.get_referents(holder)) if node in wanted]
        if held:
            self.objects[id(holder)] = holder
            edges.extend((id(holder), node) for node in dict.fromkeys(held))
