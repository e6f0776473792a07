"""How survivors are put together to leaks, before any word is found for them."""

from pytest_leakcheck.explain import _grouped
from pytest_leakcheck.model import Survivor


def test_what_hangs_below_a_survivor_goes_along_with_what_that_hangs_below():
    """Paths of one length may differ: that of the one in between need not lead by the first group's survivor."""
    facts = [Survivor(f"app.Thing{number}", "made here") for number in range(4)]

    groups = _grouped({3: None, 1: None}, [], {0: 2, 2: 1}, facts)

    assert [(group.heads, group.hanging) for group in groups] == [([3], []), ([1], [0, 2])]
