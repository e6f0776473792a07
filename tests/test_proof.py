"""What is proved of a path, on graphs drawn by hand and at random against brute force."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

import leaks
from graphs import Drawn
from pytest_leakcheck.search import proof
from pytest_leakcheck.search.paths import find_paths
from pytest_leakcheck.search.proof import OUTSIDE, Proof, Room, prove, proving
from pytest_leakcheck.search.rounds import finish_all

ROOT, OTHER, TARGET = 1, 2, 9


def _prove(graph, path, inherent=(), seconds=10.0):
    return prove(graph, path, inherent=inherent, seconds=seconds)


def test_the_last_link_of_a_single_chain_is_indispensable():
    """Where nothing else holds anything, the link to the survivor itself is the one."""
    graph = Drawn([(ROOT, 5), (5, TARGET)], {ROOT: 0})

    assert _prove(graph, (ROOT, 5, TARGET)) == Proof(edge=2)


def test_an_inherent_link_gives_way_to_the_one_above():
    """What holds a bound method is at fault, not that the method holds its object."""
    graph = Drawn([(ROOT, 5), (5, TARGET)], {ROOT: 0})

    assert _prove(graph, (ROOT, 5, TARGET), inherent={2}) == Proof(edge=1)


def test_a_detour_moves_the_indispensable_link_up():
    """Where a holder is held by two below one, the link to the one is named, and the other way from there is told."""
    graph = Drawn([(ROOT, 5), (5, 6), (6, TARGET), (5, 7), (7, TARGET)], {ROOT: 0})

    assert _prove(graph, (ROOT, 5, 6, TARGET)) == Proof(edge=1, below=(5, 7, TARGET))


def test_two_references_from_one_holder_are_not_one_link():
    """A list that has the object twice keeps it when one item is dropped."""
    graph = Drawn([(ROOT, 5), (5, TARGET), (5, TARGET)], {ROOT: 0})

    assert _prove(graph, (ROOT, 5, TARGET)) == Proof(edge=1, below=(5, TARGET))
    assert _prove(Drawn([(ROOT, TARGET)] * 2, {ROOT: 0}), (ROOT, TARGET)) == Proof(second=(ROOT, TARGET))


def test_two_roots_are_two_holders():
    """The second path is given from its own root on."""
    graph = Drawn([(ROOT, 5), (5, TARGET), (OTHER, 6), (6, TARGET)], {ROOT: 0, OTHER: 3})

    assert _prove(graph, (ROOT, 5, TARGET)) == Proof(second=(OTHER, 6, TARGET))


def test_two_ways_from_one_root_are_two_holders():
    """Two globals of one module are independent of each other."""
    graph = Drawn([(ROOT, 5), (5, TARGET), (ROOT, 6), (6, TARGET)], {ROOT: 0})

    assert _prove(graph, (ROOT, 5, TARGET)) == Proof(second=(ROOT, 6, TARGET))


def test_the_second_path_goes_round_every_link_of_the_first():
    """Detours one above the other make up one path, which shares no link with the first."""
    edges = [(ROOT, 5), (5, TARGET), (5, 6), (6, TARGET), (ROOT, 7), (7, 5)]

    assert _prove(Drawn(edges, {ROOT: 0}), (ROOT, 5, TARGET)) == Proof(second=(ROOT, 7, 5, 6, TARGET))


def test_a_root_that_leads_into_what_a_detour_passes_by_leaves_no_link_indispensable():
    """Each link can be avoided, although no way that is left without all of them leads down."""
    edges = [(ROOT, 5), (5, 6), (6, TARGET), (5, 7), (7, 8), (8, TARGET), (OTHER, 10), (10, 6)]
    graph = Drawn(edges, {ROOT: 0, OTHER: 3})

    assert _prove(graph, (ROOT, 5, 6, TARGET)) == Proof(reason="no single link of it is indispensable")


def test_a_cycle_below_the_path_does_not_matter():
    """The survivor may refer to what holds it."""
    graph = Drawn([(ROOT, 5), (5, TARGET), (TARGET, 5), (TARGET, 6), (6, TARGET)], {ROOT: 0})

    assert _prove(graph, (ROOT, 5, TARGET)) == Proof(edge=2)


def test_a_second_root_off_the_graph_is_a_second_holder():
    """A local of a running function and another are two."""
    path = (OUTSIDE, 5, TARGET)

    assert _prove(Drawn([(5, TARGET)], {5: 0}, outer={5: 1}), path) == Proof(edge=2)
    assert _prove(Drawn([(5, TARGET)], {5: 0}, outer={5: 1, TARGET: 1}), path) == Proof(second=(OUTSIDE, TARGET))


def test_a_reference_that_nobody_sees_leaves_it_unproved():
    """Nothing is claimed where the count of references says that there is another holder."""
    graph = Drawn([(ROOT, 5), (5, TARGET)], {ROOT: 0}, lost={TARGET})

    assert _prove(graph, (ROOT, 5, TARGET)).reason == "the collector does not see all references on the way"


def test_a_proof_out_of_time_or_size_is_given_up(monkeypatch):
    """It says that it was stopped, and claims nothing."""
    graph = Drawn([(ROOT, 5), (5, TARGET), (TARGET, 6), (6, TARGET)], {ROOT: 0})
    late = _prove(graph, (ROOT, 5, TARGET), seconds=-1.0)
    monkeypatch.setattr(proof, "MOST_NODES", 0)
    big = _prove(graph, (ROOT, 5, TARGET))

    assert late == big == Proof(reason="the search for further holders was stopped by its limit")


def test_proofs_in_step_share_their_room():
    """Where they look at too much between them one is given up, and what it has looked at is there for the others."""
    graph = Drawn([(ROOT, 5), (5, TARGET), (TARGET, 6), (6, TARGET), (5, 8)], {ROOT: 0})
    room = Room(0)
    steps = [proving(graph, path, inherent=(), seconds=10, room=room) for path in ((ROOT, 5, TARGET), (ROOT, 5, 8))]
    found = finish_all(steps, lambda _: None)

    assert found == [Proof(reason="the search for further holders was stopped by its limit"), Proof(edge=2)]
    assert room.left == 0


def test_a_path_of_inherent_links_alone_has_nothing_to_drop():
    """That no single link is the one is said in words."""
    graph = Drawn([(ROOT, TARGET)], {ROOT: 0})

    assert _prove(graph, (ROOT, TARGET), inherent={1}).reason == "no single link of it is indispensable"


def _is_reached(edges, roots, target):
    seen, waiting = set(roots), list(roots)
    while waiting:
        node = waiting.pop()
        fresh = {held for holder, held in edges if holder == node} - seen
        seen |= fresh
        waiting += fresh
    return target in seen


def _without(edges, link):
    if edges.count(link) > 1:
        return edges
    return [edge for edge in edges if edge != link]


EDGES = st.lists(st.tuples(st.integers(1, 12), st.integers(3, 12)), max_size=40)


RANKED = st.dictionaries(st.integers(1, 4), st.integers(0, 3), min_size=1, max_size=3)


@settings(max_examples=1000, deadline=None)
@given(EDGES, RANKED, st.sets(st.integers(1, 5)))
def test_a_proof_agrees_with_brute_force(edges, roots, inherent):
    """The lowest link whose removal cuts the survivor off is named, and independent paths share no link."""
    graph = Drawn(edges, roots)
    path = find_paths(graph, [12], seconds=10).paths.get(12)
    if path is None:
        return
    links = list(itertools.pairwise(path))
    needed = [
        number
        for number, link in enumerate(links, 1)
        if number not in inherent and not _is_reached(_without(edges, link), roots, 12)
    ]
    found = _prove(graph, path, inherent=inherent)

    assert found.edge == (needed[-1] if needed else None)
    for way in filter(None, (found.second, found.below)):
        other = list(itertools.pairwise(way))
        shared = {links.index(link) + 1 for link in other if link in links and edges.count(link) == 1}
        assert way[0] in roots if way is found.second else way[0] == path[found.edge]
        assert way[-1] == 12
        assert all(edge in edges for edge in itertools.chain(other))
        assert shared <= inherent


BELOW_A_LOCAL = """
def run(make, look):
    global kept
    kept = make()
    kept.mate = mate = Thing()
    mate.back = kept
    look()

def cut():
    global kept
    del kept.mate, kept
"""


def test_what_hangs_below_a_local_as_well_has_two_holders():
    """A local variable counts for a holder also where the object that it holds is known by another path already."""
    told = leaks.run_leaks({"it": BELOW_A_LOCAL})["it"]

    assert told["trace"] == ["app | module", ".kept | Thing"]
    assert told["proof"] == "independent"
    assert told["others"] == [
        [
            "run (src/app.py:7) | running frame",
            "local 'mate' of run (src/app.py:7) | Thing",
            ".back | Thing",
        ]
    ]
