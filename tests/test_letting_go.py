"""After a check, however it ended, nothing of ours keeps a user's object alive, and the collector is as it was."""

import pytest

from bench import flat_memory

CONFTEST = """
import atexit, gc, sys, tracemalloc, weakref

REFS, KEPT = [], []

class Thing:
    def __init__(self, name):
        self.name = name
        REFS.append((name, weakref.ref(self)))

def state():
    return gc.isenabled(), gc.get_threshold(), gc.get_debug(), len(gc.callbacks), tracemalloc.is_tracing()

gc.set_threshold(600, 7, 8)
gc.set_debug(gc.DEBUG_UNCOLLECTABLE)
BEFORE = state()

def pytest_collection_finish(session):
    ITEMS.extend(session.items)

ITEMS = []

def tell():
    KEPT.clear()
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        if hasattr(sys, name):
            delattr(sys, name)
    for item in ITEMS:  # what pytest itself keeps of a test whose teardown did not run
        (item.funcargs or {}).clear()
    gc.collect()
    print("\\ntold", sorted({name for name, ref in REFS if ref() is not None}), state() == BEFORE or state(), len(REFS))

atexit.register(tell)  # pytest itself has the traceback of what interrupts a run until it is over
"""
SUITE = """
import gc, signal
import pytest
from conftest import KEPT, Thing

@pytest.fixture(scope="module")
def wide():
    yield Thing("wide")
    {wide}

@pytest.fixture
def value():
    thing = Thing("value")
    {setup}
    yield thing
    {teardown}

def test_leak(assert_collected):
    thing = assert_collected(Thing("registered"), by_refcount=True)
    thing.itself = thing
    KEPT.append(assert_collected(Thing("leaked")))

def test_own(value):
    KEPT.append(Thing("own"))

def test_end(value, wide, assert_collected):
    thing = assert_collected(Thing("end"))
    KEPT.append(Thing("beside"))
    {body}

def test_last(wide):
    Thing("last")
"""


@pytest.mark.parametrize(
    ("part", "code", "options"),
    [
        ("body", "pass", ()),
        ("body", "pass", ("-x",)),
        ("body", "assert 0, thing", ()),
        ("body", "raise KeyboardInterrupt", ()),
        ("body", "pytest.exit('enough')", ()),
        ("setup", "if KEPT[1:]: raise KeyboardInterrupt", ()),
        ("teardown", "if KEPT[1:]: raise KeyboardInterrupt", ()),
        ("teardown", "if KEPT[1:]: pytest.exit('enough')", ()),
        ("teardown", "if KEPT[1:]: raise ValueError(thing)", ()),
        ("wide", "raise KeyboardInterrupt", ()),
        ("body", "import pytest_leakcheck.watching.watch as ours; ours.Watch.settle = lambda *_: gc.missing", ()),
        (
            "body",
            "from pytest_leakcheck.explaining import explain as ours; ours.find_paths = lambda *_, **__: gc.missing",
            (),
        ),
        ("body", "import pytest_leakcheck.explaining.explain as ours; ours.find_paths = interrupt", ()),
    ],
)
def test_nothing_of_ours_keeps_an_object_alive(suite, part, code, options):
    """Whether tests pass, leak or fail, the run is interrupted or ended, or the check itself breaks off."""
    suite.write(conftest=CONFTEST)
    parts = {"body": "pass", "setup": "pass", "teardown": "pass", "wide": "pass", part: code}
    source = SUITE.format(**parts) + "\ndef interrupt(*_, **__): raise KeyboardInterrupt\n"
    result = suite.run(source, "--leakcheck", "-s", *options, prelude="")

    (line,) = suite.lines_of(result, "told ")
    assert line.startswith("told [] True ")
    assert int(line.split()[-1]) >= 2
    assert "INTERNALERROR" not in result.stdout.str()


def test_memory_is_flat():
    """Of a test that was checked nothing stays that the collector tracks; ``tests/bench/flat_memory.py`` tells more."""
    plain, checked = (flat_memory.growth(300, options) for options in (["-p", "no:leakcheck"], ["--leakcheck"]))

    assert checked.objects - plain.objects < 0.05
