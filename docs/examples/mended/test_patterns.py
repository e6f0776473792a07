"""The weak structures, each from its fixture, kept as a long-lived part of a program would keep it."""

from pytest_leakcheck.patterns import StrongTree

KEPT = []


def keep(structure):
    KEPT.append(structure)
    return structure


class Thing:
    def hear(self, message):
        self.heard = message


def test_weak_tree(weak_tree, assert_collected):
    root = assert_collected(weak_tree("root"))
    child = root.add(weak_tree("child"))
    keep(child)

    assert child.path() == ("root", "child")


def test_strong_tree(assert_collected):
    """A reference cycle is no leak while nobody holds it: the cycle collector takes it."""
    root = assert_collected(StrongTree("root"))
    child = root.add(StrongTree("child"))

    assert child.path() == ("root", "child")


def test_weak_proxy(weak_proxy, assert_collected):
    thing = assert_collected(Thing())
    stand_in = keep(weak_proxy(thing))
    stand_in.hear("news")

    assert thing.heard == "news"


def test_weak_callback(weak_callback, assert_collected):
    thing = assert_collected(Thing())
    keep(weak_callback(thing, print, "gone"))


def test_weak_value_cache(weak_value_cache, assert_collected):
    cache = keep(weak_value_cache(lambda key: Thing()))
    thing = assert_collected(cache.get("key"))

    assert cache.get("key") is thing


def test_weak_key_metadata(weak_key_metadata, assert_collected):
    thing = assert_collected(Thing())
    notes = keep(weak_key_metadata())
    notes[thing] = "checked"

    assert notes[thing] == "checked"


def test_weak_subject(weak_subject, assert_collected):
    thing = assert_collected(Thing())
    subject = keep(weak_subject())
    subject.attach(thing.hear)
    subject.notify("news")

    assert thing.heard == "news"


def test_weak_smart_cache(weak_smart_cache, assert_collected):
    thing = assert_collected(Thing())
    cache = keep(weak_smart_cache())
    cache.set("key", thing)

    assert cache.get("key") is thing


def test_weakable(weakable, assert_collected):
    carrier = assert_collected(weakable([1, 2, 3]))

    assert carrier.value == [1, 2, 3]
