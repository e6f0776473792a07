"""The plugin does not interfere: no hooks where nothing is asked for, and the collector as it was."""

import sys

import pytest

COUNTING = """
import functools

CALLS = {}

def pytest_configure(config):
    for plugin in config.pluginmanager.get_plugins():
        count_hooks_of(plugin, config.pluginmanager)

def pytest_plugin_registered(plugin, manager):
    count_hooks_of(plugin, manager)

def count_hooks_of(plugin, manager):
    for caller in manager.get_hookcallers(plugin) or []:
        for impl in caller.get_hookimpls():
            if impl.plugin is plugin and impl.function.__module__.startswith("pytest_leakcheck"):
                if not hasattr(impl.function, "is_counted"):
                    impl.function = counted(caller.name, impl.function)

def counted(name, function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        CALLS[name] = CALLS.get(name, 0) + 1
        return function(*args, **kwargs)
    call.is_counted = True
    return call

def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        print("counted:", sum(CALLS.values()), sorted(CALLS.items()))
    else:
        with open("worker-calls", "a") as file:
            file.write(f"{sum(CALLS.values())}\\n")
"""


class TestNothingAskedFor:
    def test_no_hook_of_ours_runs_per_test(self, suite):
        """Thirty tests call no hook of the plugin oftener than three do; asked for, the same count sees them all."""
        suite.write(conftest=COUNTING)
        counts = []
        for number, option in ((3, "-q"), (30, "-q"), (30, "--leakcheck")):
            result = suite.run(
                f"@pytest.mark.parametrize('n', range({number}))\ndef test_it(n, tmp_path): pass\n", option
            )
            result.assert_outcomes(passed=number)
            (line,) = suite.lines_of(result, "counted:")
            counts.append(int(line.split()[1]))

        few, many, asked = counts
        assert few == many
        assert 0 < many <= 10
        assert asked > 30 * 4

    def test_no_hook_of_ours_runs_per_test_in_workers(self, suite):
        """Under xdist the controller alone looks at each report."""
        suite.write(conftest=COUNTING)
        counts = []
        for number in (4, 30):
            source = f"@pytest.mark.parametrize('n', range({number}))\ndef test_it(n): pass\n"
            suite.run(source, "-n2", uses="xdist").assert_outcomes(passed=number)
            counts.append((suite.path / "worker-calls").read_text().split())
            (suite.path / "worker-calls").unlink()

        assert counts[0] == counts[1]
        assert all(0 < int(count) <= 10 for count in counts[1])

    def test_the_output_is_that_of_a_run_without_the_plugin(self, suite):
        """Nothing is printed but the plugin's name in the header."""

        def run(*options):
            result = suite.run("def test_it(): pass\ndef test_fails(): assert 0\n", *options)
            return [line for line in result.outlines if not line.startswith(("plugins:", "===="))]

        assert run() == run("-p", "no:leakcheck")

    def test_nothing_is_loaded_that_finds_or_tells_leaks(self, suite):
        """A run costs what reading the options and markers takes: 20 ms, where all of it takes 70 (CPython 3.11)."""
        suite.write(
            conftest="""
            import sys

            def pytest_unconfigure(config):
                print("loaded:", *sorted(name for name in sys.modules if name.startswith("pytest_leakcheck.")))
            """
        )
        suite.write(test_it="def test_it(): pass")
        result = suite.pytester.run(sys.executable, "-m", "pytest")

        loaded = next(line.split()[1:] for line in result.outlines if line.startswith("loaded: "))
        rooms = ("checking", "explaining", "heap", "isolating", "patterns", "render", "reporting", "search", "watching")
        found = [name for name in loaded if name.split(".")[1] in (*rooms, "baseline", "model")]
        assert found == ["pytest_leakcheck.checking", "pytest_leakcheck.checking.plan"]


