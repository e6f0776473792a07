"""A graph whose every edge is known, and what follows from it by trying: written for plainness, not for speed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import collections

ROOT = -1
"""The holder of what a root holds."""


class Edge(NamedTuple):
    """One reference of a graph as it was drawn."""

    holder: int
    held: int
    guard: int | None = None
    """What the edge lasts as long as."""
    is_kept: bool = False
    """Whether it stays where the collector frees the guard: a weak reference then keeps its callback, though called."""


def deaths(numbers: range, edges: list[Edge]) -> dict[int, str]:
    """Return for each number how it dies once nothing but `edges` is left: ``at once``, ``collected``, ``survives``.

    By counting references first; then what no root leads to is taken away, and references are counted again.
    """
    ends: dict[int, str] = {}
    while _count_down(numbers, edges, ends, "collected" if "collected" in ends.values() else "at once"):
        pass
    while True:
        reached = reachable([edge for edge in edges if _stands(edge, ends)], ROOT)
        garbage = [number for number in numbers if number not in ends and number not in reached]
        if not garbage:
            return {number: ends.get(number, "survives") for number in numbers}
        ends.update(dict.fromkeys(garbage, "collected"))
        while _count_down(numbers, edges, ends, "collected"):
            pass


def _count_down(numbers: range, edges: list[Edge], ends: dict[int, str], how: str) -> bool:
    held = {edge.held for edge in edges if _stands(edge, ends)}
    fresh = [number for number in numbers if number not in ends and number not in held]
    ends.update(dict.fromkeys(fresh, how))
    return bool(fresh)


def _stands(edge: Edge, ends: dict[int, str]) -> bool:
    is_guarded = edge.guard not in ends or (edge.is_kept and ends[edge.guard] == "collected")
    return edge.holder not in ends and is_guarded


def reachable(edges: list[Edge], start: int) -> set[int]:
    """Return all that a way of one edge or more leads to from `start`."""
    found: set[int] = set()
    waiting = [start]
    while waiting:
        node = waiting.pop()
        for edge in edges:
            if edge.holder == node and edge.held not in found:
                found.add(edge.held)
                waiting.append(edge.held)
    return found


class Physical:
    """What the interpreter's own objects refer to, walked forwards from the roots: ids alone, no object is kept."""

    def __init__(self) -> None:
        self.edges: dict[int, collections.Counter[int]] = {}
        self.sources: list[tuple[int, int, int]] = []
        """Roots: rank, the number of objects up to the node, and the node that each leads to."""
        self.contexts: list[tuple[int, int, int]] = []
        """Contexts, which count as roots, although something else holds each of them: no proof can tell by them."""

    def distances(self, rank: int, *, is_context: bool = False) -> dict[int, int]:
        """Return how many objects there are on a shortest way from a root of that rank, or a context, to each node."""
        sources = self.contexts if is_context else self.sources
        found: dict[int, int] = {}
        waiting = sorted((distance, node) for each, distance, node in sources if each == rank)
        while waiting:
            distance, node = waiting.pop(0)
            if node in found:
                continue
            found[node] = distance
            waiting += [(distance + 1, held) for held in self.edges.get(node, ()) if held not in found]
            waiting.sort()
        return found

    def is_reached(self, target: int, *, without: tuple[int, int]) -> bool:
        """Tell whether a root still leads to a node without one reference; its holder is 0 for one off the heap."""
        sources = [node for _, distance, node in self.sources]
        holder, held = without
        if not holder:
            sources.remove(held)
        seen, waiting = set(sources), list(sources)
        while waiting:
            node = waiting.pop()
            for each, number in self.edges.get(node, {}).items():
                if number > ((node, each) == without) and each not in seen:
                    seen.add(each)
                    waiting.append(each)
        return target in seen
