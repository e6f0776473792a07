"""Places: where survivors were held, kept without keeping anything alive."""

import enum
import functools
import gc
import logging
import re
import sys
import types
import weakref
from collections import deque

import pytest

from pytest_leakcheck.heap import places
from pytest_leakcheck.heap.growth import Growth, container_of, take
from pytest_leakcheck.heap.places import names_of_type, place_of


class Thing:
    pass


class Holder:
    held = ()


@pytest.fixture
def app(monkeypatch):
    """Return a loaded module to keep things in."""
    module = types.ModuleType("app")
    monkeypatch.setitem(sys.modules, "app", module)
    return module


def ids(place):
    return set(place.held())


class Level(enum.Enum):
    INFO, ERROR = 1, 2


def cached_key(*args, typed=False, **named):
    """Return the key by which an ``lru_cache`` keeps a call."""
    cached = functools.lru_cache(maxsize=None, typed=typed)(lambda *_, **__: None)
    cached(*args, **named)
    (key,) = next(table for table in gc.get_referents(cached) if type(table) is dict and len(table) == 1)
    return key


def taken(growth, wanted, *, is_through_classes=True):
    return take([[growth]], wanted, is_through_classes=is_through_classes)[0]


class TestPlaceOf:
    def test_a_global_and_what_is_in_it(self, app):
        """Further things of the type are found there, also once the container was emptied and filled."""
        app.KEPT = [Thing()]
        place = place_of([app, vars(app), app.KEPT, app.KEPT[0]])

        assert ids(place) == {id(app.KEPT[0])}
        app.KEPT = [Thing(), 1, Thing(), []]
        assert ids(place) == {id(app.KEPT[0]), id(app.KEPT[2])}
        app.KEPT.clear()
        assert ids(place) == set()

    def test_an_attribute_of_a_class(self):
        """Read from the class's own names."""
        Holder.held = (Thing(),)
        place = place_of([Holder, vars(Holder)["held"], Holder.held, Holder.held[0]])

        assert place is None or ids(place) <= {id(Holder.held[0])}
        place = place_of([Holder, types.MappingProxyType({}), Holder.held, Holder.held[0]])
        assert ids(place) == {id(Holder.held[0])}

    def test_names_lead_where_they_did_and_keys_are_data(self, app):
        """A string key that is a name must be the same; a number may be another."""
        app.CACHE = {"first": {1: Thing()}, "second": {1: Thing()}}
        inner = app.CACHE["first"]
        place = place_of([app, vars(app), app.CACHE, inner, inner[1]])

        inner[2] = Thing()
        assert ids(place) == {id(inner[1]), id(inner[2])}

    @pytest.mark.parametrize(
        "key",
        [
            *("index.html", Thing, Level.INFO, re.IGNORECASE, ids, len, sys, None, True),
            *((Thing, "name"), ("pattern", 0), ("pattern", 10**5_000), ("pattern", re.ASCII)),
            *((("en", Thing), None), (None, False), ("x",) * 8),
        ],
    )
    def test_what_the_source_names_are_names_of_entries(self, app, key):
        """And tuples of them, as the keys of caches are: another key is another entry."""
        app.CACHE = {key: Thing()}
        place = place_of([app, vars(app), app.CACHE, app.CACHE[key]])

        for other in ("other", str, ("a", 1), Level.ERROR, taken, abs, gc, False):
            app.CACHE[other] = Thing()
        assert ids(place) == {id(app.CACHE[key])}

    @pytest.mark.skipif(sys.implementation.name != "cpython", reason="an lru_cache of PyPy has lists for keys")
    def test_the_names_of_arguments_are_no_data(self):
        """They tell two calls apart, but make no name of a number, nor does the class of an argument."""
        named = [
            *(cached_key(form="json"), cached_key(other="json"), cached_key("json"), cached_key("json", form="json")),
            *(cached_key("a", form=None), cached_key(1, form="json"), cached_key(form="json", limit=2)),
            *(cached_key("a", typed=True), cached_key(b="x", typed=True)),
            cached_key(a="x", b="x", c="x", d="x", e="x"),
        ]
        data = [
            *(cached_key(number=7), cached_key(7, typed=True), cached_key(number=7, typed=True)),
            *(cached_key(thing=Thing()), cached_key(None, number=7)),
        ]

        names = [places.name_of(key) for key in named]
        assert None not in names
        assert len({*names}) == len(named)
        assert [places.name_of(key) for key in data] == [None] * len(data)

    def test_where_a_leak_goes_on_only_what_may_be_an_attribute_is_a_name(self, app):
        """A registry that leaks by one text leaks by the next."""
        app.CACHE = {"index.html": Thing(), "about.html": Thing()}
        place = place_of([app, vars(app), app.CACHE, app.CACHE["index.html"]])
        assert set(place.held(is_strict=False)) == set(map(id, app.CACHE.values()))

        app.CACHE = {"first": Thing(), "second": Thing()}
        place = place_of([app, vars(app), app.CACHE, app.CACHE["first"]])
        assert set(place.held(is_strict=False)) == {id(app.CACHE["first"])}

    def test_what_came_last_is_looked_at_first(self, app, monkeypatch):
        """So a look for it costs as much below a registry of a thousand as below one of two."""
        app.CACHE = {number: [Thing()] for number in range(1_000)}
        place = place_of([app, vars(app), app.CACHE, app.CACHE[7], app.CACHE[7][0]])
        assert len(place.held()) == 1_000
        steps = []
        follow = places._follow
        monkeypatch.setattr(places, "_follow", lambda *args: steps.append(args) or follow(*args))

        assert place.holds_any({id(app.CACHE[999][0])})
        assert len(steps) == 3

    def test_what_came_early_is_found_by_a_look_at_all(self, app, monkeypatch):
        """One by one, so many objects are looked at, once each."""
        shared = [Thing()]
        app.CACHE = [[shared] for _ in range(500)]
        place = place_of([app, vars(app), app.CACHE, app.CACHE[0], shared, shared[0]])
        steps = []
        follow = places._follow
        monkeypatch.setattr(places, "_follow", lambda *args: steps.append(args) or follow(*args))
        monkeypatch.setattr(places, "LATEST", 1_000)

        assert not place.holds_any({id(shared)})
        assert len(steps) == 1 + (1 + 500 + 1) + 4

        steps.clear()
        app.CACHE[0][0] = first = [Thing()]
        monkeypatch.setattr(places, "LATEST", 20)
        assert place.holds_any({id(first[0])})
        assert len(steps) == (1 + 20) + 4

    def test_nothing_is_held_where_the_owner_is_gone(self, app):
        """A module that was unloaded has no names."""
        app.CACHE = thing = Thing()
        place = place_of([app, vars(app), thing])
        assert place.holds_any({id(thing)})
        place._owner = lambda: None
        assert not place.holds_any({id(thing)})

    def test_other_keys_are_data(self, app):
        """Numbers, objects, texts that are too long for a name or mostly digits, what a call made."""
        for key in (
            *(7, object(), "x" * 80, "5f0c2d7e-9a41", "k5f0c2d7e", (), ("x",) * 9, ("x",) * 99, ((("x",),),)),
            *((1, 2), (object(), "a"), (Level.INFO, 7), (None, 7), (ids, 7), (True, 7)),
            *(type("f.<locals>.C", (), {}), enum.Enum("E", "A", qualname="f.<locals>.E").A, lambda: None),
            *(types.MethodType(ids, Thing()), [].append, enum.Flag("F", "A B")(0)),
            *((7, int), (object(), "form", "json")),
        ):
            app.CACHE = {key: Thing()}
            place = place_of([app, vars(app), app.CACHE, app.CACHE[key]])

            app.CACHE[8] = Thing()
            assert ids(place) == set(map(id, app.CACHE.values()))

    def test_the_dict_of_an_instance_is_passed_through(self, app):
        """Whether the path went by it or not."""
        app.holder = Holder()
        app.holder.things = [Thing()]
        names = vars(app.holder)
        with_dict = place_of([app, vars(app), app.holder, names, names["things"], names["things"][0]])

        assert ids(with_dict) == {id(names["things"][0])}
        without = place_of([app, vars(app), app.holder, names["things"], names["things"][0]])
        assert ids(without) == ids(with_dict)

    def test_a_logger_is_a_start_of_its_own(self):
        """It is had by its name, whatever module the path came by."""
        logger = logging.Logger("shop")  # noqa: LOG001 - one that nothing else knows
        handler = logging.NullHandler()
        logger.addHandler(handler)
        logger.others = [logging.NullHandler()]
        place = place_of([logger, vars(logger), logger.handlers, handler])

        assert ids(place) == {id(handler)}
        logger.handlers[:] = [logging.NullHandler()]
        assert ids(place) == set(map(id, logger.handlers))

    def test_what_starts_elsewhere_has_no_place(self, app):
        """Neither a frame's local, nor a module that is itself what is asked about, nor a global without a name."""
        assert place_of([[], Thing()]) is None
        assert place_of([app, vars(app)]) is None
        vars(app)[("odd",)] = [Thing()]
        odd = vars(app)[("odd",)]
        assert place_of([app, vars(app), odd, odd[0]]) is None

    def test_a_place_keeps_nothing_alive(self):
        """Neither the owner nor what is in it."""
        thing, owner = Thing(), types.ModuleType("gone")
        owner.KEPT = [thing]
        place = place_of([owner, vars(owner), owner.KEPT, thing])
        refs = [weakref.ref(thing), weakref.ref(owner)]

        del thing, owner
        gc.collect()

        assert [ref() for ref in refs] == [None, None]
        assert place.held() == {}

    def test_places_are_compared_by_owner_and_steps(self, app):
        """Two things in one list are at one place, those in two lists are not."""
        app.FIRST, app.SECOND = [Thing(), Thing()], [Thing()]
        one, same = (place_of([app, vars(app), app.FIRST, thing]) for thing in app.FIRST)
        other = place_of([app, vars(app), app.SECOND, app.SECOND[0]])

        assert one.is_same(same)
        assert not one.is_same(other)
        assert one.may_hold({names_of_type(type(app.FIRST[0]))})
        assert not one.may_hold({names_of_type(list)})

    def test_a_crowd_is_not_looked_through(self, app, monkeypatch):
        """Past a limit nothing is recognised: a search will tell."""
        app.KEPT = [Thing() for _ in range(20)]
        place = place_of([app, vars(app), app.KEPT, app.KEPT[0]])
        assert len(place.held()) == 20

        monkeypatch.setattr(places, "MOST_OBJECTS", 10)
        assert place.held() == {}


