"""What goes wrong amid a check: the run goes on, the verdict stands, and what could not be told is said."""

import errno
import re
import subprocess
import sys
import textwrap
import time
import types
from pathlib import Path

import pytest

import leaks
from pytest_leakcheck import baseline, describe
from pytest_leakcheck.runtime import files
from pytest_leakcheck.runtime.addresses import has_generations

TOLD = "leakcheck: not checked to its end, by a fault of the plugin or of what came in between: "
LEAKY = """
def test_registered(assert_collected): keep(assert_collected(Thing()))
def test_own(): keep(Thing())
def test_fine(assert_collected): assert_collected(Thing())
"""
CYCLES = """
import gc

@pytest.mark.no_leak(instances_of=Thing, by_refcount=True)
def test_cycles():
    for number in range(2):
        thing = Thing()
        thing.itself = thing
        del thing
        if not number:
            gc.collect()
"""
forks = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
alarms = pytest.mark.skipif(not hasattr(__import__("signal"), "setitimer"), reason="needs timers")


def breaking(where, error, times=1):
    """Return the source of a ``conftest.py`` with which a function of ours raises `error` at its first calls."""
    module, _, name = where.partition(":")
    owner, _, attribute = name.rpartition(".")
    return f"""
        import importlib
        owner = importlib.import_module("pytest_leakcheck.{module}")
        for part in {owner!r}.split(".") if {owner!r} else ():
            owner = getattr(owner, part)
        real, left = getattr(owner, {attribute!r}), [{times}]

        def broken(*arguments, **more):
            if not left[0]:
                return real(*arguments, **more)
            left[0] -= 1
            raise {error}("by the test")

        setattr(owner, {attribute!r}, broken)
    """


def has_no_traceback_of_ours(result):
    """Tell whether nothing of the plugin's source is shown."""
    lines = [line for line in [*result.outlines, *result.errlines] if not line.startswith("leakcheck: ")]
    return not any(re.search(r"INTERNALERROR|Traceback|(?<!\()pytest_leakcheck/", line) for line in lines)


