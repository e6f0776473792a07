"""What hangs below objects, and what of it nothing else leads to."""

import sys
import types
import weakref

import pytest

from pytest_leakcheck.heap import below


class Thing:
    pass


class Holder:
    held = ()


class TestBelow:
    def test_what_hangs_below_is_found(self):
        """Through containers, each object once; not through classes, modules and functions."""
        top, inner, beside = Thing(), Thing(), Thing()
        top.items, inner.back, top.kind = [{"inner": inner}, inner], top, type("Kind", (), {"beside": beside})

        assert below.below([top], {id(inner), id(beside)}, is_alone=False) == [inner]

    def test_what_something_else_leads_to_hangs_below_that(self):
        """So does what that leads to in turn; cycles among what only the top leads to are its own."""
        top, apart = Thing(), Thing()
        own, shared, under_it = Thing(), Thing(), Thing()
        own.back, own.itself, shared.under_it = top, [own], under_it
        top.items, apart.items = [own, shared], {"shared": shared}
        ref, wanted = weakref.ref(own), {id(own), id(shared), id(under_it)}
        del own, shared, under_it

        assert below.below([top], wanted) == [ref()]
        assert {id(obj) for obj in below.below([top], wanted, is_alone=False)} == wanted

    def test_the_variables_of_a_stored_frame_hang_below_it(self):
        """It is a holder like any other, whether a traceback or an attribute has it."""
        top, inner = Thing(), Thing()

        def store(variable):
            assert variable is inner
            top.frame = sys._getframe()

        store(inner)

        assert below.below([top], {id(inner)}) == [inner]

    def test_what_a_function_made_by_a_call_closes_over_hangs_below_it(self):
        """Its defaults and attributes as well; what a module's own function has is everybody's."""
        top, closed_over, default, attribute, global_one = Thing(), Thing(), Thing(), Thing(), Thing()

        def inner(value=default, *, name=default):
            return closed_over, value, name

        inner.attribute = attribute
        scope = {"global_one": global_one, "held": lambda: global_one}
        exec("def function(value=global_one): return global_one", scope)  # noqa: S102 - a module's own
        top.functions = [inner, scope["function"]]

        found = below.below([top], set(map(id, [closed_over, default, attribute, global_one])), is_alone=False)

        assert {id(obj) for obj in found} == set(map(id, [closed_over, default, attribute]))

    def test_what_a_suspended_generator_has_hangs_below_it(self):
        """Its variables; not what its code leads to, all that its module has by a name."""
        top, variable, global_one = Thing(), Thing(), Thing()
        scope = {"global_one": global_one}
        exec("def generator(variable): yield global_one", scope)  # noqa: S102 - a module's own
        top.generator = scope["generator"](variable)

        next(top.generator)

        assert below.below([top], {id(variable), id(global_one)}, is_alone=False) == [variable]

    def test_it_looks_only_near(self, monkeypatch):
        """Past a limit what is farther is judged by itself."""
        monkeypatch.setattr(below, "MOST_BELOW", 5)
        top, last = Thing(), Thing()
        top.items = [[[[[[[last]]]]]]]

        assert below.below([top], {id(last)}) == []

    def test_what_hangs_below_two_is_told_of_the_nearer(self):
        """Nothing but the two leads to it, so it is neither's alone; one look at both is enough."""
        near, far, shared = Holder(), Holder(), Thing()
        near.held, far.held = shared, [shared, Thing()]
        last = far.held[1]
        wanted = {id(shared), id(last)}
        del shared, last

        assert below.below_each([[far], [near]], wanted, is_through_classes=False) == [[far.held[1]], [near.held]]
        assert below.below([far], wanted) == [far.held[1]]

    @pytest.mark.parametrize(("is_held", "passed"), [(False, 202), (True, 2)])
    def test_what_something_else_leads_to_is_gone_past_once_there_is_much(self, monkeypatch, is_held, passed):
        """A whole program may hang below it; what nothing else leads to is passed to its end."""
        monkeypatch.setattr(below, "FEW", 2)
        top, inner, root = Thing(), Thing(), []
        node = root
        for _ in range(100):
            node.append([[]])
            node = node[0][0]
        elsewhere = [root] if is_held else []
        del node
        top.items = [root, inner]
        del root
        look = below._Look([[top.items]], is_through_classes=False, but=frozenset())

        look.go_on(holders=[top.items])

        assert len(look.passed) == passed, elsewhere
        del look
        wanted = {id(inner)}
        del inner
        assert below.below([top], wanted) == [top.items[1]]

    def test_what_a_module_has_hangs_below_that_alone(self):
        """Where it is what is asked about, and not only met on the way."""
        module, inner = types.ModuleType("made"), Thing()
        module.inner, top = inner, Thing()
        top.module = module

        assert below.below([module], {id(inner)}, is_alone=False) == [inner]
        assert below.below([top], {id(inner)}, is_alone=False) == []

    def test_a_class_that_an_object_has_beside_its_own_hangs_below_it(self):
        """Also where it is its own, by a name."""

        class Part:
            held = Thing()

        top = Thing()
        top.part = Part()
        wanted = {id(Part.held)}

        assert below.below([top], wanted, is_through_classes=True, is_alone=False) == []
        top.kind = Part
        assert below.below([top], wanted, is_through_classes=True, is_alone=False) == [Part.held]


class TestReach:
    def test_what_references_lead_to_is_reached(self):
        """Through a class as well, its bases included; all that is wanted must be."""
        top, inner, elsewhere = Thing(), Thing(), Thing()
        base = type("Base", (), {"held": [inner]})
        top.kind = type("Kind", (base,), {})

        assert below.are_reached({id(inner)}, [top])
        assert below.are_reached({id(inner), id(top)}, [top])
        assert not below.are_reached({id(inner), id(elsewhere)}, [top])

    def test_only_near_and_not_through_what_everybody_has(self, monkeypatch):
        """Then nothing is known: it may be reached all the same."""
        top, near, last = Thing(), Thing(), Thing()
        scope = {"last": last}
        exec("def function(): return last", scope)  # noqa: S102 - a module's own
        top.items = [near, scope["function"]]

        assert not below.are_reached({id(last)}, [top])
        assert below.are_reached({id(near)}, [top])
        monkeypatch.setattr(below, "MOST_BELOW", 2)
        assert not below.are_reached({id(near)}, [top])
