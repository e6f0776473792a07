"""Weak references to what must die, and as few collections as it takes."""

import gc
import io
import threading
import time
import weakref

import pytest

import surroundings
from pytest_leakcheck.runtime import clock, interpreter, rawtypes
from pytest_leakcheck.watching.watch import Watch, drop_adrift, drop_doomed


class Thing:
    pass


class Hostile:
    """Compares, hashes and shows itself with an error."""

    def __eq__(self, other):
        raise RuntimeError("eq")

    def __hash__(self):
        raise RuntimeError("hash")

    def __bool__(self):
        raise RuntimeError("bool")

    __repr__ = __str__ = __hash__


@pytest.fixture
def collections(monkeypatch):
    """Return the generations that were collected on purpose, in order; none is collected by itself."""
    called = []
    collect = gc.collect

    def counted(generation=2):
        called.append(generation)
        return collect(generation)

    was_enabled = gc.isenabled()
    gc.disable()
    collect()
    monkeypatch.setattr("pytest_leakcheck.runtime.collector.collect", counted)
    yield called
    if was_enabled:
        gc.enable()


def in_a_cycle(generation):
    """Return a weak reference to an object in garbage of a generation."""
    thing = Thing()
    thing.itself = thing
    ref = weakref.ref(thing)
    for older in range(generation):
        gc.collect(older)
    return ref, thing


def chain_of(number):
    """Return cycles by their numbers, each of which lets go of the next one when it is collected."""
    held = {}

    class Link:
        def __init__(self, own):
            self.itself, self.own = self, own

        def __del__(self):
            held.pop(self.own + 1, None)

    held.update((own, Link(own)) for own in range(number))
    return held


