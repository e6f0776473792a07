"""The best path from a root to each survivor, over any graph that can tell who holds what: nothing here knows gc.

Nodes are integers (the ids of objects). The search goes backwards from all survivors at once, a level at a time, and so
asks the graph one question a level whatever the number of survivors; the paths are then read off forwards, from the
roots found. Better ranked roots win over nearer ones; among equals the path is a shortest one, and of these that whose
root, and then whose nodes, come first by the order that the graph gives them: never by their numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from pytest_leakcheck.runtime import clock
from pytest_leakcheck.search.rounds import Question, finish

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence

    from pytest_leakcheck.search.rounds import Steps

SEARCH_OBJECTS = 500_000
"""How many holders a search may meet; about 150 MB of tables (CPython 3.11)."""
MOST_NEAREST = 500
"""Nodes of which it is told that their holders are known."""
GOOD_RANK = 2
"""Roots up to this rank end the search; worse ones are kept in hand while it goes on for something better."""
MOST_PARTS = 1_000
"""Nodes of one level at most that may be parts of their holders for which these are looked for at once."""
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

    def in_order(self, holder: int, held: Sequence[int]) -> Sequence[int]:
        """Return what `holder` holds of nodes that it does hold, in an order that is the same in every run."""

    def may_be_part(self, node: int) -> bool:
        """Tell whether a node may be a part of its holder, as an instance's ``__dict__`` is."""

    def is_part(self, holder: int, held: int) -> bool:
        """Tell whether what a node holds is a part of it, so that the two are one step of a path."""


