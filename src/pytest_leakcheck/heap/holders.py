"""Who holds what on the live heap, asked in batches; our own state is left out here and nowhere else.

A small batch of objects goes to ``gc.get_referrers`` at once. A large one, or what comes after many small ones, takes
a pass over the heap that tests the ids of all referents and climbs on from the holders that it meets. What is known of
an object is all there is once it explains each of its references: then the heap is not asked for more.
Limits, which err towards a missed holder: the collector sees neither C variables, nor containers without
``tp_traverse``, nor objects that ``gc.freeze`` has hidden, nor the locals of running functions (`roots` adds those).
"""

from __future__ import annotations

import itertools
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.heap.frames import is_our_frame
from pytest_leakcheck.heap.nearby import in_order, lines_below, may_be_names, names_among
from pytest_leakcheck.heap.passes import (
    all_objects,
    chunks,
    drilled,
    indexed,
    leads_to,
    recent_objects,
    referring,
    spoiled_by_asking,
    young_dicts,
)
from pytest_leakcheck.heap.untracked import untracked_holders
from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import interpreter, rawtypes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from typing_extensions import Self

    from pytest_leakcheck.heap.roots import Roots
    from pytest_leakcheck.search.paths import Anchor
    from pytest_leakcheck.search.rounds import Question

BATCH = 64
"""Up to so many objects one ``gc.get_referrers`` costs half a pass over the heap (1 M objects, CPython 3.11)."""
PRICE_OF_A_PASS, BATCH_AT_ONE = 8, 32
"""What a pass costs, where asking after one object costs 1, and after `BATCH_AT_ONE` more another 1."""
MOST_MET = 20_000
"""References entered after which a pass climbs on no more."""
MOST_REMEMBERED = 20_000
"""The holders of more objects, asked after at once, are not remembered: that would take more than it saves."""
MOST_KNOWN = 100_000
"""Objects whose holders are remembered, about 40 MB; past that all is forgotten, and asked anew."""
MOST_TOPS = 500
"""Known holders below which others are looked for at once."""
MOST_AMONG_RECENT = 20
"""Looks among recent objects at most: a long chain of them is climbed faster in a pass."""
MOST_LOOKS = 3
"""Passes over the heap at most for holders that ``gc.get_referrers`` does not show."""


MOST_FROZEN_AT_START = 1_000
"""Up to so many objects the interpreter freezes by itself (375 on CPython 3.12.1); more are the user's."""


