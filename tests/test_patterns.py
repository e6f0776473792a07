"""The weak structures on their own: what each frees, what its leaky counterpart keeps, and how it says no."""

from __future__ import annotations

import copy
import functools
import gc
import weakref
from types import SimpleNamespace

import pytest

from pytest_leakcheck import patterns
from pytest_leakcheck.patterns import (
    ClosureCallback,
    ListenerList,
    SelfReferringMetadata,
    SmartCache,
    StrongAlias,
    StrongCache,
    StrongSmartCache,
    StrongTree,
    Weakable,
    WeakCallback,
    WeakKeyMetadata,
    WeakProxy,
    WeakSubject,
    WeakTree,
    WeakValueCache,
    weakable,
)
from pytest_leakcheck.weak_fixtures import (  # noqa: F401  # found here by name, also where the plugin isn't loaded
    weak_callback,
    weak_key_metadata,
    weak_proxy,
    weak_smart_cache,
    weak_subject,
    weak_tree,
    weak_value_cache,
    weakable_fixture,
)


class Thing:
    """An object that can be weakly referenced, with something to read and something to call."""

    def __init__(self, name="thing"):
        self.name = name
        self.heard = []

    def hear(self, message):
        self.heard.append(message)


class Slotted:
    """An object whose class forgot `__weakref__`."""

    __slots__ = ("name",)


class Named:
    """An object that equals all others of its name."""

    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return self.name == other.name

    def __hash__(self):
        return hash(self.name)


