"""The census counts the new objects of a test, all of them and no others, whatever the collector does meanwhile."""

import gc
import subprocess
import sys

import pytest

from pytest_leakcheck.watching import census
from pytest_leakcheck.watching.census import Census, has_generations
from surroundings import PATIENCE


class Thing:
    def __init__(self):
        self.itself = self


class Special(Thing):
    pass


COUNTING = """
import gc, sys, threading, time
from pytest_leakcheck.watching.census import Census

class Thing:
    def __init__(self): self.itself = self

gc.set_threshold(*map(int, sys.argv[1:4]))
if "thread" in sys.argv:
    sys.setswitchinterval(1e-3)  # amid the collections of either thread as well
    stop = []
    def allocate():
        while not stop:
            [[] for _ in range(200)]
            time.sleep(0.0001)
    threading.Thread(target=allocate, daemon=True).start()
for number in (0, 10, 50_000, *range(1_000, 1_040)):
    census = Census(lambda cls: cls is Thing)
    census.start()
    things = [Thing() for _ in range(number)]
    census.stop()
    found = census.new_objects()
    assert sorted(map(id, found)) == sorted(map(id, things)), (len(found), number)
print("exact")
"""


class Slotted:
    __slots__ = ("value",)


@pytest.fixture(params=["generations", "none"])
def kind(request, monkeypatch):
    """Run with the interpreter's generations, and as one that has none."""
    if request.param == "none":
        monkeypatch.setattr(census, "has_generations", lambda: False)
    return request.param


@pytest.fixture
def counting(kind):
    """Return a census of things that runs, ended after the test."""
    assert kind
    running = Census(lambda cls: cls in (Thing, Special))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def _collector():
    """Put the collector back as it was."""
    state = gc.isenabled(), gc.get_threshold()
    yield
    gc.set_threshold(*state[1])
    (gc.enable if state[0] else gc.disable)()


class TestGarbage:
    @pytest.mark.skipif(not has_generations(), reason="there are no young ones to free")
    def test_what_is_garbage_at_the_end_is_not_counted(self):
        """To free it is quicker than to watch it."""
        running = Census(lambda cls: cls is Thing)
        running.start()
        garbage, kept = Thing(), Thing()
        garbage.itself = garbage
        del garbage

        assert counted(running) == [id(kept)]

    @pytest.mark.skipif(not has_generations(), reason="there are no young ones to free")
    def test_nor_is_what_a_collection_has_passed_over_before_it_became_garbage(self):
        """The test's own collections, or those that come by themselves, have made it older."""
        running = Census(lambda cls: cls is Thing)
        running.start()
        garbage, kept = Thing(), Thing()
        gc.collect(0)
        del garbage

        assert counted(running) == [id(kept)]


def counted(counting):
    counting.stop()
    return sorted(map(id, counting.new_objects()))


class TestExact:
    @pytest.mark.parametrize("others", ["alone", "thread"])
    @pytest.mark.parametrize("thresholds", [(700, 10, 10), (50, 2, 2), (0, 0, 0)], ids=str)
    def test_all_new_objects_are_counted_once(self, thresholds, others):
        """With the usual automatic collections, with many, amid the count too, and with none; beside another thread."""
        call = [sys.executable, "-c", COUNTING, *map(str, thresholds), others]
        done = subprocess.run(call, capture_output=True, check=False, timeout=PATIENCE)

        assert done.stdout.split() == [b"exact"], done.stderr

    def test_old_objects_are_not(self, kind):
        """Those made before the start, in whatever generation they are."""
        old = [Thing() for _ in range(100)]
        running = Census(lambda cls: cls is Thing)
        running.start()
        new = [Thing() for _ in range(3)]
        old[0].touched = new

        assert kind
        assert counted(running) == sorted(map(id, new))

    def test_others_are_not(self, counting):
        """Only the types that are wanted count."""
        things = [Special(), [], {}, object(), lambda: None]

        assert counted(counting) == [id(things[0])]

    @pytest.mark.parametrize("generation", [0, 1, 2])
    def test_a_collection_by_the_test_hides_nothing(self, counting, generation):
        """Also several of them, and what is made between."""
        things = []
        for _ in range(3):
            things += [Thing() for _ in range(20)]
            gc.collect(generation)

        assert counted(counting) == sorted(map(id, things))

    @pytest.mark.usefixtures("_collector")
    def test_a_collector_that_the_test_turns_off_hides_nothing(self, counting):
        """Disabled, enabled, collected."""
        gc.disable()
        things = [Thing() for _ in range(5_000)]
        gc.enable()
        things += [Thing() for _ in range(5_000)]
        gc.collect()
        gc.disable()

        assert counted(counting) == sorted(map(id, things))

    def test_objects_that_died_do_not_count(self, counting):
        """Neither by reference count nor in a collection."""
        for _ in range(1_000):
            Thing()
        gc.collect()

        assert counted(counting) == []

    def test_what_cannot_be_weakly_referenced_is_noted_by_its_address(self, kind):
        """The new ones alone, with their types."""
        old = [Slotted(), Slotted()]
        running = Census(lambda cls: cls is Slotted)
        running.start()
        new = Slotted()
        new.value = old

        assert kind
        assert counted(running) == []
        assert {node: ref() for node, ref in running.new_addresses().items()} == {id(new): Slotted}

    def test_what_the_test_freezes_is_missed_and_the_rest_is_not(self, counting):
        """A frozen object is in no generation; without generations neither is it listed."""
        frozen = Thing()
        gc.freeze()
        try:
            thing = Thing()
            found = counted(counting)
        finally:
            gc.unfreeze()

        assert found == [id(thing)]
        assert frozen.itself is frozen


