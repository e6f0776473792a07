"""Further paths that share no link with those known, on graphs drawn by hand and at random."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from graphs import Drawn
from pytest_leakcheck.search.further import Further, Known, find_further
from pytest_leakcheck.search.paths import find_paths
from pytest_leakcheck.search.proof import OUTSIDE

ROOT, TARGET = 1, 12


def _known(*nodes):
    return Known(nodes, frozenset(itertools.pairwise(nodes)))


def _further(graph, *known, worst_rank=3, seconds=10.0):
    return find_further(graph, known, worst_rank=worst_rank, seconds=seconds)


def test_a_path_that_shares_no_link_is_found():
    """Three globals that hold an object are three paths, and no fourth."""
    edges = [(ROOT, 5), (5, TARGET), (ROOT, 6), (6, TARGET), (ROOT, 7), (7, TARGET)]
    graph = Drawn(edges, {ROOT: 0})
    known = _known(ROOT, 5, TARGET), _known(ROOT, 6, TARGET)

    assert _further(graph, *known) == Further((ROOT, 7, TARGET), is_complete=True)
    assert _further(graph, *known, _known(ROOT, 7, TARGET)) == Further((), is_complete=True)


def test_a_link_that_is_nobodys_fault_may_be_shared():
    """Two registries that hold one bound method are two holders, though both lead through the method."""
    graph = Drawn([(ROOT, 5), (5, 8), (ROOT, 6), (6, 8), (8, TARGET)], {ROOT: 0})
    known = Known((ROOT, 5, 8, TARGET), frozenset({(ROOT, 5), (5, 8)}))

    assert _further(graph, known).nodes == (ROOT, 6, 8, TARGET)


def test_roots_off_the_graph_count_each_once():
    """Two locals that hold an object are two paths, and no third."""
    graph = Drawn([], {}, outer={TARGET: 2})

    assert _further(graph, _known(OUTSIDE, TARGET)).nodes == (OUTSIDE, TARGET)
    assert _further(graph, _known(OUTSIDE, TARGET), _known(OUTSIDE, TARGET)).nodes == ()


def test_a_root_of_too_bad_a_rank_is_no_holder():
    """What pytest itself holds is not the user's to drop."""
    graph = Drawn([(ROOT, TARGET), (2, TARGET)], {ROOT: 0, 2: 4})

    assert _further(graph, _known(ROOT, TARGET)).nodes == ()
    assert _further(graph, _known(ROOT, TARGET), worst_rank=4).nodes == (2, TARGET)


def test_a_search_out_of_time_does_not_say_that_there_is_nothing():
    """Then there are at least as many holders as are known."""
    graph = Drawn([(ROOT, 5), (5, TARGET)], {ROOT: 0})

    assert _further(graph, _known(2, TARGET), seconds=-1.0) == Further((), is_complete=False)


EDGES = st.lists(st.tuples(st.integers(1, 12), st.integers(3, 12)), max_size=40)


@settings(max_examples=500, deadline=None)
@given(EDGES, st.sets(st.integers(1, 4), min_size=1, max_size=3))
def test_paths_share_no_link_and_nothing_is_left(edges, roots):
    """Each path found is one of the graph, none shares a link with another; without their links nothing is reached."""
    graph = Drawn(edges, dict.fromkeys(roots, 0))
    first = find_paths(graph, [TARGET], seconds=10).paths.get(TARGET)
    if first is None or len(first) < 2:
        return
    known = [_known(*first)]
    while nodes := _further(graph, *known).nodes:
        known.append(_known(*nodes))

    links = [link for path in known for link in path.links]
    assert len(links) == len(set(links))
    assert set(links) <= set(edges)
    assert all(path.nodes[0] in roots for path in known)
    rest = Drawn([edge for edge in edges if edge not in links], dict.fromkeys(roots, 0))
    assert find_paths(rest, [TARGET], seconds=10).paths == {}
