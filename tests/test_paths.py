"""The search for the best path from a root, on graphs drawn by hand and at random."""

import collections
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import leaks
from graphs import Drawn
from pytest_leakcheck.search.paths import find_paths

ROOT, OTHER, TARGET = 1, 2, 9


def _path(graph, target=TARGET, seconds=10.0):
    return find_paths(graph, [target], seconds=seconds).paths.get(target)


def test_a_path_leads_from_the_root_to_the_target():
    """The nodes are given in the order in which they refer to each other, both ends included."""
    graph = Drawn([(ROOT, 5), (5, TARGET)], {ROOT: 0})

    assert _path(graph) == (ROOT, 5, TARGET)


def test_the_shortest_of_several_paths_is_given():
    """A longer way round does not matter."""
    graph = Drawn([(ROOT, 5), (5, 6), (6, TARGET), (ROOT, 7), (7, TARGET)], {ROOT: 0})

    assert _path(graph) == (ROOT, 7, TARGET)


def test_a_better_ranked_root_wins_over_a_nearer_one():
    """The user's code is named before what merely runs."""
    graph = Drawn([(OTHER, TARGET), (ROOT, 5), (5, TARGET)], {ROOT: 0, OTHER: 3})

    assert _path(graph) == (ROOT, 5, TARGET)


def test_the_users_own_root_ends_the_search_at_once():
    """No level further up is asked for, though there are some."""
    graph = Drawn([(ROOT, TARGET), (5, TARGET), (6, 5), (7, 6)], {ROOT: 0})

    assert _path(graph) == (ROOT, TARGET)
    assert len(graph.asked) == 1


def test_a_good_root_ends_the_search_after_some_patience():
    """A module of the standard library is given up for the user's own only where that is two levels further at most."""
    near, far = [(ROOT, 3), (3, 4), (4, TARGET)], [(ROOT, 3), (3, 4), (4, 5), (5, TARGET)]

    for good in (1, 2):
        assert _path(Drawn([(OTHER, TARGET), *near], {ROOT: 0, OTHER: good})) == (ROOT, 3, 4, TARGET)
        assert _path(Drawn([(OTHER, TARGET), *far], {ROOT: 0, OTHER: good})) == (OTHER, TARGET)


def test_a_bad_root_is_kept_in_hand_while_the_search_goes_on():
    """A running frame is named only where nothing better holds the object."""
    chain = [(ROOT, 10), *((number, number + 1) for number in range(10, 16)), (16, TARGET)]

    assert _path(Drawn([(OTHER, TARGET), *chain], {ROOT: 0, OTHER: 3}))[0] == ROOT
    assert _path(Drawn([(OTHER, TARGET)], {OTHER: 3})) == (OTHER, TARGET)


def test_objects_between_an_anchor_and_its_root_count_for_the_length():
    """A root that is reached through more objects of its own is further away."""
    graph = Drawn([(ROOT, TARGET), (OTHER, TARGET)], {ROOT: 0, OTHER: 0}, extra={ROOT: 3, OTHER: 1})

    assert _path(graph) == (OTHER, TARGET)


def test_each_of_them_counts_like_one_on_the_path():
    """Four of its own make a root further than one with three objects between."""
    chain = [(OTHER, 5), (5, 6), (6, 7), (7, TARGET)]
    graph = Drawn([(ROOT, TARGET), *chain], {ROOT: 3, OTHER: 3}, extra={ROOT: 4})

    assert _path(graph) == (OTHER, 5, 6, 7, TARGET)


def test_a_target_that_is_a_root_itself_is_told_from_a_nearer_one_that_holds_it():
    """Where both are of one rank, the objects between each and its root count."""
    graph = Drawn([(ROOT, TARGET)], {ROOT: 4, TARGET: 4}, extra={TARGET: 3})

    assert _path(graph) == (ROOT, TARGET)
    assert _path(Drawn([(ROOT, TARGET)], {ROOT: 4, TARGET: 4}, extra={ROOT: 3})) == (TARGET,)