class TestGrowth:
    def test_what_is_below_a_new_entry_is_of_the_leak(self, app):
        """Once: later, the entry is an old one."""
        app.KEPT = [Thing()]
        growth = Growth(place_of([app, vars(app), app.KEPT]))
        entry, below_it, elsewhere = Holder(), Thing(), Thing()
        entry.held = below_it
        app.KEPT.append(entry)
        wanted = {id(entry), id(below_it), id(elsewhere)}
        del below_it

        assert taken(growth, wanted) == [entry, entry.held]
        assert taken(growth, wanted) == []

    @pytest.mark.parametrize("kind", [list, set, dict, deque])
    def test_a_new_entry_may_be_anywhere(self, app, kind):
        """Before what is known, in no order at all, or as a key: each new one counts once."""
        app.KEPT = kind() if kind is not dict else {}
        growth = Growth(place_of([app, vars(app), app.KEPT]))
        things = [Thing() for _ in range(3)]
        add = {
            list: lambda thing: app.KEPT.insert(0, thing),
            set: lambda thing: app.KEPT.update([thing]),
            dict: lambda thing: app.KEPT.update({thing: None}),
            deque: lambda thing: app.KEPT.extendleft([thing]),
        }[kind]

        for thing in things:
            add(thing)
            assert taken(growth, {*map(id, things)}) == [thing]
        assert taken(growth, {*map(id, things)}) == []

    def test_a_class_that_is_an_entry_is_looked_into(self, app):
        """A registry of classes keeps what these have."""
        app.REGISTRY = {}
        growth = Growth(place_of([app, vars(app), app.REGISTRY]))
        app.REGISTRY["Form"] = [type("Form", (), {"fields": [Thing()]})]
        fields = app.REGISTRY["Form"][0].fields

        assert taken(growth, {id(fields[0])}) == fields

    def test_so_is_its_base_that_a_call_made(self, app):
        """A test that registers a class may have made the one below as well; what other classes have is everybody's."""
        app.REGISTRY = {}
        growth = Growth(place_of([app, vars(app), app.REGISTRY]))
        common = type("Common", (), {"shared": Thing()})

        base = type("Base", (common,), {"fields": [Thing()], "__qualname__": "test.<locals>.Base"})
        app.REGISTRY["Form"] = type("Form", (base,), {})

        assert taken(growth, {id(base.fields[0]), id(common.shared)}) == base.fields

    def test_it_is_not_where_the_container_is_bounded(self, app):
        """It may have what grows by itself."""
        app.REGISTRY = {}
        growth = Growth(place_of([app, vars(app), app.REGISTRY]))
        field = Thing()
        app.REGISTRY["Form"] = [type("Form", (), {"fields": [field]})]

        assert taken(growth, {id(field)}, is_through_classes=False) == []

    def test_a_container_in_a_slot_is_found_by_its_name(self, app):
        """Once it is there: an empty slot has none."""

        class Slots:
            __slots__ = ("kept", "other")

        app.SLOTS = Slots()
        app.SLOTS.kept = []
        growth = Growth(place_of([app, vars(app), app.SLOTS, app.SLOTS.kept]))
        thing, other = Thing(), Thing()
        app.SLOTS.kept.append(thing)
        app.SLOTS.other = [other]

        assert taken(growth, {id(thing), id(other)}) == [thing]
        del app.SLOTS.kept
        assert taken(growth, {id(thing), id(other)}) == []

    def test_the_class_of_an_entry_is_not(self, app, monkeypatch):
        """What a class attribute holds is not held by each instance."""
        app.KEPT = []
        growth = Growth(place_of([app, vars(app), app.KEPT]))
        slot = Thing()
        monkeypatch.setattr(Holder, "held", slot)
        app.KEPT.append(Holder())

        assert taken(growth, {id(slot)}) == []

    def test_all_keys_of_a_registry_are_one(self, app):
        """A list at another key is the same container for a leak; another global is not."""
        app.BY_NAME, app.OTHERS = {"a": []}, {"a": []}
        growth = Growth(place_of([app, vars(app), app.BY_NAME, app.BY_NAME["a"]]))
        things = [Thing(), Thing()]
        app.BY_NAME["b"] = things[:1]
        app.OTHERS["a"].append(things[1])

        assert taken(growth, set(map(id, things))) == things[:1]

    def test_the_container_that_grows_is_where_the_paths_of_two_runs_part(self, app):
        """One path that leads on to the end as in the first run tells nothing: the next one is looked at."""
        app.KEPT = [Thing(), Thing()]
        first = [app, vars(app), app.KEPT, app.KEPT[0]]
        second = [app, vars(app), app.KEPT, app.KEPT[1]]

        place = container_of([first], [first, second])

        assert place.is_same(place_of([app, vars(app), app.KEPT]))
        assert container_of([first], [first]) is None

    def test_paths_from_different_roots_part_nowhere(self, app):
        """As those from a thread of the first run, and one of the second."""
        app.KEPT = [Thing()]
        first = [Thing(), [Thing()], Thing()]

        assert container_of([first], [[app, vars(app), app.KEPT, app.KEPT[0]]]) is None
