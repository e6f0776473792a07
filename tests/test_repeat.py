"""The second run of a test: it tells leaks from initialisation, and nobody else can tell that it was."""

import re
import types
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pytest_leakcheck.checking.evidence import MOST_KEPT
from pytest_leakcheck.running.repeat import made_at
from pytest_leakcheck.running.sharing import why_not_repeatable

COUNT = """
def count(name):
    with open("runs.txt", "a") as file:
        file.write(name + "\\n")

"""


@pytest.fixture
def runs(suite):
    """Return how often each test was run since the last call."""
    suite.write(runs=COUNT)

    def read():
        names = suite.take_lines("runs.txt")
        return {name: names.count(name) for name in names}

    return read


SUSPECTS = """
import logging, sys, warnings
from runs import count

def suspect():
    Thing.slot = Thing()

@pytest.fixture
def client(request):
    print("client up")
    logging.warning("client log")
    yield
    print("client down")

def test_prints(client, record_property):
    count("prints")
    print("printed by the test")
    print("told by the test", file=sys.stderr)
    logging.warning("logged by the test")
    warnings.warn("warned by the test")
    record_property("colour", "red")
    suspect()

@pytest.mark.parametrize("n", [1, 2])
def test_parametrized(n):
    count("parametrized")
    Thing.slots = {**getattr(Thing, "slots", {}), n: Thing()}

def test_fails():
    count("fails")
    suspect()
    assert 0

def test_skips():
    count("skips")
    suspect()
    pytest.skip("no")

@pytest.mark.xfail
def test_xfails():
    count("xfails")
    suspect()
    assert 0

class TestThings:
    @pytest.fixture(autouse=True)
    def around(self): yield

    def test_self(self):
        count("self")
        self.thing = suspect()
"""


SUSPECTS_ALONE = """
@pytest.fixture
def client(): return 1

def test_it(client): Thing.slot = Thing()
"""