class TestCollector:
    SOURCE = """
    import gc
    import sys

    BEFORE = []

    def state():
        return gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.get_freeze_count()

    CALLBACKS = list(gc.callbacks)

    def show():
        is_same = (state(), gc.callbacks) == (BEFORE[0], CALLBACKS)
        print("collector", "same" if is_same else f"{BEFORE[0]} became {state()} {gc.callbacks}")

    __import__("atexit").register(show)

    @pytest.fixture(scope="session", autouse=True)
    def before():
        gc.set_debug(gc.DEBUG_UNCOLLECTABLE)
        gc.set_threshold(500, 5, 5)
        gc.disable()
        BEFORE.append(state())

    pytestmark = pytest.mark.no_leak(instances_of=Thing)

    def test_passes(assert_collected): assert_collected(Thing())

    def test_leaks(): keep(Thing())

    def test_registered(assert_collected): keep(assert_collected(Thing()))

    def test_skips(): pytest.skip("no")

    def test_mid(assert_collected):
        assert_collected.instances_of(Thing)
        assert_collected.now()

    def test_same(): assert state() == BEFORE[0]

    def test_ends(request): pass
    """

    @pytest.mark.parametrize(
        ("end", "options"),
        [
            ("pass", []),
            ("pass", ["--leakcheck"]),
            ("raise KeyboardInterrupt", []),
            ("pytest.exit('enough')", []),
            ("request.addfinalizer(lambda: pytest.exit('enough'))", []),
            ("assert 0", ["-x"]),
            ("pass", ["-x"]),
        ],
    )
    def test_its_state_is_the_same_after_the_run(self, suite, end, options):
        """Switch, thresholds, flags, callbacks and freeze count, however the run ends."""
        source = self.SOURCE.replace("def test_ends(request): pass", f"def test_ends(request): {end}")

        result = suite.run(source, "-s", "-p", "no:cacheprovider", *options)

        assert suite.lines_of(result, "collector") == ["collector same"]
        assert "INTERNALERROR" not in result.stdout.str()

    def test_what_was_held_back_is_told_when_the_run_is_interrupted(self, suite):
        """The report of a call whose teardown ends the run is not lost."""
        result = suite.run(
            """
            @pytest.mark.no_leak(instances_of=Thing)
            def test_it(request):
                request.addfinalizer(lambda: pytest.exit("enough"))
            """
        )

        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["*Exit: enough*"])

    def test_a_pytest_that_tears_down_in_another_way_is_no_reason_not_to_check(self, suite):
        """Without the method that the verdict relies on, it comes after the whole teardown."""
        suite.write(
            conftest="""
            import pytest
            from _pytest.runner import SetupState

            original = SetupState.teardown_exact
            del SetupState.teardown_exact

            @pytest.hookimpl(tryfirst=True)
            def pytest_runtest_teardown(item, nextitem):
                original(item.session._setupstate, nextitem)

            def pytest_configure(config):
                runner = config.pluginmanager.get_plugin("runner")
                for hook in (config.hook.pytest_runtest_teardown, config.hook.pytest_sessionfinish):
                    hook._remove_plugin(runner)
            """
        )
        result = suite.run(
            """
            def test_leak(assert_collected): keep(assert_collected(Thing()))
            def test_fine(assert_collected): assert_collected(Thing())
            """
        )

        result.assert_outcomes(passed=1, failed=1)

    def test_a_fault_of_the_check_breaks_no_run(self, suite):
        """It is told in yellow at the end; what was registered is judged, and the wider fixtures are torn down."""
        suite.write(
            conftest="""
            from pytest_leakcheck.checking.check import Check

            def judge(*arguments, **options):
                raise ZeroDivisionError("division by zero")

            Check.judge = judge
            """
        )
        result = suite.run(
            """
            @pytest.fixture(scope="module")
            def server():
                yield
                print("server is down")

            def test_it(assert_collected, server): keep(assert_collected(Thing()))
            """,
            "-s",
        )

        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                "*server is down",
                "leakcheck: not checked to its end, by a fault *: test_it.py::test_it: ZeroDivisionError: *",
            ]
        )