class TestAdding:
    def test_an_object_is_watched_once(self):
        """The first origin counts."""
        watch, thing = Watch(), Thing()
        watch.add(thing, "here", "closed")
        watch.add(thing, "there")

        assert (watch.total, watch.alive()) == (1, [thing])
        (fact,) = watch.facts([thing])
        assert (fact.origin, fact.reason) == ("here", "closed")

    def test_a_reason_is_plain_text_of_bounded_length(self):
        """Whatever class of text it is, and however long; what is no text is left out."""

        class Reason(str):
            __slots__ = ()

        watch, things = Watch(), [Thing(), Thing(), Thing()]
        for thing, reason in zip(things, (Reason("closed"), "x" * 10_000_000, 5), strict=True):
            watch.add(thing, "here", reason)

        short, long, none = (fact.reason for fact in watch.facts(things))
        assert (short, type(short), none) == ("closed", str, "")
        assert len(long) == 500

    def test_what_cannot_be_watched_raises_where_it_was_asked_for(self):
        """Found by a census it is passed over."""
        watch = Watch()
        with pytest.raises(TypeError):
            watch.add([], "here")
        watch.add_new([[]], "made")

        assert (watch.total, watch.watched) == (0, [])

    def test_watching_keeps_nothing_alive(self):
        """Nor does what is known of it."""
        watch, thing = Watch(), Thing()
        watch.add(thing, "here")
        watch.add_new([Thing()], "made")
        del thing

        assert watch.alive() == []
        assert not watch.drop_dead()
        assert watch.total == 2

    def test_what_is_known_of_an_object_is_returned(self):
        """Also where it was watched already."""
        watch, thing = Watch(), Thing()
        fact = watch.add(thing, "here")

        assert (fact.type_name, fact.origin) == ("test_watch.Thing", "here")
        assert watch.add(thing, "there") is fact

    def test_of_many_all_are_watched_that_can_be(self):
        """Those after one that can't be, too; all of a class are told alike."""
        watch, things = Watch(), [Thing(), Thing()]
        watch.add_new([[], *things], "made")

        assert watch.alive() == things
        assert [(fact.type_name, fact.origin) for fact in watch.facts(things)] == [("test_watch.Thing", "made")] * 2

    def test_one_that_was_brought_back_is_watched_anew(self):
        """What was known of it is told, and that it was."""
        watch, thing = Watch(), Thing()
        fact = watch.add(thing, "here")
        watch.clear()
        watch.add_back(thing, fact, 3)

        assert watch.alive() == [thing]
        assert watch.facts([thing])[0].origin == "here, brought back to life by its __del__"
        assert watch.within(1) == 3

    def test_one_that_kept_its_weak_references_is_watched_anew_as_well(self):
        """It is told once, as brought back; what else is watched still is."""
        watch, thing, other = Watch(), Thing(), Thing()
        fact = watch.add(thing, "here")
        watch.add(other, "there")
        watch.add_back(thing, fact)

        assert watch.alive() == [other, thing]
        origins = [fact.origin for fact in watch.facts([other, thing])]
        assert origins == ["there", "here, brought back to life by its __del__"]

    @pytest.mark.parametrize("stop", [lambda watch, _: watch.clear(), lambda watch, thing: watch.forget([thing])])
    def test_what_is_watched_no_more_may_be_watched_anew(self, stop):
        """As if it had never been watched."""
        watch, thing = Watch(), Thing()
        watch.add(thing, "here")
        stop(watch, thing)

        assert watch.alive() == []
        watch.add(thing, "there")
        assert watch.alive() == [thing]
        assert watch.facts([thing])[0].origin == "there"

    def test_one_alone_is_told_from_one_among_others(self):
        """By its own weak reference."""
        watch, thing, other = Watch(), Thing(), Thing()
        watch.add(thing, "here")
        (ref,) = watch.refs([thing])

        assert watch.has_only(ref)
        assert not watch.has_only(None)
        watch.add(other, "there")
        assert not watch.has_only(ref)
        watch.forget([thing])
        assert not watch.has_only(ref)
        watch.clear()
        assert not watch.has_only(ref)

    def test_the_living_of_each_type_are_counted(self):
        """The dead are not, though they are watched yet."""
        watch, thing, other = Watch(), Thing(), Hostile()
        for obj in (thing, other, Thing()):
            watch.add(obj, "here")
        del obj

        assert watch.numbers() == {"test_watch.Thing": 1, "test_watch.Hostile": 1}

    def test_what_another_watches_is_taken_over(self):
        """It is watched like one's own."""
        watch, other, thing = Watch(), Watch(), Thing()
        other.add(thing, "there")
        watch.take_over(other)

        assert watch.alive() == [thing]
        assert watch.nodes() == {id(thing): Thing}
        assert watch.type_names() == {"test_watch.Thing"}

    def test_the_longest_time_that_a_living_object_was_given_counts(self):
        """What has died needs none; without any the one is told that is asked with."""
        watch, things = Watch(), [Thing(), Thing(), Thing()]
        for thing, within in zip(things, (2, 5, None), strict=True):
            watch.add(thing, "here", within=within)

        assert watch.within(1) == 5
        del things[1], thing
        assert watch.within(9) == 2
        del things[0]
        assert watch.within(9) == 9

    def test_hostile_objects_are_watched_by_identity(self):
        """Nothing is compared, hashed, shown or tested for truth."""
        watch, first, second = Watch(), Hostile(), Hostile()
        watch.add(first, "first")
        watch.add(second, "second")
        watch.add(first, "again")

        assert [id(obj) for obj in watch.alive()] == [id(first), id(second)]
        assert [fact.origin for fact in watch.facts([second, first])] == ["second", "first"]
        assert [ref() is second for ref in watch.refs([second])] == [True]
        watch.forget([first])
        assert [id(obj) for obj in watch.alive()] == [id(second)]
        assert watch.summary() == "1 test_watch.Hostile"

    def test_an_address_whose_type_has_died_is_not_watched(self):
        """Nothing of that type can be there any more; it was counted all the same."""

        class Gone:
            __slots__ = ()

        watch, ref = Watch(), weakref.ref(Gone)
        del Gone
        for _ in range(2):  # PyPy takes two for a cycle, which each class is on
            gc.collect()
        watch.add_addresses({1: ref}, "made")

        assert (len(watch), watch.total) == (0, 1)

    def test_the_line_that_made_an_object_is_told_of_those_alive(self):
        """The dead are left as they are."""
        watch, thing = Watch(), Thing()
        watch.add(thing, "here")
        watch.add(Thing(), "gone")

        watch.tell_origin(lambda obj: (f"shop/made/{type(obj).__name__}.py", 3))

        assert [entry.fact.made for entry in watch.watched] == ["made/Thing.py:3", ""]
        watch.tell_origin(lambda _: None)
        assert [entry.fact.made for entry in watch.watched] == ["made/Thing.py:3", ""]

    def test_of_a_type_only_so_many_are_asked_after(self, monkeypatch):
        """Of many, one line mostly made all."""
        monkeypatch.setattr("pytest_leakcheck.watching.watch._MOST_LINES", 2)
        watch, things = Watch(), [Thing(), Hostile(), Thing(), Thing()]
        for thing in things:
            watch.add(thing, "here")

        watch.tell_origin(lambda _: ("shop/cart.py", 3))

        assert [entry.fact.made for entry in watch.watched] == ["shop/cart.py:3"] * 3 + [""]


