"""The ledger: what is known of places, and what each verdict on one changes."""

import sys
import types

import pytest

from pytest_leakcheck.checking.ledger import MOST_ENTRIES, MOST_REMEMBERED, Known, Ledger, Note
from pytest_leakcheck.explaining.explain import Finding
from pytest_leakcheck.heap.places import place_of
from pytest_leakcheck.model import Leak, Survivor
from pytest_leakcheck.runtime.rawtypes import weak_reference
from pytest_leakcheck.watching.watch import Watch


class Thing:
    pass


class Other:
    pass


LEAK = Leak((Survivor("test_ledger.Thing", ""),), None)


@pytest.fixture
def app(monkeypatch):
    """Return a loaded module to keep things in."""
    module = types.ModuleType("app")
    monkeypatch.setitem(sys.modules, "app", module)
    return module


def place_in(app, container, thing):
    return place_of([app, vars(app), container, thing])


def known_in(app, name, verdict="pending"):
    """Put a thing into the registry by a name, and return what is known of that place."""
    thing = app.registry.setdefault(name, Thing())
    return Known(verdict, LEAK, "test_it", place_in(app, app.registry, thing), [weak_reference(thing)])


def found(app, thing, container=None, **more):
    """Return the finding of a thing in a container of the module's, itself watched."""
    watch = Watch()
    watch.add(thing, "")
    return Finding(LEAK, (0,), place_in(app, container or app.registry, thing), **more), watch


class TestCrowd:
    """A dict by names in which many entries may yet be leaks is known itself, and its entries no more."""

    @pytest.fixture
    def ledger(self, app):
        app.registry, app.others = {}, {}
        return Ledger([known_in(app, f"name_{'abcdefghijk'[number]}") for number in range(MOST_ENTRIES)])

    def test_so_many_are_eight(self):
        """Each of fewer costs a search, and a look at each test."""
        assert MOST_ENTRIES == 8

    def test_so_many_are_one(self, app, ledger):
        """By the latest one's leak, with the dict as what may grow."""
        latest = ledger.known[-1]

        ledger.crowd(latest)

        (known,) = ledger.known
        assert (known.verdict, known.leak, known.test) == ("crowded", latest.leak, latest.test)
        assert list(known.place.held().values()) == [app.registry]
        (growth,) = known.growths
        assert growth.container.is_same(known.place)

    def test_fewer_are_not(self, ledger):
        """Each is known by itself."""
        del ledger.known[0]
        before = list(ledger.known)

        ledger.crowd(ledger.known[-1])

        assert ledger.known == before

    def test_what_is_elsewhere_or_decided_stays(self, app, ledger):
        """A leak in the dict, what may be one in another, and what has no place are no part of it."""
        leak = known_in(app, "leak", "leak")
        thing = app.others["name"] = Thing()
        elsewhere = Known("pending", LEAK, "test_it", place_in(app, app.others, thing))
        nowhere = Known("pending", LEAK, "test_it", None)
        ledger.known[:0] = [leak, elsewhere, nowhere]

        ledger.crowd(ledger.known[-1])

        assert [known.verdict for known in ledger.known] == ["leak", "pending", "pending", "crowded"]

    @pytest.mark.parametrize("others", [["leak"], ["pending", "leak"]])
    def test_what_is_elsewhere_or_decided_counts_for_none(self, app, ledger, others):
        """So many must be in the one dict, none of them decided."""
        for known, verdict in zip(ledger.known, others, strict=False):
            known.verdict = verdict
        thing = app.others["name"] = Thing()
        ledger.known.append(Known("pending", LEAK, "test_it", place_in(app, app.others, thing)))
        ledger.known.append(Known("pending", LEAK, "test_it", None))
        before = list(ledger.known)

        ledger.crowd(ledger.known[0])

        assert ledger.known == before

    def test_what_is_in_no_dict_by_a_name_is_in_no_crowd(self, app, ledger):
        """There is nothing to know in its stead."""
        app.things = [Thing()]
        known = Known("pending", LEAK, "test_it", place_in(app, app.things, app.things[0]))
        before = list(ledger.known)

        ledger.crowd(known)
        ledger.crowd(Known("pending", LEAK, "test_it", None))

        assert ledger.known == before

    def test_a_leak_below_it_ends_it(self, app, ledger):
        """What is known of its container tells more; a leak elsewhere, and what is none, end nothing."""
        ledger.crowd(ledger.known[-1])
        thing = app.others["name"] = Thing()

        ledger.remember("leak", *self.remembered(*found(app, thing, app.others)))
        ledger.remember("pending", *self.remembered(*found(app, app.registry["name_a"])))
        assert [known.verdict for known in ledger.known] == ["crowded", "leak", "pending"]

        ledger.remember("leak", *self.remembered(*found(app, app.registry["name_b"])))
        assert [known.verdict for known in ledger.known] == ["leak", "pending", "leak"]

    def test_a_leak_with_no_place_ends_none(self, ledger):
        """It is below nothing."""
        ledger.crowd(ledger.known[-1])
        thing = Thing()
        watch = Watch()
        watch.add(thing, "")

        ledger.remember("leak", Finding(LEAK, (0,), None), "test_it", watch, [thing])

        assert [known.verdict for known in ledger.known] == ["crowded", "leak"]

    @staticmethod
    def remembered(finding, watch):
        return finding, "test_it", watch, watch.alive()


