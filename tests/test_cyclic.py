"""How long a look at what waits for a collection may take: the collection waits for the look."""

import pytest

from pytest_leakcheck.explaining import cyclic
from pytest_leakcheck.model import Survivor


class Drawn:
    """Lists, each of which nothing but itself keeps."""

    def __init__(self, number):
        lists = [[] for _ in range(number)]
        for each in lists:
            each.append(each)
        self.objects = {id(each): each for each in lists}

    def above(self, node):
        return {node: [node]}

    def own_references(self, _node):
        return 1


@pytest.mark.parametrize(
    ("times", "number"),
    [((0, 0, 0, 0), 2), ((0, 0, 1), 1), ((0, 0, 0, 1), 1), ((0, 1), 0)],
    ids=["in time", "searching", "telling", "from the beginning"],
)
def test_what_comes_too_late_is_left_out(monkeypatch, times, number):
    """What was found by then is told."""
    monkeypatch.setattr(cyclic.clock, "now", iter(times).__next__)
    garbage = Drawn(2)
    facts = dict.fromkeys(garbage.objects, Survivor("list", "made here"))

    found = cyclic.explain_cycles(garbage, facts)

    assert list(found) == list(garbage.objects)[:number]