class TestCollecting:
    def test_nothing_alive_nothing_collected(self, collections):
        """What died by reference counting costs no collection at all."""
        watch = Watch()
        watch.add(Thing(), "here")

        assert not watch.collect()
        assert not watch.collect_young()
        assert watch.settle(10) < 1
        assert collections == []

    @pytest.mark.parametrize(("generation", "expected"), [(0, [0]), (1, [0, 1]), (2, [0, 1, 2])])
    def test_older_generations_only_while_something_lives(self, collections, generation, expected):
        """Garbage of each generation takes the collections up to it, and no more."""
        watch = Watch()
        _, thing = in_a_cycle(generation)
        watch.add(thing, "here")
        del thing
        collections.clear()

        assert not watch.collect()
        assert collections == expected

    def test_a_survivor_takes_one_full_collection(self, collections):
        """A second one would free nothing that the first did not."""
        watch, thing = Watch(), Thing()
        watch.add(thing, "here")

        assert watch.collect()
        assert collections[:3] == [0, 1, 2]
        assert len(collections) <= 4

    def test_garbage_that_only_a_finaliser_frees_is_waited_for(self, collections):
        """One more collection, as long as each frees something."""
        watch = Watch()
        kept = Thing()
        kept.inner = Thing()
        kept.inner.itself = kept.inner

        class Closing:
            def __init__(self, owner):
                self.itself, self.owner = self, owner

            def __del__(self):
                vars(self.owner).clear()

        watch.add(kept.inner, "here")
        Closing(kept)

        assert not watch.collect()
        assert len(collections) <= 6

    def test_there_are_as_many_full_collections_as_it_takes(self, collections):
        """Each frees one here, whose finaliser lets go of the next; no more are made than is asked for."""
        watch, held = Watch(), chain_of(4)
        for link in held.values():
            watch.add(link, "here")
        gc.collect()
        collections.clear()
        del link, held[0]

        assert watch.collect(most=1)
        assert (len(watch), collections) == (3, [0, 1, 2])
        assert not watch.collect()

    def test_a_full_collection_that_frees_what_is_not_watched_is_not_the_last(self, collections):
        """It may have let go of what is."""
        watch, held = Watch(), chain_of(2)
        watch.add(held[1], "here")
        gc.collect()
        collections.clear()
        del held[0]

        assert not watch.collect()
        assert collections[:4] == [0, 1, 2, 2]

    @pytest.mark.parametrize("is_endless", [False, True])
    def test_a_collection_of_another_thread_is_waited_for(self, monkeypatch, is_endless):
        """Beside it the interpreter collects nothing, not even garbage; one that never ends is not waited for long."""
        is_amid, may_end = threading.Event(), threading.Event()

        class Slow:
            def __init__(self):
                self.itself = self

            def __del__(self):
                is_amid.set()
                may_end.wait(surroundings.PATIENCE)

        def sleep(_):
            if not is_endless:
                may_end.set()
                collecting.join()

        watch, thing = Watch(), Thing()
        collecting = threading.Thread(target=gc.collect)
        gc.disable()  # or this thread may collect what is slow, and wait for itself
        try:
            Slow()
            collecting.start()
            assert is_amid.wait(surroundings.PATIENCE)
            thing.itself = thing
            watch.add(thing, "here")
            del thing
            monkeypatch.setattr(interpreter, "LONGEST_WAIT", 0.01 if is_endless else 60)
            monkeypatch.setattr(interpreter.clock, "sleep", sleep)

            assert watch.collect() == is_endless
        finally:
            gc.enable()
        may_end.set()
        collecting.join()
        assert not watch.collect()

    def test_endless_garbage_ends(self, collections):
        """Finalisers that make new garbage each time do not keep the check busy for ever."""
        watch, thing = Watch(), Thing()
        watch.add(thing, "here")
        is_over = []

        class Reborn:
            def __init__(self):
                self.itself = self

            def __del__(self):
                if not is_over:
                    Reborn()

        Reborn()

        assert watch.collect()
        is_over.append(True)
        assert len(collections) <= 2 + 5

    def test_an_object_that_its_finaliser_saves_is_watched_on(self, collections):
        """Its weak references are gone by then, so it is found by its address."""
        saved = []

        class Phoenix:
            def __init__(self):
                self.itself = self

            def __del__(self):
                saved.append(self)

        watch = Watch()
        watch.add(Phoenix(), "here")

        assert watch.collect()
        assert watch.alive() == saved
        assert watch.facts(saved)[0].origin == "here, brought back to life by its __del__"
        assert collections

    def test_one_that_dies_amid_a_collection_and_is_saved_is_watched_on(self, collections):
        """Its reference count frees it, which leaves it its weak references."""
        saved, held = [], []

        class Phoenix:
            def __del__(self):
                saved.append(self)

        class Closing:
            def __init__(self):
                self.itself = self

            def __del__(self):
                held.clear()

        watch = Watch()
        held.append(Phoenix())
        watch.add(held[0], "here")
        Closing()

        assert watch.collect()
        assert watch.alive() == saved
        assert [fact.origin for fact in watch.facts(saved)] == ["here, brought back to life by its __del__"]
        assert collections

    def test_one_that_lives_is_not_told_to_be_brought_back(self):
        """Its finaliser has not run."""

        class Finalized:
            def __del__(self):
                pass

        watch, thing = Watch(), Finalized()
        watch.add(thing, "here")

        assert watch.collect()
        assert watch.facts([thing])[0].origin == "here"

    def test_one_that_goes_in_peace_is_not_looked_for(self, collections, monkeypatch):
        """Each look takes a pass over the old objects, and a test may drop hundreds that have finalisers."""

        class Mortal:
            def __init__(self):
                self.itself = self

            def __del__(self):
                pass

        watch = Watch()
        for _ in range(3):
            watch.add(Mortal(), "here")
        monkeypatch.delattr("pytest_leakcheck.runtime.addresses.find_resurrected")

        assert not watch.collect()
        assert collections == [0]