def test_ties_are_broken_by_the_order_of_the_anchors():
    """Of two equal paths the same one is given in every run, whatever the order of the edges."""
    names = {ROOT: "b", OTHER: "a"}
    edges = [(ROOT, TARGET), (OTHER, TARGET)]

    assert _path(Drawn(edges, {ROOT: 0, OTHER: 0}, names)) == (OTHER, TARGET)
    assert _path(Drawn(edges[::-1], {ROOT: 0, OTHER: 0}, names)) == (OTHER, TARGET)


def test_ties_are_broken_by_the_order_that_the_graph_gives_to_what_a_node_holds():
    """Of two equal paths from one root the same one is given in every run, in whatever order edges are found."""
    edges = [(ROOT, 8), (ROOT, 7), (8, TARGET), (7, TARGET)]

    assert _path(Drawn(edges, {ROOT: 0})) == (ROOT, 7, TARGET)
    assert _path(Drawn(edges[::-1], {ROOT: 0})) == (ROOT, 7, TARGET)


PART_OF_ONE = [(ROOT, 5), (5, 50), (50, 7), (7, TARGET), (ROOT, 6), (6, 8), (8, TARGET)]
"""Two paths: on the first one, 50 is a part of 5."""


@pytest.mark.parametrize("parts", [set(), {(5, 50)}])
def test_a_part_of_a_node_makes_no_path_longer(parts):
    """Or an instance would be further away once somebody has read its dict."""
    expected = (ROOT, 5, 50, 7, TARGET) if parts else (ROOT, 6, 8, TARGET)

    assert _path(Drawn(PART_OF_ONE, {ROOT: 0}, parts=parts)) == expected
    assert _path(Drawn(PART_OF_ONE[::-1], {ROOT: 0}, parts=parts)) == expected


def test_several_targets_share_one_search():
    """A hundred survivors under one holder ask no more questions than one."""
    targets = range(100, 200)
    one = Drawn([(ROOT, 5), (5, 100)], {ROOT: 0})
    many = Drawn([(ROOT, 5), *((5, target) for target in targets)], {ROOT: 0})
    find_paths(one, [100], seconds=10)
    found = find_paths(many, list(targets), seconds=10)

    assert set(found.paths) == set(targets)
    assert len(many.asked) == len(one.asked)


def test_a_target_that_holds_another_leads_to_it():
    """A survivor below another is reached through it."""
    found = find_paths(Drawn([(ROOT, 8), (8, TARGET)], {ROOT: 0}), [8, TARGET], seconds=10)

    assert found.paths == {8: (ROOT, 8), TARGET: (ROOT, 8, TARGET)}


def test_of_a_long_chain_of_targets_no_more_is_read_off_than_is_asked_for():
    """All paths together would have 200 million nodes; where each begins, and what it passes, is told in one go."""
    length = 20_000
    chain = [ROOT, *range(10, 10 + length)]
    found = find_paths(Drawn(list(itertools.pairwise(chain)), {ROOT: 0}), chain[1:], seconds=100)

    assert len(found.paths) == length
    assert found.paths.get(chain[5]) == tuple(chain[:6])
    assert set(found.paths.roots().values()) == {ROOT}
    nearest = found.paths.nearest({chain[3], chain[7]})
    assert [nearest[chain[index]] for index in (1, 2, 3, 9, length)] == [None, None, *([chain[3]] * 3)]


def test_what_a_path_passes_is_told_with_where_it_begins():
    """Also what is no target itself."""
    found = find_paths(Drawn([(ROOT, 5), (5, 6), (6, TARGET)], {ROOT: 0}), [TARGET], seconds=10)

    assert found.paths.roots() == dict.fromkeys((ROOT, 5, 6, TARGET), ROOT)
    assert found.paths.nearest({5}) == {ROOT: None, 5: 5, 6: 5, TARGET: 5}


def test_what_is_no_target_has_no_path():
    """Though it is on the path of one."""
    found = find_paths(Drawn([(ROOT, 5), (5, TARGET)], {ROOT: 0}), [TARGET], seconds=10)

    assert 5 not in found.paths