class TestPause:
    def test_what_is_made_meanwhile_belongs_to_somebody_else(self, counting):
        """Before and after count; pauses nest."""
        before = Thing()
        counting.pause()
        shared = [Thing()]
        counting.pause()
        shared.append(Thing())
        counting.resume()
        shared.append(Thing())
        gc.collect()
        counting.resume()
        after = Thing()

        assert counted(counting) == sorted([id(before), id(after)])
        assert len(shared) == 3

    def test_a_pause_at_the_end_hides_nothing(self, counting):
        """Stopped while paused, what was there before the pause is counted."""
        before = Thing()
        counting.pause()
        shared = Thing()

        assert counted(counting) == [id(before)]
        assert shared

    def test_one_that_does_not_run_cannot_be_paused(self):
        """Neither before the start nor after the end."""
        running = Census(lambda _: True)
        running.pause()
        running.resume()
        running.start()
        running.stop()
        running.pause()
        running.resume()
        running.stop()

        assert running.new_objects() is not None


class TestNew:
    def test_an_object_of_any_type_is_known_to_be_new(self):
        """What is asked after is told with its name if it is new and still lives."""
        old = {1}
        running = Census(lambda _: False)
        running.start()
        new, dead = {2}, {3}
        for value in (old, new, dead):
            running.ask(value, f"value {value}")
        del dead, value
        gc.collect()
        running.stop()

        assert running.new_values() == ([(new, "value {2}")] if has_generations() else [])

    @pytest.mark.parametrize("generation", [1, 2])
    def test_it_is_if_a_collection_has_promoted_it(self, generation):
        """Until nothing more is to be asked after; what was old before is not new."""
        old, running = {1}, Census(lambda _: False)
        running.start()
        new = {2}
        gc.collect(generation)
        for value in (old, new):
            running.ask(value, f"value {value}")
        late = {3}
        running.ask_no_more()
        gc.collect(generation)
        running.ask(late, "late")
        running.stop()

        assert running.new_values() == ([(new, "value {2}")] if has_generations() else [])

    def test_only_so_many_are_noted(self, monkeypatch):
        """What is promoted after them is missed."""
        monkeypatch.setattr(census, "MOST_PROMOTED", 1)
        running = Census(lambda _: False)
        running.start()
        first = {1}
        gc.collect(1)
        second = {2}
        gc.collect(1)
        for value in (first, second):
            running.ask(value, f"value {value}")
        running.stop()

        assert running.new_values() == ([(first, "value {1}")] if has_generations() else [])

    def test_without_generations_nothing_is_known_to_be_new(self, monkeypatch):
        """That errs towards a missed leak."""
        monkeypatch.setattr(census, "has_generations", lambda: False)
        running = Census(lambda _: False)
        running.start()
        new = {2}
        running.ask(new, "value")
        running.stop()

        assert running.new_values() == []


