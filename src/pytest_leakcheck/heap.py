"""Who holds what on the live heap, asked in batches; our own state is left out here and nowhere else.

A small batch of objects goes to ``gc.get_referrers`` at once; a large one is found in one pass over the heap that tests
the ids of all referents, since ``get_referrers`` compares every reference with every object asked for.
Limits, which err towards a missed holder: the collector sees neither C variables, nor containers without
``tp_traverse``, nor objects that ``gc.freeze`` has hidden, nor the locals of running functions (`roots` adds those).
"""

from __future__ import annotations

import gc
import sys
import types
from typing import TYPE_CHECKING

from pytest_leakcheck import rawtypes
from pytest_leakcheck.untracked import untracked_holders

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from typing_extensions import Self

    from pytest_leakcheck.paths import Anchor
    from pytest_leakcheck.roots import Roots

BATCH = 128
"""Up to so many objects one ``gc.get_referrers`` beats a pass in Python (measured at 1 M objects, CPython 3.11)."""
MOST_LOOKS = 3
"""Passes over the heap at most for holders that ``gc.get_referrers`` does not show."""
MOST_REMEMBERED = 2_000
"""The holders of more objects, asked after at once, are not remembered: that would take more than it saves."""
CHUNK = 256
"""Objects whose referents are tested at once in a pass over the heap."""


MOST_FROZEN_AT_START = 1_000
"""Up to so many objects the interpreter freezes by itself (375 on CPython 3.12.1); more are the user's."""


def unseen_holders() -> str:
    """Return in words what may hold an object although the collector shows no holder."""
    if gc.get_freeze_count() > MOST_FROZEN_AT_START:
        return "C code, by a frame that gc can't see, or by an object that gc.freeze() hides"
    return "C code or by a frame that gc can't see"


