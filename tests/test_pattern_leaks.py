"""The weak structures put through the plugin: each lets its objects die, and each leaky counterpart is caught."""

from __future__ import annotations

import pytest

import surroundings
from pytest_leakcheck import patterns

THING = """
KEPT = []

def keep(structure):
    KEPT.append(structure)
    return structure

class Thing:
    def hear(self, message): ...
"""

WEAK = {
    "weak_tree": """
        root = assert_collected(weak_tree("root"))
        keep(root.add(weak_tree("child")))
    """,
    "weak_proxy": """
        thing = assert_collected(Thing())
        keep(weak_proxy(thing)).hear("news")
    """,
    "weak_callback": """
        thing = assert_collected(Thing())
        keep(weak_callback(thing, print, "gone"))
    """,
    "weak_value_cache": """
        cache = keep(weak_value_cache(lambda key: Thing()))
        assert cache.get("key") is not assert_collected(cache.get("other key"))
    """,
    "weak_key_metadata": """
        keep(weak_key_metadata())[assert_collected(Thing())] = "note"
    """,
    "weak_subject": """
        thing = assert_collected(Thing())
        keep(weak_subject()).attach(thing.hear)
    """,
    "weak_smart_cache": """
        keep(weak_smart_cache()).set("key", assert_collected(Thing()))
    """,
    "weakable": """
        keep([1, 2]), assert_collected(weakable(KEPT[-1]))
    """,
}

LEAKY = {
    "StrongTree": (
        'root = assert_collected(StrongTree("root")); keep(root.add(StrongTree("child")))',
        ("._parent", "StrongTree"),
    ),
    "StrongAlias": (
        "keep(StrongAlias(assert_collected(Thing())))",
        ("._target", "Thing"),
    ),
    "ClosureCallback": (
        "ClosureCallback(assert_collected(Thing()), print)",
        ("weakref.finalize", "interpreter", "closure variable 'target'"),
    ),
    "StrongCache": (
        'assert_collected(keep(StrongCache(lambda key: Thing())).get("key"))',
        ("._values", "['key']"),
    ),
    "SelfReferringMetadata": (
        'keep(SelfReferringMetadata())[assert_collected(Thing())] = "note"',
        (".data", "tuple, 2 items"),
    ),
    "ListenerList": (
        "keep(ListenerList()).attach(assert_collected(Thing()).hear)",
        ("._observers", "bound method Thing.hear", ".__self__"),
    ),
    "StrongSmartCache": (
        'keep(StrongSmartCache()).set("key", assert_collected(Thing()))',
        ("._values", "['key']"),
    ),
}
"""What leaks by each counterpart, and what its chain must name."""

FREED_MEANWHILE = {
    "weak_tree": ('root = weak_tree("root"); child = root.add(weak_tree("child"))', "root", "child.parent is None"),
    "weak_proxy": ("thing = Thing(); stand_in = weak_proxy(thing)", "thing", "not stand_in.alive"),
    "weak_callback": ("dead = []; thing = Thing(); weak_callback(thing, dead.append, 1)", "thing", "dead == [1]"),
    "weak_value_cache": (
        'cache = weak_value_cache(lambda key: Thing()); thing = cache.get("key")',
        "thing",
        "not len(cache)",
    ),
    "weak_key_metadata": (
        'notes = weak_key_metadata(); thing = Thing(); notes[thing] = "n"',
        "thing",
        "not len(notes)",
    ),
    "weak_subject": (
        "subject = weak_subject(); thing = Thing(); subject.attach(thing.hear)",
        "thing",
        "not len(subject)",
    ),
    "weak_smart_cache": (
        'gone = []; cache = weak_smart_cache(on_evict=gone.append); thing = Thing(); cache.set("key", thing)',
        "thing",
        'gone == ["key"] and not cache.keys()',
    ),
}
"""Set-up, the object that is dropped, and what the structure must then say."""


@pytest.fixture
def run(pytester, monkeypatch):
    """Run the body of one test, as a user's pytest would, in a process of its own."""
    surroundings.give(monkeypatch)

    def run(body, *fixtures, imports=""):
        lines = "\n".join(f"    {line.strip()}" for line in body.strip().splitlines())
        head = f"from pytest_leakcheck.patterns import {imports}\n" if imports else ""
        pytester.makepyfile(f"{head}{THING}\ndef test_it({', '.join(fixtures)}):\n{lines}\n")
        others = [f"-pno:{name}" for name in ("anyio", "asyncio", "flaky", "rerunfailures")]
        return pytester.runpytest_subprocess(*others)

    return run


@pytest.mark.parametrize("fixture", WEAK)
def test_weak_structure_passes(run, fixture):
    """The structure outlives the test, and keeps nothing of it alive."""
    result = run(WEAK[fixture], fixture, "assert_collected")

    result.assert_outcomes(passed=1)
    result.stdout.re_match_lines([r"leakcheck: 1 object in 1 test checked; no leaks"])


@pytest.mark.parametrize("fixture", FREED_MEANWHILE)
def test_weak_structure_frees_while_the_test_runs(run, fixture):
    """Once the test drops its object, `now()` finds it dead, and the structure knows."""
    start, dropped, told = FREED_MEANWHILE[fixture]
    body = f"{start}\nassert_collected({dropped})\ndel {dropped}\nassert_collected.now()\nassert {told}"

    result = run(body, fixture, "assert_collected")

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("counterpart", LEAKY)
def test_leaky_counterpart_is_caught(run, counterpart):
    """The report's chain names the reference by which the counterpart keeps its object."""
    body, told = LEAKY[counterpart]

    result = run(body, "assert_collected", imports=counterpart)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*.py L *", "LEAKED  1 object *"])
    report = result.stdout.str()
    for words in told:
        assert words in report


def test_strong_tree_that_nobody_holds_passes(run):
    """A pure cycle is freed by the collector, so it is no leak."""
    result = run(
        'root = assert_collected(StrongTree("root")); root.add(StrongTree("child"))',
        "assert_collected",
        imports="StrongTree",
    )

    result.assert_outcomes(passed=1)


def test_every_structure_is_put_through_the_plugin():
    """A structure that is added to the patterns must be added here."""
    classes = {name for name in patterns.__all__ if name not in ("Tree", "Weakable", "weakable")}
    fixtures = {"weak_smart_cache" if name == "SmartCache" else name for name in classes if name not in LEAKY}

    assert {name.replace("_", "").lower() for name in fixtures} == {
        name.replace("_", "").lower() for name in WEAK if name != "weakable"
    }