class TestErrorsOfTheInterpreter:
    def test_one_that_befalls_many_tests_is_told_once(self, suite):
        """With the first of them, and how many more there are; -v names each."""
        suite.write(conftest=breaking("checking.check:Check.gather", "RuntimeError", times=100))
        result = suite.run(
            """
            @pytest.mark.parametrize("number", range(12))
            def test_it(number): pass
            """,
            "--leakcheck",
        )

        result.assert_outcomes(passed=12)
        (line,) = suite.lines_of(result, TOLD)
        assert line.startswith(f"{TOLD}test_it.py::test_it[0] and 11 tests more: RuntimeError: by the test")
        assert len(suite.lines_of(suite.run("", "--leakcheck", "-v"), TOLD)) == 12

    @pytest.mark.parametrize(
        ("where", "error"),
        [("explaining.explain:find_paths", "MemoryError"), ("explaining.explain:name_links", "RecursionError")],
    )
    def test_in_a_search_the_leak_is_told_without_its_chain(self, suite, where, error):
        """The object is alive all the same."""
        suite.write(conftest=breaking(where, error, times=100))
        result = suite.run(LEAKY, "--leakcheck")

        result.assert_outcomes(passed=1, failed=2)
        (line, *_) = suite.lines_of(result, "chain unavailable")
        assert line == f"  chain unavailable: the search ended with {error}: by the test"
        assert has_no_traceback_of_ours(result)

    @pytest.mark.parametrize(
        ("where", "error", "failed"),
        [
            ("watching.watch:Watch.settle", "MemoryError", 2),
            ("checking.check:Check.gather", "MemoryError", 2),
            ("checking.check:Check.may_leave_any", "MemoryError", 2),
            ("checking.confirm:Confirmation.judge", "RecursionError", 2),
            ("running.judging:why_not_repeatable", "RecursionError", 1),
            ("running.judging:completed", "MemoryError", 2),
            ("watching.census:Census.start", "MemoryError", 2),
            ("watching.census:Census.stop", "MemoryError", 2),
        ],
    )
    def test_elsewhere_in_the_check_what_was_registered_is_judged_all_the_same(self, suite, where, error, failed):
        """What could not be judged for the fault is told at the end; the tests after it are checked in full."""
        source = "def test_before(): keep(Thing())\n" + LEAKY if "confirm" in where else LEAKY
        suite.write(conftest=breaking(where, error))
        result = suite.run(source, "--leakcheck")

        assert result.parseoutcomes()["failed"] == failed
        (line,) = suite.lines_of(result, TOLD)
        assert f"{error}: by the test (suite/conftest.py:" in line
        assert has_no_traceback_of_ours(result)

    @pytest.mark.parametrize("call", ["instances_of(Thing)", "now()"])
    def test_a_check_amid_the_test_breaks_none(self, suite, call):
        """It is told at the end, and what lives is judged all the same."""
        suite.write(conftest=breaking("checking.check:Check.gather", "MemoryError"))
        result = suite.run(
            f"def test_it(assert_collected):\n    assert_collected.{call}\n    keep(assert_collected(Thing()))"
        )

        result.assert_outcomes(failed=1)
        assert suite.lines_of(result, "LEAKED  1 object that should be gone is still alive")
        (line,) = suite.lines_of(result, TOLD)
        assert "MemoryError: by the test (suite/conftest.py:" in line

    def test_a_check_that_fails_each_time_tells_of_what_lives(self, suite):
        """What was registered and is alive is a leak, found without a search."""
        suite.write(conftest=breaking("checking.check:Check._settle", "MemoryError", times=100))
        result = suite.run(LEAKY, "--leakcheck")

        result.assert_outcomes(passed=2, failed=1)
        assert suite.lines_of(result, "  chain unavailable: the check ended with MemoryError: by the test")
        (line,) = suite.lines_of(result, TOLD)
        assert "::test_registered and 1 test more: MemoryError" in line
        assert has_no_traceback_of_ours(result)

    @pytest.mark.parametrize(
        "conftest",
        [
            "import tracemalloc\ntracemalloc.start = lambda *_: 1 / 0\n",
            breaking("watching.watch:Watch.tell_origin", "MemoryError", 9),
        ],
        ids=["tracing", "asking"],
    )
    def test_where_the_line_that_made_an_object_can_not_be_had_it_is_left_out(self, suite, conftest):
        """The leak of what nobody registered is told without it."""
        suite.write(conftest=conftest)
        result = suite.run("def test_own(): keep(Thing())\n", "--leakcheck")

        result.assert_outcomes(failed=1)
        assert "  test_it.Thing  made during the test" in result.outlines
        assert not suite.lines_of(result, TOLD)

    def test_a_cycle_that_can_not_be_looked_at_is_told_without_its_links(self, suite):
        """That it waited for the collector is known all the same."""
        suite.write(conftest=breaking("explaining.cyclic:look", "MemoryError", times=100))
        result = suite.run(CYCLES)

        result.assert_outcomes(failed=1)
        assert "LEAKED  2 objects that should die at once wait for the cycle collector" in result.outlines
        (line,) = suite.lines_of(result, "chain unavailable")
        assert line == "  chain unavailable: the collector freed it before its cycle could be looked at"
        assert has_no_traceback_of_ours(result)

    def test_one_that_was_looked_at_tells_of_those_of_its_class_that_were_not(self, suite):
        """They are taken for one leak, with the links of that one."""
        suite.write(conftest=breaking("explaining.cyclic:look", "MemoryError"))
        result = suite.run(CYCLES)

        result.assert_outcomes(failed=1)
        assert "LEAKED  2 objects that should die at once wait for the cycle collector" in result.outlines
        assert suite.lines_of(result, ".itself", "where it began")
        assert not suite.lines_of(result, "chain unavailable")

    def test_it_tells_of_none_of_another_class(self, suite):
        """What made that wait may be another cycle."""
        suite.write(conftest=breaking("explaining.cyclic:look", "MemoryError"))
        result = suite.run(
            """
            import gc

            class Other: pass

            @pytest.mark.no_leak(instances_of=[Thing, Other], by_refcount=True)
            def test_cycles():
                for kind in (Other, Thing, Other):
                    thing = kind()
                    thing.itself = thing
                    del thing
                    if kind is Other:
                        gc.collect()
            """
        )

        result.assert_outcomes(failed=1)
        told = [line for line in result.outlines if "made during the test" in line]
        assert told == ["  test_it.Thing  made during the test", "  test_it.Other × 2  made during the test"]

    def test_what_can_not_be_told_at_the_end_is_no_reason_to_fail(self, suite):
        """Whether names fitted classes is one of the lines there, and says so."""
        suite.write(conftest=breaking("reporting.unmatched:all_classes", "MemoryError", 9))
        named = '@pytest.mark.no_leak(instances_of="test_it.T*")\ndef test_named(): Thing()\n'
        result = suite.run(LEAKY + named, "--leakcheck")

        result.assert_outcomes(passed=2, failed=2)
        assert suite.lines_of(result, "leakcheck: whether names fitted classes can't be told: MemoryError: by the test")
        assert has_no_traceback_of_ours(result)

    @pytest.mark.parametrize(
        ("where", "error"),
        [
            ("watching.census:Census.start", "MemoryError"),
            ("watching.census:Census.stop", "MemoryError"),
            ("watching.census:Census.resume", "RecursionError"),
            ("wider.scopes:Scopes._look", "RecursionError"),
        ],
    )
    def test_around_a_wider_fixture_the_tests_keep_their_outcomes(self, suite, where, error):
        """A fixture is set up and torn down, whatever becomes of its check."""
        suite.write(conftest=breaking(where, error, times=100))
        result = suite.run(
            """
            @pytest.fixture(scope="module")
            def server():
                keep(Thing())
                yield 1
                print("server is down")

            def test_it(server, tmp_path): assert server == 1
            """,
            "--leakcheck",
            "-s",
        )

        result.assert_outcomes(passed=1)
        assert suite.lines_of(result, "server is down")
        assert suite.lines_of(result, f"{error}: by the test")
        assert has_no_traceback_of_ours(result)