class Paths(Mapping[int, tuple[int, ...]]):
    """For each target reached, the nodes from the root's one to the target: read off where they are asked for.

    All of them together would take the square of their length where each of many targets holds the next.
    """

    def __init__(self, targets: Iterable[int], parents: Mapping[int, int]) -> None:
        """Take the `targets` that were reached, and for each node but the roots' the one before it."""
        self._targets = dict.fromkeys(targets)
        self._parents = parents

    def __getitem__(self, target: int) -> tuple[int, ...]:
        nodes = [target]
        if target not in self._targets:
            raise KeyError(target)
        while nodes[-1] in self._parents:
            nodes.append(self._parents[nodes[-1]])
        return tuple(reversed(nodes))

    def __iter__(self) -> Iterator[int]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)

    def roots(self) -> dict[int, int]:
        """Return for each node on a path the first one of that path."""
        found = self._first(lambda node: node not in self._parents)
        return {node: first for node, first in found.items() if first is not None}

    def nearest(self, wanted: Container[int]) -> dict[int, int | None]:
        """Return for each node on a path which of `wanted` is nearest to the root on it, the node itself included."""
        return self._first(wanted.__contains__)

    def _first(self, is_wanted: Callable[[int], bool]) -> dict[int, int | None]:
        """Return for each node on a path the first one of that path that is wanted; each node is passed once."""
        found: dict[int, int | None] = {}
        for target in self._targets:
            line = [target]
            while line[-1] not in found and line[-1] in self._parents:
                line.append(self._parents[line[-1]])
            first = found.get(line[-1])
            for node in reversed(line):
                first = node if first is None and is_wanted(node) else first
                found[node] = first
        return found


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found: a path for each target that has one, and whether it looked at all there is."""

    paths: Paths
    levels: int
    met: int
    """How many holders were met."""
    nearest: tuple[int, ...]
    """Nodes whose holders are known, nearest to the targets first, up to `MOST_NEAREST`."""
    stopped_by: Literal["", "time", "memory"] = ""
    """Which of its limits the search was stopped by, if it did not end by itself."""

    @property
    def is_complete(self) -> bool:
        """Whether the search looked at all there is."""
        return not self.stopped_by


@dataclass(slots=True)
class _State:
    targets: frozenset[int]
    holds: dict[int, list[int]] = field(default_factory=dict)
    """For each holder met what it was found to hold, perhaps more than once."""
    anchors: dict[int, Anchor] = field(default_factory=dict)
    nearest: list[int] = field(default_factory=list)
    levels: int = 0

    def enter(self, graph: Graph, edges: Iterable[tuple[int, int]]) -> list[int]:
        """Note `edges`; return the holders not seen before that are no roots."""
        fresh: list[int] = []
        for holder, held in edges:
            if holder in self.holds:
                self.holds[holder].append(held)
                continue
            self.holds[holder] = [held]
            if holder in self.targets:
                continue
            anchor = graph.anchor(holder)
            if anchor is None:
                fresh.append(holder)
            else:
                self.anchors[holder] = anchor
        return fresh

    def climb(self, graph: Graph, frontier: Sequence[int]) -> list[int]:
        """Go one level up."""
        self.levels += 1
        self.nearest += frontier[: MOST_NEAREST - len(self.nearest)]
        return self.enter(graph, graph.holders(frontier))

    def join(self, graph: Graph, parts: Sequence[int]) -> list[int]:
        """Return the holders not seen before that some nodes are parts of, which are no further than these."""
        return self.enter(graph, [edge for edge in graph.holders(parts) if graph.is_part(*edge)])


def find_paths(
    graph: Graph, targets: Sequence[int], *, seconds: float = float("inf"), most: int = SEARCH_OBJECTS
) -> Search:
    """Return the best path from a root to each of `targets`.

    `seconds` bounds the search in time, and `most`, a number of holders met, in memory; past either, what was found so
    far is returned. Errs towards a longer or worse ranked path, never towards a reference that does not exist.
    """
    return finish(searching(graph, targets, seconds=seconds, most=most))


def searching(graph: Graph, targets: Sequence[int], *, seconds: float, most: int) -> Steps[Search]:
    """Search as `find_paths` does, in step with others."""
    deadline = clock.now() + seconds
    state = _State(frozenset(targets))
    state.anchors = {target: anchor for target in targets if (anchor := graph.anchor(target)) is not None}
    frontier, patience = list(dict.fromkeys(targets)), PATIENCE
    stopped_by: Literal["", "time", "memory"] = ""
    while frontier and patience:
        worst = max(_reach(state, GOOD_RANK).ranks(targets)) if state.anchors else GOOD_RANK + 1
        if worst == 0:
            break
        if worst <= GOOD_RANK:
            patience -= 1
        if clock.now() > deadline or len(state.holds) > most:
            stopped_by = "memory" if len(state.holds) > most else "time"
            break
        yield Question(frontier)
        frontier = state.climb(graph, frontier)
        parts = list(filter(graph.may_be_part, frontier))
        if 0 < len(parts) <= MOST_PARTS:
            yield Question(parts)
            frontier += state.join(graph, parts)
    routes = _reach(state, max((anchor.rank for anchor in state.anchors.values()), default=0), graph)
    paths = Paths([target for target in targets if target in routes.best], routes.parent)
    return Search(paths, state.levels, len(state.holds), tuple(state.nearest), stopped_by)


@dataclass(slots=True)
class _Routes:
    best: dict[int, int] = field(default_factory=dict)
    """For each node reached, the rank of its root."""
    parent: dict[int, int] = field(default_factory=dict)

    def ranks(self, targets: Iterable[int]) -> list[int]:
        return [self.best.get(target, GOOD_RANK + 1) for target in targets]


def _reach(state: _State, worst_rank: int, graph: Graph | None = None) -> _Routes:
    """Walk down from the anchors of each rank in turn, the better ranks first; with a `graph`, by its order."""
    routes = _Routes()
    for rank in sorted({anchor.rank for anchor in state.anchors.values()}):
        if rank <= worst_rank:
            _spread(state, rank, routes, graph)
    return routes


def _spread(state: _State, rank: int, routes: _Routes, graph: Graph | None) -> None:
    """Walk down from the anchors of one rank, a distance from their roots' objects at a time."""
    starts: dict[int, list[tuple[str, int]]] = {}
    for node, anchor in state.anchors.items():
        if anchor.rank == rank and node not in routes.best:
            starts.setdefault(anchor.extra, []).append((anchor.order, node))
    wave: list[int] = []
    distance = min(starts, default=0)
    while wave or starts:
        for _, node in sorted(starts.pop(distance, [])):
            routes.best[node] = rank
            wave.append(node)
        following: list[int] = []
        for node in wave:
            _enter_below(state, node, rank, routes, graph, following)
        wave, distance = following, distance + 1


def _enter_below(  # noqa: PLR0913, PLR0917 - a part of the loop above that calls itself
    state: _State, node: int, rank: int, routes: _Routes, graph: Graph | None, following: list[int]
) -> None:
    """Enter what a node holds, and at once what a part of it holds, that being no further."""
    known: Sequence[int] = state.holds.get(node, ())
    for held in graph.in_order(node, known) if graph is not None and len(known) > 1 else known:
        if held in routes.best:
            continue
        routes.best[held] = rank
        routes.parent[held] = node
        if graph is not None and graph.may_be_part(held) and graph.is_part(node, held):
            _enter_below(state, held, rank, routes, graph, following)
        else:
            following.append(held)
