"""Fixtures of every scope: what may outlive a test and what may not."""

import types

import pytest

from pytest_leakcheck.checking.check import Session
from pytest_leakcheck.checking.ledger import Entrusted
from pytest_leakcheck.options import Options
from pytest_leakcheck.wider.scopes import Scopes

SCOPES = ["class", "module", "package", "session"]


class TestWiderSetUp:
    def test_what_a_wider_fixture_makes_is_not_the_tests(self, suite):
        """Neither instances_of nor --leakcheck blames the first test that uses a fixture for what its set-up made."""
        fixtures = "".join(
            f"@pytest.fixture(scope={scope!r})\ndef {scope}_thing(): return keep(Thing())\n" for scope in SCOPES
        )
        source = (
            fixtures
            + """
@pytest.mark.no_leak(instances_of=Thing)
class TestThings:
    def test_first(self, class_thing, module_thing, package_thing, session_thing):
        assert len(KEPT) == 4

    def test_second(self, class_thing, module_thing, package_thing, session_thing):
        assert len(KEPT) == 4

    def test_own(self):
        keep(Thing())
"""
        )
        result = suite.run(source, "--leakcheck", "-rA")

        result.assert_outcomes(passed=2, failed=1)
        result.stdout.fnmatch_lines(["LEAKED test_it.py::TestThings::test_own*"])

    def test_what_a_wider_fixture_makes_through_another_is_not_the_tests(self, suite):
        """A set-up within a set-up counts nothing either, nor does xunit's, of a module or a class."""
        result = suite.run(
            """
            def setup_module():
                keep(Thing())

            @pytest.fixture(scope="session")
            def outer(request):
                keep(Thing())
                request.getfixturevalue("inner")
                keep(Thing())

            @pytest.fixture(scope="session")
            def inner():
                keep(Thing())

            @pytest.mark.no_leak(instances_of=Thing)
            class TestThings:
                @classmethod
                def setup_class(cls):
                    keep(Thing())

                def test_first(self, outer): pass

                def test_late(self, request):
                    request.getfixturevalue("outer")
            """
        )

        result.assert_outcomes(passed=2)

    @pytest.mark.parametrize("scope", SCOPES)
    def test_a_registered_object_that_a_wider_fixture_keeps_is_a_leak_of_its_test(self, suite, scope):
        """The fixture is named, and the last test of the scope is judged like the others, before the scope ends."""
        result = suite.run(
            f"""
            @pytest.fixture(scope={scope!r})
            def basket():
                basket = []
                yield basket
                basket.clear()

            class TestThings:
                def test_first(self, basket, assert_collected):
                    basket.append(assert_collected(Thing()))

                def test_last(self, basket, assert_collected):
                    basket.append(assert_collected(Thing()))
            """
        )

        result.assert_outcomes(failed=2)
        assert len(suite.lines_of(result, f"{scope}-scoped fixture 'basket'", "GC root")) == 2

    def test_what_only_a_wider_fixture_keeps_may_live_where_it_was_not_named(self, suite):
        """--leakcheck leaves out what a module's fake repository collects; a marker that names the class does not."""
        source = """
        @pytest.fixture(scope="module")
        def basket(): return []

        def test_it(basket): basket.append(Thing())
        """
        suite.run(source, "--leakcheck").assert_outcomes(passed=1)

        suite.run(
            source.replace("def test_it", "@pytest.mark.no_leak(instances_of=Thing)\n        def test_it")
        ).assert_outcomes(failed=1)


