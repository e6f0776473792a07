"""Tests that are expected to fail, that skip, or that fail of themselves."""

import pytest


class TestExpectedFailure:
    def test_a_leak_is_an_expected_failure(self, suite):
        """xfail, strict or not, with `raises` that fits or a condition that holds, takes a leak as its failure."""
        result = suite.run(
            """
            from pytest_leakcheck import LeakError

            @pytest.mark.xfail(reason="known leak")
            def test_lax(assert_collected): assert_collected(keep(Thing()))

            @pytest.mark.xfail(reason="known leak", strict=True)
            def test_strict(assert_collected): assert_collected(keep(Thing()))

            @pytest.mark.xfail(raises=AssertionError, strict=True)
            def test_raises(assert_collected): assert_collected(keep(Thing()))

            @pytest.mark.xfail(raises=LeakError, strict=True)
            def test_raises_leak(assert_collected): assert_collected(keep(Thing()))

            @pytest.mark.xfail(True, reason="known leak", strict=True)
            def test_condition(assert_collected): assert_collected(keep(Thing()))
            """,
            "-rx",
        )

        result.assert_outcomes(xfailed=5)
        result.stdout.fnmatch_lines(["test_it.py xxxxx*", "XFAIL test_it.py::test_lax - known leak"])

    def test_a_mended_leak_is_told(self, suite):
        """XPASS where xfail is lax, a failure where it is strict, as with any expected failure."""
        result = suite.run(
            """
            @pytest.mark.xfail(reason="known leak")
            def test_lax(assert_collected): assert_collected(Thing())

            @pytest.mark.xfail(reason="known leak", strict=True)
            def test_strict(assert_collected): assert_collected(Thing())
            """
        )

        result.assert_outcomes(xpassed=1, failed=1)
        result.stdout.fnmatch_lines(["test_it.py XF*", "[[]XPASS(strict)[]] known leak"])
        assert not suite.lines_of(result, "LEAKED")

    def test_an_unexpected_kind_of_failure_is_a_leak(self, suite):
        """`raises` of another class, and a condition that doesn't hold, leave the leak a failure."""
        result = suite.run(
            """
            @pytest.mark.xfail(raises=OSError)
            def test_raises(assert_collected): assert_collected(keep(Thing()))

            @pytest.mark.xfail(False, reason="known leak elsewhere")
            def test_condition(assert_collected): assert_collected(keep(Thing()))
            """,
            "-v",
        )

        result.assert_outcomes(failed=2)
        result.stdout.fnmatch_lines(["*::test_raises LEAKED*", "*::test_condition LEAKED*"])

    def test_an_expected_failure_that_fails_is_not_checked(self, suite):
        """Its traceback holds its frames; neither a failing nor a never run one is asked what it left."""
        result = suite.run(
            """
            @pytest.mark.xfail(reason="known", strict=True)
            def test_fails(assert_collected):
                thing = assert_collected(Thing())
                assert 0

            @pytest.mark.xfail(run=False, reason="crashes")
            def test_never_runs(assert_collected): assert_collected(keep(Thing()))

            def test_imperative(assert_collected):
                assert_collected(keep(Thing()))
                pytest.xfail("known")
            """
        )

        result.assert_outcomes(xfailed=3)
        assert not suite.lines_of(result, "leakcheck:")


