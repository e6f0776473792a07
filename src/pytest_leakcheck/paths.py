"""The best path from a root to each survivor, over any graph that can tell who holds what: nothing here knows gc.

Nodes are integers (the ids of objects). The search goes backwards from all survivors at once, a level at a time, and so
asks the graph one question a level whatever the number of survivors; the paths are then read off forwards, from the
roots found. Better ranked roots win over nearer ones; among equals the path is a shortest one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

GOOD_RANK = 2
"""Roots up to this rank end the search; worse ones are kept in hand while it goes on for something better."""
PATIENCE = 2
"""Levels that the search goes on after a root that is good but not the user's own."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """What makes a node part of a root."""

    rank: int
    """0: the user's code; higher is worse."""
    extra: int
    """Objects between the node and the root's own object, that one included, so that lengths compare."""
    order: str
    """Breaks ties between anchors, the same way in every run."""


class Graph(Protocol):
    """What the search asks of a graph."""

    def holders(self, nodes: Collection[int]) -> Iterable[tuple[int, int]]:
        """Return an edge (holder, held) for each reference to one of `nodes`."""

    def anchor(self, node: int) -> Anchor | None:
        """Return what makes `node` a root, or None."""


@dataclass(slots=True)
class Search:
    """What a search found: a path for each target that has one, and whether it looked at all there is."""

    paths: dict[int, tuple[int, ...]]
    """For each target reached, the nodes from the root's one to the target."""
    is_complete: bool
    """Whether the search ended by itself, and not because its time was over."""
    levels: int
    explained: dict[int, int] = field(default_factory=dict)
    """For each node expanded, how many holders of it were found."""
    expanded: tuple[int, ...] = ()
    """The nodes expanded, nearest to the targets first."""


@dataclass(slots=True)
class _Frontier:
    targets: frozenset[int]
    holds: dict[int, list[int]] = field(default_factory=dict)
    explained: dict[int, int] = field(default_factory=dict)
    anchors: dict[int, Anchor] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def expand(self, graph: Graph, nodes: Sequence[int]) -> list[int]:
        """Ask who holds `nodes`; return the holders not seen before that are no roots."""
        fresh: list[int] = []
        for node in nodes:
            self.explained.setdefault(node, 0)
        for holder, held in graph.holders(nodes):
            self.explained[held] += 1
            self.holds.setdefault(holder, []).append(held)
            if holder in self.seen:
                continue
            self.seen.add(holder)
            anchor = graph.anchor(holder)
            if anchor is None:
                fresh.append(holder)
            else:
                self.anchors[holder] = anchor
        return fresh


def find_paths(graph: Graph, targets: Sequence[int], *, seconds: float = float("inf")) -> Search:
    """Return the best path from a root to each of `targets`.

    `seconds` bounds the search; past it, what was found so far is returned. Errs towards a longer or worse ranked path,
    never towards a reference that does not exist.
    """
    deadline = time.monotonic() + seconds
    state = _Frontier(targets=frozenset(targets), seen=set(targets))
    for target in targets:
        anchor = graph.anchor(target)
        if anchor is not None:
            state.anchors[target] = anchor
    frontier, levels, patience = list(dict.fromkeys(targets)), 0, PATIENCE
    is_complete = True
    while frontier:
        if time.monotonic() > deadline:
            is_complete = False
            break
        before = len(state.anchors)
        frontier = state.expand(graph, frontier)
        levels += 1
        if len(state.anchors) == before and patience == PATIENCE:
            continue
        worst = max(_reach(state, GOOD_RANK).ranks(targets))
        if worst == 0:
            break
        if worst <= GOOD_RANK:
            patience -= 1
            if patience == 0:
                break
    routes = _reach(state, max((a.rank for a in state.anchors.values()), default=0))
    paths = {target: routes.path(target) for target in targets if target in routes.best}
    return Search(paths, is_complete, levels, state.explained, tuple(state.explained))


@dataclass(slots=True)
class _Routes:
    best: dict[int, tuple[int, int, str]]
    """For each node reached: rank and order of its root, and the distance from it."""
    parent: dict[int, int]

    def ranks(self, targets: Iterable[int]) -> list[int]:
        return [self.best[target][0] if target in self.best else GOOD_RANK + 1 for target in targets]

    def path(self, target: int) -> tuple[int, ...]:
        nodes = [target]
        while nodes[-1] in self.parent:
            nodes.append(self.parent[nodes[-1]])
        return tuple(reversed(nodes))


def _reach(state: _Frontier, worst_rank: int) -> _Routes:
    """Walk down from the anchors of each rank in turn, the better ranks first, a distance at a time."""
    routes = _Routes({}, {})
    for rank in sorted({anchor.rank for anchor in state.anchors.values()}):
        if rank <= worst_rank:
            _spread(state, rank, routes)
    return routes


def _spread(state: _Frontier, rank: int, routes: _Routes) -> None:
    starts: dict[int, list[tuple[str, int]]] = {}
    for node, anchor in state.anchors.items():
        if anchor.rank == rank and node not in routes.best:
            starts.setdefault(anchor.extra, []).append((anchor.order, node))
    wave: list[tuple[str, int]] = []
    distance = min(starts, default=0)
    while wave or starts:
        for order, node in sorted(starts.pop(distance, [])):
            if node not in routes.best:
                routes.best[node] = (rank, distance, order)
                wave.append((order, node))
        following: list[tuple[str, int]] = []
        for order, node in wave:
            for held in state.holds.get(node, ()):
                if held not in routes.best:
                    routes.best[held] = (rank, distance + 1, order)
                    routes.parent[held] = node
                    following.append((order, held))
        wave, distance = following, distance + 1
