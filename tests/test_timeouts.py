"""Beside pytest-timeout: our own work costs no test its time, and a second run that hangs ends neither test nor run."""

import signal
import sys

import pytest

METHODS = pytest.mark.parametrize("method", ["signal", "thread"])
ALL_WAYS = pytest.mark.parametrize(
    "options",
    [
        ("--timeout-method=signal",),
        ("--timeout-method=thread",),
        ("--timeout-method=signal", "-o", "timeout_func_only=true"),
        ("--timeout-method=thread", "-o", "timeout_func_only=true"),
        ("--timeout-method=thread", "-n2"),
    ],
    ids=["signal", "thread", "signal in the body", "thread in the body", "xdist"],
)
HANGS = """
import time

RUNS = []

@pytest.fixture
def resource():
    RUNS.append(1)
    hang("set-up")
    yield
    hang("teardown")

def hang(phase):
    if len(RUNS) > 1 and phase == "PHASE":
        time.sleep(60)

def test_it(resource):
    keep(Thing())
    hang("body")

def test_more(): pass
"""
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs a signal for timers")


class TestOwnWork:
    @METHODS
    def test_a_wait_for_survivors_is_not_counted(self, suite, method):
        """Longer than the limit, it neither fails the test nor ends the run."""
        source = """
        import threading, time

        def test_it(assert_collected):
            thing = assert_collected(Thing())
            keep(thing)
            threading.Timer(1.5, KEPT.clear).start()

        def test_more(): pass
        """
        options = ("--timeout=1", f"--timeout-method={method}", "-o", "leakcheck_within=30")
        result = suite.run(source, *options, uses="timeout")

        result.assert_outcomes(passed=2)
        assert not suite.lines_of(result, "Timeout")

    @METHODS
    def test_a_look_at_what_outlives_a_fixture_is_not_counted(self, suite, method):
        """The search for its holders may take longer than the limit of the test that it ends with."""
        suite.write(
            conftest="""
            import time
            from pytest_leakcheck.wider import ending

            judge = ending._Outliving.judge

            def slow(self, again):
                time.sleep(1.2)
                return judge(self, again)

            ending._Outliving.judge = slow
            """
        )
        source = """
        @pytest.fixture(scope="module")
        def server(): return keep(Thing())

        def test_it(server): pass
        """
        result = suite.run(source, "--leakcheck", "--timeout=1", f"--timeout-method={method}", uses="timeout")

        result.assert_outcomes(passed=1)
        assert suite.lines_of(result, "outlives it, held by test_it.KEPT")

    def test_what_comes_after_the_verdict_is_limited_again(self, suite):
        """A fixture that hangs at its end is ended, as without the check."""
        source = """
        import time

        @pytest.fixture(scope="module")
        def server():
            yield
            time.sleep(60)

        @pytest.mark.no_leak(instances_of=Thing)
        def test_it(server): pass
        """
        result = suite.run(source, "--timeout=1", uses="timeout")

        result.assert_outcomes(passed=1, errors=1)
        assert suite.lines_of(result, "Failed: Timeout ")

    def test_after_a_leak_nothing_is_limited(self, suite):
        """As after any failure: a debugger may be at work."""
        source = """
        import time

        @pytest.fixture(scope="module")
        def server():
            yield
            time.sleep(1.5)

        @pytest.mark.no_leak(instances_of=Thing)
        def test_it(server): keep(Thing())
        """
        suite.run(source, "--timeout=1", uses="timeout").assert_outcomes(failed=1)

    def test_a_test_that_hangs_is_ended(self, suite):
        """The first run has the limit that it has without the check, and what it left is not judged."""
        source = """
        import time

        def test_it():
            keep(Thing())
            time.sleep(60)
        """
        result = suite.run(source, "--leakcheck", "--timeout=1", uses="timeout")

        result.assert_outcomes(failed=1)
        assert not suite.lines_of(result, "LEAKED")


