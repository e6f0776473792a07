"""Objects that their own ``__del__`` brings back to life before the verdict are survivors."""

import pytest

UNDEAD = """
import gc

class Undead:
    def __init__(self):
        self.itself = self

    def __del__(self):
        keep(self)

class Mortal(Undead):
    def __del__(self):
        pass
"""


REGISTERED = ("", "assert_collected({}())", "registered suite/test_it.py:")
NAMED = ("@pytest.mark.no_leak(instances_of=Undead)", "{}()", "made during the test")
BY_REFCOUNT = ("@pytest.mark.no_leak(instances_of=Undead, by_refcount=True)", "{}()", "made during the test")


@pytest.mark.parametrize(
    ("marker", "test", "origin", "generation"),
    [(*REGISTERED, 0), (*REGISTERED, 2), (*NAMED, 1), (*BY_REFCOUNT, 0), (*BY_REFCOUNT, 2)],
)
def test_a_collection_in_the_test_hides_nothing(suite, marker, test, origin, generation):
    """It takes the weak references away before it runs the finalizer; what is dead or brought back is told apart."""
    source = f"""
{UNDEAD}
{marker}
def test_undead(assert_collected):
    {test.format("Undead")}
    gc.collect({generation})

def test_mortal(assert_collected):
    {test.format("Mortal")}
    gc.collect({generation})
"""
    result = suite.run(source)

    result.assert_outcomes(passed=1, failed=1)
    text = " ".join(" ".join(result.outlines).split())
    assert f"test_it.Undead {origin}" in text
    assert "brought back to life by its __del__" in text
    assert "LEAKED 1 object that should be gone is still alive test_it" in text
    assert suite.lines_of(result, ".KEPT")


def test_an_automatic_collection_hides_nothing_either(suite):
    """Nor one that the test called for long after the object had grown old, or before a check amid the test."""
    result = suite.run(
        f"""
{UNDEAD}
def test_automatic(assert_collected):
    assert_collected(Undead())
    kept = [[] for _ in range(100_000)]
    assert KEPT

def test_old(assert_collected):
    thing = assert_collected(Undead())
    gc.collect()
    del thing
    gc.collect()

def test_now(assert_collected):
    assert_collected(Undead())
    gc.collect()
    with pytest.raises(AssertionError, match="brought back to life"):
        assert_collected.now()

def test_let_go(assert_collected):
    KEPT.clear()
    assert_collected(Undead())
    gc.collect()
    KEPT.clear()
    gc.collect()
"""
    )

    result.assert_outcomes(passed=2, failed=2)


def test_own_classes_are_told_so_too(suite):
    """With a second run: what both runs brought back accumulates."""
    result = suite.run(
        f"""
{UNDEAD}
def test_undead():
    Undead()
    gc.collect()

def test_mortal():
    Mortal()
    gc.collect()

def test_callbacks(): assert gc.callbacks == CALLBACKS or len(gc.callbacks) == len(CALLBACKS) + 1

CALLBACKS = list(gc.callbacks)
""",
        "--leakcheck",
    )

    result.assert_outcomes(passed=2, failed=1)
    assert "brought back to life by its __del__" in " ".join(" ".join(result.outlines).split())


def test_old_garbage_of_two_runs_that_comes_back_is_a_leak(suite):
    """A collection in the second run brings the first one's object back: it is settled before that begins."""
    result = suite.run(
        f"""
{UNDEAD}
def test_undead(): Undead(), gc.collect()
def test_mortal(): Mortal(), gc.collect()
""",
        "--leakcheck",
    )

    result.assert_outcomes(passed=1, failed=1)
    assert suite.lines_of(result, "LEAKED test_it.py::test_undead")


def test_on_a_large_heap_not_each_test_is_looked_at(suite):
    """Where nothing came back, a look at what finalizers may have brought back takes longer than many a test."""
    result = suite.run(
        f"""
{UNDEAD}
from pytest_leakcheck.runtime import addresses

LOOKS = []
look = addresses.find_resurrected

@pytest.fixture(autouse=True, scope="module")
def counting():
    patch = pytest.MonkeyPatch()
    patch.setattr(addresses, "LARGE", 10)
    patch.setattr(addresses, "find_resurrected", lambda *args, **words: LOOKS.append(args) or look(*args, **words))
    yield
    patch.undo()
    assert len(LOOKS) == 7  # the first, the third, the seventh, the fifteenth; from then on each sixteenth

@pytest.mark.parametrize("number", range(64))
def test_mortal(number):
    Mortal()
    gc.collect(1)
""",
        "--leakcheck",
    )

    result.assert_outcomes(passed=64)