def unseen_holders() -> str:
    """Return in words what may hold an object although the collector shows no holder."""
    if interpreter.freeze_count() > MOST_FROZEN_AT_START:
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
        self._recent: list[object] = []
        """What the holders of a survivor are mostly among, up to those that were there before; looked for once."""
        self._index: list[frozenset[int]] = []
        self._looks_among_recent = 0
        self._lists = [frozenset(map(id, each)) for each in (objects, *own)]
        self._holders: dict[int, dict[int, int]] = {}
        """For each node some holders of which are known, how many references each of these has to it."""
        self._asked: set[int] = set()
        """The nodes all holders of which are known, as far as ``gc.get_referrers`` shows them."""
        self._spent = 0.0
        """What was asked since the last pass, in prices of asking after one object."""
        self._is_backwards = True
        """Which way the next pass goes: parents are mostly older than their children, but not always."""
        self._moved: set[int] = set()
        """Each ``__dict__`` that came into being as it was read."""
        self._unseen: set[int] = set()
        """The nodes looked at closer, for holders that ``gc.get_referrers`` does not show."""
        self._looks = 0
        ours = (self.objects, objects, self._recent, roots.nearby.objects, *own)
        self._own = {id(spoiled_by_asking()), *map(id, ours)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.objects.clear()
        self._recent.clear()
        self._roots.nearby.objects.clear()

    def anchor(self, node: int) -> Anchor | None:
        """Return what makes an object part of a root, or None."""
        return self._roots.anchor(self.objects[node])

    def in_order(self, holder: int, held: Sequence[int]) -> list[int]:
        """Return what one node met has of others, in the order in which it has them."""
        wanted = dict.fromkeys(held)
        found = dict.fromkeys(node for node in map(id, in_order(self.objects[holder])) if node in wanted)
        return list(found | wanted)

    def may_be_part(self, node: int) -> bool:
        """Tell whether an object may be the ``__dict__`` of an instance."""
        return may_be_names(self.objects[node])

    def is_part(self, holder: int, held: int) -> bool:
        """Tell whether an object is the ``__dict__`` of an instance that has its attributes by that alone."""
        obj = self.objects[holder]
        return names_among(obj, gc.get_referents(obj)) is self.objects[held]

    def holders(self, nodes: Collection[int]) -> list[tuple[int, int]]:
        """Return an edge (holder, held) for each object that refers to one of `nodes`, each asked after once."""
        if len(self._holders) > MOST_KNOWN:
            for table in (self._holders, self._asked, self._unseen):
                table.clear()
        fresh = [node for node in dict.fromkeys(nodes) if not self._is_known(node)]
        if len(fresh) > MOST_REMEMBERED:
            return self._scan(frozenset(nodes))
        self._learn(fresh)
        return [(holder, node) for node in nodes for holder in self._holders.get(node, ())]

    def prepare(self, questions: Iterable[Question]) -> None:
        """Find out at once what searches that go on in step are about to ask."""
        questions = list(questions)
        wanted = list(dict.fromkeys(node for each in questions for node in each.nodes))
        for start in range(0, len(wanted), MOST_REMEMBERED):
            self.holders(wanted[start : start + MOST_REMEMBERED])
        self.account({node for each in questions if each.is_counted for node in each.nodes})

    def _is_known(self, node: int) -> bool:
        """Tell whether all holders of a node are known: it was asked after, or they explain each of its references."""
        if node in self._asked:
            return True
        if node not in self._holders or rawtypes.is_type(self.objects[node]):
            return False
        is_known = self._explained(node) == self.references(node)
        if is_known:
            self._asked.add(node)
        return is_known

    def _explained(self, node: int) -> int:
        return sum(self._holders.get(node, {}).values()) + self.outside(node)

    def _learn(self, nodes: Sequence[int]) -> None:
        """Find all holders of `nodes`, in the cheapest way there is."""
        left = self._look_among_recent(self._look_around(self._look_nearby(nodes)))
        # PyPy's answer has tuples that hold the question, with others that hold that: there only a pass tells.
        is_askable = len(left) <= BATCH and interpreter.COUNTS_REFERENCES
        if left and (not is_askable or self._spent >= PRICE_OF_A_PASS):
            self._spent = 0.0
            self._sweep([*left, *self._further(set(nodes).difference(left))])
        elif left:
            self._spent += 1 + len(left) / BATCH_AT_ONE
            self._ask(left)
        self._asked.update(left)

    def _further(self, nodes: Iterable[int]) -> dict[int, None]:
        """Return what is to be asked after next, in a pass that is due anyway: holders of `nodes` that are no roots."""
        holders = dict.fromkeys(holder for node in nodes for holder in self._holders.get(node, ()))
        return {holder: None for holder in holders if not self._is_known(holder) and self.anchor(holder) is None}

    def _look_nearby(self, nodes: Sequence[int]) -> Sequence[int]:
        """Look for the holders of `nodes` among the objects near a module; return the nodes that may have others."""
        near = {node for node in nodes if self._roots.nearby.distance(node) is not None}
        if not near:
            return nodes
        known = [*self._roots.nearby.objects.values(), *map(self.objects.__getitem__, self._moved)]
        self._enter(referring(known, near), near)
        del known  # what is left is told by counting references
        return [node for node in nodes if not self._is_known(node)]

    def _look_among_recent(self, nodes: Sequence[int]) -> Sequence[int]:
        """Look for the holders of `nodes` among recent objects; return the nodes that may have others."""
        if not nodes or self._looks_among_recent >= MOST_AMONG_RECENT:
            return nodes
        if not self._looks_among_recent:
            self._recent += recent_objects()
            self._index = indexed(self._recent)
            self._lists.append(frozenset(map(id, self._recent)))
        self._looks_among_recent += 1
        wanted = frozenset(nodes)
        self._enter(referring(self._recent, wanted, self._index), wanted)
        left = [node for node in nodes if not self._is_known(node)]
        if len(left) == len(nodes):  # so what holds them is older, and what holds that is as well
            self._looks_among_recent = MOST_AMONG_RECENT
        return left

    def _look_around(self, nodes: Sequence[int]) -> Sequence[int]:
        """Look for the holders of `nodes` below those that are known; return the nodes that may have others.

        A child that knows its parent, or two parts of one object that know each other, take no pass over the heap.
        """
        tops = dict.fromkeys(top for node in nodes for top in self._holders.get(node, ()))
        for top in itertools.islice(tops, MOST_TOPS):
            self._enter_below(top, frozenset(nodes))
        return [node for node in nodes if not self._is_known(node)] if tops else nodes

    def _enter_below(self, top: int, wanted: frozenset[int]) -> None:
        for line in lines_below(self.objects[top], wanted):
            self.meet(line)
            for holder, held in itertools.pairwise(line):
                self._enter((holder,), {id(held)})
            self._enter(line[-1:], wanted)

    def move_holders(self, holder: object, names: dict[str, object]) -> None:
        """Take `names`, the ``__dict__`` of `holder`, for what has the attributes that were in `holder` itself."""
        self.meet((holder, names))
        self._moved.add(id(names))
        met = {node for value in dict.values(names) if (node := id(value)) in self.objects}
        for node in met:
            self._holders.setdefault(node, {}).pop(id(holder), None)
        self._enter((holder, names), {*met, id(names)})

    def meet(self, objects: Iterable[object]) -> None:
        """Take `objects` for nodes from here on."""
        self.objects.update((id(obj), obj) for obj in objects)

    def multiplicity(self, holder: int, held: int) -> int:
        """Return how many references one node met has to another."""
        seen = sum(1 for obj in gc.get_referents(self.objects[holder]) if id(obj) == held)
        if not interpreter.COUNTS_REFERENCES:  # pragma: only on PyPy (8.0.1), which tells of each object once
            seen = max(seen, sum(1 for obj in _parts_of(self.objects[holder]) if id(obj) == held))
        return seen

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

    def references(self, node: int) -> int | None:
        """Return how many references to a node there are, ours left out; None where they are not counted."""
        if not interpreter.COUNTS_REFERENCES:  # pragma: only on PyPy
            return None
        return rawtypes.reference_count(self.objects, node) - self.own_references(node)

    def is_held(self, node: int) -> bool:
        """Tell whether a node is kept by more than the holders on the heap: by a root, or by what nobody sees."""
        if rawtypes.is_type(self.objects[node]):
            return self.anchor(node) is not None
        is_loaded = rawtypes.is_module(self.objects[node]) and self.anchor(node) is not None
        return is_loaded or self.outside(node) > 0 or self.missing(node) > 0

    def missing(self, node: int) -> int:
        """Return how many references to a node nothing explains.

        0 for a class, whose own are not to be told apart, and where references are not counted.
        """
        self.account([node])
        return self._unexplained(node)

    def account(self, nodes: Collection[int]) -> bool:
        """Look closer at those of `nodes` that have references which nothing explains, all of them at once.

        Tells whether that found more holders.
        """
        self.holders(nodes)
        lost = [node for node in nodes if self._unexplained(node)]
        return len(lost) > 0 and self._look_closer(lost)

    def _unexplained(self, node: int) -> int:
        if rawtypes.is_type(self.objects[node]):  # no variable here may hold the object: its references are counted
            return 0
        total = self.references(node)
        if total is None:  # pragma: only on PyPy
            return 0
        cells = self._roots.cells(self.objects[node]) if type(self.objects[node]) is types.CellType else 0
        return max(0, total - self._explained(node) - cells)

    def _look_closer(self, nodes: Collection[int]) -> bool:
        """Look for holders of `nodes` that ``gc.get_referrers`` does not show; tell whether there are any.

        Some C types of CPython 3.10 and 3.11 (asyncio's Task) tell it of a part of their references alone; containers
        of text and numbers are not tracked.
        """
        fresh = [node for node in nodes if node not in self._unseen]
        if not fresh or self._looks >= MOST_LOOKS:
            return False
        self._looks += 1
        self._unseen.update(fresh)
        wanted = frozenset(fresh)
        known = self._number_of_holders(fresh)
        self._enter(referring(all_objects(), wanted), wanted)
        is_more = self._number_of_holders(fresh) > known
        return self._add_untracked(fresh) or is_more

    def _number_of_holders(self, nodes: Collection[int]) -> int:
        return sum(len(self._holders.get(node, ())) for node in nodes)

    def _add_untracked(self, nodes: Collection[int]) -> bool:
        """Enter the untracked holders of `nodes` and all that holds these; tell whether there are any.

        What is tracked has none: a container is untracked while none of its parts is (CPython 3.10-3.15).
        """
        nodes = [node for node in nodes if not interpreter.is_tracked(self.objects[node])]
        edges = self._untracked_edges(nodes) if nodes else []
        for holder, held in edges:
            self._holders.setdefault(held, {})[holder] = self.multiplicity(holder, held)
        untracked = frozenset(holder for holder, _ in edges)
        if untracked:
            self._enter(referring(all_objects(), untracked), untracked)
            self._asked.update(untracked)
        return len(edges) > 0

    def _untracked_edges(self, nodes: Collection[int]) -> list[tuple[int, int]]:
        edges = []
        for holder, held in untracked_holders(chunks(all_objects()), nodes):
            if id(holder) not in self._own and held not in self._own:
                self.objects[id(holder)] = holder
                edges.append((id(holder), held))
        return edges

    def _ask(self, nodes: Sequence[int]) -> None:
        asked = tuple(map(self.objects.__getitem__, nodes))
        # 3.13 copies the arguments and passes over the copy alone
        self._enter((obj for obj in gc.get_referrers(*asked) if obj is not asked), frozenset(nodes))

    def _scan(self, wanted: frozenset[int]) -> list[tuple[int, int]]:
        """Return the edges to `wanted`, found in one pass over the heap and not remembered."""
        edges: list[tuple[int, int]] = []
        for holder in referring(all_objects(), wanted):
            held = self._held(holder, wanted)
            if held:
                self.objects[id(holder)] = holder
                edges.extend((id(holder), node) for node in dict.fromkeys(held))
        return edges

    def _sweep(self, nodes: Collection[int]) -> None:
        """Enter the edges to `nodes`, and to the holders met on the way as far as one pass over the heap shows them.

        A tree whose nodes are older than their children, or a chain of objects that each hold one made before, is
        climbed in one such pass, this way or that.
        """
        everything = all_objects()
        climb = _Climb(frozenset(nodes), set(nodes), young_dicts(everything))
        self._climb_young(nodes, climb)
        if self._is_backwards:
            everything.reverse()
        self._is_backwards = not self._is_backwards
        before: list[object] = []
        for chunk in chunks(everything):
            lot, seek = chunk, climb.wanted
            while seek and leads_to(lot, seek):
                seek = self._climb(lot, seek, climb)
                lot = [*before, *chunk]  # an instance and its dict may lie on either side of a border, in either order
            before = chunk

    def _climb(self, chunk: list[object], seek: set[int], climb: _Climb) -> set[int]:
        """Enter the edges from `chunk` to what is sought; return the holders met, to be sought in turn."""
        fresh = set()
        for holder in drilled(chunk, seek):
            if self._takes(holder, seek, climb):
                fresh |= {id(holder), *self._climb_young([id(holder)], climb)}
        return fresh

    def _climb_young(self, nodes: Iterable[int], climb: _Climb) -> list[int]:
        """Enter the edges to `nodes` from the youngest dicts, and to these in turn; return the holders met.

        A ``__dict__`` made as it is read, long after its instance, would turn the way back and forth at each step.
        """
        met: list[int] = []
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            for holder in climb.young.get(node, ()):
                if self._takes(holder, {node}, climb):
                    met.append(id(holder))
                    waiting.append(id(holder))
        return met

    def _takes(self, holder: object, seek: AbstractSet[int], climb: _Climb) -> bool:
        """Enter the edges from `holder` to what is sought; tell whether it is to be sought in turn from now on."""
        references = self._enter((holder,), seek)
        if not references or not climb.may_go_on(references) or not self._is_on_the_way(id(holder), climb):
            return False
        climb.wanted.add(id(holder))
        return True

    def _is_on_the_way(self, node: int, climb: _Climb) -> bool:
        return node not in climb.wanted and node not in self._asked and self.anchor(node) is None

    def _enter(self, holders: Iterable[object], wanted: AbstractSet[int]) -> int:
        """Enter the references from `holders` to what is wanted; return how many there are."""
        entered = 0
        for holder in holders:
            held = self._held(holder, wanted)
            if held:
                self.objects[id(holder)] = holder
                entered += len(held)
            for node, number in rawtypes.counts_of(held).items() if len(held) > 1 else ((node, 1) for node in held):
                self._holders.setdefault(node, {})[id(holder)] = number
        return entered

    def _held(self, holder: object, wanted: AbstractSet[int]) -> list[int]:
        """Return what an object has of `wanted`, once for each reference; nothing where it is no holder."""
        if id(holder) in self._own or self._roots.is_running(holder) or is_our_frame(holder):
            return []
        return [node for node in map(id, gc.get_referents(holder)) if node in wanted]


def _parts_of(holder: Any) -> Iterator[object]:  # pragma: only on PyPy
    """Yield what an object has in its items and attributes, as often as it has that."""
    if rawtypes.is_type(holder):
        yield from (value for _, value in rawtypes.items_of(rawtypes.class_dict(holder)))
    elif rawtypes.is_instance(holder, dict):
        yield from itertools.chain.from_iterable(rawtypes.items_of(holder))
    else:
        yield from holder.__defaults__ or () if type(holder) is types.FunctionType else ()
        yield from (*rawtypes.items_in(holder), *(value for _, value in rawtypes.attributes_of(holder)))


@dataclass(slots=True)
class _Climb:
    """How far a pass over the heap has climbed."""

    asked: frozenset[int]
    wanted: set[int]
    young: dict[int, list[object]]
    """The youngest dicts, by what they refer to."""
    room: int = field(default_factory=lambda: MOST_MET)

    def may_go_on(self, references: int) -> bool:
        """Count references entered; past the bound only what was asked for is wanted."""
        had_room = self.room >= 0
        self.room -= references
        if had_room and self.room < 0:
            self.wanted &= self.asked
        return self.room >= 0