def test_what_no_root_leads_to_has_no_path():
    """The search is complete, and says so."""
    found = find_paths(Drawn([(5, TARGET), (TARGET, 5)], {}), [TARGET], seconds=10)

    assert (found.paths, found.is_complete) == ({}, True)


def test_a_search_out_of_time_says_how_far_it_came():
    """Whatever was found until then is given, marked as incomplete."""
    found = find_paths(Drawn([(ROOT, 5), (5, TARGET)], {ROOT: 0}), [TARGET], seconds=-1.0)

    assert (found.paths, found.stopped_by, found.levels) == ({}, "time", 0)


def test_a_search_that_meets_too_much_says_how_far_it_came():
    """The tables of a search are bounded, by the number of holders met."""
    graph = Drawn([(ROOT, 5), (5, 6), (6, TARGET)], {ROOT: 0})
    found = find_paths(graph, [TARGET], seconds=10, most=1)

    assert (found.paths, found.stopped_by, found.levels, found.met) == ({}, "memory", 2, 2)
    assert found.nearest == (TARGET, 6)


def _shortest(edges, roots, target):
    distances, waiting = dict.fromkeys(roots, 1), collections.deque(roots)
    while waiting:
        node = waiting.popleft()
        for holder, held in edges:
            if holder == node and held not in distances:
                distances[held] = distances[node] + 1
                waiting.append(held)
    return distances.get(target)


EDGES = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=40)


@settings(max_examples=400, deadline=None)
@given(EDGES, st.sets(st.integers(1, 8), min_size=1, max_size=3))
def test_a_path_is_a_shortest_one(edges, roots):
    """On any graph whose roots are alike the path is as long as a breadth-first search from the roots says."""
    path = _path(Drawn(edges, dict.fromkeys(roots, 0)), 12)

    assert (len(path) if path else None) == _shortest(edges, roots, 12)
    assert path is None or (path[0] in roots and all(edge in edges for edge in itertools.pairwise(path)))


ORACLE = """
import collections, gc, random, sys, types
import objgraph
from pytest_leakcheck.explaining.explain import explain
from pytest_leakcheck.model import Survivor

class Node: pass
class Slotted:
    __slots__ = ("a", "b", "__weakref__")
def closing(a, b):
    def inner(): return a, b
    return inner
def both(kind, a, b):
    made = Node() if kind == "instance" else Slotted()
    made.a, made.b = a, b
    return made
MAKERS = {
    "list": lambda a, b: [a, b], "tuple": lambda a, b: (a, b), "dict": lambda a, b: {"a": a, "b": b},
    "instance": lambda a, b: both("instance", a, b), "slots": lambda a, b: both("slots", a, b),
    "closure": closing, "deque": lambda a, b: collections.deque([a, b]),
}
def graph(seed):
    chance = random.Random(seed)
    target = Node()
    pool = [target, *(Node() for _ in range(3))]
    for _ in range(chance.randrange(2, 25)):
        pool.append(MAKERS[chance.choice(list(MAKERS))](chance.choice(pool[-6:]), chance.choice(pool)))
    module = types.ModuleType("drawn")
    for number in range(chance.randrange(1, 4)):
        setattr(module, f"name{number}", chance.choice(pool[1:]))
    sys.modules["drawn"] = module
    return [target]
compared = 0
for seed in range(300):
    found = graph(seed)
    gc.collect()
    chain = objgraph.find_backref_chain(found[0], objgraph.is_proper_module, max_depth=40)
    length = len(chain) if len(chain) > 1 and objgraph.is_proper_module(chain[0]) else None
    del chain
    leak = explain(found, [Survivor("Node", "")])[0]
    if length is not None:
        compared += 1
        assert leak.trace is not None and leak.trace.length == length, (seed, length, leak)
assert compared > 150, compared
"""


def test_a_path_on_the_live_heap_is_as_long_as_objgraphs():
    """Over hundreds of random object graphs, wherever objgraph's chain ends at a module ours is of the same length."""
    leaks.run_script(ORACLE)