@pytest.fixture(autouse=True)
def _no_automatic_gc():
    """Leave collections to the test alone."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    yield
    if was_enabled:
        gc.enable()


def is_alive(reference):
    gc.collect()
    return reference() is not None


@pytest.fixture(params=[WeakTree, StrongTree])
def tree(request):
    """Either tree: they differ in memory, not in behaviour."""
    return request.param


@pytest.fixture(params=[WeakValueCache, StrongCache])
def factory_cache(request):
    """Either cache with a factory."""
    return request.param


@pytest.fixture(params=[WeakSubject, ListenerList])
def subject(request):
    """Either subject, without observers."""
    return request.param()


@pytest.fixture(params=[WeakKeyMetadata, SelfReferringMetadata])
def metadata(request):
    """Either metadata mapping, empty."""
    return request.param()


@pytest.fixture(params=[SmartCache, StrongSmartCache])
def smart_cache(request):
    """Either smart cache, empty."""
    return request.param()


class TestTree:
    def test_a_node_knows_its_parent_and_its_children(self, tree):
        """Adding a node links both ways and hands it back."""
        root = tree("root")

        leaf = root.add(tree("leaf"))

        assert leaf.value == "leaf"
        assert leaf.parent is root
        assert root.children == (leaf,)
        assert root.parent is None

    def test_the_path_leads_from_the_root_to_the_node(self, tree):
        """A path is the values on the way down."""
        root = tree("root")
        leaf = root.add(tree("branch")).add(tree("leaf"))

        assert leaf.path() == ("root", "branch", "leaf")
        assert root.path() == ("root",)

    def test_a_removed_node_is_a_root_of_its_own(self, tree):
        """Removal unlinks both ways and leaves the siblings."""
        root = tree("root")
        first, second = root.add(tree(1)), root.add(tree(2))

        root.remove(first)

        assert first.parent is None
        assert first.path() == (1,)
        assert root.children == (second,)

    def test_a_removed_node_can_be_added_elsewhere(self, tree):
        """Moving is removing and adding."""
        root, other = tree("root"), tree("other")
        leaf = root.add(tree("leaf"))
        root.remove(leaf)

        other.add(leaf)

        assert leaf.path() == ("other", "leaf")

    def test_removing_what_is_no_child_is_an_error(self, tree):
        """A grandchild isn't a child."""
        root = tree("root")
        leaf = root.add(tree("branch")).add(tree("leaf"))

        with pytest.raises(ValueError, match=r"Tree\('leaf'\) is not a child of .*Tree\('root'\)"):
            root.remove(leaf)

    def test_a_node_with_a_parent_is_not_moved_silently(self, tree):
        """It has to be removed from its parent first."""
        root, other = tree("root"), tree("other")
        leaf = root.add(tree("leaf"))

        with pytest.raises(ValueError, match=r"already has the parent .*Tree\('root'\): remove it there first"):
            other.add(leaf)

        assert leaf.parent is root
        assert other.children == ()

    def test_a_node_cannot_be_added_below_itself(self, tree):
        """Neither the node itself nor one above it may become its child."""
        root = tree("root")
        branch = root.add(tree("branch"))
        leaf = branch.add(tree("leaf"))

        for above in (leaf, branch, root):
            with pytest.raises(ValueError, match="it is that node or above it"):
                leaf.add(above)

    def test_nodes_are_told_apart_by_identity(self, tree):
        """A subclass that compares by value still removes the child that was meant."""

        class Equal(tree):
            __hash__ = None

            def __eq__(self, other):
                return True

        root = Equal("root")
        first, second = root.add(Equal(1)), root.add(Equal(2))

        root.remove(second)

        assert [child.value for child in root.children] == [1]
        assert first.parent is root

    def test_on_delete_tells_the_value_of_a_dead_node(self, tree):
        """A test can see when a node dies."""
        dead = []
        node = tree("node", on_delete=dead.append)

        del node
        gc.collect()

        assert dead == ["node"]

    def test_a_weak_tree_dies_with_its_root_at_once(self):
        """No cycle, no collector needed, and children die after their parent."""
        dead = []
        root = WeakTree("root", on_delete=dead.append)
        root.add(WeakTree("leaf", on_delete=dead.append))

        del root

        assert dead == ["root", "leaf"]

    def test_the_parent_is_none_once_the_root_is_dead(self):
        """A weak node that is held outlives its parent."""
        root = WeakTree("root")
        leaf = root.add(WeakTree("leaf"))

        del root

        assert leaf.parent is None
        assert leaf.path() == ("leaf",)

    def test_an_orphan_can_be_adopted(self):
        """A dead parent is no parent."""
        root, other = WeakTree("root"), WeakTree("other")
        leaf = root.add(WeakTree("leaf"))
        del root
        gc.collect()

        other.add(leaf)

        assert leaf.path() == ("other", "leaf")

    def test_a_strong_tree_waits_for_the_collector(self):
        """Parent and child are a cycle: dropping the root frees nothing by itself."""
        dead = []
        root = StrongTree("root", on_delete=dead.append)
        root.add(StrongTree("leaf", on_delete=dead.append))

        del root

        assert dead == []
        gc.collect()
        assert sorted(dead) == ["leaf", "root"]

    def test_a_strong_node_keeps_the_whole_tree(self):
        """Whoever holds a leaf holds the root."""
        root = StrongTree("root")
        leaf = root.add(StrongTree("leaf"))
        reference = weakref.ref(root)

        del root

        assert is_alive(reference)
        assert leaf.path() == ("root", "leaf")


