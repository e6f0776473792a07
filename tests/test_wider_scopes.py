"""What outlives a fixture of a wider scope: a warning at its first end, a failure once two set-ups accumulate."""

import re

import pytest

SHOP = """
KEPT = []


class Server:
    pass


class Mail:
    pass
"""
SERVER = """
import pytest
import shop


@pytest.fixture(scope="module")
def server():
    server = shop.Server()
    shop.KEPT.append(server)
    yield server
"""
OUTBOX = """
import pytest, shop

@pytest.fixture(scope="{scope}")
def outbox():
    outbox = []
    yield outbox
    shop.KEPT.append(outbox)
"""
"""A fixture whose end keeps what tests left to it."""
USES = "def test_first(server): pass\n\ndef test_last(server): pass\n"


@pytest.fixture
def shop(suite):
    """Return what runs a suite under --leakcheck with a module ``shop``, a conftest and test modules by name."""

    def run(*arguments, uses="", conftest=SERVER, **modules):
        suite.write(shop=SHOP, conftest=conftest, **modules)
        return suite.run("", "--leakcheck", *arguments, uses=uses)

    return run


def told(result):
    """Return the lines of leakcheck at the end of a run, without the one that counts."""
    lines = [line for line in result.outlines if line.startswith("leakcheck: ")]
    return [line for line in lines if " checked; " not in line]


def test_a_leak_that_a_baseline_lists_fails_no_test(shop):
    """As one of a test's own."""
    tests = {"test_a": USES, "test_b": USES}
    shop("--leakcheck-baseline=known.txt", "--leakcheck-update-baseline", **tests)
    result = shop("--leakcheck-baseline=known.txt", **tests)

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["leakcheck: * no new leaks; *"])


class TestErrors:
    def test_errors_of_several_scopes_are_all_told(self, shop):
        """As pytest tells them, though each scope ends in a step of its own."""
        conftest = """
            import pytest, shop

            @pytest.fixture(scope="module")
            def outer():
                yield shop.Server()
                raise ValueError("of the module")

            @pytest.fixture(scope="class")
            def inner(outer):
                yield shop.Mail()
                raise ValueError("of the class")
            """
        result = shop(conftest=conftest, test_a="class TestIt:\n    def test_it(self, inner): pass\n")

        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines_random(
            [
                "*errors during test teardown (2 sub-exceptions)*",
                "*ValueError: of the class*",
                "*ValueError: of the module*",
            ]
        )


class TestFreed:
    @pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
    def test_what_a_fixture_holds_or_made_and_lets_go_is_not_told(self, shop, scope):
        """A fake outbox, a value in a cycle, and what the finalizer takes out of a registry."""
        result = shop(
            "-v",
            conftest=f"""
            import pytest, shop

            @pytest.fixture(scope={scope!r})
            def outbox():
                return []

            @pytest.fixture(scope={scope!r})
            def server():
                server = shop.Server()
                server.itself = server
                shop.KEPT.append(server)
                yield server
                shop.KEPT.clear()
            """,
            test_a="""
            import shop

            class TestMail:
                def test_first(self, server, outbox): outbox.append(shop.Mail())
                def test_last(self, server, outbox): outbox.append(shop.Mail())
            """,
            test_b="def test_other(server): pass",
        )

        result.assert_outcomes(passed=3)
        assert told(result) == []

    def test_what_another_fixture_still_holds_is_judged_at_its_end(self, shop):
        """The class's server goes on in the module's outbox, which takes it along."""
        result = shop(
            "-v",
            conftest="""
            import pytest, shop

            @pytest.fixture(scope="module")
            def outbox(): return []

            @pytest.fixture(scope="class")
            def server(outbox):
                outbox.append(shop.Server())

            @pytest.fixture
            def mail(outbox):
                outbox.append(shop.Mail())
            """,
            test_a="""
            class TestMail:
                def test_first(self, server, mail): pass
            class TestMore:
                def test_second(self, server, mail): pass
            """,
        )

        result.assert_outcomes(passed=2)
        assert told(result) == []

    def test_what_a_fixture_of_pytests_own_holds_may_live_as_long_as_it(self, shop):
        """Nobody is told of that: it ends with the run."""
        result = shop(
            test_a="""
            import shop

            def test_first(doctest_namespace): doctest_namespace["first"] = shop.Mail()
            def test_last(doctest_namespace): doctest_namespace["last"] = shop.Mail()
            """,
        )

        result.assert_outcomes(passed=2)
        assert told(result) == []

    def test_fixtures_of_one_name_are_told_apart(self, shop):
        """What the second module's outbox holds is not judged as if the first one's, which has ended, held it."""
        module = """
        import pytest, shop

        @pytest.fixture(scope="module")
        def outbox(): return []

        def test_first(outbox): outbox.append(shop.Mail())
        def test_last(outbox): pass
        """
        result = shop("-v", test_a=module.replace("outbox.append(shop.Mail())", "pass"), test_b=module)

        result.assert_outcomes(passed=4)
        assert told(result) == []

    def test_watching_keeps_nothing_alive(self, shop):
        """What a test takes out of a fixture of the session is gone at once."""
        result = shop(
            conftest="""
            import pytest, shop

            @pytest.fixture(scope="session")
            def servers():
                return [shop.Server(), shop.Server()]
            """,
            test_a="""
            import weakref, shop

            def test_set_up(servers): servers.append(shop.Server())

            def test_gone(servers):
                refs = [weakref.ref(server) for server in servers]
                servers.clear()
                assert [ref() for ref in refs] == [None, None, None]
            """,
        )

        result.assert_outcomes(passed=2)