class TestFunctionScope:
    def test_values_of_fixtures_are_gone_before_the_verdict(self, suite):
        """Returned, yielded, finalised and registered ones, and one that only its teardown drops."""
        result = suite.run(
            """
            @pytest.fixture
            def returned(): return Thing()

            @pytest.fixture
            def yielded():
                thing = Thing()
                yield thing

            @pytest.fixture
            def finalised(request):
                thing = Thing()
                request.addfinalizer(lambda: thing)
                return thing

            @pytest.fixture
            def dropped():
                yield keep(Thing())
                KEPT.clear()

            @pytest.fixture
            def registered(assert_collected):
                return assert_collected(Thing())

            @pytest.fixture
            def registers_last(assert_collected):
                thing = Thing()
                yield thing
                assert_collected(thing)

            @pytest.mark.no_leak(instances_of=Thing)
            def test_it(assert_collected, returned, yielded, finalised, dropped, registered, registers_last):
                assert_collected(returned, yielded, finalised, dropped)
            """,
            "--leakcheck",
            "-v",
        )

        result.assert_outcomes(passed=1)
        assert not suite.lines_of(result, "set aside")

    def test_a_value_of_a_fixture_that_is_kept_is_a_leak_named_for_it(self, suite):
        """--leakcheck watches values made for the test, of any class, and says whose they are."""
        result = suite.run(
            """
            import decimal
            from concurrent.futures import Future

            @pytest.fixture
            def future(): return keep(Future())

            def test_it(future): pass
            """,
            "--leakcheck",
        )

        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*value of the fixture 'future'*"])

    def test_so_is_one_that_a_collection_found_during_the_set_up(self, suite):
        """A fixture that makes much sets one off."""
        result = suite.run(
            """
            import gc
            from concurrent.futures import Future

            @pytest.fixture
            def future():
                future = keep(Future())
                [[number] for number in range(20_000)]
                return future

            @pytest.fixture
            def other():
                future = keep(Future())
                gc.collect()
                return future

            @pytest.fixture
            def app(): return KEPT

            def test_many(future, app): pass
            def test_full(other, app): pass
            """,
            "--leakcheck",
        )

        result.assert_outcomes(failed=2)
        result.stdout.fnmatch_lines(["*value of the fixture 'future'*", "*value of the fixture 'other'*"])

    def test_what_the_fixtures_of_pytest_hold_is_gone(self, suite):
        """monkeypatch, caplog's arguments, recwarn, capsys and tmp_path's request let go in time."""
        result = suite.run(
            """
            import logging, sys, warnings

            class Target: attribute = None

            class Loud(UserWarning):
                def __init__(self, thing):
                    self.thing = thing

            def test_it(assert_collected, monkeypatch, caplog, recwarn, capsys, request, record_property):
                thing = assert_collected(Thing())
                thing.request = request
                monkeypatch.setattr(Target, "attribute", thing)
                monkeypatch.setitem(sys.modules, "thing", thing)
                logging.warning("%r", thing)
                warnings.warn(Loud(thing))
                sys.stdout.thing = thing
                request.node.user_properties
                request.addfinalizer(lambda: print(thing))
                assert caplog.records and len(recwarn) == 1
            """
        )

        result.assert_outcomes(passed=1)


class TestClasses:
    def test_attributes_of_a_test_class_go_with_the_test(self, suite):
        """self.x of a plain class or a TestCase, xunit's set-up and teardown and unittest's are all fine."""
        result = suite.run(
            """
            import unittest

            @pytest.mark.no_leak(instances_of=Thing)
            class TestPlain:
                def setup_method(self): self.first = Thing()
                def teardown_method(self): self.last = Thing()

                @pytest.fixture(autouse=True)
                def made(self): self.second = Thing()

                @pytest.mark.parametrize("n", [1, 2])
                def test_it(self, n, assert_collected):
                    self.third = assert_collected(Thing())

            @pytest.mark.no_leak(instances_of=Thing)
            class TestOld(unittest.TestCase):
                @classmethod
                def setUpClass(cls): cls.shared = Thing()

                @pytest.fixture(autouse=True)
                def asked(self, assert_collected): self.register = assert_collected

                def setUp(self):
                    self.first = self.register(Thing())
                    self.addCleanup(print, self.first)

                def tearDown(self): self.last = Thing()

                def test_it(self): self.second = Thing()

                def test_other(self): self.third = self.register(Thing())
            """,
            "-v",
        )

        result.assert_outcomes(passed=4)
        # On 8.0 pytest's own fixture for setUpClass has the first TestCase: what only that holds is set aside.
        aside = suite.lines_of(result, "set aside")
        assert not [line for line in aside if pytest.version_tuple >= (8, 2) or "TestOld" not in line]

    def test_a_test_case_that_leaks_fails_once(self, suite):
        """Also in setUp and tearDown, and through a TestCase's subTest; the class fixture is not the holder."""
        result = suite.run(
            """
            import unittest

            @pytest.mark.no_leak(instances_of=Thing)
            class TestOld(unittest.TestCase):
                def setUp(self):
                    if "set" in self.id(): keep(Thing())

                def tearDown(self):
                    if "tear" in self.id(): keep(Thing())

                def test_set(self): pass
                def test_tear(self): pass
                def test_fine(self): self.thing = Thing()
                def test_sub(self):
                    with self.subTest(n=1):
                        keep(Thing())
            """,
            uses="subtests",
        )

        outcomes = result.parseoutcomes()
        assert (outcomes["failed"], outcomes["passed"], outcomes.get("errors", 0)) == (3, 1, 0)

    def test_a_class_attribute_that_a_test_sets_is_a_leak(self, suite):
        """Setting it on the class and not on the instance outlives the test."""
        result = suite.run(
            """
            class TestPlain:
                def test_it(self, assert_collected):
                    type(self).shared = assert_collected(Thing())
            """
        )

        result.assert_outcomes(failed=1)
        assert suite.lines_of(result, ".shared", "LEAKED")