class TestNotChecked:
    def test_what_skips_is_not_checked(self, suite):
        """By marker, by condition, in a fixture or in the test."""
        result = suite.run(
            """
            @pytest.fixture
            def skips(assert_collected):
                assert_collected(keep(Thing()))
                pytest.skip("not here")

            @pytest.mark.skip(reason="never")
            def test_skip(assert_collected): assert_collected(keep(Thing()))

            @pytest.mark.skipif(True, reason="not now")
            def test_skipif(assert_collected): assert_collected(keep(Thing()))

            def test_body(assert_collected):
                assert_collected(keep(Thing()))
                pytest.skip("not here")

            def test_fixture(skips): pass
            """,
            "--leakcheck",
        )

        result.assert_outcomes(skipped=4)
        assert not suite.lines_of(result, "leakcheck:")

    @pytest.mark.parametrize("arguments", [(), ("--leakcheck",)])
    @pytest.mark.parametrize(
        "line",
        [
            "pytest.importorskip('not_there')",
            "pytest.skip('not here', allow_module_level=True)",
            "raise __import__('unittest').SkipTest('not here')",
        ],
    )
    def test_a_module_that_skips_itself_is_skipped(self, suite, line, arguments):
        """The rest of the run goes on, and the module is imported once."""
        suite.write(test_other="def test_passes(): pass\n")

        result = suite.run(f"print('imported')\n{line}\n", *arguments, "-s")

        result.assert_outcomes(passed=1, skipped=1)
        assert result.outlines.count("imported") == 1

    def test_what_fails_of_itself_keeps_its_own_failure(self, suite):
        """In the body, in the set-up or in the teardown of its fixtures: no leak is added to the error."""
        result = suite.run(
            """
            @pytest.fixture
            def broken_setup(assert_collected):
                assert_collected(keep(Thing()))
                raise RuntimeError

            @pytest.fixture
            def broken_teardown(assert_collected):
                yield
                raise RuntimeError

            def test_body(assert_collected):
                assert_collected(keep(Thing()))
                assert 0

            def test_setup(broken_setup): pass

            def test_teardown(broken_teardown, assert_collected): assert_collected(keep(Thing()))
            """
        )

        result.assert_outcomes(failed=1, errors=2, passed=1)
        assert not suite.lines_of(result, "LEAKED")

    def test_each_error_of_the_teardown_is_told(self, suite):
        """Where its own and a wider fail, or a hook before the set-up, the outcomes are those without the plugin."""
        suite.write(
            conftest="""
            import pytest

            @pytest.hookimpl(wrapper=True, tryfirst=True)
            def pytest_runtest_setup(item):
                if "hook" in item.name:
                    raise RuntimeError("no set-up")
                return (yield)

            @pytest.hookimpl(trylast=True)
            def pytest_collection_finish(session):
                manager = session.config.pluginmanager
                (plugin,) = (plugin for name, plugin in manager.list_name_plugin() if name.endswith("conftest.py"))
                manager.unregister(plugin)  # registered anew, its hook comes before all others
                manager.register(plugin)
            """
        )
        result = suite.run(
            """
            @pytest.fixture(scope="module")
            def server():
                yield
                raise RuntimeError("server did not stop")

            @pytest.fixture
            def client():
                yield
                raise RuntimeError("client did not stop")

            def test_hook(assert_collected): pass

            def test_both(assert_collected, server, client): assert_collected(keep(Thing()))
            """
        )

        assert result.parseoutcomes() == suite.run("", "--no-leakcheck").parseoutcomes()
        text = result.stdout.str()
        assert all(told in text for told in ("no set-up", "server did not stop", "client did not stop"))
        assert not suite.lines_of(result, "LEAKED")

    def test_an_error_of_the_teardown_shows_nothing_of_ours(self, suite):
        """Also where the fixture is in a conftest, so that pytest does not cut what lies above it."""
        suite.write(conftest="import pytest\n\n@pytest.fixture\ndef broken():\n    yield\n    raise RuntimeError\n")
        result = suite.run("def test_it(broken): pass\n", "--leakcheck")

        result.assert_outcomes(passed=1, errors=1)
        assert suite.lines_of(result, "conftest.py:6: RuntimeError")
        assert not suite.lines_of(result, "tear_down")

    def test_what_such_a_test_left_is_not_blamed_on_the_next(self, suite):
        """Neither a failed test's frames nor a skipped one's objects count for those that come after."""
        result = suite.run(
            """
            pytestmark = pytest.mark.no_leak(instances_of=Thing)

            @pytest.fixture
            def broken_setup():
                thing = Thing()
                assert 0

            @pytest.fixture
            def broken_teardown():
                yield Thing()
                thing = keep(Thing())
                assert 0

            def test_fails():
                thing = keep(Thing())
                assert 0

            def test_a(): pass

            @pytest.mark.xfail
            def test_fails_as_expected():
                thing = Thing()
                assert 0

            def test_b(): Thing()

            def test_skips():
                keep(Thing())
                pytest.skip("no")

            def test_c(): Thing()

            def test_setup(broken_setup): pass

            def test_d(): Thing()

            def test_teardown(broken_teardown): pass

            def test_e(): Thing()
            """,
            "--leakcheck",
            "--tb=no",
        )

        result.assert_outcomes(failed=1, xfailed=1, skipped=1, errors=2, passed=6)

    def test_a_doctest_is_not_checked(self, suite):
        """Nor can it register anything: that is said."""
        suite.write(
            words='''
            """
            >>> 1 + 1
            2
            """
            ''',
            asks='''
            """
            >>> getfixture("assert_collected")(set())
            """
            ''',
        )
        result = suite.run("def test_fine(): pass\n", "--doctest-modules", "--leakcheck", "test_it.py", "words.py")

        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines(["leakcheck: 1 test checked; no leaks; gc *"])
        result = suite.run("", "--doctest-modules", "asks.py")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*assert_collected serves test functions and methods only, not doctests*"])

    def test_nothing_is_checked_where_it_is_turned_off(self, suite):
        """--no-leakcheck and skip_leakcheck turn off registrations, markers and --leakcheck; errors of use stay."""
        source = """
        @pytest.mark.no_leak(instances_of=Thing)
        class TestThings:
            def test_registered(self, assert_collected):
                assert_collected(keep(Thing()))
                assert_collected.now()
                assert_collected.instances_of(Thing)
                keep(Thing())

            def test_late(self, request):
                keep(request.getfixturevalue("assert_collected")(Thing()))

            def test_wrong(self, assert_collected):
                with pytest.raises(TypeError):
                    assert_collected(1)
        """
        result = suite.run(source, "--no-leakcheck")
        result.assert_outcomes(passed=3)
        assert not suite.lines_of(result, "leakcheck:")

        skipped = source.replace("class TestThings", "class TestThings")
        skipped = skipped.replace(
            "@pytest.mark.no_leak", '@pytest.mark.skip_leakcheck("may leak")\n        @pytest.mark.no_leak'
        )
        result = suite.run(skipped, "--leakcheck")
        result.assert_outcomes(passed=3)
        assert not suite.lines_of(result, "leakcheck:")