@pytest.mark.skipif(sys.platform != "linux", reason="sets a limit as Linux counts it")
def test_where_memory_is_short_the_verdicts_stand(suite, monkeypatch):
    """What was registered fails its test, with or without its chain, and nobody else's does."""
    # Not measured: coverage 7's tracer takes memory for each line, and the interpreter dies in it (CPython 3.11.7).
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    result = suite.run(
        """
        import resource
        HEAP = [[number] for number in range(400_000)]

        @pytest.fixture(scope="module", autouse=True)
        def short():
            with open("/proc/self/statm") as file:
                size = int(file.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size, -1))
            yield
            resource.setrlimit(resource.RLIMIT_AS, (-1, -1))

        def test_registered(assert_collected): HEAP[200_000].append([[assert_collected(Thing())]])
        def test_own(): HEAP[300_000].append(Thing())
        def test_fine(assert_collected): assert_collected(Thing())
        """,
        "--leakcheck",
        "-v",
    )

    outcomes = dict(line.split()[:2] for line in suite.lines_of(result, "test_it.py::test_", "%]"))
    assert outcomes["test_it.py::test_registered"] == "LEAKED"
    assert outcomes["test_it.py::test_fine"] == "PASSED"
    assert outcomes["test_it.py::test_own"] == "LEAKED" or suite.lines_of(result, TOLD, "test_own")
    assert has_no_traceback_of_ours(result)


IMPORTING = """
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None): raise RuntimeError(f"no import of {{name}}")

@pytest.fixture(scope="session", autouse=True)
def imports():
    {what}
    yield
"""


