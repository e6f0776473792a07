"""Objects that can't be weakly referenced are watched by their addresses."""

import gc
import weakref

import pytest

from pytest_leakcheck.addresses import Patience, find
from pytest_leakcheck.watch import Watch


class Slotted:
    __slots__ = ("other",)


KIND = weakref.ref(Slotted)


@pytest.mark.parametrize("collected", [None, 0, 1, 2])
def test_a_living_object_is_found_at_its_address(collected):
    """In whatever generation it is; what is there must be of the type."""
    thing, other = Slotted(), Slotted()
    thing.other = other
    if collected is not None:
        gc.collect(collected)

    assert find({id(thing): KIND, id(other): KIND}).found == {id(thing): thing, id(other): other}
    assert find({id(thing): weakref.ref(Watch)}).found == {}


def test_a_dead_one_is_not():
    """Nothing is kept alive by its being watched; a cycle waits for the collector like any other."""
    watch, thing = Watch(), Slotted()
    thing.other = thing
    watch.add_addresses({id(thing): KIND}, "made during the test")
    assert watch.alive() == [thing]
    assert [fact.type_name for fact in watch.facts([thing])] == [f"{__name__}.Slotted"]
    del thing

    assert not watch.collect()
    assert (len(watch), watch.total) == (0, 1)


def test_the_youngest_of_the_old_are_looked_at_alone():
    """As many as were promoted; none at all where none was."""
    old = Slotted()
    gc.collect()
    kept = [[] for _ in range(20_000)]
    gc.collect(1)
    young = Slotted()
    gc.collect(1)
    wanted = {id(old): KIND, id(young): KIND}

    assert len(kept) == 20_000
    assert find(wanted, 0).found == {}
    assert find(wanted, 100).found == {id(young): young}
    assert find(wanted).found == {id(old): old, id(young): young}


def test_looks_in_vain_become_rarer():
    """Every second, fourth and at last sixteenth test is looked at, until one has left something."""
    patience, looked_at = Patience(), []
    for number in range(40):
        if patience.is_due():
            looked_at.append(number)
            patience.note(is_costly=True, is_leak=False)

    assert looked_at == [0, 2, 6, 14, 30]
    patience.note(is_costly=True, is_leak=True)
    assert patience.is_due()
    patience.note(is_costly=False, is_leak=False)
    assert patience.is_due()


SLOTS = """
from dataclasses import dataclass


@dataclass(slots=True)
class Point:
    x: int
    y: object = None


KEPT = []
SLOT = {}
"""


class TestSuite:
    def test_a_slotted_dataclass_leaks_like_any_object(self, suite):
        """It is told once, with the line that made it; the next test that leaves one is told the same leak."""
        result = suite.run(
            """
            def test_first(): KEPT.append(Point(1))


            def test_second(): KEPT.append(Point(2))


            def test_fine():
                point = Point(3)
                point.y = point
            """,
            "--leakcheck",
            prelude=SLOTS,
        )

        result.assert_outcomes(failed=2, passed=1)
        result.stdout.fnmatch_lines(
            [
                "  test_it.Point  made during the test at suite/test_it.py:14",
                "    .KEPT *list, 2 items",
                "    [[]1[]] *Point *LEAKED",
                "  The same leak as in test_it.py::test_first, held by test_it.KEPT.",
            ]
        )

    def test_one_made_once_or_in_a_slot_is_no_leak(self, suite):
        """Also where the second run's object comes to the address of the first one's."""
        result = suite.run(
            """
            def test_once(): SLOT.setdefault("once", Point(1))


            def test_replaced():
                SLOT.clear()
                SLOT["current"] = Point(2)


            def test_replaced_again():
                SLOT.clear()
                SLOT["current"] = Point(3)
            """,
            "--leakcheck",
            prelude=SLOTS,
        )

        result.assert_outcomes(passed=3)

    def test_one_that_a_wider_scoped_fixture_holds_may_live(self, suite):
        """Its end can't be watched for without a weak reference: that errs towards a missed leak."""
        result = suite.run(
            """
            @pytest.fixture(scope="module")
            def outbox():
                yield []


            def test_first(outbox): outbox.append(Point(1))


            def test_second(outbox): outbox.append(Point(2))
            """,
            "--leakcheck",
            prelude=f"import pytest{SLOTS}",
        )

        result.assert_outcomes(passed=2)
        assert not suite.lines_of(result, "fault of the plugin")

    def test_without_a_second_run_it_is_missed(self, suite):
        """Whether an earlier one still lives is not to be told by an address: that errs towards a missed leak."""
        source = """
        def test_first(): KEPT.append(Point(1))


        def test_second(): KEPT.append(Point(2))
        """
        result = suite.run(source, "--leakcheck", "--leakcheck-repeat=0", prelude=SLOTS)

        result.assert_outcomes(passed=2)