class TestPeril:
    def test_a_file_is_in_none(self):
        """The finalizer of Python's own files brings nothing back."""
        watch, stream = Watch(), io.StringIO()
        watch.add(stream, "here")

        assert not watch.is_in_peril()

    @pytest.mark.parametrize(("names", "is_in_peril"), [((), False), (("flush",), False), (("close",), True)])
    def test_a_class_of_files_is_by_what_its_finalizer_calls(self, names, is_in_peril):
        """That is ``close``, which may keep the file."""
        stream = type("Stream", (io.StringIO,), dict.fromkeys(names, lambda _: None))()
        watch = Watch()
        watch.add(stream, "here")

        assert watch.is_in_peril() is is_in_peril

    @pytest.mark.parametrize("most", [0, 10_000])
    def test_one_that_a_class_is_given_later_is_one(self, monkeypatch, most):
        """What was found out of a class is asked anew once it has other attributes, or too many are known."""
        monkeypatch.setattr(rawtypes, "_MOST_CLASSES", most)
        kind = type("Later", (), {})
        watch, thing = Watch(), kind()
        watch.add(thing, "here")

        assert not watch.is_in_peril()
        kind.__del__ = lambda _: None
        assert watch.is_in_peril()
        del kind.__del__
        assert not watch.is_in_peril()

    def test_a_finalizer_of_a_class_of_files_itself_is_one(self):
        """Whatever it calls."""
        stream = type("Stream", (io.StringIO,), {"__del__": lambda _: None})()
        watch = Watch()
        watch.add(stream, "here")

        assert watch.is_in_peril()