class TestProxy:
    @pytest.mark.parametrize("stand_in", [WeakProxy, StrongAlias])
    def test_a_stand_in_answers_for_its_object(self, stand_in):
        """Attributes, the object and a transparent proxy are at hand while it lives."""
        thing = Thing("bell")

        proxy = stand_in(thing)

        assert proxy.alive
        assert proxy.name == "bell"
        assert proxy.get() is thing
        proxy.proxy.name = "whistle"
        assert thing.name == "whistle"

    @pytest.mark.parametrize("stand_in", [WeakProxy, StrongAlias])
    def test_assigning_through_the_stand_in_is_an_error(self, stand_in):
        """What isn't passed on fails loudly instead of staying on the stand-in."""
        thing = Thing()
        proxy = stand_in(thing)

        with pytest.raises(AttributeError):
            proxy.name = "lost"

    @pytest.mark.parametrize("stand_in", [WeakProxy, StrongAlias])
    def test_private_names_are_not_passed_on(self, stand_in):
        """A half-made stand-in, as copy makes it, doesn't ask itself for ever."""
        empty = stand_in.__new__(stand_in)

        with pytest.raises(AttributeError, match="has no attribute '_anything'"):
            empty._anything  # noqa: B018  # reading is the point
        with pytest.raises(AttributeError):
            empty.name  # noqa: B018  # reading is the point

    def test_a_copied_alias_stands_for_the_same_object(self):
        """Copying copies the stand-in alone."""
        thing = Thing()

        assert copy.copy(StrongAlias(thing)).get() is thing

    def test_a_weak_proxy_lets_its_object_die(self):
        """The proxy is no reason to live."""
        thing = Thing()
        proxy = WeakProxy(thing)

        del thing

        assert not proxy.alive

    def test_a_dead_proxy_says_what_it_stood_for(self):
        """Every use raises ReferenceError."""
        thing = Thing()
        proxy = WeakProxy(thing)
        del thing
        gc.collect()

        for use in (proxy.get, lambda: proxy.name):
            with pytest.raises(ReferenceError, match="the Thing that this proxy stood for no longer exists"):
                use()
        with pytest.raises(ReferenceError):
            proxy.proxy.name  # noqa: B018  # reading is the point

    def test_the_repr_of_a_proxy_tells_life_from_death(self):
        """A dead proxy can be shown."""
        thing = Thing()
        proxy = WeakProxy(thing)

        assert repr(proxy) == "<WeakProxy for a live Thing>"
        del thing
        gc.collect()
        assert repr(proxy) == "<WeakProxy for a dead Thing>"

    def test_what_cannot_be_weakly_referenced_is_refused(self):
        """The error names the remedy."""
        with pytest.raises(TypeError, match=r"'list' objects can't be weakly referenced: wrap it"):
            WeakProxy([])

    def test_a_strong_alias_keeps_its_object(self):
        """One more reference is one more reason to live."""
        thing = Thing()
        alias = StrongAlias(thing)
        reference = weakref.ref(thing)

        del thing

        assert is_alive(reference)
        assert alias.alive