class TestInvisible:
    @pytest.mark.parametrize(
        "options",
        [
            ["-v"],
            ["-rA", "-v"],
            ["-vv", "--showlocals"],
            ["-s", "-v"],
            ["-o", "log_cli=true", "--log-level=INFO"],
            ["--capture=sys", "-q"],
            ["--tb=short", "-p", "no:logging", "-p", "no:capture"],
            ["-v", "-n2"],
        ],
        ids=" ".join,
    )
    def test_the_output_is_that_of_a_run_without_it(self, suite, runs, options):
        """Lines, sections, warnings and counts are the same, but for what the plugin itself says at the end."""

        def output(*more):
            result = suite.run("", *options, *more, uses="xdist")
            lines = [_without_times(line) for line in result.outlines if not line.startswith("leakcheck:")]
            return sorted(lines) if "-n2" in options else lines

        source = SUSPECTS if "no:logging" not in options else SUSPECTS.replace("record_property", "request", 1)
        suite.run(source.replace('record_property("colour", "red")', "pass") if "no:logging" in options else source)
        runs()
        plain = output("--no-leakcheck")
        assert set(runs().values()) == {1, 2}

        checked = output("--leakcheck")

        if "-s" not in options and "no:capture" not in options:  # what is not captured can't be taken back
            assert checked == plain
        assert [line for line in checked if line.startswith("test_it.py::")] == [
            line for line in plain if line.startswith("test_it.py::")
        ]
        assert checked[-1] == plain[-1]
        assert runs()["prints"] == 2

    def test_fixtures_are_shown_once(self, suite):
        """--setup-show tells of the first run alone."""
        result = suite.run(SUSPECTS_ALONE, "--leakcheck", "--setup-show", "-v")

        result.assert_outcomes(passed=1)
        assert len(suite.lines_of(result, "SETUP ", "F client")) == 1
        assert len(suite.lines_of(result, "TEARDOWN ", "F client")) == 1
        assert suite.lines_of(result, "leakcheck: run a second time")

    def test_log_files_tell_of_the_first_run(self, suite):
        """Those of --log-file, which pytest writes."""
        result = suite.run(
            """
            import logging

            def test_it():
                logging.warning("once")
                Thing.slot = Thing()
            """,
            "--leakcheck",
            "--log-file=out.log",
        )

        result.assert_outcomes(passed=1)
        assert (suite.path / "out.log").read_text("utf-8").count("once") == 1

    def test_the_junit_file_is_that_of_a_run_without_it(self, suite, runs):
        """Cases, properties and captured output."""

        def cases(option):
            suite.run("", option, "--junitxml=out.xml", "-o", "junit_logging=all")
            root = ET.parse(suite.path / "out.xml").getroot()  # noqa: S314 - our own file
            for node in root.iter():
                for name in ("time", "timestamp"):
                    node.attrib.pop(name, None)
            return ET.tostring(root, encoding="unicode")

        suite.run(SUSPECTS)
        runs()
        plain = cases("--no-leakcheck")
        runs()

        assert cases("--leakcheck") == plain
        assert runs() == {"prints": 2, "parametrized": 4, "fails": 1, "skips": 1, "xfails": 1, "self": 1}

    def test_the_junit_file_has_each_property_of_the_suite_once(self, suite):
        """Of those that a test records for all of them."""
        source = (
            "def test_it(record_testsuite_property):\n    record_testsuite_property('k', 'v')\n    Thing.slot = Thing()"
        )
        suite.run(source, "--leakcheck", "--junitxml=out.xml")

        assert (suite.path / "out.xml").read_text("utf-8").count('name="k"') == 1

    def test_it_needs_no_plugin_that_shows_fixtures(self, suite):
        """Pytest's own plugins may be turned off."""
        result = suite.run("def test_it(): keep(Thing())\n", "--leakcheck", "-p", "no:setuponly")

        result.assert_outcomes(failed=1)

    def test_durations_leave_it_out(self, suite):
        """Neither the call nor the teardown takes longer for it."""
        result = suite.run(
            """
            import time

            @pytest.fixture
            def slow():
                yield
                time.sleep(0.2)

            def test_it(slow):
                time.sleep(0.5)
                Thing.slot = Thing()
            """,
            "--leakcheck",
            "--durations=0",
            "-vv",
        )

        times = {
            line.split()[1]: float(line.split("s ")[0])
            for line in suite.lines_of(result, "test_it.py::test_it")
            if "s " in line and line[0].isdigit()
        }
        assert 0.5 <= times["call"] < 0.7
        assert 0.2 <= times["teardown"] < 0.5

    def test_subtests_are_reported_once(self, suite, runs):
        """Those of the second run are dropped."""
        source = """
        from runs import count

        def test_it(subtests):
            count("it")
            for n in range(3):
                with subtests.test(n=n):
                    Thing.slot = Thing()
        """
        plain = suite.run(source, "--no-leakcheck", "-v", uses="subtests")
        runs()

        result = suite.run("", "--leakcheck", "-v", uses="subtests")

        assert result.parseoutcomes() == plain.parseoutcomes()
        assert len(suite.lines_of(result, "test_it.py::test_it")) - 2 == len(
            suite.lines_of(plain, "test_it.py::test_it")
        )  # two lines of our own under -v
        assert runs() == {"it": 2}

    def test_the_name_of_the_current_test_is_put_back(self, suite):
        """PYTEST_CURRENT_TEST tells the phase to what is torn down later."""
        result = suite.run(
            """
            import os

            @pytest.fixture(scope="module", autouse=True)
            def around():
                yield
                print("phase:", os.environ["PYTEST_CURRENT_TEST"])

            def test_it(): Thing.slot = Thing()
            """,
            "--leakcheck",
            "-s",
        )

        assert suite.lines_of(result, "phase: test_it.py::test_it (teardown)")