class TestParametrize:
    def test_values_made_in_the_test_are_told_apart_by_parameters(self, suite):
        """Each case is judged alone and named with its id."""
        result = suite.run(
            """
            @pytest.mark.parametrize("is_kept", [True, False])
            def test_it(assert_collected, is_kept):
                thing = assert_collected(Thing())
                if is_kept: keep(thing)
            """,
        )

        result.assert_outcomes(failed=1, passed=1)
        result.stdout.fnmatch_lines(["LEAKED test_it.py::test_it[[]True[]]*"])

    def test_values_of_parametrize_are_not_blamed_by_census(self, suite):
        """They were made at collection, whatever made them."""
        result = suite.run(
            """
            @pytest.mark.no_leak(instances_of=Thing)
            @pytest.mark.parametrize("thing", [Thing(), Thing()])
            def test_it(thing): pass
            """,
            "--leakcheck",
        )

        result.assert_outcomes(passed=2)

    def test_registering_a_value_of_parametrize_is_an_error_that_says_why(self, suite):
        """The text names the remedy, and a fixture's own parameter is told too."""
        result = suite.run(
            """
            @pytest.fixture(params=[Thing()])
            def given(request): return request.param

            @pytest.mark.parametrize("thing", [Thing()])
            def test_direct(thing, assert_collected): assert_collected(thing)

            def test_through_a_fixture(given, assert_collected): assert_collected(given)
            """,
        )

        result.assert_outcomes(failed=2)
        told = [line for line in result.outlines if line.startswith("E  ")]
        text = (
            "E   ValueError: assert_collected: this Thing is a value of parametrize, which pytest keeps for the whole "
            "session. Parametrize by a class or a factory, and make the object in the test."
        )
        assert told == [text, text]


class TestLateFixture:
    def test_asked_for_inside_a_test_the_leak_is_an_error_of_the_teardown(self, suite):
        """Never unchecked, whether or not another test made the plugin run its hooks before."""
        source = """
        def test_late(request):
            keep(request.getfixturevalue("assert_collected")(Thing()))

        @pytest.fixture
        def registers(request):
            return request.getfixturevalue("assert_collected")

        def test_late_in_a_fixture(registers):
            keep(registers(Thing()))

        def test_late_and_fine(request):
            request.getfixturevalue("assert_collected")(Thing())
        """
        for more in ("", "\n        def test_asks(assert_collected): assert_collected(Thing())\n"):
            result = suite.run(source + more)

            result.assert_outcomes(passed=3 + bool(more), errors=2)
            assert len(suite.lines_of(result, "LEAKED test_it.py::test_late")) == 2

    def test_a_teardown_that_fails_beside_a_late_leak_tells_of_both(self, suite):
        """The error of the wider teardown has the leak in a section of its own."""
        result = suite.run(
            """
            @pytest.fixture(scope="module")
            def server():
                yield
                raise RuntimeError("server did not stop")

            def test_late(request, server):
                keep(request.getfixturevalue("assert_collected")(Thing()))
            """
        )

        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(["E * RuntimeError: server did not stop", "*- leakcheck -*", "LEAKED  1 object *"])

    def test_a_fixture_kept_beyond_its_test_refuses_to_register(self, suite):
        """What is registered then would be watched by nobody."""
        result = suite.run(
            """
            def test_first(assert_collected): keep(assert_collected)

            def test_second(): KEPT[0](Thing())

            def test_third(): KEPT[0].instances_of(Thing)

            def test_fourth(): KEPT[0].now()
            """
        )

        result.assert_outcomes(passed=1, failed=3)
        assert (
            len(suite.lines_of(result, "E  ", "RuntimeError: assert_collected: the test that asked for it is over"))
            == 3
        )


def test_fixtures_that_ended_and_left_nothing_are_forgotten_with_the_next_set_up():
    """Also where no test is checked, whose end would look at them."""

    def fixture():
        pass

    scopes = Scopes(Session(Options(is_on=True)))
    for name in ("first", "second", "third"):
        definition = types.SimpleNamespace(func=fixture, scope="module", argname=name, baseid="", cached_result=None)
        with scopes.setting_up(definition, "test_it", list, is_checked=False):
            definition.cached_result = None if name == "first" else ()

    assert [each.definition.argname for each in scopes._standing.values()] == ["second", "third"]


def test_what_a_fixture_holds_that_is_over_is_watched_by_nobody():
    """A test of its last user's may still have been told that it does."""
    scopes = Scopes(Session(Options(is_on=True)))
    scopes.take_over([Entrusted("fixture 'over'", [])], "test_it")

    assert not scopes.has_watched


def test_what_is_known_of_two_places_at_once_is_proven_of_each(suite):
    """Our lists of what is still to be judged at the one are none of the holders that lead to the other."""
    suite.write(
        app="""
        HUB = []

        class Message: ...

        class Receiver:
            def __init__(self): self.got = []

        def publish():
            message = Message()
            for receiver in HUB: receiver.got.append(message)
        """,
        conftest="""
        import pytest, app

        @pytest.fixture(scope="module")
        def receiver():
            app.HUB.append(app.Receiver())
            return app.HUB[-1]
        """,
        **{f"test_{name}": "import app\ndef test_it(receiver): app.publish()\n" for name in "abc"},
    )
    result = suite.run("", "--leakcheck")

    assert suite.lines_of(result, "Every path goes through app.HUB")
    assert not suite.lines_of(result, "Not proven")