class TestCallback:
    def test_it_is_called_once_with_its_arguments_when_the_object_dies(self):
        """Neither before nor again."""
        calls = []
        thing = Thing()
        callback = WeakCallback(thing, lambda *args, **kwargs: calls.append((args, kwargs)), 1, word="two")

        assert callback.alive
        assert calls == []
        del thing
        assert calls == [((1,), {"word": "two"})]
        assert not callback.alive

    def test_nobody_needs_to_hold_the_callback(self):
        """The handle may be dropped at once."""
        calls = []
        thing = Thing()
        WeakCallback(thing, calls.append, "gone")

        del thing
        gc.collect()

        assert calls == ["gone"]

    def test_a_detached_callback_is_never_called(self):
        """Detaching tells whether the call was still to come."""
        calls = []
        thing = Thing()
        callback = WeakCallback(thing, calls.append, "gone")

        assert callback.detach()
        assert not callback.alive
        assert not callback.detach()
        del thing
        gc.collect()
        assert calls == []

    def test_it_is_not_called_at_exit(self):
        """The interpreter's end is no death of the object."""
        thing = Thing()

        callback = WeakCallback(thing, print)

        assert callback._finalizer.atexit is False

    def test_the_object_itself_is_refused_as_callback(self):
        """A callable object can't be called about its own death."""

        class Callable:
            def __call__(self):
                """Do nothing."""

        target = Callable()

        with pytest.raises(ValueError, match=r"keep its .*Callable alive for ever: the callback is that object"):
            WeakCallback(target, target)

    @pytest.mark.parametrize(
        ("function_on", "holder"),
        [
            (lambda thing: thing.hear, "what a bound method is bound to"),
            (lambda thing: thing.__repr__, "what a bound method is bound to"),
            (lambda thing: lambda: thing, r"closure variable 'thing' of .*<lambda>"),
            (lambda thing: lambda thing=thing: thing, r"a default argument of .*<lambda>"),
            (lambda thing: lambda *, thing=thing: thing, r"a default argument of .*<lambda>"),
            (lambda thing: functools.partial(print, thing), "an argument of a partial"),
            (lambda thing: functools.partial(print, end=thing), "an argument of a partial"),
            (lambda thing: functools.partial(thing.hear, 1), "what a bound method is bound to"),
            (lambda thing: functools.partial(functools.partial, thing.hear), "what a bound method is bound to"),
        ],
    )
    def test_a_callback_that_holds_the_object_is_refused(self, function_on, holder):
        """It would never be called; the error says where the object sits."""
        thing = Thing()

        with pytest.raises(ValueError, match=f"would keep its Thing alive for ever: {holder} is that object"):
            WeakCallback(thing, function_on(thing))

    def test_a_callback_may_be_of_a_class_that_can_not_be_hashed(self):
        """Its own class makes it so."""

        class Meta(type):
            __eq__ = type.__eq__
            __hash__ = None

        class Callback(metaclass=Meta):
            def __call__(self):
                """Do nothing."""

        WeakCallback(Thing(), Callback())

    def test_the_object_among_the_arguments_is_refused(self):
        """Arguments are held as the callback is."""
        thing = Thing()

        with pytest.raises(ValueError, match="an argument of the callback is that object"):
            WeakCallback(thing, print, thing)
        with pytest.raises(ValueError, match="what a bound method is bound to is that object"):
            WeakCallback(thing, print, end=thing.hear)

    def test_a_recursive_closure_is_searched_once(self):
        """A function that closes over itself ends the search, and so does a name that is not assigned yet."""
        thing = Thing()

        def recurse():
            return recurse, later

        callback = WeakCallback(thing, recurse)
        later = None

        assert callback.alive
        assert recurse() == (recurse, later)

    def test_a_dead_proxy_in_the_closure_does_no_harm(self):
        """Looking for the object touches nothing that the callback holds."""
        dead = weakref.proxy(Thing())
        thing = Thing()

        assert WeakCallback(thing, lambda: dead).alive

    def test_a_container_is_not_searched(self):
        """The documented limit: what a list holds is accepted, and kept alive."""
        thing = Thing()
        reference = weakref.ref(thing)
        callback = WeakCallback(thing, print, [thing])

        del thing

        assert is_alive(reference)
        assert callback.detach()
        assert not is_alive(reference)

    def test_what_cannot_be_weakly_referenced_is_refused(self):
        """The error names the remedy."""
        with pytest.raises(TypeError, match="'int' objects can't be weakly referenced"):
            WeakCallback(3, print)

    def test_a_closure_callback_keeps_its_object(self):
        """It waits for a death that it prevents, until it is detached."""
        calls = []
        thing = Thing()
        reference = weakref.ref(thing)
        callback = ClosureCallback(thing, calls.append, "gone")

        del thing

        assert is_alive(reference)
        assert callback.alive
        assert callback.detach()
        assert not is_alive(reference)
        assert calls == []

    def test_a_closure_callback_can_be_called_by_hand(self):
        """It does what it was told, with its object at hand."""
        calls = []
        thing = Thing()
        callback = ClosureCallback(thing, calls.append, "gone")

        assert callback._finalizer() is thing
        assert calls == ["gone"]