@pytest.mark.parametrize(
    "what",
    [
        "sys.meta_path.insert(0, Refusing())",
        "sys.path[:] = sys.path_hooks[:] = []",
        "sys.path = None",
    ],
)
def test_import_hooks_that_fail_break_no_check(suite, monkeypatch, what):
    """The plugin imports its parts by what was there before the tests, and leaves the user's hooks as they are."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # which can't do without a path
    (suite.path / "known.txt").write_text("")
    options = (
        "--leakcheck",
        "--leakcheck-json=leaks.json",
        "--leakcheck-graph=pictures",
        "--leakcheck-baseline=known.txt",
    )
    cyclic = "\ndef test_cyclic(assert_collected):\n  a = assert_collected(Thing(), by_refcount=True)\n  a.a = a\n"
    result = suite.run(IMPORTING.format(what=what) + LEAKY + cyclic, *options)

    result.assert_outcomes(passed=1, failed=3)
    assert len(suite.lines_of(result, ".KEPT")) >= 2
    assert not suite.lines_of(result, "not checked")
    assert (suite.path / "leaks.json").exists()
    assert has_no_traceback_of_ours(result)


class TestModules:
    MODULES = """
    import sys, types

    class Lazy(types.ModuleType):
        def __getattribute__(self, name): raise ModuleNotFoundError(f"nothing to import for {name}")

    class Evil:
        __hash__ = None
        def __getattr__(self, name): raise RuntimeError(name)
        def __eq__(self, other): raise RuntimeError("eq")
        def __bool__(self): raise RuntimeError("bool")

    half = types.ModuleType.__new__(types.ModuleType)
    sys.modules.update({"none": None, "number": 3, "evil": Evil(), "lazy": Lazy("lazy"), "kind": Evil, "half": half})
    sys.modules[3] = types.ModuleType("three")
    """

    def test_what_else_is_in_sys_modules_costs_no_verdict(self, suite):
        """None, numbers, classes, what is half made, keys that are no text, and modules that import when asked."""
        source = """
            @pytest.fixture(scope="module")
            def server(): return Thing()

            def test_named(assert_collected):
                assert_collected.instances_of("nowhere.Thing", "test_it.Thing")
                keep(Thing())

            def test_server(server): pass
        """
        options = ("--leakcheck", "--leakcheck-json=leaks.json")
        result = suite.run(textwrap.dedent(self.MODULES) + textwrap.dedent(source) + LEAKY, *options)

        result.assert_outcomes(passed=2, failed=3)
        assert not suite.lines_of(result, "not checked")
        assert has_no_traceback_of_ours(result)

    @pytest.mark.parametrize("name", ["lazy.Thing", "evil.Thing", "half.Thing"])
    def test_a_class_that_is_named_by_one_is_told_to_be_missing(self, suite, name):
        """As in any module that has it not: an error of that test, in one line."""
        source = f"""
            @pytest.mark.no_leak(instances_of={name!r})
            def test_it(): pass
        """
        suite.write(conftest=self.MODULES)
        result = suite.run(textwrap.dedent(source))

        result.assert_outcomes(errors=1)
        assert suite.lines_of(result, f"instances_of: the module {name.partition('.')[0]} has no Thing")
        assert has_no_traceback_of_ours(result)


@forks
class TestReplaced:
    """Functions of the interpreter that a test has replaced until its teardown, or a class until its own."""

    def test_another_number_of_the_process_is_no_other_process(self, suite):
        """All tests are checked, and the end of the run tells so."""
        result = suite.run(
            """
            import os, unittest
            from unittest import mock

            class TestFaked(unittest.TestCase):
                @classmethod
                def setUpClass(cls):
                    faked = mock.patch.object(os, "getpid", return_value=42)
                    faked.start()
                    cls.addClassCleanup(faked.stop)

                def test_it(self): assert os.getpid() == 42

            def test_after_it(assert_collected): keep(assert_collected(Thing()))

            @pytest.fixture(scope="session")
            def faked():
                with mock.patch("os.getpid", return_value=42):
                    yield

            def test_amid_it(faked, assert_collected): keep(assert_collected(Thing()))
            """,
            "--leakcheck",
        )

        result.assert_outcomes(passed=1, failed=2)
        assert suite.lines_of(result, "leakcheck:", "1 leak in 2 tests")

    @pytest.mark.parametrize("name", ["id", "map", "max", "set", "zip"])
    def test_a_builtin_that_the_test_may_not_use(self, suite, name):
        """It has the outcome that it has without the plugin, and is checked."""
        source = f"""
            import builtins

            def test_it(monkeypatch, assert_collected):
                keep(assert_collected(Thing()))
                def refuse(*_, **__): raise AssertionError
                monkeypatch.setattr(builtins, {name!r}, refuse)

            def test_after_it(): pass
        """

        result = suite.run(source)

        assert suite.lines_of(result, "LEAKED test_it.py::test_it")
        result.assert_outcomes(passed=1, failed=1)

    def test_what_a_fixture_puts_in_the_place_of_the_collectors_functions_is_not_called(self, suite):
        """Neither are outcomes other ones, nor is a leak missed or a cycle taken for one."""
        result = suite.run(
            """
            import gc
            from unittest import mock

            NAMES = ["collect", "disable", "get_count", "get_objects", "get_referents", "get_referrers", "get_stats"]

            @pytest.fixture(scope="module", autouse=True, params=[name for name in NAMES if hasattr(gc, name)])
            def refusing(request):
                with mock.patch.object(gc, request.param, side_effect=RuntimeError):
                    yield

            def test_leak(): keep(Thing())

            def test_cycle(assert_collected):
                thing = assert_collected(Thing())
                thing.itself = thing
            """,
            "--leakcheck",
        )

        number = len([line for line in result.outlines if line.startswith("LEAKED test_it.py::test_leak[")])
        assert number >= 4
        result.assert_outcomes(failed=number, passed=number)

    @pytest.mark.skipif(not has_generations(), reason="here no collection is listened to")
    def test_where_the_census_can_not_go_on_amid_a_test_that_is_told(self, suite):
        """As with a builtin replaced while the collector runs: what was new by then is not known."""
        result = suite.run(
            """
            import builtins, gc

            def test_it(monkeypatch):
                keep(Thing())
                with monkeypatch.context() as patch:
                    patch.setattr(builtins, "map", lambda *_: 1 / 0)
                    gc.collect()
            """,
            "--leakcheck",
        )

        result.assert_outcomes(passed=1)
        assert suite.lines_of(result, "test_it: an error amid the test kept new objects from being counted")


class TestFork:
    def test_a_child_that_ends_is_no_part_of_the_run(self, suite):
        """As those of multiprocessing: what it made is judged by nobody, and the parent's verdict is its own."""
        result = suite.run(
            """
            import os, multiprocessing, time

            def work():
                KEPT.extend(Thing() for _ in range(10_000))

            def test_forks(assert_collected):
                pid = os.fork()
                if not pid:
                    keep(assert_collected(Thing()))
                    os._exit(3)
                assert os.waitpid(pid, 0)[1] == 3 << 8

            def test_multiprocessing(assert_collected):
                process = multiprocessing.get_context("fork").Process(target=work)
                process.start()
                process.join(20)
                assert process.exitcode == 0
                assert_collected(Thing())

            def test_leaks_after_it(assert_collected):
                pid = os.fork() or os._exit(0)
                os.waitpid(pid, 0)
                keep(assert_collected(Thing()))
            """,
            "--leakcheck",
            "-W",
            "ignore::DeprecationWarning",
        )

        result.assert_outcomes(passed=2, failed=1)
        assert len(suite.lines_of(result, "leakcheck: ")) == 1

    def test_a_child_that_runs_on_checks_and_writes_nothing(self, suite):
        """It falls out of the test by an error, as if it were the run: pytest's lines come twice, ours do not."""
        result = suite.run(
            """
            import os

            def test_forks(assert_collected):
                keep(assert_collected(Thing()))
                pid = os.fork()
                if not pid:
                    return
                os.waitpid(pid, 0)

            def test_next(): keep(Thing())
            """,
            "--leakcheck",
            "--leakcheck-json=leaks.json",
            "--leakcheck-baseline=known.txt",
            "--leakcheck-update-baseline",
            "-W",
            "ignore::DeprecationWarning",
        )

        assert len(suite.lines_of(result, "leakcheck: ")) == 2
        assert len(suite.lines_of(result, "known.txt lists 1 leak: 1 new, 0 kept, 0 removed")) == 1
        assert suite.lines_of(result, "2 passed")


