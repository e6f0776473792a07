"""Which reference cycle makes an object wait for the collector, over a graph of ids: no live object gets in here.

What nothing but itself holds is garbage; whatever in it does not die at once is on a cycle, or below one.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

MOST_GARBAGE = 20_000
"""Holders looked at before the search for a cycle is given up."""
MOST_STARTS = 200
"""Objects above one that is on no cycle itself that are tried for the nearest cycle."""


class HeldGraph(Protocol):
    """What the search asks of a graph."""

    def holders(self, nodes: Collection[int]) -> Iterable[tuple[int, int]]:
        """Return an edge (holder, held) for each object that refers to one of `nodes`."""

    def is_held(self, node: int) -> bool:
        """Tell whether something beside the holders on the graph keeps `node` alive: a root, or what nobody sees."""


class Cycle(NamedTuple):
    """A way round that keeps itself alive, and from there down to an object."""

    nodes: tuple[int, ...]
    """Each refers to the next one, the last one to the first."""
    below: tuple[int, ...] = ()
    """From the node that the first of `nodes` holds down to the object; empty where it is that first node itself."""


def garbage_above(graph: HeldGraph, node: int, most: int = MOST_GARBAGE) -> dict[int, list[int]] | None:
    """Return for `node` and all that leads to it the holders, or None where something else keeps one of them alive.

    None as well where more than `most` objects lead to it.
    """
    above: dict[int, list[int]] = {}
    wave = [node]
    while wave:
        if len(above) + len(wave) > most or any(map(graph.is_held, wave)):
            return None
        above.update((held, []) for held in wave)
        for holder, held in graph.holders(wave):
            above[held].append(holder)
        wave = list({holder: None for held in wave for holder in above[held] if holder not in above})
    return above


def find_cycle(above: Mapping[int, Sequence[int]], node: int, is_passed_over: Callable[[int], bool]) -> Cycle | None:
    """Return the shortest cycle through `node`, or else the nearest one that `node` hangs below.

    `above` gives for each object its holders; those that are passed over hold nothing. None where there is no cycle
    left, as where all of them go through what is passed over.
    """
    kept = {held: [each for each in holders if not is_passed_over(each)] for held, holders in above.items()}
    came = _upward(kept, node)
    for start in _not_peeled(kept, list(came))[:MOST_STARTS]:
        nodes = _shortest_through(kept, start)
        if nodes:
            return Cycle(nodes, _down(came, start))
    return None


def without(above: Mapping[int, Sequence[int]], edge: tuple[int, int]) -> dict[int, list[int]]:
    """Return `above` as it would be if the first node of `edge` did not refer to the second one."""
    return {held: [each for each in holders if (each, held) != edge] for held, holders in above.items()}


def _upward(above: Mapping[int, Sequence[int]], start: int) -> dict[int, int]:
    """Return all that leads to `start`, the nearest first, each with what it leads there by; `start` with itself."""
    came, queue = {start: start}, deque([start])
    while queue:
        held = queue.popleft()
        for holder in above.get(held, ()):
            if holder not in came:
                came[holder] = held
                queue.append(holder)
    return came


def _not_peeled(above: Mapping[int, Sequence[int]], order: list[int]) -> list[int]:
    """Return those of `order` that hold something which holds something, and so on without end: the others end."""
    number = dict.fromkeys(order, 0)
    for held in order:
        for holder in above.get(held, ()):
            number[holder] += 1
    peeled = [node for node in order if not number[node]]
    for node in peeled:
        for holder in above.get(node, ()):
            number[holder] -= 1
            if not number[holder]:
                peeled.append(holder)
    return [node for node in order if number[node]]


def _shortest_through(above: Mapping[int, Sequence[int]], start: int) -> tuple[int, ...]:
    """Return the shortest way from `start` round to itself, or nothing where there is none."""
    came = _upward(above, start)
    last = next((held for held in came if start in above.get(held, ())), None)
    if last is None or last == start:
        return () if last is None else (start,)
    return (start, last, *_down(came, last)[:-1])


def _down(came: Mapping[int, int], node: int) -> tuple[int, ...]:
    """Return what `node` leads to, down to where the search began; nothing where that is `node` itself."""
    nodes: list[int] = []
    while came[node] != node:
        node = came[node]
        nodes.append(node)
    return tuple(nodes)