class TestFactoryCache:
    def test_an_object_is_made_once_while_it_is_held(self, factory_cache):
        """Whoever asks for the same key gets the same object."""
        cache = factory_cache(Thing)

        first = cache.get("bell")

        assert first.name == "bell"
        assert cache.get("bell") is first
        assert cache.get("whistle") is not first

    def test_it_knows_what_it_remembers(self, factory_cache):
        """Asking for a key's presence makes nothing."""
        cache = factory_cache(Thing)
        held = cache.get("bell")

        assert "bell" in cache
        assert "whistle" not in cache
        assert len(cache) == 1
        assert held

    def test_a_discarded_key_is_made_anew(self, factory_cache):
        """Discarding tells whether there was something to forget."""
        cache = factory_cache(Thing)
        first = cache.get("bell")

        assert cache.discard("bell")
        assert not cache.discard("bell")
        assert cache.get("bell") is not first

    def test_an_error_of_the_factory_passes_through(self, factory_cache):
        """Nothing is remembered then."""

        def refuse(key):
            raise LookupError(key)

        cache = factory_cache(refuse)

        with pytest.raises(LookupError, match="bell"):
            cache.get("bell")
        assert len(cache) == 0

    def test_a_new_object_is_not_dead_at_birth(self):
        """The first caller gets a living object, though nothing else holds it."""
        assert WeakValueCache(Thing).get("bell").name == "bell"

    def test_a_weak_cache_forgets_what_nobody_holds(self):
        """The entry goes at once, and the object is made anew when asked for again."""
        made = []
        cache = WeakValueCache(lambda key: made.append(key) or Thing(key))
        thing = cache.get("bell")

        del thing

        assert "bell" not in cache
        assert len(cache) == 0
        cache.get("bell")
        assert made == ["bell", "bell"]

    @pytest.mark.parametrize("value", [None, 3, "text", (1, 2)])
    def test_values_that_cannot_be_weakly_referenced_are_refused(self, value):
        """The error names the remedy, and nothing is remembered."""
        cache = WeakValueCache(lambda _key: value)

        with pytest.raises(TypeError, match=r"can't be weakly referenced: wrap it with weakable\(...\)"):
            cache.get("key")
        assert "key" not in cache

    def test_a_strong_cache_keeps_everything(self):
        """What was made once stays, None included."""
        cache = StrongCache(Thing)
        reference = weakref.ref(cache.get("bell"))
        nothing = StrongCache(lambda _key: None)

        assert is_alive(reference)
        assert nothing.get("key") is None
        assert nothing.discard("key")


class TestMetadata:
    def test_it_is_a_mapping(self, metadata):
        """Notes are set, read, replaced and deleted as in a dict."""
        bell, whistle = Thing("bell"), Thing("whistle")

        metadata[bell] = "loud"
        metadata[whistle] = "shrill"
        metadata[bell] = "very loud"
        del metadata[whistle]

        assert metadata[bell] == "very loud"
        assert list(metadata.items()) == [(bell, "very loud")]
        assert len(metadata) == 1
        assert whistle not in metadata
        assert metadata.get(whistle) is None
        with pytest.raises(KeyError):
            metadata[whistle]

    def test_unhashable_keys_are_refused(self, metadata):
        """The error says what the class lacks."""

        class Unhashable:
            __hash__ = None

        with pytest.raises(TypeError, match="Unhashable' objects are unhashable and can't be keys: give the class a"):
            metadata[Unhashable()] = "note"

    def test_keys_that_cannot_be_weakly_referenced_are_refused_everywhere(self, metadata):
        """Asking with one is as much an error as setting."""
        for use in (lambda: metadata[3], lambda: 3 in metadata, lambda: metadata.pop(3)):
            with pytest.raises(TypeError, match="'int' objects can't be weakly referenced"):
                use()

    def test_a_note_goes_with_its_object(self):
        """Both are freed at once."""
        metadata = WeakKeyMetadata()
        thing, note = Thing(), Thing()
        metadata[thing] = note
        reference = weakref.ref(note)
        del note

        del thing

        assert len(metadata) == 0
        assert reference() is None

    def test_equal_objects_share_a_note_that_goes_with_the_first(self):
        """Keys are compared by equality, but it is the first one's life that counts."""
        metadata = WeakKeyMetadata()
        first, second = Named("bell"), Named("bell")
        metadata[first] = "loud"
        metadata[second] = "very loud"

        assert metadata[first] == "very loud"
        del first
        assert second not in metadata

    def test_a_wrapped_value_can_be_a_key(self):
        """The remedy that the error names works."""
        metadata = WeakKeyMetadata()
        three = weakable(3)

        metadata[three] = "prime"

        assert metadata[weakable(3)] == "prime"

    def test_a_note_that_refers_to_its_key_keeps_it(self):
        """The weak key is of no use then, until the note is deleted."""
        metadata = SelfReferringMetadata()
        thing = Thing()
        metadata[thing] = "note"
        reference = weakref.ref(thing)

        del thing

        assert is_alive(reference)
        assert len(metadata) == 1
        metadata.clear()
        assert not is_alive(reference)