class TestOneSetUp:
    def test_a_survivor_of_the_set_up_is_a_warning(self, shop):
        """One line names the fixture, what survives and what holds it."""
        result = shop(test_a=USES)

        result.assert_outcomes(passed=2)
        (line,) = told(result)
        assert line == (
            "leakcheck: module-scoped fixture 'server' (suite/conftest.py:6): 1 shop.Server made during its set-up "
            "outlives it, held by shop.KEPT; a leak if another set-up leaves more there"
        )

    def test_what_a_test_left_is_told_with_that_test(self, shop):
        """The fixture held it, and its end did not free it."""
        result = shop(
            conftest=OUTBOX.format(scope="module"),
            test_a="""
            import shop

            def test_first(outbox): outbox.append(shop.Mail())
            def test_last(outbox): pass
            """,
        )

        result.assert_outcomes(passed=2)
        (line,) = told(result)
        assert line == (
            "leakcheck: module-scoped fixture 'outbox' (suite/conftest.py:4): 1 shop.Mail made during "
            "test_a.py::test_first outlives it, held by shop.KEPT; a leak if another set-up leaves more there"
        )

    def test_survivors_are_grouped_and_detailed_under_v(self, shop):
        """The line names three kinds and places at most."""
        result = shop(
            "-v",
            conftest="""
            import pytest, shop

            @pytest.fixture(scope="session")
            def app():
                for name in "ABCDE":
                    setattr(shop, name, {name: type(name, (shop.Server,), {"__module__": "shop"})()})
                shop.KEPT += [shop.Server(), shop.Server()]
            """,
            test_a="def test_it(app): pass",
        )

        result.assert_outcomes(passed=1)
        (warning,) = [line for line in told(result) if "set aside" not in line]
        one = r"\d shop\.\w+ made during its set-up"  # a collection has put them into an order of its own
        assert re.fullmatch(
            rf"leakcheck: session-scoped fixture 'app' \(suite/conftest.py:4\): {one}, {one}, {one} and 3 more outlive "
            r"it, held by shop\.\w+, shop\.\w+, shop\.\w+ and 3 more; a leak if another set-up leaves more there",
            warning,
        )
        aside = [line for line in told(result) if "set aside" in line]
        assert len(aside) == 6
        assert (
            "leakcheck: set aside: session-scoped fixture 'app' (suite/conftest.py:4), set up for test_a.py::test_it: "
            "2 shop.Server made during the set-up of session-scoped fixture 'app' in shop.KEPT: "
            "a leak if another set-up leaves one there"
        ) in aside

    def test_a_narrower_scope_is_judged_before_a_wider_one_ends(self, shop):
        """What the module's fixture clears at last, the class's left behind."""
        result = shop(
            conftest="""
            import pytest, shop

            @pytest.fixture(scope="module")
            def cleared():
                yield
                shop.KEPT.clear()

            @pytest.fixture(scope="class")
            def server(cleared):
                shop.KEPT.append(shop.Server())
            """,
            test_a="class TestIt:\n    def test_it(self, server): pass",
        )

        result.assert_outcomes(passed=1)
        (line,) = told(result)
        assert line.startswith("leakcheck: class-scoped fixture 'server'")

    def test_a_set_up_within_another_is_its_own(self, shop):
        """Each is told what was made for it, and the test what it made."""
        result = shop(
            conftest="""
            import pytest, shop

            @pytest.fixture(scope="module")
            def outer(request):
                outer = [shop.Server()]
                request.getfixturevalue("inner")
                shop.OUTER = [*outer, shop.Server()]

            @pytest.fixture(scope="session")
            def inner():
                shop.INNER = shop.Mail()
            """,
            test_a="def test_it(outer): pass",
        )

        result.assert_outcomes(passed=1)
        outer, inner = told(result)
        assert "fixture 'outer' (suite/conftest.py:4): 2 shop.Server made during its set-up" in outer
        assert "fixture 'inner' (suite/conftest.py:10): 1 shop.Mail made during its set-up" in inner

    def test_what_it_is_bounded_by_is_said(self, shop):
        """A bounded cache never becomes a leak."""
        result = shop(
            conftest="""
            import collections, pytest, shop

            RECENT = collections.deque(maxlen=2)

            @pytest.fixture(scope="module")
            def server():
                RECENT.append(shop.Server())
            """,
            test_a=USES,
            test_b=USES,
        )

        result.assert_outcomes(passed=4)
        (line,) = told(result)
        assert line.endswith("in conftest.RECENT: a deque of at most 2 items, so it is bounded, not a leak")

    def test_a_slot_that_each_set_up_fills_anew_is_told_once(self, shop):
        """Nothing accumulates."""
        result = shop(
            conftest=SERVER.replace("append(server)", "__setitem__(slice(0, None), [server])"),
            test_a=USES,
            test_b=USES,
            test_c=USES,
        )

        result.assert_outcomes(passed=6)
        assert len(told(result)) == 1

    def test_what_setup_class_and_setup_module_make_is_not_told(self, shop):
        """It stays on its class or module by design."""
        result = shop(
            "-v",
            test_a="""
            import unittest, shop

            def setup_module(module): module.server = shop.Server()

            class TestOld(unittest.TestCase):
                @classmethod
                def setUpClass(cls): cls.server = shop.Server()
                def test_it(self): pass

            class TestPlain:
                @classmethod
                def setup_class(cls): cls.server = shop.Server()
                def test_it(self): pass
            """,
        )

        result.assert_outcomes(passed=2)
        assert not [line for line in told(result) if "Server" in line]

    def test_what_is_ignored_is_not_told(self, shop):
        """As for tests, by its holder; -v says so."""
        result = shop("-v", "-o", "leakcheck_ignore=shop.KEPT  # by design", test_a=USES)

        result.assert_outcomes(passed=2)
        (line,) = told(result)
        assert line.endswith("1 shop.Server in shop.KEPT: ignored (by design)")

    def test_what_hangs_below_a_leak_of_a_test_is_not_told_again(self, shop):
        """The server is alive only because of the handlers that the tests leak."""
        result = shop(
            conftest=SERVER.replace("shop.KEPT.append(server)", ""),
            test_a="""
            import shop

            def leak(server):
                mail = shop.Mail()
                mail.server = server
                shop.KEPT.append(mail)

            def test_first(server): leak(server)
            def test_last(server): leak(server)
            """,
        )

        result.assert_outcomes(passed=1, failed=1)
        assert told(result) == []

    def test_what_hangs_below_something_that_one_test_left_is_told(self, shop):
        """A single survivor of a test is no leak, so nothing else tells of the server."""
        result = shop(
            conftest=SERVER.replace("shop.KEPT.append(server)", ""),
            test_a="""
            import shop

            def test_it(server):
                mail = shop.Mail()
                mail.server = server
                shop.KEPT.append(mail)
            """,
        )

        result.assert_outcomes(passed=1)
        (line,) = told(result)
        assert "1 shop.Server made during its set-up outlives it, held by shop.KEPT" in line