def _without_times(line):
    line = re.sub(r"[\d.]+s(econds)?\b", "TIME", line)
    return re.sub(r"\[gw\d\]( \[ *\d+%\])?|=+|-+ |\d+ workers.*|0x[0-9a-f]+", "", line)


class TestFailing:
    SOURCE = """
    import sys
    from runs import count

    @pytest.fixture
    def once():
        yield
        if hasattr(Thing, "in_teardown"): raise RuntimeError("teardown")
        Thing.in_teardown = True

    @pytest.fixture
    def first():
        if hasattr(Thing, "in_setup"): raise RuntimeError("setup")
        Thing.in_setup = True

    def test_body():
        count("body")
        assert not hasattr(Thing, "slot"), "body"
        Thing.slot = Thing()

    def test_setup(first):
        count("setup")
        Thing.slot_of_setup = Thing()

    def test_teardown(once):
        count("teardown")
        Thing.slot_of_teardown = Thing()

    def test_skips():
        count("skips")
        if hasattr(Thing, "slot_of_skips"): pytest.skip("not twice")
        Thing.slot_of_skips = Thing()

    def test_last_error():
        for name in ("last_exc", "last_type", "last_value", "last_traceback"):
            assert not hasattr(sys, name)
    """

    def test_a_second_run_that_fails_leaves_a_warning(self, suite, runs):
        """The test stays passed, and debuggers find no last error."""
        result = suite.run(self.SOURCE, "--leakcheck")

        result.assert_outcomes(passed=5)
        told = suite.lines_of(result, "run a second time, to tell leaks from initialisation, it failed (")
        assert [line.split("(")[1].split(")")[0].split("\n")[0][:40] for line in told] == [
            "AssertionError: body",
            "RuntimeError: setup",
            "RuntimeError: teardown",
            "Skipped: not twice",
        ]
        assert runs() == {"body": 2, "setup": 1, "teardown": 2, "skips": 2}

    def test_after_several_in_a_row_that_fail_fewer_and_fewer_are_tried(self, suite):
        """As in a suite whose tests fill one database; one that passes again takes the others up again."""
        result = suite.run(
            """
            DONE = {}

            @pytest.mark.parametrize("n", range(60))
            def test_once(n):
                assert n not in DONE or n == 40
                DONE[n] = 1
                setattr(Thing, f"last{n}", Thing())
            """,
            "--leakcheck",
        )

        told = [line for line in result.outlines if "run a second time" in line]
        tried = [int(line.partition("test_once[")[2].partition("]")[0]) for line in told]
        result.assert_outcomes(passed=60)
        assert tried == [0, 1, 2, 3, 4, 6, 9, 14, 23, 41, 42, 43, 44, 45, 47, 50, 55]

    def test_the_last_error_stays_what_it_was(self, suite):
        """What a fixture puts there in the first run is there after the second, whatever that raised."""
        result = suite.run(
            """
            import sys

            @pytest.fixture
            def console():
                yield
                if not hasattr(Thing, "slot"):
                    sys.last_value = ValueError("mine")
                Thing.slot = Thing()

            def test_passes_once(console): assert not hasattr(Thing, "slot")

            @pytest.fixture(scope="session", autouse=True)
            def last():
                yield
                print("last error:", repr(sys.last_value))
            """,
            "--leakcheck",
            "-s",
        )

        result.assert_outcomes(passed=1)
        assert suite.lines_of(result, "last error: ValueError('mine')")
        assert suite.lines_of(result, "it failed (AssertionError")

    def test_what_it_left_is_no_leak_of_the_next_test(self, suite):
        """Frames of the failed second run are gone by then."""
        result = suite.run(
            """
            @pytest.mark.parametrize("given", [[1]])
            def test_mutates(given):
                thing = Thing()
                given.remove(1)
                Thing.slot = thing

            @pytest.mark.no_leak(instances_of=Thing)
            def test_next(): Thing()
            """,
            "--leakcheck",
        )

        result.assert_outcomes(passed=2)
        assert suite.lines_of(result, "test_mutates", "it failed (ValueError: list.remove(x): x not in list)")

    @pytest.mark.parametrize("error", ["pytest.exit('enough')", "raise SystemExit('enough')"])
    def test_a_second_run_does_not_end_the_session(self, suite, error):
        """An exit in it is a failure like any other."""
        result = suite.run(
            f"""
            def test_it():
                if hasattr(Thing, "slot"): {error}
                Thing.slot = Thing()

            def test_next(): pass
            """,
            "--leakcheck",
        )

        result.assert_outcomes(passed=2)
        assert suite.lines_of(result, "it failed (", "enough)")

    def test_ctrl_c_in_it_ends_the_session(self, suite):
        """As in any run: fixtures are torn down, and the test that passed counts."""
        result = suite.run(
            """
            @pytest.fixture
            def client():
                yield
                print("client down")

            def test_it(client):
                if hasattr(Thing, "slot"): raise KeyboardInterrupt
                Thing.slot = Thing()

            def test_never(): pass
            """,
            "--leakcheck",
            "-s",
        )

        assert result.ret == pytest.ExitCode.INTERRUPTED
        result.assert_outcomes(passed=1)
        assert result.stdout.str().count("client down") == 2