class TestKnown:
    @pytest.fixture
    def known(self, app):
        app.registry = {}
        return known_in(app, "name", "leak")

    def test_the_latest_are_kept_in_mind(self, known):
        """So many of them, and those that died first of all."""
        first, dead, later = Thing(), Thing(), [Thing() for _ in range(MOST_REMEMBERED - 2)]
        known.keep_in_mind([weak_reference(dead), weak_reference(first)])
        del dead
        known.keep_in_mind([weak_reference(thing) for thing in later])
        assert [ref() for ref in known.refs] == [known.place.held().popitem()[1], first, *later]

        known.keep_in_mind([weak_reference(first)])
        assert [ref() for ref in known.refs] == [first, *later, first]

    def test_what_moved_below_what_is_there_is_still_there(self, app, known):
        """Alone, unless it may be shared."""
        before = app.registry["name"]
        app.registry["name"] = after = Thing()
        after.before = [before]
        assert not known.still_has_living(), "this test has it as well"
        assert known.still_has_living(is_alone=False)
        assert known.holds_living() is False

        del before
        assert known.still_has_living()

    @pytest.mark.parametrize("verdict", ["leak", "replaced"])
    def test_what_a_class_has_is_below_it_for_a_leak(self, app, known, verdict):
        """A registry of classes piles up by them; a slot that has a class is no place of what that class has."""
        known.verdict = verdict
        before = app.registry["name"]
        app.registry["name"] = after = Thing()
        after.kind = type("Kind", (), {"before": before})

        assert known.still_has_living(is_alone=False) is (verdict == "leak")

    def test_what_is_still_there_waits_for_no_collector(self, app, known):
        """Where it is no more, garbage may lead to it; what lives without a place is taken to be where it was."""
        assert known.holds_living()
        assert not known.was_emptied()

        thing = app.registry.pop("name")
        assert known.was_emptied()
        assert known.has_living()
        known.verdict = "replaced"
        assert not known.was_emptied()
        known.place = None
        assert known.still_has_living()
        assert not known.holds_living(), thing

    def test_what_is_shared_below_it_was_not_let_go_of(self, app, known):
        """A place is emptied where nothing leads to them, be it not alone."""
        before = app.registry["name"]
        app.registry["name"] = after = Thing()
        after.before = before

        assert not known.was_emptied()


class TestRecognise:
    """What came into a container that is known is told by what is known of that."""

    @pytest.fixture
    def ledger(self, app):
        app.registry = {"name": Thing()}
        ledger = Ledger()
        finding, watch = found(app, app.registry["name"])
        ledger.remember("leak", finding._replace(container=finding.place.registry()), "test_it", watch, watch.alive())
        return ledger

    def recognised(self, app, ledger, kind):
        thing = app.registry["other"] = kind()
        watch = Watch()
        watch.add(thing, "")
        del thing
        return [len(members) for _, members in ledger.recognise(watch)]

    def test_what_is_of_a_type_that_piled_up_there_is_of_the_leak(self, app, ledger):
        """What is of another one may be made once."""
        assert self.recognised(app, ledger, Thing) == [1]
        assert self.recognised(app, ledger, Other) == []

    def test_the_types_of_all_leaks_of_one_cause_count(self, app, ledger):
        """A container is known once for each place below it; what is no leak, or of another cause, tells nothing."""
        beside = known_in(app, "beside", "leak")
        beside.types.add("test_ledger.Other")
        ledger.known.append(beside)
        assert self.recognised(app, ledger, Other) == [1]

        beside.verdict = "replaced"
        assert self.recognised(app, ledger, Other) == []
        beside.verdict, beside.leak = "leak", Leak((Survivor("test_ledger.Third", ""),), None)
        assert self.recognised(app, ledger, Other) == []

    def test_what_comes_into_a_bounded_container_is_bounded(self, app, ledger):
        """Of whatever type it is."""
        ledger.known[0].verdict = "bounded"

        assert self.recognised(app, ledger, Other) == [1]

    @pytest.mark.parametrize(("other", "expected"), [("name-2", [1]), ("other_name", [1]), ("attribute", [])])
    def test_a_leaks_place_is_by_what_may_be_an_attribute_alone(self, app, other, expected):
        """Where its container is not known, other keys of dicts are data; an attribute's name is none."""
        app.registry = {}
        leak = known_in(app, "attribute" if other == "attribute" else "name-1", "leak")
        thing = app.registry["name-2" if other == "attribute" else other] = Thing()
        watch = Watch()
        watch.add(thing, "")
        del thing

        assert [len(members) for _, members in Ledger([leak]).recognise(watch)] == expected