def test_what_a_fixture_forbids_all_tests_is_not_asked_by_the_check(suite):
    """Such as to open files; what it needs of its own it loads by other ways than pytest's."""
    result = suite.run(
        """
        from unittest import mock

        def refuse(*_, **__): raise AssertionError("not in a unit test")

        @pytest.fixture(scope="session", autouse=True)
        def no_files():
            with mock.patch("builtins.open", refuse), mock.patch("os.path.exists", refuse): yield

        def test_it(): keep(Thing())
        """,
        "--leakcheck",
    )

    result.assert_outcomes(failed=1)
    assert not suite.lines_of(result, TOLD)


@alarms
class TestSignals:
    RING = """
    import signal, time
    from pytest_leakcheck.watching import watch

    def ring(*_): raise {error}("time is over")

    @pytest.fixture(autouse=True)
    def alarm():
        signal.signal(signal.SIGALRM, ring)
        yield
        real = watch.Watch.settle
        def settle(*arguments):
            watch.Watch.settle = real
            signal.raise_signal(signal.SIGALRM)
            return real(*arguments)
        watch.Watch.settle = settle
    """

    def test_a_handler_that_raises_amid_a_verdict_costs_none(self, suite):
        """Its error is told with the line that raised it, and the object judged anew."""
        result = suite.run(textwrap.dedent(self.RING.format(error="TimeoutError")) + LEAKY)

        result.assert_outcomes(passed=2, failed=1)
        (line,) = suite.lines_of(result, TOLD)
        assert line.endswith("::test_registered: TimeoutError: time is over (suite/test_it.py:19)")
        assert suite.lines_of(result, ".KEPT")
        assert has_no_traceback_of_ours(result)

    def test_what_pytest_takes_for_an_outcome_is_the_teardowns(self, suite):
        """As without the plugin, where it comes a moment later; the call keeps its own outcome."""
        result = suite.run(textwrap.dedent(self.RING.format(error="pytest.fail.Exception")) + LEAKY)

        result.assert_outcomes(passed=3, errors=1)
        assert "INTERNALERROR" not in result.stdout.str()

    def test_ctrl_c_amid_a_verdict_ends_the_run(self, suite):
        """At once, with the report of the call that was held back; nothing is judged after it."""
        source = textwrap.dedent(self.RING.format(error="KeyboardInterrupt")) + LEAKY
        result = suite.run(source, "--leakcheck")

        assert result.ret == pytest.ExitCode.INTERRUPTED
        result.assert_outcomes(passed=1)
        assert "INTERNALERROR" not in result.stdout.str()