class TestFixtures:
    def test_those_of_wider_scope_are_set_up_once(self, suite):
        """Autouse ones of all scopes, xunit's and unittest's are left as they are; a test's own are made anew."""
        result = suite.run(
            """
            import atexit, collections, unittest

            COUNTS = collections.Counter()
            atexit.register(lambda: print("set up:", sorted(COUNTS.items())))

            for scope in ("session", "package", "module", "class", "function"):
                def make(scope):
                    @pytest.fixture(scope=scope, autouse=True)
                    def around():
                        COUNTS[scope, "up"] += 1
                        yield
                        COUNTS[scope, "down"] += 1
                    return around
                globals()[f"around_{scope}"] = make(scope)

            def setup_module(): COUNTS["setup_module", "up"] += 1

            class TestPlain:
                @classmethod
                def setup_class(cls): COUNTS["setup_class", "up"] += 1

                def setup_method(self): COUNTS["setup_method", "up"] += 1

                def test_it(self): Thing.slot = Thing()

            class TestOld(unittest.TestCase):
                @classmethod
                def setUpClass(cls): COUNTS["setUpClass", "up"] += 1

                def setUp(self): COUNTS["setUp", "up"] += 1

                def tearDown(self): COUNTS["tearDown", "down"] += 1

                def test_it(self): Thing.other_slot = Thing()
            """,
            "--leakcheck",
            "-s",
        )

        result.assert_outcomes(passed=2)
        (line,) = suite.lines_of(result, "set up:")
        counts = eval(line.partition(": ")[2])  # noqa: S307 - our own output
        assert dict(counts) == {
            ("session", "up"): 1,
            ("session", "down"): 1,
            ("package", "up"): 1,
            ("package", "down"): 1,
            ("module", "up"): 1,
            ("module", "down"): 1,
            ("class", "up"): 2,
            ("class", "down"): 2,
            ("function", "up"): 4,
            ("function", "down"): 4,
            ("setup_module", "up"): 1,
            ("setup_class", "up"): 1,
            ("setup_method", "up"): 2,
            ("setUpClass", "up"): 1,
            ("setUp", "up"): 2,
            ("tearDown", "down"): 2,
        }

    def test_those_of_pytest_work_in_it(self, suite, runs):
        """monkeypatch, tmp_path, caplog, capsys, recwarn and request find what they find in a first run."""
        result = suite.run(
            """
            import logging, os, sys, warnings
            from runs import count

            def test_it(monkeypatch, tmp_path, caplog, capsys, recwarn, request, tmp_path_factory):
                count("it")
                assert "SHOP" not in os.environ
                monkeypatch.setenv("SHOP", "1")
                assert not list(tmp_path.iterdir())
                (tmp_path / "file").touch()
                with caplog.at_level(logging.INFO):
                    logging.info("logged")
                assert caplog.messages == ["logged"]
                assert [record.levelname for record in caplog.get_records("call")] == ["INFO"]
                print("printed")
                assert capsys.readouterr().out == "printed\\n"
                warnings.warn("warned")
                assert len(recwarn) == 1
                request.addfinalizer(lambda: count("finalizer"))
                assert request.node.name == "test_it"
                Thing.slot = Thing()

            def test_next(caplog, capfd):
                count("next")
                logging.warning("next")
                os.write(1, b"next")
                assert caplog.messages == ["next"]
                assert capfd.readouterr().out == "next"
                Thing.other_slot = Thing()
            """,
            "--leakcheck",
        )

        result.assert_outcomes(passed=2)
        assert runs() == {"it": 2, "finalizer": 2, "next": 2}
        assert not suite.lines_of(result, "it failed")