class TestSubject:
    def test_observers_are_called_in_the_order_of_attachment(self, subject):
        """Whatever kind of callable they are."""
        calls = []

        class Listener:
            def on_change(self, message):
                calls.append(("method", message))

            def __call__(self, message):
                calls.append(("object", message))

        def listen(message):
            calls.append(("function", message))

        listener = Listener()
        subject.attach(listen)
        subject.attach(listener.on_change)
        subject.attach(listener)

        subject.notify("news")

        assert calls == [("function", "news"), ("method", "news"), ("object", "news")]

    def test_an_observer_attached_twice_is_called_once(self, subject):
        """Two accesses to a method are the same observer; another object's method is not."""
        first, second = Thing(), Thing()
        for thing in (first, first, second):
            subject.attach(thing.hear)

        subject.notify("news")

        assert len(subject) == 2
        assert first.heard == second.heard == ["news"]

    def test_a_detached_observer_is_not_called(self, subject):
        """Detaching tells whether the observer was attached."""
        thing = Thing()
        subject.attach(thing.hear)

        assert subject.detach(thing.hear)
        assert not subject.detach(thing.hear)
        subject.notify("news")
        assert thing.heard == []

    def test_attach_works_as_decorator(self, subject):
        """It hands the observer back, and a named function is held by its name."""
        calls = []

        @subject.attach
        def listen(message):
            calls.append(message)

        subject.notify("news")

        assert calls == ["news"]
        assert subject.detach(listen)

    def test_an_observer_attached_meanwhile_hears_the_next_notification(self, subject):
        """A running notification has its audience fixed."""
        late = Thing()

        def listen(_message):
            subject.attach(late.hear)

        subject.attach(listen)

        subject.notify("first")
        assert late.heard == []
        subject.notify("second")
        assert late.heard == ["second"]

    def test_an_error_of_an_observer_passes_through(self, subject):
        """Those after it aren't called."""

        def refuse(message):
            raise RuntimeError(message)

        thing = Thing()
        subject.attach(refuse)
        subject.attach(thing.hear)

        with pytest.raises(RuntimeError, match="news"):
            subject.notify("news")
        assert thing.heard == []

    def test_an_observer_detached_before_its_turn_is_not_called(self):
        """An earlier observer may silence a later one."""
        subject = WeakSubject()
        thing = Thing()

        def silence(_message):
            subject.detach(thing.hear)

        subject.attach(silence)
        subject.attach(thing.hear)

        subject.notify("news")

        assert thing.heard == []

    def test_an_observer_that_dies_before_its_turn_is_not_called(self):
        """A notification keeps only the observer alive whose turn it is."""
        subject = WeakSubject()
        heard = []
        holder = SimpleNamespace(thing=Thing())
        holder.thing.heard = heard

        def drop(_message):
            holder.thing = None

        subject.attach(drop)
        subject.attach(holder.thing.hear)

        subject.notify("news")

        assert heard == []
        assert len(subject) == 1

    def test_an_observer_may_detach_itself(self, subject):
        """The others are called all the same."""
        thing = Thing()

        def once(_message):
            subject.detach(once)

        subject.attach(once)
        subject.attach(thing.hear)

        subject.notify("news")

        assert thing.heard == ["news"]
        assert len(subject) == 1

    def test_a_weak_subject_lets_the_object_of_a_bound_method_die(self):
        """The observer is gone with its object."""
        subject = WeakSubject()
        thing = Thing()
        subject.attach(thing.hear)
        reference = weakref.ref(thing)

        del thing

        assert reference() is None
        assert len(subject) == 0

    def test_a_class_method_can_observe(self):
        """It is bound to its class, which is held weakly as any other object is."""
        heard = []

        class Log:
            @classmethod
            def hear(cls, message):
                heard.append(message)

        subject = WeakSubject()
        subject.attach(Log.hear)

        subject.notify("news")

        assert heard == ["news"]

    def test_a_builtin_function_is_held_by_its_module(self, capsys):
        """`print` is nobody's passing method."""
        subject = WeakSubject()
        subject.attach(print)

        subject.notify("news")

        assert capsys.readouterr().out == "news\n"

    def test_an_object_that_detaches_itself_while_dying_does_no_harm(self):
        """Its weak reference may be cleared by then: then there is nothing left to detach."""
        subject = WeakSubject()
        detached = []

        class Dying(Thing):
            def __del__(self):
                detached.append(subject.detach(self.hear))

        by_refcount, in_a_cycle = Dying(), Dying()
        in_a_cycle.itself = in_a_cycle
        subject.attach(by_refcount.hear)
        subject.attach(in_a_cycle.hear)

        del by_refcount
        del in_a_cycle
        gc.collect()

        assert len(detached) == 2
        assert len(subject) == 0

    @pytest.mark.parametrize(
        "observer",
        [lambda message: message, functools.partial(print, "heard"), [].append, object().__eq__],
        ids=["lambda", "partial", "builtin method", "method wrapper"],
    )
    def test_what_would_be_gone_at_once_is_refused(self, observer):
        """Silence would be the only symptom, so it is an error that says what to do."""
        with pytest.raises(TypeError, match=r"would be gone before it is ever called.*or pass strong=True"):
            WeakSubject().attach(observer)

    def test_a_method_of_what_cannot_be_weakly_referenced_is_refused(self):
        """The error names the remedy."""

        class Listener:
            __slots__ = ()

            def hear(self, message):
                """Do nothing."""

        with pytest.raises(TypeError, match="Listener' objects can't be weakly referenced: add \"__weakref__\""):
            WeakSubject().attach(Listener().hear)

    def test_a_strong_observer_stays_until_it_is_detached(self):
        """A lambda or a list's method may be attached this way."""
        subject = WeakSubject()
        heard = []
        subject.attach(heard.append, strong=True)
        gc.collect()

        subject.notify("news")

        assert heard == ["news"]
        assert subject.detach(heard.append)

    def test_a_listener_list_keeps_the_object_of_a_bound_method(self):
        """Until somebody remembers to detach it."""
        listeners = ListenerList()
        thing = Thing()
        listeners.attach(thing.hear)
        reference = weakref.ref(thing)

        del thing

        assert is_alive(reference)
        assert len(listeners) == 1


