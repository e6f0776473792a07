"""Beside the plugins that run tests in ways of their own."""

from xml.etree import ElementTree as ET

import pytest


class TestAsyncio:
    @pytest.mark.parametrize("mode", ["auto", "strict"])
    def test_async_tests_are_judged_like_others(self, suite, mode):
        """Coroutines, async fixtures of any loop scope, and tasks that end with the loop."""
        result = suite.run(
            """
            import asyncio
            import pytest_asyncio

            pytestmark = [pytest.mark.asyncio, pytest.mark.no_leak(instances_of=Thing)]

            @pytest_asyncio.fixture
            async def thing():
                await asyncio.sleep(0)
                yield Thing()

            async def test_fine(assert_collected, thing):
                assert_collected(thing, Thing())
                await asyncio.sleep(0)

            async def hold(thing):
                await asyncio.sleep(3600)

            async def test_task_cancelled_at_the_end(assert_collected):
                task = asyncio.create_task(hold(assert_collected(Thing())))
                await asyncio.sleep(0)
                task.cancel()

            async def test_leak(assert_collected, thing):
                await asyncio.sleep(0)
                keep(assert_collected(thing))

            class TestThings:
                async def test_leak(self): self.thing = keep(Thing())
            """,
            "-o",
            f"asyncio_mode={mode}",
            *(["-o", "asyncio_default_fixture_loop_scope=function"] if _has_loop_scopes() else []),
            uses="asyncio",
        )

        result.assert_outcomes(passed=2, failed=2)

    @pytest.mark.skipif("not _has_loop_scopes()", reason="pytest-asyncio 0.24 brought loop scopes")
    def test_a_loop_that_outlives_the_test_holds_what_is_scheduled(self, suite):
        """With a loop per module a task that is never awaited is a leak of the test that made it."""
        result = suite.run(
            """
            import asyncio
            import pytest_asyncio

            pytestmark = pytest.mark.asyncio(loop_scope="module")
            TASKS = set()

            @pytest_asyncio.fixture(scope="module", loop_scope="module")
            async def shared():
                yield keep(Thing())

            async def hold(thing):
                await asyncio.sleep(3600)

            @pytest.mark.no_leak(instances_of=Thing)
            async def test_fine(assert_collected, shared):
                await asyncio.wait_for(asyncio.sleep(0, assert_collected(Thing())), 1)

            async def test_leak(assert_collected):
                TASKS.add(asyncio.create_task(hold(assert_collected(Thing()))))
                await asyncio.sleep(0)
            """,
            "-o",
            "asyncio_default_fixture_loop_scope=function",
            "-o",
            "leakcheck_within=0",
            uses="asyncio",
        )

        result.assert_outcomes(passed=1, failed=1)

    def test_anyio_tests_are_judged_like_others(self, suite):
        """On the backend that is there, with async fixtures too."""
        result = suite.run(
            """
            import anyio

            pytestmark = pytest.mark.anyio

            @pytest.fixture
            def anyio_backend(): return "asyncio"

            @pytest.fixture
            async def thing():
                yield Thing()

            async def test_fine(assert_collected, thing):
                assert_collected(thing)
                async with anyio.create_task_group() as group:
                    group.start_soon(anyio.sleep, 0)

            async def test_leak(assert_collected, thing):
                await anyio.sleep(0)
                keep(assert_collected(thing))
            """,
            uses="anyio",
        )

        result.assert_outcomes(passed=1, failed=1)


def _has_loop_scopes():
    from importlib.metadata import version  # noqa: PLC0415 - asked for in a condition

    return tuple(map(int, version("pytest-asyncio").split(".")[:2])) >= (0, 24)