class TestKinds:
    def test_a_test_case_is_run_again_with_an_instance_of_its_own(self, suite, runs):
        """The cleanups of unittest run, and its failures count."""
        result = suite.run(
            """
            import unittest
            from runs import count

            class TestOld(unittest.TestCase):
                def test_leak(self):
                    count("leak")
                    assert not hasattr(self, "is_used")
                    self.is_used = True
                    self.addCleanup(count, "cleanup")
                    keep(Thing())

                def test_once(self):
                    count("once")
                    self.assertFalse(hasattr(Thing, "slot"))
                    Thing.slot = Thing()
            """,
            "--leakcheck",
        )

        result.assert_outcomes(failed=1, passed=1)
        assert runs() == {"leak": MOST_KEPT + 1, "cleanup": MOST_KEPT + 1, "once": 2}
        assert suite.lines_of(result, "test_once: run a second time", "it failed (AssertionError")

    def test_a_coroutine_is_run_again(self, suite, runs):
        """pytest-asyncio gives it a loop and its async fixtures anew."""
        result = suite.run(
            """
            import asyncio
            import pytest_asyncio
            from runs import count

            @pytest_asyncio.fixture
            async def client():
                await asyncio.sleep(0)
                yield Thing()
                count("client")

            @pytest.mark.asyncio
            async def test_leak(client):
                count("leak")
                await asyncio.sleep(0)
                keep([client])

            @pytest.mark.asyncio
            async def test_slot(client):
                count("slot")
                Thing.slot = Thing()
            """,
            "--leakcheck",
            uses="asyncio",
        )

        result.assert_outcomes(failed=1, passed=1)
        assert runs() == {"leak": MOST_KEPT + 1, "slot": 2, "client": MOST_KEPT + 3}

    def test_hypothesis_is_not_run_again(self, suite, runs):
        """Its examples are runs enough: a leak counts once another test leaves the same."""
        result = suite.run(
            """
            from hypothesis import Phase, given, settings, strategies
            from runs import count

            few = settings(max_examples=3, phases=[Phase.generate], database=None, deadline=None)

            @few
            @given(strategies.just(1))
            def test_given(number):
                count("given")
                Thing.slot = Thing()

            class TestThings:
                @few
                @given(strategies.just(1))
                def test_method(self, number):
                    count("method")
                    Thing.other_slot = Thing()
            """,
            "--leakcheck",
            uses="hypothesis",
        )

        result.assert_outcomes(passed=2)
        assert runs() == {"given": 1, "method": 1}

    def test_a_test_under_trace_is_not_run_again(self, suite, runs):
        """--trace stops at its start, once."""
        suite.write(
            test_it="""
            from runs import count
            class Thing: pass
            def test_it():
                count("it")
                Thing.slot = Thing()
            """
        )
        suite.debug("c\n", "--trace", "--leakcheck")

        assert runs() == {"it": 1}

    @pytest.mark.parametrize("is_tracing", [True, False])
    def test_reasons_that_no_run_of_ours_shows(self, is_tracing):
        """The debugger hides --trace from a measurement, and no pytest tears tests down otherwise so far."""
        config = types.SimpleNamespace(getoption=lambda *_, **__: is_tracing)
        session = types.SimpleNamespace(_setupstate=types.SimpleNamespace())
        item = types.SimpleNamespace(config=config, session=session)

        assert why_not_repeatable(item, 0) == (
            "--trace is on" if is_tracing else "this pytest tears tests down in another way"
        )

    def test_tracing_that_the_user_started_goes_on(self, suite):
        """The run that tells which line made a leak traces allocations, and leaves tracemalloc as it was."""
        result = suite.run(
            """
            import tracemalloc

            def test_first(): KEPT.append(Thing())

            def test_off():
                assert not tracemalloc.is_tracing()
                tracemalloc.start(3)

            OTHERS = []

            def test_second(): OTHERS.append(Thing())

            def test_on():
                assert tracemalloc.get_traceback_limit() == 3 and tracemalloc.is_tracing()
                tracemalloc.stop()
            """,
            "--leakcheck",
        )

        result.assert_outcomes(passed=2, failed=2)
        assert suite.lines_of(result, "made during the test at") == [
            "  test_it.Thing  made during the test at suite/test_it.py:18",
            "  test_it.Thing  made during the test at suite/test_it.py:26",
        ]

    def test_what_pytest_made_of_a_class_is_no_reason_for_another_run(self, suite, runs):
        """Nor beside what a known leak left, where the instance is garbage that nobody may take for it yet."""
        result = suite.run(
            """
            from runs import count

            class TestThings:
                def __init_subclass__(cls): ...

                def __del__(self): ...

                def test_it(self):
                    self.itself = self
                    KEPT.append(Thing())

                def test_other(self):
                    count("other")
                    self.test_it()
            """,
            "--leakcheck",
        )

        result.assert_outcomes(failed=2)
        assert runs() == {"other": 1}

    def test_a_run_that_takes_long_is_traced_for_a_while_only(self, suite):
        """An allocation takes a hundred times as long meanwhile; what is made afterwards is told without its line."""
        suite.write(
            conftest="""
            from pytest_leakcheck.running import repeat

            repeat._MOST_TRACED = 0.2
            """
        )
        result = suite.run(
            """
            import time
            import tracemalloc

            def test_it():
                end = time.monotonic() + 20
                while tracemalloc.is_tracing() and time.monotonic() < end:
                    time.sleep(0.01)
                KEPT.append(Thing())
                with open("tracing.txt", "a") as file:
                    file.write(f"{tracemalloc.is_tracing()} ")
            """,
            "--leakcheck",
        )

        result.assert_outcomes(failed=1)
        assert suite.lines_of(result, "made during the test") == ["  test_it.Thing  made during the test"]
        assert "True" not in (suite.path / "tracing.txt").read_text("utf-8")


class Plain:
    pass


class Slotted:
    __slots__ = ("value",)


class TestOrigin:
    @pytest.fixture(autouse=True)
    def tracing(self):
        tracemalloc = pytest.importorskip("tracemalloc", reason="PyPy has no tracemalloc")
        was_tracing = tracemalloc.is_tracing()
        tracemalloc.start(5)
        yield
        if not was_tracing:
            tracemalloc.stop()

    @pytest.mark.parametrize("kind", [Plain, Slotted])
    def test_the_line_that_made_an_object_is_told(self, kind):
        """Of instances with attributes of any kind, by the last two parts of the file's path."""
        obj = kind()

        assert made_at(obj, str(Path(__file__).parent))[0] == __file__

    def test_the_projects_own_line_is_preferred(self, tmp_path):
        """Where none is its own, the innermost is told."""
        obj = Plain()

        assert made_at(obj, str(tmp_path))[0] == __file__

    def test_what_was_made_before_has_no_line(self):
        """The line is left out."""
        assert not made_at(BEFORE, "")


BEFORE = Plain()
