"""Objects that can't be weakly referenced are watched by their addresses."""

import gc
import weakref

import pytest

from pytest_leakcheck.runtime import interpreter
from pytest_leakcheck.runtime.addresses import Patience, count_young, find, has_generations
from pytest_leakcheck.watching.watch import Watch, drop_doomed


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


class TestWatched:
    @pytest.fixture(autouse=True)
    def calm(self):
        """Let nothing be collected but on purpose."""
        gc.collect()
        gc.disable()
        yield
        gc.enable()

    def test_as_many_of_the_old_are_looked_at_as_were_promoted(self):
        """Before the addresses were known, and by collections of our own."""
        watch, first, kept = Watch(), Slotted(), [[] for _ in range(20_000)]
        gc.collect(1)
        second, more = Slotted(), [[] for _ in range(20_000)]
        watch.add_addresses({id(first): KIND, id(second): KIND}, "made", span=20_000)

        assert watch.collect_young()
        assert sorted(map(id, watch.alive())) == sorted(map(id, [first, second]))
        assert len(kept) == len(more) == 20_000

    def test_behind_them_lies_what_a_further_run_promoted(self):
        """What was young as it began does, and as much as was promoted since; any number where that is not known."""
        watch, other, later = Watch(), Watch(), Watch()
        first, kept = Slotted(), [[] for _ in range(20_000)]
        for each in (watch, other):
            each.add_addresses({id(first): KIND}, "made", span=0)
        young = count_young()
        gc.collect(1)
        second, more = Slotted(), [[] for _ in range(20_000)]
        later.add_addresses({id(second): KIND}, "made", span=20_000)
        gc.collect(1)

        watch.outlast(later, young)
        assert watch.alive() == [first]
        for further in (Watch(), Watch(), later):
            other.outlast(further, young)
            assert other.alive() == [first]
        assert len(kept) == len(more) == 20_000

    def test_after_a_full_collection_all_are_looked_at(self):
        """It may have put them in another order."""
        watch, thing, kept = Watch(), Slotted(), [[] for _ in range(20_000)]
        watch.add_addresses({id(thing): KIND}, "made", span=0)
        gc.collect()

        assert watch.drop_dead()
        assert (watch.alive(), len(kept)) == ([thing], 20_000)

    def test_one_that_died_by_itself_takes_one_collection_of_the_youngest(self, monkeypatch):
        """A look among the young then tells that it is dead, which costs little."""
        watch, thing, called = Watch(), Slotted(), []
        watch.add_addresses({id(thing): KIND}, "made", span=0)
        del thing
        collect = gc.collect
        monkeypatch.setattr(
            "pytest_leakcheck.runtime.collector.collect",
            lambda generation: (called.append(generation), collect(generation))[1],
        )

        assert not watch.collect_young()
        assert (called, watch.is_costly) == ([0], False)

    @pytest.mark.skipif(not has_generations(), reason="without generations, all objects are looked at each time")
    def test_what_a_collection_of_the_young_frees_is_foretold(self, monkeypatch):
        """So the old are not looked at after it, where all were young before."""
        watch, kept, gone, spans = Watch(), Slotted(), Slotted(), []
        gone.other = gone
        gc.collect(0)
        monkeypatch.setattr(
            "pytest_leakcheck.runtime.addresses.find", lambda wanted, span: (spans.append(span), find(wanted, span))[1]
        )
        watch.add_addresses({id(kept): KIND, id(gone): KIND}, "made", span=0)
        del gone

        assert watch.collect_young()
        assert (list(watch.addressed), spans) == ([id(kept)], [0])
        assert watch.collect_young()
        assert (watch.alive(), spans[1:]) == ([kept], [watch.span] * 2)

    @pytest.mark.skipif(not has_generations(), reason="without generations, all objects are looked at each time")
    def test_where_too_much_is_young_it_is_not(self, monkeypatch):
        """To look at the old takes less then."""
        watch, gone, spans = Watch(), Slotted(), []
        gone.other = gone
        kept = [[] for _ in range(6_000)]
        gc.collect(0)
        monkeypatch.setattr(
            "pytest_leakcheck.runtime.addresses.find", lambda wanted, span: (spans.append(span), find(wanted, span))[1]
        )
        watch.add_addresses({id(gone): KIND}, "made", span=0)
        del gone

        assert not watch.collect_young()
        assert (len(spans), len(kept)) == (2, 6_000)

    def test_what_a_finalizer_brings_back_is_watched_on(self):
        """It is not foretold what its finalizer does."""
        saved = []

        class Saved:
            __slots__ = ("other",)

            def __del__(self):
                saved.append(self)

        watch, thing = Watch(), Saved()
        thing.other = thing
        gc.collect(0)
        watch.add_addresses({id(thing): weakref.ref(Saved)}, "made", span=0)
        del thing

        assert watch.collect_young()
        assert watch.alive() == saved != []

    @pytest.mark.skipif(not interpreter.COUNTS_REFERENCES, reason="nobody knows whether there was a collection")
    def test_they_are_looked_for_once_between_two_collections(self, monkeypatch):
        """No other one can have died meanwhile; what is added or taken over is looked for."""
        gc.disable()
        try:
            watch, other, things = Watch(), Watch(), [Slotted() for _ in range(3)]
            looks = []
            monkeypatch.setattr(
                "pytest_leakcheck.runtime.addresses.find",
                lambda wanted, *_: (looks.append(len(wanted)), find(wanted))[1],
            )
            watch.add_addresses({id(things[0]): KIND}, "made")
            assert watch.drop_dead()
            assert watch.drop_dead()
            assert looks == [1]
            watch.add_addresses({id(things[1]): KIND}, "made")
            assert watch.drop_dead()
            other.add_addresses({id(things[2]): KIND}, "made")
            watch.take_over(other)
            assert watch.drop_dead()
            assert looks == [1, 2, 3]
            gc.collect(0)
            assert watch.drop_dead()
            assert looks == [1, 2, 3, 3]
        finally:
            gc.enable()

    def test_those_of_another_are_taken_over(self):
        """However long ago they were made."""
        watch, other, thing, kept = Watch(), Watch(), Slotted(), [[] for _ in range(20_000)]
        gc.collect(1)
        young = Slotted()
        watch.add_addresses({id(young): KIND}, "made", span=0)
        other.add_addresses({id(thing): KIND}, "made", span=20_000)
        watch.take_over(other)

        assert sorted(map(id, watch.alive())) == sorted(map(id, [young, thing]))
        assert len(kept) == 20_000

    def test_one_is_forgotten_and_the_others_are_not(self):
        """Then all are."""
        watch, first, second = Watch(), Slotted(), Slotted()
        watch.add_addresses({id(first): KIND, id(second): KIND}, "made")
        watch.forget([first])

        assert watch.alive() == [second]
        assert watch.nodes() == {id(second): Slotted}
        assert watch.type_names() == {f"{__name__}.Slotted"}
        watch.clear()
        assert (watch.alive(), len(watch)) == ([], 0)

    def test_those_whose_type_lives_are_counted(self):
        """That is cheap to tell, of the others that they are dead."""

        class Gone:
            __slots__ = ()

        watch, thing, gone = Watch(), Slotted(), Gone()
        watch.add_addresses({id(thing): KIND, id(gone): weakref.ref(Gone)}, "made")
        del Gone, gone
        for _ in range(2):  # PyPy takes two for a cycle, which each class is on
            gc.collect()

        assert watch.numbers() == {f"{__name__}.Slotted": 1}

    def test_one_that_has_died_is_not_looked_for_as_garbage(self):
        """So that what lives beside it is seen to be held."""
        heap = [[] for _ in range(100_000)]
        watch, thing, gone = Watch(), Slotted(), Slotted()
        watch.add_addresses({id(thing): KIND, id(gone): KIND}, "made")
        del gone
        gc.collect()

        assert drop_doomed(watch)
        assert (watch.alive(), len(heap)) == ([thing], 100_000)

    def test_the_line_that_made_one_is_told(self):
        """As of any other object."""
        watch, thing = Watch(), Slotted()
        watch.add_addresses({id(thing): KIND}, "made")
        watch.tell_origin(lambda _: ("shop/cart.py", 3))

        assert watch.facts([thing])[0].made == "shop/cart.py:3"


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

    def test_among_many_old_objects_no_leak_of_a_test_that_can_run_again_is_passed_over(self, suite):
        """A look there takes long, so that after some in vain, of tests that run only once fewer are looked at."""
        suite.write(
            conftest="import pytest_leakcheck.runtime.addresses\n\npytest_leakcheck.runtime.addresses.LARGE = 100\n"
        )
        result = suite.run(
            """
            import gc

            import pytest


            @pytest.mark.parametrize("number", range(9))
            def test_garbage(number):
                point = Point(3)
                point.y = point
                gc.collect()  # from here on it is old


            def test_leaks(): KEPT.append(Point(1))
            """,
            "--leakcheck",
            prelude=SLOTS,
        )

        result.assert_outcomes(failed=1, passed=9)

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