class TestSecondRun:
    @ALL_WAYS
    def test_one_that_hangs_is_a_warning(self, suite, options):
        """It has the same limit, by a signal, whatever the method; the test passes and the run goes on."""
        result = suite.run(HANGS.replace("PHASE", "body"), "--leakcheck", "--timeout=1", *options, uses="timeout xdist")

        result.assert_outcomes(passed=2)
        assert result.ret == 0
        (line,) = suite.lines_of(result, "run a second time, to tell leaks from initialisation, it failed")
        assert "(Failed: Timeout " in line

    @METHODS
    @pytest.mark.parametrize("phase", ["set-up", "teardown"])
    def test_its_fixtures_may_hang_as_well(self, suite, phase, method):
        """Set-up and teardown have the limit too, where the body is not all that has one."""
        options = ("--leakcheck", "--timeout=1", f"--timeout-method={method}")
        result = suite.run(HANGS.replace("PHASE", phase), *options, uses="timeout")

        result.assert_outcomes(passed=2)
        assert suite.lines_of(result, "it failed (Failed: Timeout ")

    @METHODS
    def test_leaks_are_found_by_it(self, suite, method):
        """And the timer that comes with the next test is the first one's."""
        source = """
        import threading

        def test_it(): keep(Thing())

        def test_more():
            timers = [thread.name for thread in threading.enumerate() if thread.name.startswith("pytest_timeout")]
            assert len(timers) <= 1
        """
        options = ("--leakcheck", "--timeout=30", f"--timeout-method={method}")
        suite.run(source, *options, uses="timeout").assert_outcomes(failed=1, passed=1)

    def test_none_where_only_the_end_of_the_process_would_end_it(self, suite):
        """The method is thread and somebody uses the signal: another test must leave a survivor in the same place."""
        handler = "import signal\nsignal.signal(signal.SIGALRM, lambda *_: None)\n"
        source = (
            "RUNS = []\ndef test_it():\n    RUNS.append(1)\n    keep(Thing())\ndef test_runs(): assert len(RUNS) == 1\n"
        )
        suite.write(conftest=handler)
        options = ("--leakcheck", "--timeout=30", "--timeout-method=thread")

        suite.run(source, *options, uses="timeout").assert_outcomes(passed=2)
        suite.run("", *options[:-1], uses="timeout").assert_outcomes(failed=2)

    def test_none_outside_the_main_thread(self, suite):
        """Where no signal arrives."""
        suite.write(
            start="""
            import sys, threading
            import pytest

            thread = threading.Thread(target=lambda: print("ended with", int(pytest.main(sys.argv[1:]))))
            thread.start()
            thread.join()
            """,
            test_it="""
            class Thing: pass
            RUNS = []
            def test_it():
                RUNS.append(1)
                Thing.all = [*getattr(Thing, "all", ()), Thing()]
            def test_runs(): assert len(RUNS) == 1
            """,
        )
        arguments = ("-p", "no:anyio", "-p", "no:asyncio", "-p", "no:flaky", "-p", "no:rerunfailures")
        result = suite.pytester.run(sys.executable, "start.py", "--leakcheck", "--timeout=30", *arguments)

        result.assert_outcomes(passed=2)
        assert suite.lines_of(result, "ended with 0")

    @pytest.mark.parametrize(
        ("limit", "is_repeated"),
        [
            ("none", True),
            ("option", False),
            ("ini", False),
            ("variable", False),
            ("mark", False),
            ("mark by name", False),
            ("long", True),
        ],
    )
    def test_none_where_the_first_came_near_the_limit(self, suite, monkeypatch, limit, is_repeated):
        """However that is set."""
        marks = {"mark": "timeout(1)", "mark by name": "timeout(timeout=1)", "long": "timeout(100)"}
        options = {"option": ["--timeout=1"], "ini": ["-o", "timeout=1"]}
        if limit == "variable":
            monkeypatch.setenv("PYTEST_TIMEOUT", "1")
        source = f"""
        import time

        @pytest.mark.{marks.get(limit, "usefixtures()")}
        def test_it():
            time.sleep(0.45)
            keep(Thing())
        """
        result = suite.run(source, "--leakcheck", *options.get(limit, []), uses="timeout")

        result.assert_outcomes(**{"failed" if is_repeated else "passed": 1})


def test_reruns_are_limited_as_ever(suite):
    """Where pytest-rerunfailures runs the tests, the verdict does not count either."""
    source = """
    import threading

    def test_it(assert_collected):
        keep(assert_collected(Thing()))
        threading.Timer(1.5, KEPT.clear).start()
    """
    options = ("--timeout=1", "--timeout-method=thread", "--reruns=1", "-o", "leakcheck_within=30")
    suite.run(source, *options, uses="timeout rerunfailures").assert_outcomes(passed=1)