class TestHypothesis:
    def test_given_tests_are_judged_by_marker_and_by_block(self, suite):
        """The marker judges after all examples, the block each of them."""
        result = suite.run(
            """
            from hypothesis import Phase, given, settings, strategies
            from pytest_leakcheck import no_leak

            few = settings(max_examples=5, phases=[Phase.generate], database=None, deadline=None)

            @pytest.mark.no_leak(instances_of=Thing)
            @few
            @given(strategies.integers())
            def test_fine(number): Thing().number = number

            @pytest.mark.no_leak(instances_of=Thing)
            @few
            @given(strategies.integers())
            def test_leak(number): keep(Thing())

            @few
            @given(strategies.integers())
            def test_fine_block(number):
                with no_leak(instances_of=Thing):
                    Thing().number = number

            @few
            @given(strategies.integers())
            def test_leaking_block(number):
                with no_leak(instances_of=Thing):
                    keep(Thing())
            """,
            uses="hypothesis",
        )

        result.assert_outcomes(passed=2, failed=2)
        result.stdout.fnmatch_lines_random(
            ["LEAKED test_it.py::test_leak - *", "FAILED test_it.py::test_leaking_block - *LeakError*"]
        )


class TestSubtests:
    SOURCE = """
    @pytest.mark.no_leak(instances_of=Thing)
    def test_leak(subtests):
        for n in range(3):
            with subtests.test(n=n):
                keep(Thing())

    @pytest.mark.no_leak(instances_of=Thing)
    def test_fine(subtests):
        for n in range(3):
            with subtests.test(n=n):
                Thing()

    @pytest.mark.no_leak(instances_of=Thing)
    def test_failing_subtest(subtests):
        with subtests.test(n=1):
            assert 0
        keep(Thing())
    """

    @pytest.mark.parametrize("options", [[], ["-n2"]], ids=["one process", "xdist"])
    def test_a_test_with_subtests_is_judged_once_at_its_end(self, suite, options):
        """The subtests are reported as without the plugin; one that fails makes its test one that is not checked."""
        quiet = suite.run(self.SOURCE, "--no-leakcheck", *options, uses="subtests xdist").parseoutcomes()

        result = suite.run("", "-v", *options, uses="subtests xdist")

        outcomes = result.parseoutcomes()
        assert outcomes["failed"] == quiet["failed"] + 1
        assert outcomes["passed"] == quiet["passed"] - 1
        for name in set(quiet) - {"failed", "passed"}:
            assert outcomes[name] == quiet[name]
        assert len(suite.lines_of(result, "LEAKED", "::test_leak")) == 2


