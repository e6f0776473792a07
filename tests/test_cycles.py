"""The cycle that makes an object wait for the collector, on graphs drawn by hand and at random."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from graphs import Drawn
from pytest_leakcheck.search.cycles import Cycle, find_cycle, garbage_above, without


class Held(Drawn):
    """A graph in which roots, and nodes with lost references, are held."""

    def is_held(self, node):
        return node in self.roots or node in self.lost


def cycle_of(edges, node, passed_over=()):
    above = garbage_above(Held(edges, {}), node)
    return find_cycle(above, node, lambda each: each in passed_over)


class TestTheCycle:
    def test_an_object_that_refers_to_itself(self):
        """The shortest cycle has one node."""
        assert cycle_of([(1, 1)], 1) == Cycle((1,))

    def test_the_shortest_cycle_through_an_object(self):
        """Each node refers to the next, the last to the first."""
        assert cycle_of([(1, 2), (2, 3), (3, 1), (3, 4), (4, 1)], 1) == Cycle((1, 2, 3))

    def test_what_hangs_below_a_cycle(self):
        """The cycle begins where the way down leaves it."""
        assert cycle_of([(1, 2), (2, 1), (2, 3), (3, 4)], 4) == Cycle((2, 1), (3, 4))

    def test_one_between_two_cycles_hangs_below_the_upper_one(self):
        """What it leads to is of no account."""
        assert cycle_of([(1, 1), (1, 2), (2, 3), (3, 3), (3, 4), (2, 4)], 2) == Cycle((1,), (2,))

    def test_the_nearest_of_two_cycles_above(self):
        """A far one is told only once the near one is cut."""
        assert cycle_of([(1, 1), (1, 2), (2, 2), (2, 3)], 3) == Cycle((2,), (3,))

    def test_one_above_that_is_on_no_cycle_is_passed_by(self):
        """Though it is nearer than the cycle that it leads to."""
        assert cycle_of([(1, 1), (1, 8), (8, 2), (2, 3), (2, 9), (3, 3), (3, 4), (4, 9)], 9) == Cycle((3,), (4, 9))

    def test_what_is_passed_over_holds_nothing(self):
        """A cycle through it is none."""
        assert cycle_of([(1, 2), (2, 1)], 1, passed_over={2}) is None

    def test_what_something_else_holds_is_no_garbage(self):
        """A root above any object on the way up keeps all of it."""
        edges = [(1, 2), (2, 1), (9, 1)]

        assert garbage_above(Held(edges, {9: 0}), 2) is None

    def test_what_too_much_leads_to_is_not_looked_into(self):
        """The search has a bound."""
        assert garbage_above(Held([(1, 2), (2, 1)], {}), 1, most=1) is None

    def test_a_long_row_below_a_cycle_takes_no_time(self):
        """The search does not look for a cycle at each object of the row."""
        edges = [(0, 0), *((number, number + 1) for number in range(1_500))]

        assert cycle_of(edges, 1_500).nodes == (0,)


nodes = st.integers(0, 7)
graphs = st.lists(st.tuples(nodes, nodes), max_size=20)


def reaches(edges, start, end):
    """Return the nodes of a shortest way of one reference or more, or None."""
    wave, seen = [(start,)], set()
    while wave:
        following = []
        for path in wave:
            for holder, held in edges:
                if holder == path[-1] and held == end:
                    return path
                if holder == path[-1] and held not in seen:
                    seen.add(held)
                    following.append((*path, held))
        wave = following
    return None


@given(graphs, nodes)
def test_it_agrees_with_brute_force(edges, node):
    """Through the object if there is any cycle through it, and then a shortest one; else one that leads to it."""
    found = cycle_of(edges, node)

    through = reaches(edges, node, node)
    above = [other for other in range(8) if reaches(edges, other, other) and reaches(edges, other, node)]
    if through:
        assert found.below == ()
        assert found.nodes[0] == node
        assert len(found.nodes) == len(through)
    elif above:
        assert found.below[-1] == node
        assert len(found.below) == min(len(reaches(edges, other, node)) for other in above)
    else:
        assert found is None


@given(graphs, nodes)
def test_every_step_of_it_is_a_reference(edges, node):
    """Around, back to the first, and down."""
    found = cycle_of(edges, node)

    if found is not None:
        around = [*found.nodes, found.nodes[0], *found.below]
        assert set(itertools.pairwise(around)) <= set(edges)


@given(graphs, nodes)
def test_cutting_one_cycle_after_the_other_leaves_none(edges, node):
    """Each cut takes at least one away, so it comes to an end."""
    above = garbage_above(Held(edges, {}), node)
    cuts = 0
    while (found := find_cycle(above, node, lambda _: False)) is not None:
        above = without(above, (found.nodes[-1], found.nodes[0]))
        cuts += 1

    assert cuts <= len(set(edges))
