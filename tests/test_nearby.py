"""What lies within a few references of the globals of a module."""

import gc
import sys
import types

import pytest

from pytest_leakcheck.heap import nearby
from pytest_leakcheck.heap.nearby import Nearby
from pytest_leakcheck.runtime import interpreter, rawtypes


class Node:
    def __init__(self, held=None):
        self.held = held


def _is_between(node):
    """Tell whether an instance refers to its attributes by its ``__dict__``, once that was read.

    On CPython 3.13 it still refers to them itself, and neither to the dict nor the dict to them.
    """
    return id(vars(node)) in map(id, gc.get_referents(node))


def _walk(names, *avoided):
    return Nearby([("app", names)], frozenset(map(id, avoided)))


def test_each_object_is_met_at_its_shortest_distance():
    """With the path that leads there, from the globals on."""
    far = Node()
    names = {"long": [[far]], "short": [far]}
    found = _walk(names)

    assert found.distance(id(names)) == 0
    assert found.distance(id(far)) == 2
    assert found.module(id(far)) == "app"
    assert [id(obj) for obj in found.path(far)] == [id(names), id(names["short"]), id(far)]
    assert found.distance(id(Node())) is None


def test_a_dict_that_came_into_being_as_it_was_read_makes_nothing_further():
    """What two instances hold alike is as near by the one that was told of as by the other."""
    first, second = Node([]), Node([])
    first.held.append([])
    second.held.append(first.held[0])
    vars(first)
    found = _walk({"first": first, "second": second})

    assert found.distance(id(first)) == found.distance(id(second)) == 1
    assert found.distance(id(vars(first))) == (1 if _is_between(first) else None)
    assert found.distance(id(first.held)) == found.distance(id(second.held)) == 2
    assert [id(obj) for obj in found.path(first.held[0])][1] == id(first)
    assert found.number(id(first.held)) < found.number(id(second.held))


def test_the_last_instances_met_are_met_with_their_dicts(monkeypatch):
    """So what they hold is as near to the walk by either."""
    monkeypatch.setattr(nearby, "MOST_DISTANCE", 1)
    node = Node([])
    is_between = _is_between(node)
    found = _walk({"node": node})

    assert (found.distance(id(vars(node))), found.distance(id(node.held))) == (1 if is_between else None, None)


class First:
    """What one set has."""


class Second:
    """The same."""


@pytest.mark.parametrize("kinds", [(First, Second), (Second, First)])
def test_what_a_set_has_is_met_by_the_names_of_its_types(kinds):
    """Its own order hangs on addresses."""
    parts = [kind() for kind in kinds for _ in range(5)]
    found = _walk({"parts": set(parts)})
    first, second = ([found.number(id(part)) for part in parts if type(part) is kind] for kind in (First, Second))

    assert max(first) < min(second)


def test_modules_are_met_and_not_looked_into():
    """Nor is anything met that is to be avoided."""
    hidden = Node([])
    names = {"module": types.ModuleType("other"), "avoided": hidden}
    vars(names["module"])["inner"] = inner = []
    found = _walk(names, hidden)

    assert found.distance(id(names["module"])) == 1
    assert (found.distance(id(inner)), found.distance(id(hidden))) == (None, None)


@pytest.mark.parametrize(("limit", "distance"), [("MOST_DISTANCE", 1), ("MOST_OBJECTS", 60)])
def test_only_whole_distances_count(monkeypatch, limit, distance):
    """Past a limit the distance that exceeds it is left out, so that every path told is a shortest one."""
    monkeypatch.setattr(nearby, limit, distance)
    near = [[] for _ in range(50)]
    names = {"near": near}
    found = _walk(names)

    assert found.distance(id(near)) == 1
    assert [found.distance(id(one)) for one in near if found.distance(id(one)) is not None] in ([], [2] * 50)
    assert (found.distance(id(near[0])) is None) == (limit == "MOST_DISTANCE")


def test_a_distance_that_would_be_too_much_with_what_is_known_is_left_out(monkeypatch):
    """The limit is one for all distances."""
    monkeypatch.setattr(nearby, "MOST_OBJECTS", 60)
    near = [[[]] for _ in range(40)]
    found = _walk({"near": near})

    assert found.distance(id(near[0])) == 2
    assert found.distance(id(near[0][0])) is None


def test_only_a_few_objects_below_a_holder_are_looked_at(monkeypatch):
    """Past the limit no further line is found, so that a large container costs no more than a pass over the heap."""
    monkeypatch.setattr(nearby, "MOST_BELOW", 10)
    wanted = Node()
    holder = [[wanted] for _ in range(20)]

    assert len(list(nearby.lines_below(holder, {id(wanted)}))) == 10


@pytest.mark.skipif(not interpreter.COUNTS_REFERENCES, reason="PyPy's built-in functions are profiled in another way")
def test_the_first_key_of_a_dict_that_changes_meanwhile_is_not_known():
    """Another thread may add one between the two steps of asking."""
    names = {"first": 1}

    def change(_, event, called):
        if event == "c_call" and called is next:
            names["second"] = 2

    before = sys.getprofile()
    sys.setprofile(change)
    try:
        found = rawtypes.first_key(names)
    finally:
        sys.setprofile(before)

    assert (found, rawtypes.first_key(names), rawtypes.first_key({})) == (None, "first", None)