class TestSmartCache:
    def test_it_remembers_what_is_held(self, smart_cache):
        """Keys lead to their objects."""
        thing = Thing()

        smart_cache.set("bell", thing)

        assert smart_cache.get("bell") is thing
        assert smart_cache.get("whistle") is None
        assert smart_cache.keys() == ["bell"]
        assert "bell" in smart_cache
        assert "whistle" not in smart_cache
        assert len(smart_cache) == 1

    def test_a_discarded_key_is_forgotten(self, smart_cache):
        """Discarding tells whether there was something to forget."""
        thing = Thing()
        smart_cache.set("bell", thing)

        assert smart_cache.discard("bell")
        assert not smart_cache.discard("bell")
        assert smart_cache.keys() == []

    def test_what_cannot_be_weakly_referenced_is_refused(self, smart_cache):
        """The entry that was there stays."""
        thing = Thing()
        smart_cache.set("bell", thing)

        with pytest.raises(TypeError, match="'str' objects can't be weakly referenced"):
            smart_cache.set("bell", "text")
        assert smart_cache.get("bell") is thing
        assert smart_cache.keys() == ["bell"]

    def test_an_entry_goes_with_its_object(self):
        """And the cache tells its key."""
        evicted = []
        cache = SmartCache(on_evict=evicted.append)
        thing = Thing()
        cache.set("bell", thing)

        del thing

        assert cache.get("bell") is None
        assert cache.keys() == []
        assert len(cache) == 0
        assert evicted == ["bell"]
        assert not cache.discard("bell")

    def test_replaced_and_discarded_objects_are_not_told(self):
        """Only the death of what is remembered counts."""
        evicted = []
        cache = SmartCache(on_evict=evicted.append)
        first, second = Thing(), Thing()
        cache.set("bell", first)
        cache.set("bell", second)
        cache.discard("bell")

        del first, second

        assert evicted == []

    def test_the_death_of_a_replaced_object_leaves_the_new_entry(self):
        """Even where something else kept the old weak reference, so that its callback is still called."""
        cache = SmartCache()
        first, second = Thing(), Thing()
        cache.set("bell", first)
        old_references = weakref.getweakrefs(first)
        cache.set("bell", second)

        del first

        assert old_references[0]() is None
        assert cache.get("bell") is second

    def test_cached_objects_do_not_keep_the_cache(self):
        """The cache dies first; a later death tells nobody."""
        evicted = []
        cache = SmartCache(on_evict=evicted.append)
        reference = weakref.ref(cache)
        thing = Thing()
        cache.set("bell", thing)
        references = weakref.getweakrefs(thing)

        del cache
        assert reference() is None
        del thing
        assert references[0]() is None
        assert evicted == []

    def test_it_works_without_a_callback(self):
        """Telling is optional."""
        cache = SmartCache()
        cache.set("bell", Thing())

        assert cache.keys() == []

    def test_a_strong_smart_cache_frees_nothing(self):
        """It waits for a death that it prevents."""
        evicted = []
        cache = StrongSmartCache(on_evict=evicted.append)
        thing = Thing()
        cache.set("bell", thing)
        reference = weakref.ref(thing)

        del thing

        assert is_alive(reference)
        assert cache.keys() == ["bell"]
        assert evicted == []


