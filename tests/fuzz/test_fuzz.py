"""A small share of ``make fuzz``: random graphs, hostile objects and wrong texts, tried in processes of their own."""

import sys

import pytest

pytest.importorskip("hypothesis")
import drive

pytestmark = pytest.mark.skipif(
    sys.implementation.name != "cpython" or not getattr(sys, "_is_gil_enabled", lambda: True)(),
    reason="the model of the graphs counts references as CPython does",
)


def _found(subject, count):
    return drive.drive(subject, number=1, count=count)


def test_random_graphs_are_told_as_brute_force_tells_them():
    """Who survives, how the others died, each chain, what all paths go through, and each cycle agree with the model."""
    assert _found("graphs", 200) == {"tried": 200, "plan": None, "problems": []}


@pytest.mark.skipif(sys.platform == "win32", reason="the hostile cases need signals")
def test_random_hostile_objects_are_judged_without_being_touched():
    """Whatever holds them, and whatever their classes say: the verdict is right, and none of their methods runs."""
    assert _found("hostile", 50) == {"tried": 50, "plan": None, "problems": []}


def test_random_markers_settings_and_baselines_work_or_are_refused_in_one_line():
    """No argument of a marker, no value of a setting and no change of a baseline ends in a traceback."""
    assert _found("texts", 20) == {"tried": 20, "plan": None, "problems": []}