class TestAdrift:
    def test_garbage_is_forgotten_before_it_is_collected(self, collections):
        """However old it is, and however few other objects there are; what is dead is forgotten as well."""
        watch, gone = Watch(), Watch()
        ref, thing = in_a_cycle(2)
        watch.add(thing, "here")
        gone.add(Thing(), "there")
        del thing
        collections.clear()

        drop_adrift(watch, gone)

        assert ref() is not None
        assert (watch.alive(), gone.watched, collections) == ([], [], [])

    def test_so_is_garbage_whose_class_is_of_it(self, collections):
        """No look at its class holds that."""
        watch = Watch()

        class Local:
            pass

        Local.only = Local()
        watch.add(Local.only, "here")
        del Local

        drop_adrift(watch)

        assert (watch.alive(), collections) == ([], [])

    def test_one_that_two_watch_is_garbage_to_both(self, collections):
        """It is counted once."""
        watch, other = Watch(), Watch()
        for each in (watch, other):
            each.add(in_a_cycle(0)[1], "here")
        other.take_over(watch)

        drop_adrift(watch, other)

        assert (watch.alive(), other.alive(), collections) == ([], [], [])

    def test_what_is_held_is_watched_on(self, collections):
        """Garbage beside it is not."""
        watch, other, thing = Watch(), Watch(), Thing()
        watch.add(in_a_cycle(0)[1], "here")
        watch.add(thing, "here")
        other.add(in_a_cycle(0)[1], "here")

        drop_adrift(watch, other)

        assert (watch.alive(), other.alive(), collections) == ([thing], [], [])

    def test_what_a_finalizer_may_bring_back_is_watched_on(self, collections):
        """So is all beside it."""

        class Finalized(Thing):
            def __del__(self):
                pass

        watch, thing = Watch(), Finalized()
        thing.itself = thing
        watch.add(thing, "here")
        watch.add(in_a_cycle(0)[1], "here")
        del thing

        drop_adrift(watch)

        assert (len(watch.alive()), collections) == (2, [])