class TestReach:
    def test_a_first_slot_is_looked_for_near(self):
        """Further ones nowhere, until their second runs have cost what a search does; then again at four times that."""
        ledger = Ledger()
        types = frozenset({"app.Thing"})

        assert [ledger.reach(types, 1) for _ in range(70)].count("far") == 2
        assert ledger.reach(frozenset({"app.Thing", "app.Other"}), 1) == ""
        assert ledger.reach(frozenset({"app.Third"}), 1) == "near"
        assert ledger.reach(frozenset(), 1) == "near"
        assert ledger.reach(frozenset({"app.Fourth"}), 16) == "far"


class TestNotes:
    def test_a_bound_is_told_once_for_each_place(self):
        """By what it is bounded; further tests, and the details, tell it without a warning."""
        ledger = Ledger()
        told = [
            ("app.CACHE", "maxsize 3"),
            ("app.CACHE", "maxsize 3"),
            ("app.CACHE", "maxlen 3"),
            ("app.OTHER", "maxsize 3"),
        ]

        for where, bound in told:
            ledger.tell_bound("test_it", LEAK, where, bound)

        text = "test_it: 1 test_ledger.Thing in app.CACHE: maxsize 3, so it is bounded, not a leak"
        assert ledger.notes[:2] == [Note("warning", text), Note("aside", text)]
        assert [note.kind for note in ledger.notes[2:]] == ["warning", "warning"]


class TestRemember:
    def test_what_is_remembered_of_a_leak(self, app):
        """How many second runs told it, its types, and whether what is there may go by itself."""
        app.registry = {"name": Thing()}
        ledger = Ledger()
        finding, watch = found(app, app.registry["name"])

        for verdict, times in [("pending", 0), ("leak", 1), ("leak", 2), ("replaced", 2)]:
            known = ledger.remember(verdict, finding, "test_it", watch, watch.alive())
            assert (known.verdict, known.times, known.is_weak, known.running) == (verdict, times, False, frozenset())
        assert known.types == {"test_ledger.Thing"}
        assert [ref() for ref in known.refs] == [app.registry["name"]]
        assert ledger.known == [known]

        ledger.remember("leak", finding._replace(is_weak=True), "test_it", watch, ())
        ledger.remember("leak", finding, "test_it", watch, ())
        assert known.is_weak

    def test_a_container_is_remembered_once(self, app):
        """Of a leak, or what is bounded or lent, not of a slot; by names where there are others."""
        app.registry = {"name": Thing()}
        ledger = Ledger()
        finding, watch = found(app, app.registry["name"])
        finding = finding._replace(container=finding.place.registry())

        known = ledger.remember("replaced", finding, "test_it", watch, ())
        assert known.growths == []
        for verdict in ("leak", "bounded", "lent"):
            known = ledger.remember(verdict, finding, "test_it", watch, ())
            (growth,) = known.growths
            assert growth.container.is_same(finding.container)


class TestRememberBeside:
    """What comes to a leak's place once that was emptied is replaced, as far as is known."""

    @pytest.fixture
    def leak(self, app):
        app.registry = {}
        return known_in(app, "name", "leak")

    def remembered(self, leak, finding, watch):
        elsewhere = Thing.elsewhere = Thing()
        slots = [place_of([Thing, vars(Thing), elsewhere]), None]
        ledger = Ledger([*(Known("replaced", LEAK, "test_it", slot) for slot in slots), leak])
        before = len(ledger.known)
        ledger.remember_beside(leak, finding, "test_other", watch, watch.alive())
        ledger.remember_beside(leak, finding, "test_again", watch, watch.alive())
        return ledger.known[before:]

    def test_a_leak_that_is_there_is_one(self, app, leak):
        """Nothing is known beside it."""
        assert self.remembered(leak, *found(app, app.registry["name"])) == []

    @pytest.mark.parametrize("is_alive", [True, False])
    def test_where_it_is_no_more_there_is_a_slot(self, app, leak, is_alive):
        """Known once, by the latest test and what that left, be the earlier ones dead or elsewhere."""
        thing = app.registry.pop("name")
        if not is_alive:
            del thing
        app.registry["name"] = Thing()

        (known,) = self.remembered(leak, *found(app, app.registry["name"]))

        assert (known.verdict, known.test, known.is_certain) == ("replaced", "test_again", True)
        assert [ref() for ref in known.refs] == [app.registry["name"]]
        assert known.place.is_same(leak.place)

    def test_what_has_no_place_is_no_slot(self, app, leak):
        """There is nothing to know it by."""
        finding, watch = found(app, app.registry.pop("name"))

        assert self.remembered(leak, finding._replace(place=None), watch) == []