class TestWeakable:
    @pytest.mark.parametrize("value", [3, "text", (1, 2), [1], {"a": 1}, None])
    def test_any_value_can_be_carried(self, value):
        """The carrier can be weakly referenced and has the value."""
        carrier = weakable(value)

        assert isinstance(carrier, Weakable)
        assert weakref.ref(carrier)() is carrier
        assert carrier.value is value

    def test_what_could_be_weakly_referenced_is_wrapped_too(self):
        """The result is a carrier whatever comes in."""
        thing = Thing()

        assert weakable(thing).value is thing

    def test_carriers_compare_and_hash_by_value(self):
        """An unhashable value makes an unhashable carrier."""
        assert weakable(3) == weakable(3)
        assert weakable(3) != weakable(4)
        assert weakable(3) != 3
        assert hash(weakable("text")) == hash(weakable("text"))
        with pytest.raises(TypeError, match="unhashable"):
            hash(weakable([]))

    def test_a_carrier_dies_alone(self):
        """The value may live on."""
        value = [1, 2]
        carrier = weakable(value)
        reference = weakref.ref(carrier)

        del carrier

        assert reference() is None
        assert value == [1, 2]

    def test_the_remedy_fits_the_class(self):
        """Slots can be mended; builtin types and tuples of any kind can only be wrapped."""

        class Pair(tuple):
            __slots__ = ()

        with pytest.raises(TypeError, match=r"add \"__weakref__\" to the __slots__ of its class, or wrap it"):
            WeakProxy(Slotted())
        with pytest.raises(TypeError, match=r"Pair' objects can't be weakly referenced: wrap it with weakable\(...\)$"):
            WeakProxy(Pair())


@pytest.mark.parametrize(
    ("fixture", "factory"),
    [
        ("weak_tree", WeakTree),
        ("weak_proxy", WeakProxy),
        ("weak_callback", WeakCallback),
        ("weak_value_cache", WeakValueCache),
        ("weak_key_metadata", WeakKeyMetadata),
        ("weak_subject", WeakSubject),
        ("weak_smart_cache", SmartCache),
        ("weakable", weakable),
    ],
)
def test_each_fixture_hands_over_its_factory(request, fixture, factory):
    """A test asks for the structure by name, and makes as many as it likes."""
    assert request.getfixturevalue(fixture) is factory


def test_every_public_name_is_there():
    """`__all__` and the module agree."""
    assert all(hasattr(patterns, name) for name in patterns.__all__)