class TestSpan:
    def test_a_full_collection_leaves_nothing_to_count_by(self, counting):
        """It puts the old objects into another order."""
        gc.collect()
        counting.stop()

        assert counting.span is None


class TestTypes:
    def test_a_type_of_the_interpreter_is_judged_once(self):
        """It never dies, so that its address tells; a class is judged in every census."""
        judged, passed_over = [], set()
        for _ in range(2):
            running = Census(judged.append, passed_over)
            running.start()
            kept = [[], Thing()]
            running.stop()
            assert kept

        assert (judged.count(list), judged.count(Thing) >= 2) == (1, True)
        assert passed_over >= {id(list)}


class TestCallbacks:
    def test_nothing_is_left_in_the_callbacks(self, kind):
        """After the end, however it came."""
        before = list(gc.callbacks)
        running = Census(lambda cls: cls is Thing)
        running.start()
        running.stop()
        running.stop()

        assert kind
        assert gc.callbacks == before

    def test_an_error_in_the_count_leaves_nothing_either(self, kind):
        """Amid a collection it is swallowed: the code that set it off is not ours."""
        before = list(gc.callbacks)

        class Odd:
            pass

        def fails(cls):
            if cls is Odd:
                raise RuntimeError("judge")
            return False

        running = Census(fails)
        running.start()
        things = [Odd()]
        gc.collect()
        things.append(Odd())
        with pytest.raises(RuntimeError, match="judge"):
            running.stop()

        assert kind
        assert gc.callbacks == before

    def test_callbacks_that_the_test_empties_or_puts_back_do_no_harm(self):
        """The end is quiet, and an entry that comes back afterwards does nothing."""
        before = list(gc.callbacks)
        running = Census(lambda cls: cls is Thing)
        running.start()
        saved = list(gc.callbacks)
        gc.callbacks[:] = before
        running.stop()
        gc.callbacks[:] = saved
        thing = Thing()
        gc.collect()
        gc.callbacks[:] = before

        assert running.new_objects() == []
        assert thing

    def test_collections_of_the_youngest_are_left_alone(self):
        """What stays young need not be counted yet, and the end of a collection tells nothing new."""
        running = Census(lambda cls: pytest.fail(str(cls)))
        running._is_running = True

        running._at_collection("start", {"generation": 0})
        running._at_collection("stop", {"generation": 1})


class TestGenerations:
    @pytest.mark.parametrize(
        ("build", "thresholds", "expected"),
        [
            (("cpython", True, (3, 11)), (700, 10, 10), True),
            (("cpython", True, (3, 11)), (700, 10, 0), True),
            (("cpython", True, (3, 14)), (2000, 10, 10), True),
            (("cpython", True, (3, 14)), (2000, 10, 0), False),
            (("cpython", False, (3, 13)), (2000, 10, 10), False),
            (("pypy", True, (3, 11)), (0, 0, 0), False),
        ],
    )
    def test_interpreters_without_young_generations_are_known(self, monkeypatch, build, thresholds, expected):
        """PyPy, free-threaded builds, and the incremental collector of some 3.14 builds."""
        implementation, has_gil, version = build
        monkeypatch.setattr(sys.implementation, "name", implementation)
        monkeypatch.setattr(sys, "_is_gil_enabled", lambda: has_gil, raising=False)
        monkeypatch.setattr(sys, "version_info", version)
        monkeypatch.setattr("pytest_leakcheck.runtime.collector.get_threshold", lambda: thresholds)

        assert has_generations() is expected

    def test_a_leak_is_found_without_generations(self, suite):
        """Slower, as exact: also amid collections and under a marker."""
        suite.write(conftest="from pytest_leakcheck.watching import census\ncensus.has_generations = lambda: False\n")
        result = suite.run(
            """
            import gc

            OLD = keep(Thing())

            @pytest.fixture(scope="module", autouse=True)
            def shared(): yield keep(Thing())

            def test_leak():
                thing = keep(Thing())
                gc.collect()

            def test_fine():
                Thing().itself = [Thing() for _ in range(1000)]
                OLD.touched = True

            @pytest.mark.no_leak(instances_of=Thing)
            def test_marked(): keep(Thing())
            """,
            "--leakcheck",
        )

        result.assert_outcomes(failed=2, passed=1)