class TestMidTest:
    def test_now_raises_at_the_callers_line(self, suite):
        """A leak found mid-test is an AssertionError with the report; what is gone by then passes."""
        result = suite.run(
            """
            def test_gone(assert_collected):
                thing = assert_collected(Thing())
                del thing
                assert_collected.now()

            def test_alive(assert_collected):
                thing = assert_collected(Thing())
                assert_collected.now()

            def test_caught(assert_collected):
                thing = keep(assert_collected(Thing()))
                with pytest.raises(AssertionError, match="LEAKED  1 object"):
                    assert_collected.now()
            """
        )

        result.assert_outcomes(passed=2, failed=1)
        result.stdout.fnmatch_lines(
            [">       assert_collected.now()", "E  *LeakError: LEAKED  1 object*", "test_it.py:23: LeakError"]
        )
        assert not suite.lines_of(result, "fixtures.py")

    def test_instances_are_watched_from_where_the_test_says(self, suite):
        """Those made before may stay; subclasses count, and so do those made after a look with now()."""
        result = suite.run(
            """
            class Special(Thing): pass

            def test_before(assert_collected):
                keep(Thing())
                assert_collected.instances_of(Thing)
                Special()

            def test_after(assert_collected):
                assert_collected.instances_of(Thing, list)
                keep(Special())

            def test_later(assert_collected):
                assert_collected.instances_of([Thing])
                assert_collected.now()
                keep(Thing())
            """
        )

        result.assert_outcomes(passed=1, failed=2)
        result.stdout.fnmatch_lines(["  test_it.Special * made during the test"])


class TestManyLeaks:
    LEAKING = """
        @pytest.fixture
        def teardown(request):
            yield
            print("torn down:", request.node.name)

        @pytest.mark.parametrize("number", range(3))
        def test_leak(number, assert_collected, teardown):
            assert_collected(keep(Thing()))
    """

    def test_each_failure_shows_what_its_teardown_printed(self, suite):
        """Below the report of a leak stands what the teardown of that test printed, and of no other."""
        result = suite.run(self.LEAKING)

        signs = "___ test_leak", "Captured stdout teardown", "torn down:"
        shown = [line.strip("_- ") for line in result.outlines if any(sign in line for sign in signs)]
        names = ["test_leak[0]", "test_leak[1]", "test_leak[2]"]
        assert shown == [line for name in names for line in (name, "Captured stdout teardown", f"torn down: {name}")]

    @pytest.mark.parametrize("looks", [1, 3], ids=["pytest's way", "another plugin's way"])
    def test_pytest_goes_through_all_reports_once(self, suite, looks):
        """Not once for each failure; save where another plugin has put a way of its own in the stead of pytest's."""
        suite.write(
            conftest=f"""
            import pytest
            looks = []

            @pytest.hookimpl(trylast=True)
            def pytest_configure(config):
                reporter = config.pluginmanager.get_plugin("terminalreporter")
                real = reporter.getreports
                reporter.getreports = lambda name: (looks.append(name), real(name))[1]
                if {looks} > 1:
                    reporter._get_teardown_reports = lambda nodeid: reporter.getreports("")[:0]

            @pytest.hookimpl(trylast=True)
            def pytest_unconfigure(config):
                print("looks:", looks.count(""))
            """
        )
        result = suite.run(self.LEAKING)

        result.stdout.fnmatch_lines([f"looks: {looks}"])