class TestFinalizers:
    @pytest.mark.parametrize("error", ["ValueError(self)", "SystemExit(3)", "KeyboardInterrupt"])
    def test_one_that_raises_makes_no_leak(self, suite, error):
        """It is kept by pytest, which keeps the error, whose frame has the object, until it warns of it."""
        result = suite.run(
            f"""
            class Raises:
                def __init__(self): self.itself = self
                def __del__(self): raise {error}

            def test_registered(assert_collected): assert_collected(Raises())
            def test_own(): Raises()
            def test_leak(assert_collected):
                Raises()
                keep(assert_collected(Thing()))
            """,
            "--leakcheck",
        )

        result.assert_outcomes(passed=2, failed=1, warnings=result.parseoutcomes().get("warnings", 0))
        assert suite.lines_of(result, "LEAKED test_it.py::test_leak ")
        assert "INTERNALERROR" not in result.stdout.str()

    def test_reports_can_be_had_while_the_interpreter_ends(self):
        """From a function of atexit, and from a finalizer that runs when modules are gone."""
        text = leaks.run_script(
            textwrap.dedent("""
            import atexit, sys, types
            from pytest_leakcheck import LeakError, no_leak, why_alive

            class Thing: ...

            class Late:
                def __del__(self):
                    print(str(why_alive(KEPT[0])).splitlines()[0])

            KEPT = [Thing()]
            sys.modules["late"] = types.ModuleType("late")
            sys.modules["late"].last = Late()

            @atexit.register
            def end():
                try:
                    with no_leak(instances_of=Thing):
                        KEPT.append(Thing())
                except LeakError as error:
                    print(str(error).splitlines()[0])
            """)
        )

        assert text.splitlines() == ["LEAKED  1 object that should be gone is still alive", "ALIVE  __main__.Thing"]


CHANGING = """
import random, sys, threading, time, types
from pytest_leakcheck.explaining.explain import explain
from pytest_leakcheck.model import Survivor
sys.setswitchinterval(1e-6)
app = sys.modules["app"] = types.ModuleType("app")
class Thing: pass
app.TABLE, app.HOLDER, stop = {number: [Thing()] for number in range(2000)}, Thing(), []
def change(seed):
    pick = random.Random(seed).randrange
    while not stop:
        for names, make in ((app.TABLE, list), (vars(app.HOLDER), Thing), (vars(app), dict), (sys.modules, Thing)):
            key = pick(4000) if names is app.TABLE else f"a{pick(300)}"
            names[key] = [make()]
            names.pop(pick(4000) if names is app.TABLE else f"a{pick(300)}", None)
        type(f"Kind{pick(100)}", (Thing,), {})
for seed in range(3): threading.Thread(target=change, args=(seed,), daemon=True).start()
end = time.monotonic() + 2
while time.monotonic() < end:
    app.KEPT = {"key": [Thing()]}
    leak = explain([app.KEPT["key"][0]], [Survivor("Thing", "")])[0]
    assert leak.trace is not None, leak.unavailable
stop.append(1)
print(leak.trace.root.name)
"""


def test_threads_that_change_the_graph_stop_no_search():
    """Dicts, modules, classes and `sys.modules` change while they are walked."""
    assert leaks.run_script(CHANGING) == "app\n"