class Heap:
    """The live heap as a graph of ids, for `paths.find_paths`.

    It holds every object that it has met, so it must go as soon as the trace is told: use it in a ``with`` statement.
    """

    def __init__(self, objects: Collection[object], roots: Roots, own: Iterable[Collection[object]] = ()) -> None:
        """Start from `objects`; `own` are collections of ours that have them too, not to be taken for holders."""
        self.objects: dict[int, object] = {id(obj): obj for obj in objects}
        self._roots = roots
        self._lists = tuple(frozenset(map(id, each)) for each in (objects, *own))
        self._found: dict[int, int] = {}
        self._edges: dict[int, list[int]] = {}
        """For each node asked after, its holders."""
        self._unseen: set[int] = set()
        """The nodes looked at closer, for holders that ``gc.get_referrers`` does not show."""
        self._looks = 0
        self._own = {id(self.objects), id(objects), id(roots.nearby.objects), id(_spoiled_by_asking()), *map(id, own)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.objects.clear()
        self._roots.nearby.objects.clear()

    def anchor(self, node: int) -> Anchor | None:
        """Return what makes an object part of a root, or None."""
        return self._roots.anchor(self.objects[node])

    def holders(self, nodes: Collection[int]) -> list[tuple[int, int]]:
        """Return an edge (holder, held) for each object that refers to one of `nodes`, each asked after once."""
        fresh = [node for node in dict.fromkeys(nodes) if node not in self._edges]
        if len(fresh) > MOST_REMEMBERED:
            return self._scan(frozenset(nodes), {})
        if fresh:
            self._edges.update((node, []) for node in fresh)
            self._found.update(dict.fromkeys(fresh, 0))
            look = self._ask if len(fresh) <= BATCH else self._scan
            for holder, held in look(frozenset(fresh), self._found):
                self._edges[held].append(holder)
        return [(holder, node) for node in nodes for holder in self._edges[node]]

    def forget_holders(self, names: dict[str, object]) -> None:
        """Ask anew after what an instance's ``__dict__`` holds, which it did not while the instance held it itself."""
        for value in dict.values(names):
            self._edges.pop(id(value), None)
            self._unseen.discard(id(value))

    def multiplicity(self, holder: int, held: int) -> int:
        """Return how many references one node met has to another."""
        return sum(1 for obj in gc.get_referents(self.objects[holder]) if id(obj) == held)

    def route(self, node: int) -> tuple[int, ...] | None:
        """Return nodes from a root to `node` where they are known without a search."""
        route = self._roots.route(self.objects[node])
        self.objects.update({id(obj): obj for obj in route or ()})
        return tuple(map(id, route)) if route else None

    def outside(self, node: int) -> int:
        """Return how many references to a node are known to come from roots off the heap."""
        return len(self._roots.outside(node))

    def outside_anchor(self, node: int, number: int) -> Anchor | None:
        """Return what makes root number `number` off the heap hold a node, the best one first, or None."""
        starts = self._roots.outside(node)
        return starts[number].anchor if number < len(starts) else None

    def anchor_itself(self, node: int) -> Anchor | None:
        """Return what makes an object a root on the heap by itself, or None."""
        start = self._roots.start_itself(self.objects[node])
        return start.anchor if start else None

    def own_references(self, node: int) -> int:
        """Return how many references to a node are ours: of the tables here, and of the lists of survivors."""
        tables = (self.objects, self._roots.nearby.objects, *self._lists)
        return sum(node in table for table in tables)

    def references(self, node: int) -> int:
        """Return how many references to a node there are, ours left out."""
        return rawtypes.reference_count(self.objects, node) - self.own_references(node)

    def is_held(self, node: int) -> bool:
        """Tell whether a node is kept by more than the holders on the heap: by a root, or by what nobody sees."""
        if rawtypes.is_type(self.objects[node]):
            return self.anchor(node) is not None
        return rawtypes.is_module(self.objects[node]) or self.outside(node) > 0 or self.missing(node) > 0

    def missing(self, node: int) -> int:
        """Return how many references to a node nothing explains; 0 for a class, whose own are not to be told apart."""
        if rawtypes.is_type(self.objects[node]):
            return 0
        self.holders([node])
        if self._unexplained(node):
            self.look_closer([node])
        return self._unexplained(node)

    def _unexplained(self, node: int) -> int:
        known = self._found[node] + self.outside(node)
        if type(self.objects[node]) is types.CellType:
            known += self._roots.cells(self.objects[node])
        return max(0, self.references(node) - known)

    def look_closer(self, nodes: Collection[int]) -> bool:
        """Look for holders of `nodes` that ``gc.get_referrers`` does not show; tell whether there are any.

        Some C types of CPython 3.10 and 3.11 (asyncio's Task) tell it of a part of their references alone; containers
        of text and numbers are not tracked.
        """
        fresh = [node for node in nodes if node not in self._unseen]
        if not fresh or self._looks >= MOST_LOOKS:
            return False
        self._looks += 1
        self._unseen.update(fresh)
        known = {(holder, node) for node in fresh for holder in self._edges[node]}
        more = [edge for edge in self._scan(frozenset(fresh), {}) if edge not in known]
        for holder, held in more:
            self._edges[held].append(holder)
            self._found[held] += self.multiplicity(holder, held)
        return self._add_untracked(fresh) or len(more) > 0

    def _add_untracked(self, nodes: Collection[int]) -> bool:
        """Enter the untracked holders of `nodes` and all that holds these; tell whether there are any."""
        edges = self._untracked_edges(nodes)
        for holder, held in edges:
            self._edges.setdefault(held, []).append(holder)
            self._found[held] = self._found.get(held, 0) + self.multiplicity(holder, held)
        for holder, held in self._scan(frozenset(holder for holder, _ in edges), self._found):
            self._edges.setdefault(held, []).append(holder)
        return len(edges) > 0

    def _untracked_edges(self, nodes: Collection[int]) -> list[tuple[int, int]]:
        edges = []
        for holder, held in untracked_holders(_chunks(_all_objects()), nodes):
            if id(holder) not in self._own and held not in self._own:
                self.objects[id(holder)] = holder
                edges.append((id(holder), held))
        return edges

    def _ask(self, wanted: frozenset[int], counts: dict[int, int]) -> list[tuple[int, int]]:
        edges: list[tuple[int, int]] = []
        asked = tuple(map(self.objects.__getitem__, wanted))
        for holder in gc.get_referrers(*asked):
            if holder is not asked:  # 3.13 copies the arguments and passes over the copy alone
                self._add_edges(holder, wanted, edges, counts)
        return edges

    def _scan(self, wanted: frozenset[int], counts: dict[int, int]) -> list[tuple[int, int]]:
        edges: list[tuple[int, int]] = []
        for chunk in _chunks(_all_objects()):
            if not wanted.isdisjoint(map(id, gc.get_referents(*chunk))):
                for holder in chunk:
                    self._add_edges(holder, wanted, edges, counts)
        return edges

    def sweep(self, nodes: Collection[int], closed: Collection[int], *, backwards: bool) -> list[tuple[int, int]]:
        """Return the edges to `nodes` and to the holders met on the way, in one pass over the heap in either direction.

        A chain of objects that were made one after the other, each holding the last, is climbed in one such pass.
        """
        wanted = set(nodes)
        edges: list[tuple[int, int]] = []
        everything = _all_objects()
        if backwards:
            everything.reverse()
        for chunk in _chunks(everything):
            if wanted.isdisjoint(map(id, gc.get_referents(*chunk))):
                continue
            for holder in chunk:
                before = len(edges)
                self._add_edges(holder, wanted, edges, {})
                is_met = len(edges) > before and id(holder) not in wanted and id(holder) not in closed
                if is_met and self.anchor(id(holder)) is None:
                    wanted.add(id(holder))
        return edges

    def _add_edges(
        self, holder: object, wanted: AbstractSet[int], edges: list[tuple[int, int]], counts: dict[int, int]
    ) -> None:
        """Enter the edges from `holder` to what is wanted, each once, and add to `counts` each of its references."""
        node_of_holder = id(holder)
        if node_of_holder in self._own or self._roots.is_running(holder):
            return
        held = [node for node in map(id, gc.get_referents(holder)) if node in wanted]
        if held:
            self.objects[node_of_holder] = holder
            edges.extend((node_of_holder, node) for node in dict.fromkeys(held))
            for node in held:
                counts[node] = counts.get(node, 0) + 1


def _spoiled_by_asking() -> object:
    """Return the module that must not be asked for its referents, or None.

    CPython 3.12's ``_asyncio`` answers with an iterator off its free list, a dead object that comes to life and death
    once more and is then listed twice: the next walk over the list does not end (tried on 3.12.1; not so on 3.10, 3.11
    and 3.13). What only that module's C state holds is "held by C code" there.
    """
    return rawtypes.loaded("_asyncio") if sys.version_info[:2] == (3, 12) else None


def _all_objects() -> list[object]:
    """Return all objects that the collector tracks and that may be asked for their referents."""
    everything = gc.get_objects()
    spoiled = _spoiled_by_asking()
    if spoiled is not None:
        everything = [obj for obj in everything if obj is not spoiled]
    return everything


def _chunks(objects: list[object]) -> Iterator[list[object]]:
    """Yield `objects` in lists that are short enough to be looked through as one."""
    for start in range(0, len(objects), CHUNK):
        yield objects[start : start + CHUNK]