class TestCost:
    CONFTEST = """
    import gc, pytest, shop

    FULL = []
    gc.callbacks.append(lambda phase, info: FULL.append(phase) if info["generation"] == 2 else None)

    @pytest.fixture(scope="module")
    def server(request):
        server = shop.Server()
        server.itself = server
        if request.path.name in {leaky}:
            shop.KEPT.append(server)
        yield FULL
    """
    COUNTS = "def test_first(server): server.clear()\n"
    TELLS = "def test_last(server): assert len(server) // 2 <= {}, server\n"

    def test_full_collections_become_rare_where_they_find_garbage_alone(self, shop):
        """After a useless one more set-ups share the next."""
        modules = {f"test_{number:02}": "def test_it(server): pass\n" for number in range(1, 20)}
        conftest = self.CONFTEST.format(leaky="()")
        result = shop(conftest=conftest, test_00=self.COUNTS, test_99=self.TELLS.format(4), **modules)

        result.assert_outcomes(passed=21)
        assert told(result) == []

    def test_what_waits_is_judged_at_the_end_at_the_latest(self, shop):
        """Each set-up for itself: the second leak is a failure."""
        modules = {f"test_{number:02}": "def test_it(server): pass\n" for number in range(8)}
        result = shop(conftest=self.CONFTEST.format(leaky="('test_07.py', 'test_08.py')"), **modules, test_08=USES)

        result.assert_outcomes(passed=9, failed=1)
        (line,) = told(result)
        assert "1 shop.Server made during its set-up outlives it" in line


