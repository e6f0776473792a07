"""From objects that nothing but a reference cycle keeps to leaks as values: the cycle, link by link, closing on itself.

Asked when a collection is about to begin, it tells of what the collection would free; whether it did is for others to
find out. Nothing live leaves this module.
"""

from __future__ import annotations

import itertools
import types
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pytest_leakcheck import describe
from pytest_leakcheck.explaining.advice import CYCLE_ADVICE, is_back_reference
from pytest_leakcheck.heap.holders import Heap
from pytest_leakcheck.heap.links import INHERENT, name_links, opened
from pytest_leakcheck.heap.retained import retained
from pytest_leakcheck.heap.roots import Roots
from pytest_leakcheck.model import Leak, Link, Proof, Root, Survivor, Trace
from pytest_leakcheck.runtime import clock, rawtypes
from pytest_leakcheck.runtime.addresses import OLDEST, has_generations
from pytest_leakcheck.search.cycles import Cycle, find_cycle, garbage_above, without
from pytest_leakcheck.watching.doomed import Doomed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_leakcheck.watching.watch import Watched

MOST_SECONDS = 0.25
"""How long one look may take: a collection waits for it."""
MOST_CYCLES = 9
"""Cycles told at most."""

Holders = dict[int, list[int]]


class Garbage(Protocol):
    """Live objects, some of which nothing keeps but one another."""

    @property
    def objects(self) -> dict[int, Any]:
        """The objects by their ids."""

    def above(self, node: int) -> Holders | None:
        """Return for one that is garbage, and for all that leads to it, the holders; None for any other."""

    def own_references(self, node: int) -> int:
        """Return how many references to a node are ours."""


class _OfHeap:
    """The garbage on the whole heap, as far as it leads to what is asked after."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap
        self.objects = heap.objects
        self.own_references = heap.own_references

    def above(self, node: int) -> Holders | None:
        """Return what leads to a node if nothing else keeps it alive."""
        return garbage_above(self._heap, node)


def look(watched: Sequence[Watched], generation: int) -> list[Leak | None]:
    """Return for each of `watched` what makes it wait for a collection of `generation`, which is about to begin.

    None for what the collection will not free.
    """
    if has_generations() and generation < OLDEST:
        facts = {id(each.ref()): each.fact for each in watched}
        with Doomed(generation, facts) as doomed:
            found = explain_cycles(doomed, facts)
    else:
        objects = [each.ref() for each in watched]
        with Heap(objects, Roots(frozenset(map(id, objects)))) as heap:
            found = explain_cycles(_OfHeap(heap), {id(each.ref()): each.fact for each in watched})
        del objects
    return [found.get(id(each.ref())) for each in watched]


def explain_cycles(garbage: Garbage, survivors: Mapping[int, Survivor]) -> dict[int, Leak]:
    """Return for each object of `garbage` that is garbage, by its id, what makes it wait for the collector.

    `survivors` are the objects asked about. What something keeps alive is left out, and so is what comes too late for
    `MOST_SECONDS`. Errs towards leaving out.
    """
    started = clock.now()
    above: Holders = {}
    measured: dict[int, _Measured] = {}
    for node in survivors:
        if clock.now() > started + MOST_SECONDS / 2:
            break
        if node not in above:
            above.update(garbage.above(node) or {})
        if node in above:
            measured[node] = _measure(garbage, above, node)
    found: dict[int, Leak] = {}
    for node, size in measured.items():
        if found and clock.now() > started + MOST_SECONDS:
            break
        found[node] = _leak(garbage, above, node, size, survivors[node])
    return found


class _Measured(NamedTuple):
    """A cycle before any is told: up to CPython 3.12, naming a link makes an object, the holder's ``__dict__``."""

    cycle: Cycle | None
    objects: int
    """How many would die with its first object."""
    size: int
    """Their bytes."""


def _measure(garbage: Garbage, above: Holders, node: int) -> _Measured:
    cycle = _nearest(garbage, above, node)
    size = retained(garbage.objects[cycle.nodes[0]], garbage.own_references) if cycle else None
    return _Measured(cycle, *(size or (0, 0)))


def _nearest(garbage: Garbage, above: Holders, node: int) -> Cycle | None:
    """Return the cycle to tell of next, told from an object that owns what is on it; None where none is left."""
    cycle = find_cycle(above, node, lambda each: _is_of_pytest(garbage.objects[each]))
    return _from_an_owner(garbage, cycle) if cycle else None


