"""One leak is one failed test, in every way that pytest tells of a failure."""

import xml.etree.ElementTree as ET

import pytest

LEAK = """
def test_leak(assert_collected):
    print("printed by the test")
    assert_collected(keep(Thing()))
"""


class TestOneFailure:
    def test_a_leak_fails_its_test_once(self, suite):
        """It is one `failed` with the letter L, a section among the failures and a line of the summary."""
        result = suite.run(LEAK + "def test_fine(): pass\n")

        result.assert_outcomes(failed=1, passed=1)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines(
            [
                "test_it.py L.*",
                "*= FAILURES =*",
                "*_ test_leak _*",
                "LEAKED  1 object that should be gone is still alive",
                "  test_it.Thing  registered suite/test_it.py:18",
                "    .KEPT *list, 1 item",
                "    [[]0[]] *Thing *LEAKED",
                "*- Captured stdout call -*",
                "printed by the test",
                "leakcheck: 1 object in 1 test checked; 1 leak in 1 test; gc ?.? s of *.? s",
                "*= short test summary info =*",
                "LEAKED test_it.py::test_leak - test_it.Thing is still alive, held by test_it.*",
                "*= 1 failed, 1 passed in *",
            ]
        )
        assert not suite.lines_of(result, "Traceback")

    def test_a_verbose_run_says_the_word_once(self, suite):
        """Under -v a leak shows as LEAKED, and the test does not show as passed before."""
        result = suite.run(LEAK, "-v")

        assert next(iter(suite.lines_of(result, "test_it.py::test_leak "))).split()[:2] == [
            "test_it.py::test_leak",
            "LEAKED",
        ]
        assert not suite.lines_of(result, "PASSED")

    def test_three_holders_are_all_shown_by_a_verbose_run(self, suite):
        """Two of them otherwise, and where to see the third."""
        source = """
        MORE, LAST = {}, set()


        def test_leak(assert_collected):
            thing = assert_collected(keep(Thing()))
            MORE["one"] = thing
            LAST.add(thing)
        """
        short, full = suite.run(source), suite.run("", "-v")

        short.stdout.fnmatch_lines(["  3 independent holders: *The second:", "  1 more: run with -v to see it."])
        full.stdout.fnmatch_lines(["  3 independent holders: *The second:", "  The third:"])
        assert len(suite.lines_of(short, "GC root")) == 2
        assert len(suite.lines_of(full, "GC root")) == 3

    def test_classes_and_functions_go_by_their_own_names(self, suite):
        """As do generators; that one is a type tells nothing."""
        result = suite.run(
            """
            def numbers(): yield 1

            def test_class(assert_collected):
                class Local: pass
                assert_collected(keep(Local))

            def test_fn(assert_collected):
                def f(): pass
                assert_collected(keep(f))

            def test_generator(assert_collected): assert_collected(keep(numbers()))
            """
        )

        assert [line for line in result.outlines if " registered " in line] == [
            "  class test_it.test_class.<locals>.Local  registered suite/test_it.py:20",
            "  function test_it.test_fn.<locals>.f  registered suite/test_it.py:24",
            "  generator numbers  registered suite/test_it.py:26",
        ]
        assert suite.lines_of(result, "LEAKED test_it.py::test_class - class test_it.test_class.<locals>.Local")

    def test_what_dies_with_the_test_passes(self, suite):
        """Locals need no del, and a cycle needs no collection by hand."""
        result = suite.run(
            """
            def test_fine(assert_collected):
                thing = Thing()
                thing.itself = thing
                assert assert_collected(thing) is thing
                assert assert_collected(thing, Thing())[0] is thing
            """
        )

        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["leakcheck: 2 objects in 1 test checked; no leaks; gc *"])

    def test_the_failed_tests_are_run_again_by_last_failed(self, suite):
        """--lf finds a leak in the cache like any failure."""
        source = LEAK + "def test_fine(): pass\n"
        suite.run(source)

        result = suite.run("", "--lf", "-v")

        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["run-last-failure: rerun previous 1 failure*"])

    def test_the_run_stops_at_the_first_leak(self, suite):
        """-x and --maxfail count a leak, and the wider fixtures are torn down before the end."""
        source = """
        @pytest.fixture(scope="module")
        def server():
            yield
            print("server is down")

        def test_leak(assert_collected, server):
            assert_collected(keep(Thing()))

        def test_next(server): pass
        """
        for option in ("-x", "--maxfail=1"):
            result = suite.run(source, option, "-s")

            result.assert_outcomes(failed=1)
            result.stdout.fnmatch_lines(["*server is down*", "*stopping after 1 failures*"])

    def test_a_wider_teardown_that_fails_is_an_error_beside_the_leak(self, suite):
        """Also where the run stops at the leak, there is a report of each and no raw traceback."""
        source = """
        @pytest.fixture(scope="module")
        def server():
            yield
            raise RuntimeError("server did not stop")

        def test_leak(assert_collected, server):
            assert_collected(keep(Thing()))

        def test_next(server): pass
        """
        result = suite.run(source, "-x")

        result.assert_outcomes(failed=1, errors=1)
        result.stdout.fnmatch_lines(
            [
                "*ERROR at teardown of test_leak*",
                "*RuntimeError: server did not stop",
                "LEAKED test_it.py::test_leak - *",
                "ERROR test_it.py::test_leak - RuntimeError: server did not stop",
                "*stopping after 2 failures*",
            ]
        )
        assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()

    def test_the_wider_teardown_of_a_test_that_failed_at_maxfail_is_reported(self, suite):
        """The run stops with the failure and the error, as it does without the plugin."""
        source = """
        @pytest.fixture(scope="module")
        def server():
            yield
            raise RuntimeError("server did not stop")

        def test_fails(assert_collected, server):
            assert 0

        def test_next(server): pass
        """
        result = suite.run(source, "-x")

        result.assert_outcomes(failed=1, errors=1)