class TestTwoSetUps:
    def test_a_survivor_of_each_is_a_failure_of_the_test_that_the_second_ended_with(self, shop):
        """The report names the fixture and its first set-up; the first was a warning; both tests show it again."""
        result = shop(test_a=USES, test_b=USES + "def test_unconcerned(): pass\n")

        result.assert_outcomes(passed=4, failed=1)
        result.stdout.fnmatch_lines(
            [
                "*test_unconcerned*",
                "LEAKED  1 object that should be gone is still alive",
                "  shop.Server  made during the set-up of module-scoped fixture 'server'",
                "",
                "  shop     module *GC root",
                "    .KEPT  list, 2 items",
                "    [[]1[]]    Server *LEAKED",
                "",
                "  Every path goes through shop.KEPT[[]1[]]: dropping it frees the object. The object",
                "  has 1 reference, which was found.",
                "",
                "  Another one, left there by module-scoped fixture 'server'",
                "  (suite/conftest.py:6), set up for test_a.py::test_first, is still alive.",
                "*Rerun: pytest test_a.py::test_first test_b.py::test_first --leakcheck",
                "LEAKED test_b.py::test_unconcerned - *",
            ]
        )
        assert len(told(result)) == 1

    def test_the_line_that_reruns_it_shows_it_again(self, shop, suite):
        """The first test of each of the two modules."""
        shop(test_a=USES, test_b=USES)
        result = suite.run("", "test_a.py::test_first", "test_b.py::test_first", "--leakcheck")

        result.assert_outcomes(passed=1, failed=1)

    def test_a_third_is_told_the_same_leak(self, shop):
        """In a sentence."""
        result = shop(test_a=USES, test_b=USES, test_c=USES)

        result.assert_outcomes(passed=4, failed=2)
        result.stdout.fnmatch_lines(
            [
                "  The same leak as in module-scoped fixture 'server' (suite/conftest.py:6), set",
                "  up for test_b.py::test_first, held by shop.KEPT.",
            ]
        )

    def test_what_tests_left_to_each_accumulates_too(self, shop):
        """The report tells which test made it."""
        result = shop(
            conftest=OUTBOX.format(scope="class"),
            test_a="""
            import shop

            class TestOne:
                def test_mail(self, outbox): outbox.append(shop.Mail())
            class TestTwo:
                def test_mail(self, outbox): outbox.append(shop.Mail())
                def test_none(self, outbox): pass
            """,
        )

        result.assert_outcomes(passed=2, failed=1)
        result.stdout.fnmatch_lines(["*TestTwo.test_none*", "  shop.Mail  made during test_a.py::TestTwo::test_mail"])

    def test_what_a_global_holds_beside_an_autouse_fixture_is_the_tests(self, shop):
        """Of one that no test names, only what the fixture alone holds may live as long as it does."""
        result = shop(
            conftest="""
            import pytest, shop

            @pytest.fixture(scope="module", autouse=True)
            def outbox():
                shop.KEPT.append([])
                yield shop.KEPT[-1]

            @pytest.fixture
            def send(request): return request.getfixturevalue("outbox").append
            """,
            test_a="import shop\ndef test_mail(send): send(shop.Mail())",
        )

        result.assert_outcomes(failed=1)

    @pytest.mark.parametrize("repeat", [0, 1])
    def test_what_an_autouse_fixture_alone_holds_is_watched(self, shop, repeat):
        """Of both runs where the test is run again, as it asks for no fixture."""
        result = shop(
            f"--leakcheck-repeat={repeat}",
            conftest="""
            import pytest, shop

            @pytest.fixture(scope="module", autouse=True)
            def outbox():
                outbox = []
                pytest.send = outbox.append
                yield outbox
                shop.KEPT.append(outbox)
                del pytest.send
            """,
            test_a="import pytest, shop\ndef test_mail(): pytest.send(shop.Mail())",
        )

        result.assert_outcomes(passed=1)
        (line,) = told(result)
        assert f": {repeat + 1} shop.Mail made during test_a.py::test_mail" in line

    def test_each_parameter_is_a_set_up(self, shop):
        """One that ends while a test is set up is told with that test, as pytest tells of errors of finalizers."""
        conftest = SERVER.replace('"module"', '"module", params=[1, 2, 3]')
        result = shop("--leakcheck-repeat=0", conftest=conftest, test_a=USES)

        result.assert_outcomes(passed=4, failed=2)
        failed = [line.split(" - ")[0] for line in result.outlines if line.startswith("LEAKED test")]
        assert failed == ["LEAKED test_a.py::test_first[3]", "LEAKED test_a.py::test_last[3]"]

    def test_an_inherited_fixture_is_one(self, shop):
        """Though pytest defines it anew for each class."""
        result = shop(
            test_a="""
            import pytest, shop

            class Base:
                @pytest.fixture(scope="class")
                def server(self): shop.KEPT.append(shop.Server())

                def test_it(self, server): pass

            class TestOne(Base): pass
            class TestTwo(Base): pass
            """
        )

        result.assert_outcomes(passed=1, failed=1)

    def test_a_test_that_leaked_of_itself_ends_in_an_error_beside(self, shop):
        """Each leak has a report of its own; -x stops at the test."""
        modules = {
            "test_a": USES,
            "test_b": "import shop\nALL = []\ndef test_leaks(server): pass\n"
            "def test_last(assert_collected): ALL.append(assert_collected(shop.Mail()))",
            "test_c": USES,
        }
        result = shop(**modules)

        result.assert_outcomes(passed=4, failed=2, errors=1)
        result.stdout.fnmatch_lines(["*ERROR at teardown of test_last*", "LEAKED  1 object*", "  shop.Server *"])
        shop("-x", **modules).assert_outcomes(passed=3, failed=1, errors=1)

    def test_with_x_the_rest_is_torn_down_with_the_failure(self, shop):
        """A finalizer of the session that fails is an error, not a crash."""
        conftest = SERVER + (
            "\n@pytest.fixture(scope='session', autouse=True)\ndef broken():\n    yield shop.Server()\n    assert 0\n"
        )
        result = shop("-x", conftest=conftest, test_a=USES, test_b=USES, test_c=USES)

        result.assert_outcomes(passed=3, failed=1, errors=1)

    def test_where_another_plugin_runs_the_protocol_it_is_told_too(self, shop):
        """As the failure of the test that it ended with, which that plugin then runs once more."""
        result = shop("--reruns=1", test_a=USES, test_b=USES, uses="rerunfailures")

        assert result.parseoutcomes() == {"passed": 3, "failed": 1, "rerun": 1}
        result.stdout.fnmatch_lines(["*_ test_last _*", "LEAKED  1 object*", "    .KEPT  list, 3 items"])

    def test_an_expected_failure_hides_it_from_no_other(self, shop):
        """XFAIL covers the leak; the next set-up's is told in full."""
        module_b = "import pytest\n@pytest.mark.xfail\ndef test_known(server): pass\n"
        result = shop(test_a=USES, test_b=module_b, test_c=USES)

        result.assert_outcomes(passed=3, xfailed=1, failed=1)
        assert "    .KEPT  list, 3 items" in "\n".join(result.outlines)