class TestDoomed:
    def test_garbage_is_forgotten_wherever_it_lies(self, collections):
        """A look at what hangs below it costs little, where one among the old costs as much as a collection."""
        watch = Watch()
        watch.add(in_a_cycle(2)[1], "here")
        heap = [[] for _ in range(100_000)]
        gc.collect(1)
        collections.clear()

        assert drop_doomed(watch)
        assert (watch.alive(), collections, len(heap)) == ([], [], 100_000)

    def test_old_garbage_is_forgotten_before_it_is_collected(self, collections):
        """On a large heap it is cheap to see that it waits for a full collection."""
        watch, heap = Watch(), [[] for _ in range(100_000)]
        ref, thing = in_a_cycle(2)
        watch.add(thing, "here")
        del thing
        collections.clear()

        assert drop_doomed(watch)
        assert ref() is not None
        assert (watch.alive(), collections, len(heap)) == ([], [], 100_000)

    def test_so_is_garbage_whose_class_is_of_it(self, collections):
        """Also where so much hangs below that it is looked for among the old; no look at a class holds that."""
        watch, heap = Watch(), [[] for _ in range(300_000)]
        local = type("Local", (), {"many": [[] for _ in range(3_000)]})
        local.only = local()
        watch.add(local.only, "here")
        gc.collect()
        collections.clear()
        del local

        assert drop_doomed(watch)
        assert (watch.alive(), collections, len(heap)) == ([], [], 300_000)

    def test_without_generations_none_is_forgotten(self, monkeypatch):
        """Old objects are told from young ones by their generation alone."""
        monkeypatch.setattr("pytest_leakcheck.runtime.addresses.has_generations", lambda: False)
        watch, heap = Watch(), [[] for _ in range(100_000)]
        _, thing = in_a_cycle(2)
        watch.add(thing, "here")
        del thing

        assert not drop_doomed(watch)
        assert (len(watch.alive()), len(heap)) == (1, 100_000)

    def test_what_is_held_from_elsewhere_is_watched_on(self, collections):
        """It is known to be held; what has died beside it is forgotten, in another watch as well."""
        watch, other, heap = Watch(), Watch(), [[] for _ in range(100_000)]
        thing = Thing()
        watch.add(thing, "here")
        watch.add(Thing(), "gone")
        other.add(in_a_cycle(2)[1], "here")
        collections.clear()

        assert drop_doomed(watch, other)
        assert (watch.alive(), other.alive(), collections, len(heap)) == ([thing], [], [], 100_000)

    def test_so_is_what_has_a_finaliser_and_is_held(self):
        """There is nothing that it may bring back to life."""

        class Finalized(Thing):
            def __del__(self):
                pass

        watch, heap, thing = Watch(), [[] for _ in range(100_000)], Finalized()
        watch.add(thing, "here")
        gc.collect()

        assert drop_doomed(watch)
        assert (watch.alive(), len(heap)) == ([thing], 100_000)

    def test_nothing_is_told_where_a_look_costs_as_much_as_a_collection(self):
        """So that it may be garbage or not, as far as is known."""
        watch, thing = Watch(), Thing()
        watch.add(thing, "here")

        assert not drop_doomed(watch)
        assert watch.alive() == [thing]
        del thing
        assert drop_doomed(watch)

    def test_what_has_a_finaliser_is_not_given_up_before_that_has_run(self, collections):
        """It may bring the object back to life."""

        class Finalized:
            def __init__(self):
                self.itself = self

            def __del__(self):
                pass

        watch, heap, thing = Watch(), [[] for _ in range(100_000)], Finalized()
        watch.add(thing, "here")
        gc.collect()
        collections.clear()
        del thing

        assert not drop_doomed(watch)
        assert (len(watch.alive()), len(heap)) == (1, 100_000)


class TestSettling:
    def test_it_returns_at_once_when_all_is_dead(self):
        """However long it may wait."""
        watch = Watch()
        watch.add(Thing(), "here")

        assert watch.settle(60) < 5

    def test_it_waits_no_longer_than_asked(self):
        """And says how long it was."""
        watch, thing = Watch(), Thing()
        watch.add(thing, "here")

        started = time.monotonic()
        waited = watch.settle(0.2)

        assert 0.2 <= waited <= time.monotonic() - started < 5

    def test_without_patience_it_does_not_sleep(self, monkeypatch):
        """Zero seconds are one look."""
        monkeypatch.setattr(clock, "sleep", lambda _: pytest.fail("slept"))
        watch, thing = Watch(), Thing()
        watch.add(thing, "here")

        watch.settle(0)

        assert watch.alive() == [thing]

    def test_it_rests_between_two_looks(self, monkeypatch):
        """What another thread lets go of meanwhile ends the wait."""
        things = [Thing()]
        watch = Watch()
        watch.add(things[0], "here")
        monkeypatch.setattr(clock, "sleep", lambda _: things.clear())

        assert watch.settle(60) < 5
        assert not watch.alive()

    def test_it_drains_between_two_looks(self):
        """What lets go then ends the wait."""
        things = [Thing()]
        watch = Watch()
        watch.add(things[0], "here")

        assert watch.settle(60, drain=things.clear) < 5
        assert not watch.alive()

    def test_what_draining_lets_go_of_is_collected(self):
        """Also where there is no time to wait."""
        _, thing = in_a_cycle(0)
        watch, things = Watch(), [thing]
        watch.add(thing, "here")
        del thing

        watch.settle(0, drain=lambda: things.clear() or True)

        assert watch.alive() == []

    def test_it_drains_as_often_as_there_is_time_for(self):
        """The first time need not be the one that lets go."""
        things, drained = [Thing()], []
        watch = Watch()
        watch.add(things[0], "here")

        def drain():
            drained.append(1)
            if len(drained) == 3:
                things.clear()
            return True

        assert watch.settle(60, drain) < 5
        assert (watch.alive(), len(drained)) == ([], 3)