class TestReruns:
    FLAKY = """
    RUNS = []

    @pytest.mark.no_leak(instances_of=Thing)
    def test_flaky():
        RUNS.append(1)
        Thing()
        assert len(RUNS) == 3

    def test_leak(assert_collected):
        RUNS.clear()
        keep(assert_collected(Thing()))

    def test_leaks_once(assert_collected):
        thing = assert_collected(Thing())
        RUNS.append(1)
        if len(RUNS) == 1:
            keep(thing)
    """

    def test_reruns_go_on_and_find_the_leak_anew(self, suite):
        """A leak is a failure, rerun like one; what leaks once passes at the second try."""
        result = suite.run(self.FLAKY, "--reruns=2", uses="rerunfailures")

        outcomes = result.parseoutcomes()
        assert (outcomes["passed"], outcomes["failed"], outcomes["rerun"]) == (2, 1, 2 + 2 + 1)
        assert "errors" not in outcomes
        result.stdout.fnmatch_lines(["test_it.py *RR.*", "LEAKED test_it.py::test_leak - *"])

    @pytest.mark.parametrize("options", [(), ("-n2", "--dist=loadfile")], ids=["one process", "xdist"])
    @pytest.mark.parametrize("baseline", [(), ("--leakcheck-baseline=known.txt",)], ids=["plain", "baseline"])
    def test_the_report_that_is_shown_in_the_end_is_whole(self, suite, options, baseline):
        """That of a run which is repeated is not shown, so none refers to it; to one that is shown, others do."""
        source = """
        KEPT = []

        @pytest.fixture(scope="module")
        def server(): return object()

        @pytest.mark.parametrize("n", range(4))
        def test_leak(n, server): KEPT.append([Thing()])
        """
        suite.path.joinpath("known.txt").write_text("")
        result = suite.run(source, "--leakcheck", "--reruns=2", *options, *baseline, uses="rerunfailures xdist")

        assert result.parseoutcomes()["failed"] == 3
        assert len(suite.lines_of(result, ".KEPT", "list")) == 1
        assert (
            suite.lines_of(result, "The same leak as in ")
            == ["  The same leak as in test_it.py::test_leak[1], held by test_it.KEPT."] * 2
        )

    STRICT = """
    pytestmark = pytest.mark.xfail(strict=True, reason="issue 7")

    @pytest.fixture(scope="module", autouse=True)
    def server():
        with open("log.txt", "a") as log:
            log.write("up, ")
            yield
            log.write("down, ")

    def test_mended(assert_collected): assert_collected(Thing())

    @pytest.mark.no_leak(instances_of=Thing)
    def test_known(): keep(Thing())
    """

    @pytest.mark.parametrize("options", [(), ("--reruns=1",)], ids=["without", "with"])
    def test_a_leak_that_is_expected_is_one_with_reruns_too(self, suite, options):
        """It is no failure, so nothing is run again, or put off for that; one that is mended fails."""
        result = suite.run(self.STRICT, "--junitxml=junit.xml", *options, uses="rerunfailures")

        outcomes = result.parseoutcomes()
        assert (outcomes["failed"], outcomes["xfailed"], outcomes.get("rerun", 0)) == (1, 1, len(options))
        assert set(outcomes) <= {"failed", "xfailed", "rerun"}
        assert suite.lines_of(result, "[XPASS(strict)] issue 7")
        assert suite.take_lines("log.txt") == ["up, down, "]
        cases = ET.parse(suite.path / "junit.xml").getroot().findall("*/testcase")  # noqa: S314 - it is our own
        assert [case.get("name") for case in cases].count("test_known") == 1
        assert [child.tag for child in cases[-1]] == ["properties", "skipped"]

    def test_what_accumulates_is_told_with_reruns_too(self, suite):
        """By a second run, as without them, which is no rerun."""
        result = suite.run(
            """
            LATEST = {}

            def test_leak(): keep(Thing())

            def test_slot(): LATEST["it"] = Thing()
            """,
            "--leakcheck",
            "--reruns=1",
            uses="rerunfailures",
        )

        outcomes = result.parseoutcomes()
        assert (outcomes["passed"], outcomes["failed"], outcomes["rerun"]) == (1, 1, 1)

    def test_without_reruns_a_leak_is_a_plain_failure(self, suite):
        """Neither rerunfailures nor flaky makes a difference where nothing is to be rerun."""
        source = """
        def test_leak(assert_collected): keep(assert_collected(Thing()))

        class TestThings:
            def test_fine(self, assert_collected): self.thing = assert_collected(Thing())
        """
        result = suite.run(source, "-v", uses="rerunfailures flaky xdist asyncio anyio hypothesis subtests")

        result.assert_outcomes(failed=1, passed=1)
        result.stdout.fnmatch_lines(["test_it.py::test_leak LEAKED *"])

    def test_the_plugin_flaky_goes_on_rerunning_its_tests(self, suite):
        """By marker, decorator and option; a leak of such a test is an error of its teardown, its instance is none."""
        source = """
        from flaky import flaky

        RUNS = []

        @pytest.mark.flaky(max_runs=3)
        @pytest.mark.no_leak(instances_of=Thing)
        def test_marked():
            RUNS.append(1)
            Thing()
            assert len(RUNS) == 3

        @flaky(max_runs=2)
        def test_decorated(assert_collected):
            RUNS.append(1)
            keep(assert_collected(Thing()))
            assert len(RUNS) == 5

        @pytest.mark.flaky
        class TestThings:
            def test_self(self, assert_collected): self.thing = assert_collected(Thing())
        """
        result = suite.run(source, "--no-flaky-report", uses="flaky")
        result.assert_outcomes(passed=3, errors=1)

        result = suite.run(
            """
            RUNS = []

            def test_forced(assert_collected):
                RUNS.append(1)
                assert len(RUNS) == 2
            """,
            "--no-flaky-report",
            "--force-flaky",
            uses="flaky",
        )
        result.assert_outcomes(passed=1)

    def test_what_accumulates_in_a_test_of_the_plugin_flaky_is_told_by_the_next_one(self, suite):
        """It decides on each report at once, so that none waits for a second run."""
        result = suite.run(
            """
            @pytest.mark.flaky
            def test_first(): keep(Thing())

            @pytest.mark.flaky
            def test_second(): keep(Thing())
            """,
            "--leakcheck",
            "-v",
            uses="flaky",
        )

        result.assert_outcomes(passed=2, errors=1)
        assert not suite.lines_of(result, "run a second time")
        assert suite.lines_of(result, "LEAKED test_it.py::test_second")

    def test_another_runner_of_tests_is_asked_first(self, suite):
        """Whoever implements the protocol keeps it, whenever registered; wrappers are not called twice.

        Reports that it collects before it logs them tell of a leak as ours do.
        """
        suite.write(
            conftest="""
            import pytest
            from _pytest.runner import runtestprotocol

            CALLS = []

            @pytest.hookimpl(tryfirst=True)
            def pytest_runtest_protocol(item, nextitem):
                if "theirs" in item.name:
                    for report in runtestprotocol(item, nextitem=nextitem, log=False):
                        item.ihook.pytest_runtest_logreport(report=report)
                    return True

            class Wrapper:
                @pytest.hookimpl(wrapper=True)
                def pytest_runtest_protocol(self, item):
                    CALLS.append(item.name)
                    return (yield)

            def pytest_configure(config):
                config.pluginmanager.register(Wrapper())

            def pytest_unconfigure():
                print("wrapped", CALLS)
            """
        )
        result = suite.run(
            """
            def test_theirs(assert_collected): keep(assert_collected(Thing()))
            def test_ours(assert_collected): keep(assert_collected(Thing()))
            """
        )

        result.assert_outcomes(failed=2)
        result.stdout.fnmatch_lines(["*wrapped [[]'test_theirs', 'test_ours'[]]"])

    def test_what_another_plugin_raises_is_shown_without_ours(self, suite):
        """Where an error comes from no file of a test's, pytest shows all that it passed through but itself."""
        suite.write(
            conftest="""
            import pytest

            def fail(phase, item):
                if phase in item.name:
                    raise RuntimeError(phase)

            def pytest_runtest_setup(item): fail("setup", item)
            def pytest_runtest_call(item): fail("call", item)
            def pytest_runtest_teardown(item): fail("teardown", item)
            def pytest_fixture_setup(request): fail("fixture", request.node)
            """
        )
        source = "\n".join(
            f"def test_{name}(assert_collected): pass" for name in ("setup", "call", "teardown", "fixture")
        )
        result = suite.run(source)

        assert result.parseoutcomes() == {"passed": 1, "failed": 1, "errors": 3}
        assert not suite.lines_of(result, "verdict.py")