class TestFailingTests:
    FAILS = "def test_first(server):\n    here = server\n    assert 0\n"

    def test_what_only_the_traceback_of_a_failed_test_holds_is_not_told(self, shop):
        """Its frames live until the next test."""
        result = shop(conftest=SERVER.replace("shop.KEPT.append(server)", ""), test_a=self.FAILS)

        result.assert_outcomes(failed=1)
        assert told(result) == []

    def test_after_a_failure_survivors_are_told_but_never_accumulate(self, shop):
        """What the failed test left undone is no fault of the fixture."""
        source = self.FAILS + "def test_last(server): pass\n"
        result = shop(test_a=source, test_b=source, test_c=USES)

        result.assert_outcomes(passed=4, failed=2)
        assert len(told(result)) == 1
        assert "LEAKED" not in result.stdout.str()

    def test_a_finalizer_that_fails_is_told_by_pytest_alone(self, shop):
        """What it did not get to is no news."""
        conftest = SERVER + "    assert 0\n"
        result = shop("-v", conftest=conftest, test_a=USES, test_b=USES)

        result.assert_outcomes(passed=4, errors=2)
        assert told(result) == []

    def test_a_set_up_that_fails_made_nothing_to_be_told_of(self, shop):
        """As pytest reports it with each test."""
        result = shop("-v", conftest=SERVER.replace("yield server", "assert 0"), test_a=USES, test_b=USES)

        result.assert_outcomes(errors=4)
        assert "outlive" not in result.stdout.str()

    def test_ends_with_a_test_that_is_not_checked_are_told_too(self, shop):
        """As a warning alone, since that test can't fail for it; a skipped one ends in an error."""
        skip = "import pytest\n@pytest.mark.skip_leakcheck('later')\ndef test_z(): pass\n"
        result = shop(test_a=USES, test_b=USES + skip)

        result.assert_outcomes(passed=5)
        assert len(told(result)) == 1
        result = shop(test_a=USES, test_b=USES + skip.replace("skip_leakcheck('later')", "skip"))
        result.assert_outcomes(passed=4, skipped=1, errors=1)