UPDATING = """
import sys, time
from pytest_leakcheck import baseline
number, start = int(sys.argv[1]), float(sys.argv[2])
seen = baseline.Seen()
for index in range(8):
    fingerprint = f"{number:04x}{index:08x}"
    seen.add("test_it.py::test_it", baseline.Sighting(fingerprint, ["shop.Thing"], "shop.KEPT", "", 0))
    time.sleep(max(0, start + index / 20 - time.time()))
    baseline.update("folder/known.txt", "known.txt", seen)
"""


def test_processes_that_update_a_baseline_at_once_lose_nothing(tmp_path):
    """Each finds what the others wrote, and the file is whole at any time."""
    start = str(time.time() + 1)
    calls = [[sys.executable, "-c", UPDATING, str(number), start] for number in range(4)]
    running = [subprocess.Popen(call, cwd=tmp_path) for call in calls]

    assert [process.wait(60) for process in running] == [0] * 4
    assert len(baseline.read(str(tmp_path / "folder" / "known.txt"), "").entries) == 4 * 8
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["known.txt"]


@pytest.mark.parametrize("lack", ["module", "locks"])
def test_without_locks_a_baseline_is_updated_all_the_same(tmp_path, monkeypatch, lack):
    """On Windows there are none, nor on some file systems."""

    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks")

    fake = types.SimpleNamespace(flock=refuse, LOCK_EX=2, LOCK_NB=4)
    monkeypatch.setattr(files, "fcntl", None if lack == "module" else fake)
    with files.updating(tmp_path / "folder" / "known.txt"):
        files.write(tmp_path / "folder" / "known.txt", "text")

    assert (tmp_path / "folder" / "known.txt").read_text() == "text"


def test_an_error_that_was_not_raised_has_no_line():
    """It is told by its type and message."""
    assert describe.fault_text(ValueError("by the test")) == "ValueError: by the test"


class TestPathsThatCanNotBeWritten:
    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
    @pytest.mark.parametrize("folder", ["/dev/full", "file/below"])
    def test_each_is_told_and_the_verdicts_stand(self, suite, folder):
        """A full disk, and a folder below a file."""
        (suite.path / "file").write_text("")
        result = suite.run(LEAKY, "--leakcheck", f"--leakcheck-graph={folder}", "--leakcheck-json=/dev/full")

        result.assert_outcomes(passed=1, failed=2)
        assert suite.lines_of(result, "leakcheck: /dev/full is not written: OSError: [Errno 28] No space left")
        assert suite.lines_of(result, "  Picture: none, as the folder can't be written to (")
        assert has_no_traceback_of_ours(result)

    @pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device without an end")
    def test_a_device_is_no_baseline(self, suite):
        """It may have no end: that is told at the start."""
        result = suite.run(LEAKY, "--leakcheck", "--leakcheck-baseline=/dev/zero")

        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert "ERROR: /dev/zero: a device, not a file" in result.stderr.str()

    def test_a_current_folder_that_is_gone_is_no_reason_to_fail(self, suite):
        """As where a test moved to a temporary one, and did not come back."""
        source = """
            import os, tempfile

            def test_moves():
                with tempfile.TemporaryDirectory() as folder:
                    os.chdir(folder)
        """
        options = ("--leakcheck", "--leakcheck-json=leaks.json", "--leakcheck-graph=pictures")
        result = suite.run(textwrap.dedent(source) + LEAKY, *options)

        result.assert_outcomes(passed=2, failed=2)
        assert suite.lines_of(result, "  Rerun: pytest test_it.py::test_registered --leakcheck")
        assert len(list((suite.path / "pictures").glob("*.dot"))) == 2
        assert (suite.path / "leaks.json").exists()
        assert has_no_traceback_of_ours(result)

    def test_a_baseline_that_is_spoiled_meanwhile_is_left_alone(self, suite):
        """Its lines make no sense at the end of the run: that is told, and nothing is written over them."""
        known = suite.path / "known.txt"
        known.write_text("")
        spoil = "def test_spoils(): __import__('pathlib').Path('known.txt').write_bytes(b'\\x00\\xff half a li')\n"
        options = ("--leakcheck", "--leakcheck-baseline=known.txt")
        result = suite.run(LEAKY + spoil, *options, "--leakcheck-update-baseline")

        result.assert_outcomes(passed=4)
        assert suite.lines_of(result, "leakcheck: known.txt is not written: known.txt: not text in UTF-8")
        assert known.read_bytes() == b"\x00\xff half a li"
        assert has_no_traceback_of_ours(result)
