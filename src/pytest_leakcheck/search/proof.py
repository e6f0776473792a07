"""Whether one link lies on every path to a survivor, or there are independent holders: proved, or said not to be.

Over a graph as in `paths`, so that a brute-force dominator can check it. The proof climbs from the survivor past every
holder that is not on its path. Where none of them leads back to the path higher up, the link into that place is the one
on which everything depends; where one does, the climb goes on from there. If detours lead past every link up to a root,
they make up a second path. A detour may pass by objects of the path that something else leads to: before a link is
named, the climb goes on from these as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pytest_leakcheck.runtime import clock
from pytest_leakcheck.search.rounds import Question, finish

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_leakcheck.search.rounds import Steps

MOST_NODES = 20_000
"""Holders looked at before a proof is given up."""
MOST_TOGETHER = 50_000
"""Holders that proofs made in step look at between them, before those that want more are given up."""
OUTSIDE = 0
"""Stands on a path for a root that is no node of the graph."""


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

    def outside(self, node: int) -> int:
        """Return how many references to `node` come from roots that are no nodes of the graph."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What is proved of a path."""

    edge: int | None = None
    """The index on the path of the object that the one indispensable link leads to."""
    below: tuple[int, ...] = ()
    """Another way from that object down to the survivor: the same nodes where each link of it is there twice."""
    second: tuple[int, ...] = ()
    """Another path down to the survivor that shares no link with the first, save inherent ones, as `below` does."""
    reason: str = ""
    """Why nothing is proved."""


class _Detour(NamedTuple):
    top: int
    """The index on the path where it leaves; 0 also where it comes from a root of its own."""
    nodes: tuple[int, ...] = ()
    """From the node that it leaves at, or its own root's, down to the one where it comes back, that one excluded."""


@dataclass(slots=True)
class Room:
    """How many more holders the proofs that share it may look at."""

    left: int = MOST_TOGETHER


@dataclass(slots=True)
class _Climb:
    graph: ProofGraph
    path: Sequence[int]
    deadline: float
    room: Room
    index: dict[int, int]
    below: dict[int, int] = field(default_factory=dict)
    """For each holder off the path, what it was found to hold."""
    has_twice: bool = False
    """Whether a node of the path refers to the next one twice."""

    def from_nodes(self, starts: Sequence[int]) -> Steps[_Detour]:
        """Climb past all holders of the path's nodes `starts`, the highest one first, but the ones above them.

        Returns the detour that leaves the path highest up; one without nodes, at the first of `starts`, where there is
        none. Raises `_GivenUp`.
        """
        highest, frontier = _Detour(starts[0]), [self.path[start] for start in starts]
        if any(map(self._is_held_outside, starts)):
            return _Detour(0, (OUTSIDE,))
        while frontier:
            if clock.now() > self.deadline or len(self.below) > MOST_NODES or self.room.left < 0:
                raise _GivenUp("the search for further holders was stopped by its limit")
            yield Question(frontier)
            fresh: list[int] = []
            for holder, held in self.graph.holders(frontier):
                highest = min(highest, self._detour(holder, held, fresh) or highest, key=lambda detour: detour.top)
                if highest.top == 0:
                    return highest
            yield Question(frontier, is_counted=True)
            self._account(frontier)
            frontier = fresh
        return highest

    def _is_held_outside(self, start: int) -> bool:
        is_shown = start == 1 and self.path[0] == OUTSIDE
        return self.graph.outside(self.path[start]) > is_shown

    def _detour(self, holder: int, held: int, fresh: list[int]) -> _Detour | None:
        """Return the detour that the edge from `holder` to `held` completes; a new holder enters `fresh`."""
        if holder in self.index:
            return self._back_on_path(self.index[holder], held)
        if holder in self.below:
            return None
        self.below[holder] = held
        self.room.left -= 1
        fresh.append(holder)
        return self._from_root(holder)

    def _back_on_path(self, number: int, held: int) -> _Detour | None:
        """Return the detour that leaves the path at its node `number` towards `held`, which was climbed from."""
        place = self.index.get(held)
        holder = self.path[number]
        if place == number + 1:
            if self.graph.multiplicity(holder, held) == 1:
                return None
            self.has_twice = True
        return _Detour(number, (holder, *self._down_from(held)))

    def _from_root(self, holder: int) -> _Detour | None:
        """Return the detour that leads from a root, or the path, to `holder`, where one is known without climbing."""
        route = self.graph.route(holder)
        if route is None:
            return None
        shared = [place for place, node in enumerate(route) if node in self.index]
        if shared and self.graph.outside(holder):  # the route comes by the path, but that is not all that holds it
            return _Detour(0, (OUTSIDE, *self._down_from(holder)))
        last = shared[-1] if shared else 0
        return _Detour(self.index[route[last]] if shared else 0, (*route[last:], *self._down_from(self.below[holder])))

    def _down_from(self, node: int) -> tuple[int, ...]:
        nodes: list[int] = []
        while node not in self.index:
            nodes.append(node)
            node = self.below[node]
        return tuple(nodes)

    def _account(self, nodes: Sequence[int]) -> None:
        if any(self.graph.missing(node) for node in nodes):
            raise _GivenUp("the collector does not see all references on the way")


class _GivenUp(Exception):  # noqa: N818 - never leaves this module
    pass


def prove(graph: ProofGraph, path: Sequence[int], *, inherent: Collection[int] = (), seconds: float) -> Proof:
    """Return which link of `path`, if any, lies on every path from a root to its last node.

    `path` starts at a root's node, or at `OUTSIDE` where the root is none. `inherent` are the indexes of nodes whose
    link is never a fault in itself, or is not told by itself; a link above them is asked for. `seconds` bounds the
    search. Errs towards "not proven", never towards a false proof, save for references that the graph does not know
    of at all.
    """
    return finish(proving(graph, path, inherent=inherent, seconds=seconds, room=Room()))


def proving(
    graph: ProofGraph, path: Sequence[int], *, inherent: Collection[int], seconds: float, room: Room
) -> Steps[Proof]:
    """Prove as `prove` does, in step with others that share the `room`."""
    climb = _Climb(graph, path, clock.now() + seconds, room, {node: index for index, node in enumerate(path)})
    place, is_crossed = len(path) - 1, False
    passed: list[int] = []
    legs: list[tuple[int, ...]] = [(path[-1],)]
    try:
        while place > 0:
            detour = yield from climb.from_nodes([place])
            if detour.top >= place and passed:
                detour = yield from climb.from_nodes([place, *passed])
                is_crossed |= detour.top < place  # each link can be avoided, but not all of them on one way
                passed.clear()
            if detour.top >= place:
                if place not in inherent:
                    return Proof(edge=place, below=_other_way(climb, place, () if is_crossed else legs))
                detour = _Detour(place - 1, (path[place - 1],))
            legs.append(detour.nodes)
            passed.extend(range(detour.top + 1, place))
            place = detour.top
    except _GivenUp as given_up:
        return Proof(reason=str(given_up))
    finally:
        room.left += len(climb.below)
    second = _other_way(climb, 0, () if is_crossed else legs)
    return Proof(second=second) if second else Proof(reason="no single link of it is indispensable")


def _other_way(climb: _Climb, top: int, legs: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the way down that detours make up, the last one first, from number `top` of the path on; or nothing."""
    way = tuple(node for leg in reversed(legs) for node in leg)
    return way if climb.has_twice or way != tuple(climb.path[top:]) else ()
