"""Weak references to what must die, and as few collections as it takes."""

import gc
import time
import weakref

import pytest

from pytest_leakcheck.watch import Watch


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
    monkeypatch.setattr(gc, "collect", counted)
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

    def test_the_line_that_made_an_object_is_told_of_those_alive(self):
        """The dead are left as they are."""
        watch, thing = Watch(), Thing()
        watch.add(thing, "here")
        watch.add(Thing(), "gone")

        watch.tell_origin(lambda obj: (f"shop/made/{type(obj).__name__}.py", 3))

        assert [entry.fact.made for entry in watch.watched] == ["made/Thing.py:3", ""]


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
        monkeypatch.delattr("pytest_leakcheck.addresses.find_resurrected")

        assert not watch.collect()
        assert collections == [0]


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
        monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("slept"))
        watch, thing = Watch(), Thing()
        watch.add(thing, "here")

        watch.settle(0)

        assert watch.alive() == [thing]

    def test_it_drains_between_two_looks(self):
        """What lets go then ends the wait."""
        things = [Thing()]
        watch = Watch()
        watch.add(things[0], "here")

        assert watch.settle(60, drain=things.clear) < 5
        assert not watch.alive()