class TestJUnit:
    def test_a_leak_is_the_failure_of_the_one_test_case(self, suite):
        """The file has one testcase a test, with the report as the failure's text, its time and its output."""
        source = """
        import time

        def test_leak(assert_collected):
            print("printed by the test")
            time.sleep(0.05)
            assert_collected(keep(Thing()))
        """
        suite.run(source, "--junitxml=out.xml", "-o", "junit_logging=system-out", "-o", "junit_duration_report=call")

        cases = ET.parse(suite.path / "out.xml").findall(".//testcase")  # noqa: S314 - our own file
        assert [child.tag for case in cases for child in case] == ["properties", "failure", "system-out"]
        _, failure, output = cases[0]
        assert "Thing is still alive, held by test_it.KEPT" in failure.get("message")
        assert failure.text.startswith("LEAKED  1 object that should be gone is still alive\n")
        assert "printed by the test" in output.text
        assert float(cases[0].get("time")) >= 0.05
        suite_node = ET.parse(suite.path / "out.xml").find(".//testsuite")  # noqa: S314 - our own file
        assert [suite_node.get(name) for name in ("tests", "failures", "errors")] == ["1", "1", "0"]


class TestDebugger:
    def test_post_mortem_has_the_survivors_at_hand(self, suite):
        """--pdb stops at the leak, where `survivors` are the objects, and why_alive tells of each."""
        suite.write(
            test_it="""
            KEPT = []
            class Thing: pass
            def test_leak(assert_collected):
                KEPT.append(assert_collected(Thing()))
            """
        )

        result = suite.debug(
            "p f'{len(survivors)} survivor, a {type(survivors[0]).__name__}'\n"
            "import pytest_leakcheck\n"
            "p pytest_leakcheck.why_alive(survivors[0])\n"
            "c\n",
            "--pdb",
        )

        result.stdout.fnmatch_lines(
            [
                "*LEAKED  1 object *",
                "*entering PDB*",
                "*'1 survivor, a Thing'",
                "*ALIVE  test_it.Thing",
                "*.KEPT*",
                "*1 failed in*",
            ]
        )

    def test_the_survivors_are_let_go_after_the_post_mortem(self, suite):
        """The error that the debugger looked at keeps none of them from a later test on."""
        suite.write(
            test_it="""
            import gc, sys, weakref
            KEPT, REFS = [], []
            class Thing: pass
            def test_leak(assert_collected):
                KEPT.append(assert_collected(Thing()))
                REFS.append(weakref.ref(KEPT[0]))
            def test_gone():
                KEPT.clear()
                if not hasattr(sys, "getrefcount"):
                    gc.collect()
                print("held by", [type(holder).__name__ for holder in gc.get_referrers(REFS[0]()) if REFS[0]()], "now")
            """
        )

        result = suite.debug("c\n", "--pdb", "-s")

        result.stdout.fnmatch_lines(["*held by [[][]] now*"])

    def test_post_mortem_of_a_teardown_error_has_the_survivors_too(self, suite):
        """Where the leak is told as an error of the teardown, --pdb is as helpful."""
        suite.write(
            test_it="""
            KEPT = []
            class Thing: pass
            def test_leak(request):
                KEPT.append(request.getfixturevalue("assert_collected")(Thing()))
            """
        )

        result = suite.debug("p f'{len(survivors)} survivor, a {type(survivors[0]).__name__}'\nc\n", "--pdb")

        result.stdout.fnmatch_lines(
            ["*LEAKED  1 object *", "*entering PDB*", "*'1 survivor, a Thing'", "*1 passed, 1 error in*"]
        )