def _leak(garbage: Garbage, above: Holders, node: int, measured: _Measured, fact: Survivor) -> Leak:
    leak = Leak((fact,), None, grade="collected")
    told = _told(garbage, above, node, measured.cycle)
    if not told:
        pytests = Trace(Root("an exception that pytest.raises keeps", "pytest itself"), (), 1)
        is_pytests = any(_is_of_pytest(garbage.objects[each]) for each in above)
        return replace(leak, trace=pytests) if is_pytests else replace(leak, unavailable="no cycle leads to it")
    first = told[0]
    return replace(
        leak,
        trace=first.trace,
        proof=_proof(told),
        advice=CYCLE_ADVICE[first.kind].format(link=first.trace.links[first.weak].text),
        note=_finalizers([garbage.objects[each] for each in (*first.cycle.nodes, *first.cycle.below)]),
        retained=measured.objects,
        retained_bytes=measured.size,
    )


def _told(garbage: Garbage, above: Holders, node: int, cycle: Cycle | None) -> list[_Told]:
    """Return the cycles that keep an object, each being what is left when the ones before are cut; not all of many.

    The first one is `cycle`.
    """
    told: list[_Told] = []
    while cycle is not None and len(told) <= MOST_CYCLES:
        told.append(_tell(garbage, cycle))
        above = without(above, told[-1].reference)
        cycle = _nearest(garbage, above, node)
    return told


def _proof(told: Sequence[_Told]) -> Proof:
    """Tell whether the object would die at once without the link to make weak, or which cycles are left then."""
    if len(told) == 1:
        return Proof("dominator", link=told[0].trace.spelled(told[0].weak))
    others = tuple(each.trace for each in told[1:])
    return Proof("independent", others=others, is_all=len(told) <= MOST_CYCLES)


def _is_of_pytest(obj: object) -> bool:
    """Tell whether `obj` is of a class of pytest's, such as the ExceptionInfo of a ``with pytest.raises() as info``."""
    return rawtypes.is_of_pytest(type(obj))


_INNER = (dict, list, tuple, set, frozenset, types.CellType, types.TracebackType, types.FrameType)
"""Types of parts of other objects: a cycle is told from one that has a name of its own."""


def _from_an_owner(garbage: Garbage, cycle: Cycle) -> Cycle:
    """Return the same cycle, told from the object that owns what the way down begins at."""
    nodes, below = cycle
    for _ in nodes:
        if not below or not rawtypes.is_one_of(type(garbage.objects[nodes[0]]), _INNER):
            return Cycle(nodes, below)
        nodes, below = (nodes[-1], *nodes[:-1]), (nodes[0], *below)
    return cycle


class _Told(NamedTuple):
    """A cycle in words."""

    cycle: Cycle
    trace: Trace
    weak: int
    """The number of the link to make weak."""
    kind: str
    """What kind of link that is, a key of `CYCLE_ADVICE`."""
    reference: tuple[int, int]
    """The reference that this link ends with: holder and held."""


def _tell(garbage: Garbage, cycle: Cycle) -> _Told:
    first = garbage.objects[cycle.nodes[0]]
    around = opened([*(garbage.objects[node] for node in cycle.nodes), first])
    links, steps = name_links(around)
    ends = list(itertools.accumulate(steps))
    holders = [around[end] for end in (0, *ends[:-1])]
    weak, kind = _to_make_weak(links)
    marked = tuple(
        replace(link, pattern=describe.short_type_name(type(holder)) + link.pattern, is_suspect=number == weak)
        for number, (link, holder) in enumerate(zip(links, holders, strict=True))
    )
    below, _ = name_links(opened([first, *(garbage.objects[node] for node in cycle.below)]))
    root = Root(describe.type_name(type(first)), "reference cycle")
    trace = Trace(root, (*marked, *below), len(cycle.nodes) + len(cycle.below), cycle=len(marked))
    return _Told(cycle, trace, weak, kind, _reference(cycle, id(around[ends[weak]])))


def _reference(cycle: Cycle, held: int) -> tuple[int, int]:
    """Return the reference on a cycle to what is held, its holder first."""
    return cycle.nodes[cycle.nodes.index(held) - 1], held


def _to_make_weak(links: Sequence[Link]) -> tuple[int, str]:
    """Return the number of the link on a cycle that is best made weak, and a key of `CYCLE_ADVICE`.

    That is a reference back to a parent or owner, by its name; else a link of a kind that mostly is one; else the one
    that closes the cycle. Of several, the last one is nearest to the close.
    """
    backwards = list(enumerate(links))[::-1]
    for number, link in backwards:
        if link.kind == "attribute" and is_back_reference(link.text):
            return number, "back reference"
    for kind in CYCLE_ADVICE:
        for number, link in backwards:
            if link.kind == kind:
                return (number - 1 if kind == "bound method" else number) % len(links), kind
    return next((number for number, link in backwards if link.kind not in INHERENT), len(links) - 1), "other"


def _finalizers(objects: Sequence[Any]) -> str:
    """Return what to say of the finalizers of `objects`, or nothing where there are none."""
    kinds = {id(type(obj)): type(obj) for obj in objects}
    names = [describe.type_name(kind) for kind in kinds.values() if rawtypes.has_finalizer(kind)]
    which = " and ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
    return f"The __del__ of {which} runs only when the collector comes." if names else ""
