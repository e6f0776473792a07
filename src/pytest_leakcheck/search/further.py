"""Further paths to a survivor, none of which shares a link with those known: each has a holder of its own.

Over a graph as in `paths`: the links of the paths known are taken away, and what is left is searched again. The paths
found are as many as need be cut at least; what else there is once none is found shares a link with one of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from pytest_leakcheck.runtime import rawtypes
from pytest_leakcheck.search.paths import SEARCH_OBJECTS, Anchor, Graph, searching
from pytest_leakcheck.search.proof import OUTSIDE
from pytest_leakcheck.search.rounds import finish

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_leakcheck.search.rounds import Steps


class FurtherGraph(Graph, Protocol):
    """What the search for further paths asks of a graph."""

    def anchor_itself(self, node: int) -> Anchor | None:
        """Return what makes `node` a root by itself, or None."""

    def outside_anchor(self, node: int, number: int) -> Anchor | None:
        """Return what makes root number `number` off the graph hold `node`, or None where there are no more."""


class Known(NamedTuple):
    """A path that is known already."""

    nodes: tuple[int, ...]
    """From a root's node, or `OUTSIDE`, to the survivor."""
    links: frozenset[tuple[int, int]]
    """Its references, each a holder and what it holds, that no other path may share."""


class _Rest:
    """A graph without the links and roots of the paths known."""

    def __init__(self, graph: FurtherGraph, known: Iterable[Known]) -> None:
        self._graph = graph
        self._links = frozenset(link for path in known for link in path.links)
        self._used = rawtypes.counts_of(path.nodes[1] for path in known if path.nodes[0] == OUTSIDE)

    def holders(self, nodes: Collection[int]) -> list[tuple[int, int]]:
        return [edge for edge in self._graph.holders(nodes) if edge not in self._links]

    def in_order(self, holder: int, held: Sequence[int]) -> Sequence[int]:
        return self._graph.in_order(holder, held)

    def may_be_part(self, node: int) -> bool:
        return self._graph.may_be_part(node)

    def is_part(self, holder: int, held: int) -> bool:
        return self._graph.is_part(holder, held)

    def anchor(self, node: int) -> Anchor | None:
        return self._graph.outside_anchor(node, self._used[node]) or self._graph.anchor_itself(node)

    def is_held_outside(self, node: int) -> bool:
        return self._graph.outside_anchor(node, self._used[node]) is not None


class Further(NamedTuple):
    """What a search for one more path came to."""

    nodes: tuple[int, ...]
    """The path, or nothing."""
    is_complete: bool
    """Whether the search ended by itself; if it did and found nothing, there is nothing."""


def find_further(graph: FurtherGraph, known: Sequence[Known], *, worst_rank: int, seconds: float) -> Further:
    """Return one more path to the last node of those `known`, from a root no worse than `worst_rank`.

    `seconds` bounds the search. Errs towards a path missed: it may be that other paths, differently chosen, are more.
    """
    return finish(searching_further(graph, known, worst_rank=worst_rank, seconds=seconds, most=SEARCH_OBJECTS))


def searching_further(
    graph: FurtherGraph, known: Sequence[Known], *, worst_rank: int, seconds: float, most: int
) -> Steps[Further]:
    """Search as `find_further` does, in step with others; it meets `most` holders at most."""
    rest = _Rest(graph, known)
    target = known[0].nodes[-1]
    search = yield from searching(rest, [target], seconds=seconds, most=most)
    nodes = search.paths.get(target, ())
    if not nodes:
        return Further((), search.is_complete)
    anchor = rest.anchor(nodes[0])
    if anchor is None or anchor.rank > worst_rank:
        return Further((), search.is_complete)
    return Further((OUTSIDE, *nodes) if rest.is_held_outside(nodes[0]) else nodes, search.is_complete)
