"""The leaky counterparts of the weak structures, each caught."""

from pytest_leakcheck.patterns import (
    ClosureCallback,
    ListenerList,
    SelfReferringMetadata,
    StrongAlias,
    StrongCache,
    StrongSmartCache,
)


class Thing:
    def hear(self, message):
        self.heard = message


ALIASES = []
CACHE = StrongCache(lambda key: Thing())
NOTES = SelfReferringMetadata()
SUBJECT = ListenerList()
SMART_CACHE = StrongSmartCache()


def test_strong_alias(assert_collected):
    thing = assert_collected(Thing())
    ALIASES.append(StrongAlias(thing))


def test_closure_callback(assert_collected):
    thing = assert_collected(Thing())
    ClosureCallback(thing, print, "gone")


def test_strong_cache(assert_collected):
    assert_collected(CACHE.get("key"))


def test_self_referring_metadata(assert_collected):
    thing = assert_collected(Thing())
    NOTES[thing] = "checked"


def test_listener_list(assert_collected):
    thing = assert_collected(Thing())
    SUBJECT.attach(thing.hear)

    SUBJECT.notify("news")

    assert thing.heard == "news"


def test_strong_smart_cache(assert_collected):
    thing = assert_collected(Thing())
    SMART_CACHE.set("key", thing)
