"""Whether one link lies on every path to a survivor, or there are independent holders: proved, or said not to be.

Over a graph as in `paths`, so that a brute-force dominator can check it. The proof climbs from the survivor past every
holder that is not on its path. Where all of them lead back to the path, the link above the highest such place is the
one on which everything depends; where one leads to a root by itself, there are two holders.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

MOST_NODES = 20_000
"""Holders looked at before a proof is given up."""


class ProofGraph(Protocol):
    """What a proof asks of a graph."""

    def holders(self, nodes: Collection[int]) -> Iterable[tuple[int, int]]:
        """Return an edge (holder, held) for each reference to one of `nodes`."""

    def route(self, node: int) -> tuple[int, ...] | None:
        """Return nodes from a root to `node`, both included, where such a route is known; a root's is itself."""

    def multiplicity(self, holder: int, held: int) -> int:
        """Return how many references `holder` has to `held`."""

    def missing(self, node: int) -> int:
        """Return how many references to `node` no holder on the graph explains."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What is proved of a path."""

    edge: int | None = None
    """The index on the path of the object that the one indispensable link leads to."""
    second: tuple[int, ...] = ()
    """Another path, from a root of its own down to the survivor."""
    reason: str = ""
    """Why nothing is proved."""


@dataclass(slots=True)
class _Climb:
    graph: ProofGraph
    path: Sequence[int]
    deadline: float
    index: dict[int, int]
    below: dict[int, int] = field(default_factory=dict)
    """For each holder off the path, what it was found to hold."""
    second: tuple[int, ...] = ()

    def from_node(self, start: int) -> int:
        """Climb past all holders of the path's node `start` but the one above it.

        Returns the lowest index on the path that they lead back to; `start` itself if to none, 0 if to a root of their
        own. Raises `_GivenUp`.
        """
        frontier, highest = [self.path[start]], start
        while frontier:
            if time.monotonic() > self.deadline or len(self.below) > MOST_NODES:
                raise _GivenUp("the search for further holders was stopped by its limit")
            fresh: list[int] = []
            for holder, held in self.graph.holders(frontier):
                on_path = self.index.get(holder)
                if on_path is not None:
                    highest = min(highest, self._back_on_path(on_path, held))
                elif holder not in self.below:
                    self.below[holder] = held
                    highest = min(highest, self._off_path(holder, highest))
                    fresh.append(holder)
                if highest == 0:
                    return 0
            self._account(frontier)
            frontier = fresh
        return highest

    def _back_on_path(self, holder: int, held: int) -> int:
        """Return how far up the path an edge from its node number `holder` reaches past links."""
        if self.index.get(held) == holder + 1 and self.graph.multiplicity(self.path[holder], held) == 1:
            return len(self.path)
        if holder == 0:
            self.second = (self.path[0], *self._down_from(held))
        return holder

    def _off_path(self, holder: int, highest: int) -> int:
        route = self.graph.route(holder)
        if route is None:
            return highest
        shared = [self.index[node] for node in route if node in self.index]
        if not shared or max(shared) == 0:
            self.second = (*route, *self._down_from(self.below[holder]))
            return 0
        return max(shared)

    def _down_from(self, node: int) -> tuple[int, ...]:
        nodes = [node]
        while nodes[-1] not in self.index:
            nodes.append(self.below[nodes[-1]])
        return (*nodes, *self.path[self.index[nodes[-1]] + 1 :])

    def _account(self, nodes: Sequence[int]) -> None:
        for node in nodes:
            if self.graph.missing(node):
                raise _GivenUp("the collector does not see all references on the way")


class _GivenUp(Exception):  # noqa: N818 - never leaves this module
    pass


def prove(graph: ProofGraph, path: Sequence[int], *, inherent: Collection[int] = (), seconds: float) -> Proof:
    """Return which link of `path`, if any, lies on every path from a root to its last node.

    `path` starts at a root's node. `inherent` are the indexes of objects whose link is never a fault in itself; a link
    above them is asked for. `seconds` bounds the search. Errs towards "not proven", never towards a false proof, save
    for references that the graph does not know of at all.
    """
    climb = _Climb(graph, path, time.monotonic() + seconds, {node: index for index, node in enumerate(path)})
    start = len(path) - 1
    try:
        while start > 0:
            highest = climb.from_node(start)
            if highest == 0:
                return Proof(second=climb.second)
            if highest == start and start not in inherent:
                return Proof(edge=start)
            start = highest - 1 if highest == start else highest
    except _GivenUp as given_up:
        return Proof(reason=str(given_up))
    return Proof(reason="every link of it leads on")