class TestBystanders:
    """What is known of plugins by name, on plugins that have their ways; `make integrations` takes the real ones."""

    def test_a_second_run_is_not_measured(self, suite):
        """Neither by pytest-memray, nor by pytest-benchmark, whose fixture is no suspect though its table keeps it."""
        suite.write(
            conftest="""
            import types
            import pytest

            RUNS = []

            class Memray:
                @pytest.hookimpl(hookwrapper=True)
                def pytest_pyfunc_call(self, pyfuncitem):
                    RUNS.append(pyfuncitem.name)
                    yield

            def pytest_configure(config):
                config._benchmarksession = types.SimpleNamespace(benchmarks=[])
                config.pluginmanager.register(Memray(), "memray_manager")

            def pytest_unconfigure(config):
                print("measured", len(config._benchmarksession.benchmarks), "run", *RUNS)

            @pytest.fixture
            def benchmark(request):
                measured = type("BenchmarkFixture", (), {"__module__": "pytest_benchmark.fixture"})()
                request.config._benchmarksession.benchmarks.append(measured)
                return measured
            """
        )
        result = suite.run(
            "def test_leak(benchmark): keep(Thing())\ndef test_fine(benchmark): pass\n", "--leakcheck", "-v"
        )

        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(["*measured 2 run test_leak test_fine"])
        assert not suite.lines_of(result, "test_fine", "second")

    def test_a_fixture_that_tests_leave_as_it_is_forbids_no_second_run(self, suite):
        """One that the plugin defines under a name that is known, overridden or not, and none that only goes by it."""
        suite.write(
            conftest="""
            import pytest

            def qapp(): return object()
            qapp.__module__ = "pytestqt.plugin"
            qapp = pytest.fixture(scope="session")(qapp)

            @pytest.fixture(scope="session")
            def worker_id(): return object()
            """
        )
        result = suite.run(
            """
            LEFT, RIGHT = [], []

            @pytest.fixture(scope="session")
            def qapp(qapp): return qapp

            def test_steady(qapp): LEFT.append(Thing())

            def test_own(worker_id): RIGHT.append(Thing())
            """,
            "--leakcheck",
        )

        result.assert_outcomes(passed=1, failed=1)
        assert suite.lines_of(result, "LEAKED test_it.py::test_steady")

    def test_a_report_that_another_plugin_turned_is_left_as_it_is(self, suite):
        """A test that fails by a limit of theirs has failed of itself."""
        suite.write(
            conftest="""
            import pytest

            @pytest.hookimpl(hookwrapper=True)
            def pytest_runtest_makereport(item, call):
                report = (yield).get_result()
                if call.when == "call":
                    report.outcome, report.longrepr = "failed", "took too much"
            """
        )
        result = suite.run("def test_leak(assert_collected): keep(assert_collected(Thing()))\n")

        result.assert_outcomes(failed=1)
        assert suite.lines_of(result, "took too much")
        assert not suite.lines_of(result, "LEAKED")

    def test_a_report_that_another_plugin_makes_anew_tells_of_the_leak(self, suite):
        """As the one that was logged does."""
        suite.write(
            conftest="""
            def pytest_exception_interact(node, call, report):
                again = node.ihook.pytest_runtest_makereport(item=node, call=call)
                with open("again.txt", "w") as file:
                    file.write(again.longreprtext.partition("\\n")[0])
            """
        )
        result = suite.run("def test_leak(assert_collected): keep(assert_collected(Thing()))\n")

        result.assert_outcomes(failed=1)
        assert suite.take_lines("again.txt") == ["LEAKED  1 object that should be gone is still alive"]

    def test_the_runner_of_anyio_lets_go_before_a_verdict(self, suite):
        """On trio, where it runs what it is given at once, and not from within a task."""
        result = suite.run(
            """
            import sys
            import types
            import anyio._backends._asyncio
            import anyio.pytest_plugin

            TRIO = types.SimpleNamespace(lowlevel=types.SimpleNamespace(in_trio_task=lambda: IS_WITHIN))
            IS_WITHIN = False

            class Runner:
                held = None
                def _call_in_runner_task(self, func):
                    func().close()
                    self.held = None

            @pytest.mark.parametrize("is_within", [False, True])
            def test_it(assert_collected, is_within):
                global IS_WITHIN
                IS_WITHIN = is_within
                sys.modules["trio"] = TRIO
                anyio.pytest_plugin._current_runner = runner = Runner()
                runner.held = assert_collected(Thing())
            """
        )

        result.assert_outcomes(passed=1, failed=1)
        assert suite.lines_of(result, "._current_runner", "Runner")