class TestOutput:
    SOURCE = """
    import logging

    @pytest.fixture(scope="module")
    def server():
        print("server up")
        yield
        print("server down")
        logging.warning("server log")

    @pytest.fixture
    def client():
        print("client up")
        yield
        print("client down")

    def test_leak(assert_collected, server, client):
        print("in the test")
        logging.warning("logged in the test")
        assert_collected(keep(Thing()))
    """

    def test_captured_output_stays_with_the_phase_that_made_it(self, suite):
        """The leak's report has the sections of set-up and call; what is printed later belongs to the teardown."""
        result = suite.run(self.SOURCE)

        result.stdout.fnmatch_lines(
            [
                "*- Captured stdout setup -*",
                "server up",
                "client up",
                "*- Captured stdout call -*",
                "in the test",
                "*- Captured log call -*",
                "WARNING * logged in the test",
                "*- Captured stdout teardown -*",
                "client down",
                "server down",
            ]
        )

    def test_the_output_of_a_wider_teardown_that_fails_is_in_its_report(self, suite):
        """The error at teardown has the teardown section, the leak's own has not the wider fixture's."""
        source = self.SOURCE.replace('logging.warning("server log")', "raise RuntimeError")

        text = suite.run(source).stdout.str()

        errors, failures = text.split("= FAILURES =")
        assert "server down" in errors
        assert "in the test" in failures

    def test_nothing_is_swallowed_without_capture(self, suite):
        """With -s all appears in order, the letter after the test's own teardown and before the module's."""
        result = suite.run(self.SOURCE, "-s")

        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*in the test", "client down", "Lserver down"])

    def test_live_logs_and_setup_show_and_durations_work(self, suite):
        """Options that print meanwhile print what they print without the plugin, and the call's time is kept."""
        source = self.SOURCE.replace('print("in the test")', "__import__('time').sleep(0.15)")
        result = suite.run(source, "--log-cli-level=INFO", "--setup-show", "--durations=0", "-vv")

        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                "*SETUP *M server",
                "*SETUP *F client",
                "*- live log call -*",
                "WARNING *logged in the test*",
                "*TEARDOWN F client",
                "*LEAKED*",
                "*- live log teardown -*",
                "WARNING *server log",
                "*TEARDOWN M server",
                "*0.[1-9]?s call *test_it.py::test_leak",
            ]
        )

    @pytest.mark.parametrize("plugin", ["logging", "capture", "terminal", "junitxml", "cacheprovider"])
    def test_plugins_of_pytest_may_be_missing(self, suite, plugin):
        """Without one of them a leak fails the run all the same."""
        result = suite.run(LEAK + "def test_fine(assert_collected): assert_collected(Thing())\n", "-p", f"no:{plugin}")

        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert "Traceback" not in result.stderr.str()
        assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()

    def test_only_what_was_set_up_is_shown_by_setup_plan(self, suite):
        """--setup-plan and --setup-only run no test, so none is checked."""
        for option in ("--setup-plan", "--setup-only"):
            result = suite.run(LEAK, option)

            assert result.ret == 0
            assert not suite.lines_of(result, "leakcheck:")


class TestXdist:
    def test_a_leak_crosses_from_the_worker(self, suite):
        """Letter, word, text and the last line are those of a run in one process."""
        source = LEAK + (
            "\ndef test_fine(assert_collected): assert_collected(Thing())\n"
            "\n@pytest.mark.xfail(reason='known')\ndef test_known(assert_collected): assert_collected(keep(Thing()))\n"
        )
        result = suite.run(source, "-n2", "-v", uses="xdist")

        result.assert_outcomes(failed=1, passed=1, xfailed=1)
        result.stdout.fnmatch_lines(
            [
                "*= FAILURES =*",
                "*_ test_leak _*",
                "LEAKED  1 object that should be gone is still alive",
                "    [[]0[]] *Thing *LEAKED",
                "*- Captured stdout call -*",
                "printed by the test",
                "leakcheck: 3 objects in 3 tests checked; 1 leak in 2 tests; gc *",
                "LEAKED test_it.py::test_leak - test_it.Thing is still alive, held by test_it.*",
            ]
        )
        assert len(suite.lines_of(result, "LEAKED test_it.py::test_leak")) == 2  # as it happens, and in the summary