class TestAsked:
    def test_without_leakcheck_fixtures_are_not_looked_at(self, suite):
        """Markers and registered objects ask for tests alone."""
        marked = "@pytest.mark.no_leak(instances_of=shop.Server)"
        source = f"import pytest, shop\n{marked}\ndef test_it(server): server.mail = shop.Mail()\n"
        conftest = SERVER.replace("shop.KEPT.append(server)", "").replace(
            "yield server", "yield server\n    shop.KEPT.append(server)"
        )
        suite.write(shop=SHOP, conftest=conftest, test_a=source, test_b=source)
        result = suite.run("", "-v")

        result.assert_outcomes(passed=2)
        assert told(result) == []

    def test_what_is_registered_stays_strict(self, shop):
        """A fixture that holds it is a leak of the test at once."""
        result = shop(
            conftest="import pytest\n@pytest.fixture(scope='session')\ndef outbox(): return []\n",
            test_a="import shop\ndef test_it(outbox, assert_collected): outbox.append(assert_collected(shop.Mail()))\n",
        )

        result.assert_outcomes(failed=1)
        assert told(result) == []

    def test_a_set_up_for_a_test_that_is_not_checked_is_not_looked_at(self, shop):
        """But what a later test leaves to the fixture is."""
        result = shop(
            conftest="""
            import pytest, shop

            @pytest.fixture(scope="module")
            def outbox():
                outbox = [shop.Server()]
                yield outbox
                shop.KEPT.append(outbox)
            """,
            test_a="""
            import pytest, shop

            @pytest.mark.skip_leakcheck("later")
            def test_first(outbox): outbox.append(shop.Mail())
            def test_last(outbox): outbox.append(shop.Mail())
            """,
        )

        result.assert_outcomes(passed=2)
        (line,) = told(result)
        assert "1 shop.Mail made during test_a.py::test_last outlives it" in line

    def test_warnings_cross_from_workers_once(self, shop):
        """However many of them set the fixture up."""
        conftest = SERVER.replace('"module"', '"session"')
        modules = {f"test_{name}": USES for name in "abcd"}
        result = shop("-n2", conftest=conftest, uses="xdist", **modules)

        result.assert_outcomes(passed=8)
        (line,) = told(result)
        assert "session-scoped fixture 'server' (suite/conftest.py:6): 1 shop.Server made during its set-up" in line

    def test_a_fault_of_the_plugin_is_told_and_breaks_nothing(self, shop):
        """As a line at the end."""
        conftest = SERVER + (
            "\nfrom pytest_leakcheck.wider import ending\n"
            "def broken(*args): raise RuntimeError('no judge')\n"
            "ending.judge_ending = broken\n"
        )
        result = shop(conftest=conftest, test_a=USES)

        result.assert_outcomes(passed=2)
        (line,) = told(result)
        assert (
            "not checked to its end, by a fault of the plugin or of what came in between: RuntimeError: no judge"
            in line
        )
