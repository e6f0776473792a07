"""Tests that look at the collector have the same outcomes with --leakcheck as without, but for what is listed here."""

import re

SOURCE = """
import collections, gc, sys, types, weakref

pytestmark = pytest.mark.parametrize("turn", [1, 2])
SHARED = Thing()
SHARED.name = "shared"
HOLDER = [SHARED]
COUNTS = collections.defaultdict(list)

def same_each_turn(name, value):
    COUNTS[name].append(value)
    assert len(set(COUNTS[name])) == 1, COUNTS[name]

class Local:
    pass

def test_is_enabled(turn): assert gc.isenabled()
def test_threshold(turn): assert gc.get_threshold() == THRESHOLD
def test_debug(turn): assert gc.get_debug() == 0
def test_garbage(turn): assert gc.garbage == []
def test_freeze_count(turn): same_each_turn("frozen", gc.get_freeze_count())
def test_callbacks(turn): assert gc.callbacks == []
def test_own_callbacks(turn):
    def mine(phase, info): phases.append(phase)
    phases = []
    gc.callbacks.append(mine)
    gc.collect()
    gc.callbacks.remove(mine)
    assert phases == ["start", "stop"]

def test_young_objects_are_listed(turn):
    thing = Thing()
    assert any(thing is obj for obj in gc.get_objects())
    assert any(thing is obj for obj in gc.get_objects(0))

def test_old_objects_are_listed(turn): assert any(SHARED is obj for obj in gc.get_objects())

def test_each_object_is_in_one_generation(turn):
    thing = Thing()
    assert sum(thing is obj for n in range(3) for obj in gc.get_objects(n)) == 1
    gc.collect()
    assert sum(thing is obj for n in range(3) for obj in gc.get_objects(n)) == 1

def test_referrers_of_a_local(turn):
    thing = Thing()
    holder = [thing]
    assert [type(each) for each in gc.get_referrers(thing) if type(each) is not types.FrameType] == [list]

def test_referrers_of_a_global(turn):
    assert [each for each in gc.get_referrers(SHARED) if each is not globals()] == [HOLDER]

def test_refcount_of_a_local(turn):
    thing = Thing()
    same_each_turn("local", sys.getrefcount(thing))
    assert sys.getrefcount(thing) <= 2

def test_refcount_of_a_global(turn): same_each_turn("global", sys.getrefcount(SHARED))
def test_refcount_of_a_class(turn): same_each_turn("class", sys.getrefcount(Local))

def test_tracked_objects_are_as_many_once_classes_of_it_are_gone(turn):
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(500):
        class Made: part = Thing()
    del Made
    gc.collect()
    assert len(gc.get_objects()) <= before

def test_weak_references_of_a_local(turn):
    thing = Thing()
    assert weakref.getweakrefcount(thing) == 0
    assert weakref.getweakrefs(thing) == []

def test_weak_references_after_a_collection(turn):
    thing = Thing()
    gc.collect()
    assert weakref.getweakrefcount(thing) == 0

def test_weak_references_of_a_fixture_value(turn, thing): assert weakref.getweakrefcount(thing) == 0
def test_weak_references_of_a_global(turn): assert weakref.getweakrefcount(SHARED) == 0
def test_weak_references_of_a_class(turn): same_each_turn("refs of class", weakref.getweakrefcount(Local))

@pytest.fixture
def thing(): return Thing()

def test_counts_by_type(turn):
    gc.collect()
    same_each_turn("things", sum(type(obj) is Thing for obj in gc.get_objects()))

def test_counts_in_one_test(turn):
    gc.collect()
    before = collections.Counter(type(obj).__name__ for obj in gc.get_objects())
    things = [Thing() for _ in range(7)]
    gc.collect()
    after = collections.Counter(type(obj).__name__ for obj in gc.get_objects())
    assert after["Thing"] - before["Thing"] == 7

def test_count_of_all_after_some_died(turn):
    def number():
        gc.collect()
        return len(gc.get_objects())
    number()
    before = number()
    things = [Thing() for _ in range(100)]
    gc.collect()
    del things
    assert number() == before

def test_what_dies_at_once(turn):
    ref = weakref.ref(Thing())
    assert ref() is None

def test_what_dies_in_a_collection(turn):
    thing = Thing()
    thing.itself, ref = thing, weakref.ref(thing)
    gc.disable()
    try:
        del thing
        assert ref() is not None
        assert gc.collect() >= 1
        assert ref() is None
    finally:
        gc.enable()

def test_finalisers_run_at_once(turn):
    done = []
    class Closing:
        def __del__(self): done.append(1)
    Closing()
    assert done == [1]

def test_automatic_collections_come(turn):
    before = gc.get_stats()[0]["collections"]
    kept = [[] for _ in range(5 * max(gc.get_threshold()[0], 1))]
    assert gc.get_stats()[0]["collections"] > before

def test_young_count_grows(turn):
    gc.collect()
    before = gc.get_count()[0]
    kept = [[] for _ in range(50)]
    assert gc.get_count()[0] >= before + 50

def test_stats_without_the_test_collecting(turn):
    same_each_turn("full collections", gc.get_stats()[2]["collections"])

def test_freezing(turn):
    thing = Thing()
    count = gc.get_freeze_count()
    gc.freeze()
    assert gc.get_freeze_count() > count
    gc.unfreeze()
    assert gc.get_freeze_count() == 0
    COUNTS.clear()

def test_settings_stay(turn):
    if turn == 1:
        gc.disable()
        gc.set_threshold(500, 5, 5)
        gc.set_debug(gc.DEBUG_UNCOLLECTABLE)
    else:
        assert (gc.isenabled(), gc.get_threshold(), gc.get_debug()) == (False, (500, 5, 5), gc.DEBUG_UNCOLLECTABLE)
        gc.enable()
        gc.set_threshold(*THRESHOLD)
        gc.set_debug(0)

def test_own_callbacks_stay(turn):
    if turn == 1:
        gc.callbacks.append(print_nothing)
    else:
        assert print_nothing in gc.callbacks
        gc.callbacks.remove(print_nothing)

def print_nothing(phase, info): pass

def test_tracing_is_off(turn):
    import tracemalloc
    assert not tracemalloc.is_tracing()

def test_module_names_stay(turn): same_each_turn("names", len(globals()))

THRESHOLD = gc.get_threshold()
"""

DIFFERENT = {
    "test_callbacks": "gc.callbacks has an entry of ours while a test is checked",
    "test_weak_references_after_a_collection": "a collection amid a test takes the census by weak references",
    "test_weak_references_of_a_fixture_value": "the values of a test's fixtures are watched by weak references",
}
"""The tests that tell the difference, and why."""


def outcomes(suite, *options):
    result = suite.run("", "-v", "--tb=line", *options)
    found = re.findall(r"^test_it\.py::(\S+) (\w+)", result.stdout.str(), re.MULTILINE)
    assert len(found) > 50
    return dict(found)


def test_tests_that_look_at_the_collector_have_the_same_outcomes(suite):
    """All pass without --leakcheck; with it those fail that are listed, and no others."""
    suite.run(SOURCE)
    plain = outcomes(suite)
    assert set(plain.values()) == {"PASSED"}

    checked = outcomes(suite, "--leakcheck")

    assert set(checked) == set(plain)
    assert {name.partition("[")[0] for name, outcome in checked.items() if outcome != "PASSED"} == set(DIFFERENT)
