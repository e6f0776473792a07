"""Tests marked ``isolated=True``: each runs in a fresh interpreter, and is reported as if it had run here."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import pytest

from surroundings import PATIENCE

NOTE = """
import os

def note(*words):
    with open("notes.txt", "a") as file:
        file.write(" ".join((*map(str, words), str(os.getpid()))) + "\\n")

"""
"""A module whose `note` writes words and the process's number into a file."""

KINDS = """
import logging, sys, unittest, warnings

pytestmark = pytest.mark.no_leak(instances_of=Thing, isolated=IS_ISOLATED)

@pytest.fixture
def client():
    print("client up")
    yield
    print("client down")

@pytest.fixture
def broken(): raise OSError("no client")

@pytest.fixture
def breaks():
    yield
    raise OSError("client gone")

def test_passes(client, record_property):
    print("printed")
    record_property("colour", "red")

def test_fails(client):
    print("printed by the test")
    print("told by the test", file=sys.stderr)
    logging.warning("logged by the test")
    numbers = [1, 2]
    assert numbers == [1, 3]

def test_raises_from():
    try:
        int("x")
    except ValueError as error:
        raise KeyError("y") from error

def test_leaks(client): Thing.first = Thing()

def test_broken(broken): pass

def test_breaks(breaks): pass

def test_warns(): warnings.warn("warned by the test")

@pytest.mark.skip(reason="never")
def test_skips(): pass

def test_skips_itself(): pytest.skip("not now")

@pytest.mark.xfail(reason="known")
def test_xfails(): assert 0

@pytest.mark.xfail(reason="known leak")
def test_xfails_by_leak(): Thing.second = Thing()

@pytest.mark.xfail(reason="known")
def test_xpasses(): pass

@pytest.mark.xfail(reason="known", strict=True)
def test_xpasses_strictly(): pass

@pytest.mark.parametrize("n", ["a::b", "[c]", "d e", "\\u00e9\\u4e2d", "x/y", "l" * 500])
def test_parametrized(n): print(n)

class TestThings:
    class TestInner:
        def test_self(self): self.thing = Thing()

class Case(unittest.TestCase):
    def setUp(self): self.number = 2
    def test_fine(self): self.assertTrue(self.number)
    def test_fails(self): self.assertEqual(self.number, 3)
    def test_leaks(self): Thing.third = Thing()
"""
"""Tests of every outcome; whether they are isolated is to be filled in."""


@pytest.fixture
def notes(suite):
    """Return what tests and fixtures noted since the last call, each line with a letter for its process."""
    suite.write(noting=NOTE)

    def read():
        lines = suite.take_lines("notes.txt")
        processes = list(dict.fromkeys(line.rpartition(" ")[2] for line in lines))
        return [f"{words} {'ABCDEFGH'[processes.index(pid)]}" for words, _, pid in (li.rpartition(" ") for li in lines)]

    return read


def kinds(*, is_isolated):
    return KINDS.replace("IS_ISOLATED", str(is_isolated))


def without_times(line):
    line = re.sub(r"0x[0-9a-f]+", "0x…", re.sub(r"\d+\.\d+ ?s( \(\d+:\d\d:\d\d\))?", "… s", line))
    return re.sub(r"={3,}", "===", line)


def test_a_long_command_line_is_no_hindrance(suite):
    """A run may be given thousands of tests, more than a program may be started with."""
    source = """
    @pytest.mark.parametrize("n", range(3000))
    def test_it(n): pass

    @pytest.mark.no_leak(instances_of=Thing, isolated=True)
    def test_alone(): pass
    """
    (suite.path / "names.txt").write_text("".join(f"test_it.py::test_it[{n}]\n" for n in range(3000)), "utf-8")
    suite.run(source, "--co", "-q")
    names = [f"test_it.py::test_it[{n}]" for n in range(3000)]

    result = suite.run("", *names, "test_it.py::test_alone", "-q")

    result.assert_outcomes(passed=3001)


class TestAsIfHere:
    @pytest.mark.parametrize(
        "options",
        [["-rA", "-vv", "--showlocals"], ["-x", "--capture=sys", "--tb=short"], ["-q", "--runxfail", "-rs"]],
        ids=" ".join,
    )
    def test_the_output_is_that_of_a_run_without_it(self, suite, options):
        """Letters, counts, failures with their captured output, warnings, and the line on what was checked."""
        plain = suite.run(kinds(is_isolated=False), *options)

        isolated = suite.run(kinds(is_isolated=True), *options)

        assert plain.parseoutcomes()["failed"]
        assert isolated.ret == plain.ret
        shown = [without_times(line).replace("isolated=True", "isolated=False") for line in isolated.outlines]
        assert shown == [without_times(line) for line in plain.outlines]

    @pytest.mark.parametrize("mode", ["asyncio", "anyio"])
    def test_coroutines_run_there(self, suite, notes, mode):
        """By pytest-asyncio or anyio, with async fixtures."""
        suite.run(
            f"""
            import asyncio
            from noting import note
            {"import pytest_asyncio" if mode == "asyncio" else ""}

            pytestmark = pytest.mark.{mode}

            @pytest.fixture
            def anyio_backend(): return "asyncio"

            @{"pytest_asyncio" if mode == "asyncio" else "pytest"}.fixture
            async def thing():
                yield Thing()

            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            async def test_fine(thing):
                await asyncio.sleep(0)
                note("fine")

            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            async def test_leak(thing):
                keep(thing)
                note("leak")

            async def test_here(): note("here")
            """,
            *(["-o", "asyncio_mode=strict"] if mode == "asyncio" else []),
            uses=mode,
        ).assert_outcomes(passed=2, failed=1)

        assert notes() == ["fine A", "leak B", "here C"]

    @pytest.mark.parametrize("options", [[], ["-n2"]], ids=["one process", "xdist"])
    def test_subtests_are_reported(self, suite, options):
        """Those that fail, and those that pass."""
        source = """
        @pytest.mark.no_leak(instances_of=Thing, isolated=True)
        def test_it(subtests):
            for n in range(3):
                with subtests.test(n=n):
                    assert n != 1

        @pytest.mark.no_leak(instances_of=Thing, isolated=True)
        def test_fine(subtests):
            with subtests.test(n=0): pass
        """
        plain = suite.run(source.replace("isolated=True", ""), *options, uses="subtests xdist")

        isolated = suite.run(source, *options, uses="subtests xdist")

        assert isolated.parseoutcomes() == plain.parseoutcomes()
        assert suite.lines_of(isolated, "test_it.py ") == suite.lines_of(plain, "test_it.py ")

    def test_junit_and_the_cache_tell_of_it(self, suite):
        """The JUnit file has its output, properties and times; --lf runs it again."""
        suite.run(
            """
            pytestmark = pytest.mark.no_leak(instances_of=Thing, isolated=True)

            def test_first(record_property):
                record_property("colour", "red")
                print("printed")

            def test_leaks(): keep(Thing())
            """,
            "--junitxml=junit.xml",
            "-o",
            "junit_logging=all",
        ).assert_outcomes(passed=1, failed=1)

        first, leaks = ET.parse(suite.path / "junit.xml").iter("testcase")  # noqa: S314 - our own file
        assert first.find("properties/property").attrib == {"name": "colour", "value": "red"}
        assert "printed" in first.find("system-out").text
        assert "test_it.Thing is still alive" in leaks.find("failure").attrib["message"]
        again = suite.run("", "--lf", "-v")
        assert (again.parseoutcomes()["failed"], again.parseoutcomes().get("passed")) == (1, None)

    def test_what_a_report_carries_may_be_any_object(self, suite):
        """Its text comes back, as JUnit files have it; what has no text is left out."""
        suite.run(
            """
            from pathlib import Path

            class Mute:
                def __str__(self): raise OSError("no text")

            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            @pytest.mark.parametrize("value", [Path("folder"), Mute()], ids=["path", "mute"])
            def test_it(value, record_property): record_property("place", value)
            """,
            "--junitxml=it.xml",
        ).assert_outcomes(passed=2)

        properties = ET.parse(suite.path / "it.xml").iter("property")  # noqa: S314 - our own file
        assert [each.attrib["value"] for each in properties] == ["folder"]

    def test_warnings_of_the_module_are_told_once(self, suite):
        """It is imported here and there; those of the test, of whatever class, come from there."""
        result = suite.run(
            """
            import warnings

            warnings.warn("in the module")

            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            def test_it():
                class Odd(UserWarning): pass
                warnings.warn("in the test", Odd)
            """
        )

        result.assert_outcomes(passed=1, warnings=2)
        assert suite.lines_of(result, "Odd: in the test")

    def test_little_of_pytest_is_needed(self, suite):
        """Neither its terminal nor its temporary folders."""
        source = """
        @pytest.mark.no_leak(instances_of=Thing, isolated=True)
        @pytest.mark.parametrize("is_fine", [True, False])
        def test_it(is_fine): assert is_fine
        """
        result = suite.run(source, "-p", "no:terminal", "-p", "no:tmpdir", "--junitxml=it.xml")

        assert (result.ret, result.outlines) == (1, [])
        root = ET.parse(suite.path / "it.xml").find("testsuite")  # noqa: S314 - our own file
        assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("2", "1", "0")

    def test_workers_of_xdist_run_it_as_one_process_does(self, suite):
        """Each starts interpreters of its own; names that fit nothing are summed up over all."""
        result = suite.run(
            """
            @pytest.mark.no_leak(instances_of=[Thing, "shop.Cart"], isolated=True)
            @pytest.mark.parametrize("n", range(3))
            def test_it(n, worker_id):
                assert worker_id in ("gw0", "gw1")
                if n == 1: keep(Thing())

            def test_skipped_there():
                pytest.skip("why")
            """,
            "-n2",
            "-v",
            uses="xdist",
        )

        result.assert_outcomes(passed=2, failed=1, skipped=1)
        result.stdout.fnmatch_lines(
            [
                "leakcheck: 1 object in 3 tests checked; 1 leak in 1 test; gc *",
                "leakcheck: instances_of 'shop.Cart' never matched any object's class in 3 tests",
            ]
        )

    def test_options_of_the_run_are_not_carried_out_twice(self, suite):
        """What selects, counts or writes does so here; what the test sees is the same."""
        (suite.path / "pytest.ini").write_text("[pytest]\naddopts = -p no:doctest --strict-markers\nlog_file=all.log\n")
        suite.write(conftest="def pytest_addoption(parser): parser.addoption('--colour')")
        suite.run(
            """
            import sys

            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            def test_one(request, tmp_path_factory):
                assert request.config.getoption("colour") == "red"
                assert request.config.getoption("tbstyle") == "short"
                assert request.config.getini("xfail_strict") is True
                assert "given" in str(tmp_path_factory.getbasetemp())
                assert sys.argv[-1] == "--cache-clear"

            def test_two(tmp_path_factory):
                assert "given" in str(tmp_path_factory.getbasetemp())
                assert (tmp_path_factory.getbasetemp() / "mine.txt").write_text("there")
            """,
            *("-k", "one or two", "-m", "no_leak or not no_leak", "--colour=red", "--tb=short", "-o", "xfail_strict=1"),
            *("--basetemp=given", "--deselect=test_it.py::test_two", "--junitxml=it.xml", "test_it.py"),
            "--cache-clear",
        ).assert_outcomes(passed=1, deselected=1)
        cases = ET.parse(suite.path / "it.xml").iter("testcase")  # noqa: S314 - our own file
        assert [case.attrib["name"] for case in cases] == ["test_one"]


class TestWhereItRuns:
    def test_it_has_an_interpreter_of_its_own(self, suite, notes):
        """Nothing of it runs here, fixtures of any scope and hooks of conftest files included; stdin is closed."""
        suite.write(
            conftest="""
            import pytest
            from noting import note

            def pytest_runtest_setup(item): note("setup", item.name)
            def pytest_runtest_call(item): note("call", item.name)
            def pytest_runtest_teardown(item): note("teardown", item.name)

            @pytest.fixture(scope="session")
            def server():
                note("server up")
                yield
                note("server down")
            """
        )
        notes()
        suite.run(
            """
            import sys
            from noting import note

            STATE = []

            def test_before(server): STATE.append(1)

            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            def test_it(server):
                assert not STATE
                assert not sys.stdin.isatty()

            def test_after(server): assert STATE
            """
        ).assert_outcomes(passed=3)

        assert notes() == [
            *("setup test_before A", "server up A", "call test_before A", "teardown test_before A"),
            *("setup test_it B", "server up B", "call test_it B", "teardown test_it B", "server down B"),
            *("setup test_after A", "call test_after A", "teardown test_after A", "server down A"),
        ]

    @pytest.mark.parametrize("options", [[], ["--leakcheck"]], ids=["marked only", "all"])
    def test_wider_scopes_end_where_they_would(self, suite, notes, options):
        """A module's fixtures are torn down before the next module, be the test its first, last or only one."""
        isolated = "@pytest.mark.no_leak(instances_of='x.*', isolated=True)\n"
        head = (
            "import pytest\nfrom noting import note\n"
            "@pytest.fixture(scope='module', autouse=True)\n"
            "def module(request):\n"
            "    note('up', request.node.name)\n    yield\n"
            "    print('going')\n    note('down', request.node.name)\n"
        )
        for name, first, last in [("last", "", isolated), ("first", isolated, ""), ("only", isolated, None)]:
            second = "" if last is None else f"{last}def test_2(): note('two')\n"
            (suite.path / f"test_{name}.py").write_text(f"{head}{first}def test_1(): note('one')\n{second}")
        result = suite.run("", "test_last.py", "test_first.py", "test_only.py", "-v", *options)

        result.assert_outcomes(passed=5)
        assert not suite.lines_of(result, "going")
        assert notes() == [
            *("up test_last.py A", "one A", "up test_last.py B", "two B", "down test_last.py B", "down test_last.py A"),
            *("up test_first.py C", "one C", "down test_first.py C"),
            *("up test_first.py A", "two A", "down test_first.py A"),
            *("up test_only.py D", "one D", "down test_only.py D"),
        ]

    def test_a_wider_teardown_that_fails_here_is_its_error(self, suite):
        """As for any test that is the last of its module, with the captured output; its own outcome stays."""
        source = """
        @pytest.fixture(scope="module")
        def module():
            yield
            print("printed here")
            raise OSError("module gone")

        def test_first(module): pass

        @pytest.mark.no_leak(instances_of=Thing, isolated=True)
        def test_it(request): print("printed there"); FINALIZER
        """
        result = suite.run(source.replace("FINALIZER", "pass"))
        result.assert_outcomes(passed=2, errors=1)
        result.stdout.fnmatch_lines(["*ERROR at teardown of test_it*", "*printed there*", "*printed here*"])

        result = suite.run(source.replace("FINALIZER", "request.addfinalizer(lambda: 1 / 0)"))
        result.assert_outcomes(passed=2, errors=1)
        result.stdout.fnmatch_lines(
            ["*OSError: module gone*", "*- Error in the fresh interpreter -*", "*ZeroDivision*"]
        )

    def test_what_a_wider_teardown_prints_here_is_shown(self, suite):
        """With the failure of the test that it ends with, as elsewhere."""
        result = suite.run(
            """
            @pytest.fixture(scope="module", autouse=True)
            def module():
                yield
                print("module gone")

            def test_first(): pass

            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            def test_it(): assert 0
            """
        )

        result.assert_outcomes(passed=1, failed=1)
        assert (
            result.outlines.count("--------------------------- Captured stdout teardown ---------------------------")
            == 2
        )
        assert result.outlines.count("module gone") == 2  # there and here

    def test_what_skips_by_mark_starts_no_interpreter(self, suite, notes):
        """Nor what is expected to fail and not to be run."""
        suite.write(conftest="from noting import note\nnote('conftest')")
        notes()
        suite.run(
            """
            pytestmark = pytest.mark.no_leak(instances_of=Thing, isolated=True)

            @pytest.mark.skipif("sys.version_info > (3,)", reason="never")
            def test_skipped(): pass

            @pytest.mark.xfail(run=False)
            def test_unrun(): pass
            """
        ).assert_outcomes(skipped=1, xfailed=1)

        assert notes() == ["conftest A"]

    @pytest.mark.parametrize(
        ("option", "letters"), [("--no-leakcheck", "A A"), ("--pdb", "A A"), ("--setup-show", "A A"), ("-v", "A B")]
    )
    def test_it_runs_here_where_nothing_is_checked_or_a_terminal_is_needed(self, suite, notes, option, letters):
        """A debugger wants the terminal: a yellow line says that the test was not isolated."""
        result = suite.run(
            """
            from noting import note

            def test_first(): note("")

            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            def test_it(): note("")

            @pytest.mark.skip_leakcheck("not now")
            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            def test_unchecked(): pass
            """,
            option,
        )

        result.assert_outcomes(passed=3)
        assert " ".join(notes()).split() == letters.split()
        told = suite.lines_of(result, "leakcheck: tests marked isolated=True ran in this interpreter")
        assert [line.rpartition(" ")[2] for line in told] == ([option] if option in ("--pdb", "--setup-show") else [])

    def test_imports_come_from_where_they_do_here(self, suite):
        """By the ini key pythonpath and the folder of a conftest file; not from where an earlier test added."""
        for folder in ("lib", "tests", "elsewhere"):
            (suite.path / folder).mkdir()
        (suite.path / "pytest.ini").write_text("[pytest]\npythonpath = lib\n")
        (suite.path / "lib" / "by_ini.py").write_text("")
        (suite.path / "tests" / "conftest.py").write_text("")
        (suite.path / "tests" / "by_conftest.py").write_text("")
        (suite.path / "elsewhere" / "by_test.py").write_text("")
        (suite.path / "tests" / "test_paths.py").write_text(
            "import os, sys, pytest, by_ini, by_conftest\n"
            "def test_first():\n"
            "    sys.path.append('elsewhere')\n"
            "    os.chdir('elsewhere')\n"
            "@pytest.mark.no_leak(instances_of='x.*', isolated=True)\n"
            "def test_it():\n"
            "    assert os.path.basename(os.getcwd()) == 'suite'\n"
            "    with pytest.raises(ImportError): import by_test\n"
        )

        suite.run("").assert_outcomes(passed=2)

    @pytest.mark.parametrize("option", ["-Werror", "-ofilterwarnings=error", "--strict-config"])
    def test_strict_settings_find_nothing_wrong_there(self, suite, option):
        """No warning of its start is made an error."""
        result = suite.run("@pytest.mark.no_leak(instances_of=Thing, isolated=True)\ndef test_it(): pass\n", option)

        result.assert_outcomes(passed=1)

    def test_paths_and_names_may_be_odd(self, suite):
        """A folder with brackets, which pytest takes for a parametrized test; a test found under another name."""
        folder = suite.path / "odd [1]"
        folder.mkdir()
        (folder / "test_odd.py").write_text(
            "import pytest\n"
            "@pytest.mark.no_leak(instances_of='x.*', isolated=True)\n"
            "@pytest.mark.parametrize('n', ['a[b]', ']['])\n"
            "def test_it(n): pass\n"
        )

        suite.run("").assert_outcomes(passed=2)

    def test_the_settings_of_the_check_are_the_same(self, suite):
        """--leakcheck, its baseline and its folder for pictures."""
        source = """
        class Box: pass
        BOXES = []

        @pytest.mark.no_leak(instances_of=Thing, isolated=True)
        def test_it(): keep(Thing())

        @pytest.mark.no_leak(instances_of="shop.*", isolated=True)
        def test_other(): BOXES.append(Box())
        """
        suite.run(source).assert_outcomes(passed=1, failed=1)
        result = suite.run("", "--leakcheck", "--leakcheck-graph=graphs")
        result.assert_outcomes(failed=2)
        assert len(list((suite.path / "graphs").glob("*.dot"))) == 2

        listed = suite.run("", "--leakcheck", "--leakcheck-baseline=known.txt", "--leakcheck-update-baseline")
        listed.assert_outcomes(passed=2)
        assert suite.lines_of(listed, "known.txt lists 2 leaks: 2 new, 0 kept, 0 removed")
        known = suite.run("", "--leakcheck", "--leakcheck-baseline=known.txt", "--leakcheck-json=leaks.json")
        assert len(json.loads((suite.path / "leaks.json").read_text("utf-8"))["known"]) == 2
        known.assert_outcomes(passed=2)
        assert len(suite.lines_of(known, "leakcheck: known leak ")) == 2


class TestInterpreterThatEnds:
    def test_a_crash_is_the_failure_of_the_test(self, suite):
        """With the exit status or the signal, and what was printed last; the tests after it run."""
        result = suite.run(
            """
            import os, signal

            pytestmark = pytest.mark.no_leak(instances_of=Thing, isolated=True)

            @pytest.fixture
            def crashes_up(): os._exit(4)

            @pytest.fixture
            def crashes_down():
                yield
                os._exit(0)

            def test_exits(): os._exit(3)
            def test_signal(): os.kill(os.getpid(), signal.SIGSEGV)
            def test_unnamed_signal(): os.kill(os.getpid(), signal.SIGRTMIN + 1)
            def test_setup(crashes_up): pass
            def test_teardown(crashes_down): pass
            @pytest.mark.xfail
            def test_known(): os._exit(3)
            def test_fine(): pass
            """
        )

        result.assert_outcomes(failed=4, errors=1, xfailed=1, passed=1)
        result.stdout.fnmatch_lines(
            [
                "*ERROR at setup of test_setup*",
                "the fresh interpreter of this test ended with exit status 4",
                "*_ test_exits _*",
                "the fresh interpreter of this test ended with exit status 3",
                "*_ test_signal _*",
                "the fresh interpreter of this test was killed by signal SIGSEGV",
                "It printed:",
                "  Fatal Python error: Segmentation fault",
                "*test_it.py*in test_signal",
                f"the fresh interpreter of this test was killed by signal {signal.SIGRTMIN + 1}",
                "*_ test_teardown _*",
                "the fresh interpreter of this test ended with exit status 0",
                "FAILED test_it.py::test_exits - Failed: the fresh interpreter of this test e*",
            ]
        )

    def test_a_crash_after_the_test_is_told_too(self, suite):
        """As the error of its teardown."""
        result = suite.run(
            """
            import atexit, os, signal

            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            def test_it(): atexit.register(os.kill, os.getpid(), signal.SIGKILL)
            """
        )

        result.assert_outcomes(passed=1, errors=1)
        assert suite.lines_of(result, "the fresh interpreter of this test was killed by signal SIGKILL")

    def test_a_test_of_a_random_name_is_not_found(self, suite):
        """It fails with the names that were found instead."""
        result = suite.run(
            """
            import random

            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            @pytest.mark.parametrize("n", [random.SystemRandom().getrandbits(64)])
            def test_it(n): pass
            """
        )

        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                "the test was not found in the fresh interpreter: its id must be the same in every run",
                "  not the test: test_it.py::test_it*",
            ]
        )

    def test_a_module_that_fails_there_shows_how(self, suite):
        """Where it can't be imported a second time, say; or no longer has the test."""
        result = suite.run(
            """
            import os

            if os.path.exists("once"): raise OSError("only once")
            open("once", "w").close()

            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            def test_it(): pass
            """
        )
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            ["the fresh interpreter ended with exit status ? before the test began", "*OSError: only once*"]
        )

        result = suite.run(
            """
            import os

            if not os.path.exists("twice"):
                open("twice", "w").close()

                @pytest.mark.no_leak(instances_of=Thing, isolated=True)
                def test_it(): pass
            """
        )
        result.assert_outcomes(failed=1)
        assert suite.lines_of(result, "the test was not found in the fresh interpreter")

    def test_an_interpreter_that_cannot_start_is_told(self, suite):
        """In one line."""
        result = suite.run(
            """
            import sys

            def test_first(): sys.executable = "no-such-python"

            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            def test_it(): pass
            """
        )

        result.assert_outcomes(passed=1, failed=1)
        assert suite.lines_of(result, "the fresh interpreter could not be started: FileNotFoundError: ")

    def test_pytest_exit_and_ctrl_c_end_the_run(self, suite):
        """As if the test had run here."""
        source = """
        @pytest.mark.no_leak(instances_of=Thing, isolated=True)
        def test_it(): {}

        def test_never(): pass
        """
        for call in ('pytest.exit("enough", returncode=7)', "raise KeyboardInterrupt"):
            plain = suite.run(source.replace("isolated=True", "").format(call))
            isolated = suite.run(source.format(call))
            assert isolated.ret == plain.ret
            assert isolated.parseoutcomes() == plain.parseoutcomes()

    def test_a_hanging_test_ends_with_the_timeout_here(self, suite):
        """A plugin that raises while the test is waited for ends the interpreter, which tells where it stood."""
        suite.write(conftest=ALARM, noting=NOTE)
        result = suite.run(
            """
            import time
            from noting import note

            @pytest.mark.no_leak(instances_of=Thing, isolated=True)
            def test_hangs():
                note("hangs")
                time.sleep(60)

            def test_fine(): pass
            """
        )

        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(
            ["Timeout >3.0s", "It printed:", "*Current thread*", "*test_it.py*in test_hangs", "FAILED *Timeout >3.0s*"]
        )
        assert not is_running(suite)

    def test_an_interpreter_that_will_not_end_is_killed(self, suite):
        """Also where a plugin ends the whole run while it is waited for."""
        suite.write(conftest=ALARM.replace('fail("Timeout >3.0s")', 'exit("no time left", returncode=9)'), noting=NOTE)
        result = suite.run(HANGS.replace("note(", "signal.signal(signal.SIGTERM, signal.SIG_IGN); note("))

        assert result.ret == 9
        result.stdout.fnmatch_lines(["*no time left*"])
        assert not is_running(suite)

    def test_ctrl_c_here_ends_the_interpreter(self, suite, notes):
        """No process is left behind."""
        suite.run(HANGS, "--collect-only")
        notes()
        code = (
            "import signal, sys, pytest\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
            "sys.exit(pytest.main(['-p', 'no:cacheprovider', 'test_it.py']))\n"
        )
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
            wait_for(suite.path / "notes.txt")
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=PATIENCE)

        assert "KeyboardInterrupt" in output
        assert not is_running(suite)


ALARM = """
import os, pytest, signal

def _ring(*_):
    if os.path.exists("notes.txt"):
        signal.setitimer(signal.ITIMER_REAL, 0)
        pytest.fail("Timeout >3.0s")

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    if item.name == "test_hangs" and not item.config.pluginmanager.has_plugin("leakcheck-alone"):
        signal.signal(signal.SIGALRM, _ring)
        signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
    return (yield)
"""
"""A plugin that does what pytest-timeout does, once the test hangs for certain, and here alone."""

HANGS = """
import signal, time
from noting import note

@pytest.mark.no_leak(instances_of=Thing, isolated=True)
def test_hangs():
    note("hangs")
    time.sleep(60)
"""


def wait_for(path, seconds=PATIENCE):
    """Wait until a file is there, and has a line."""
    end = time.monotonic() + seconds
    while not (path.exists() and path.read_text("utf-8").endswith("\n")):
        assert time.monotonic() < end
        time.sleep(0.05)


def is_running(suite):
    """Tell whether the process that noted something last is still there."""
    pid = int((suite.path / "notes.txt").read_text("utf-8").split()[-1])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class TestOtherPlugins:
    @pytest.mark.parametrize("plugin", ["rerunfailures", "flaky"])
    def test_each_rerun_has_an_interpreter_of_its_own(self, suite, notes, plugin):
        """A leak is rerun like any failure, and the last run is reported."""
        options = (
            ["--reruns=2"] if plugin == "rerunfailures" else ["--force-flaky", "--max-runs=3", "--no-flaky-report"]
        )
        result = suite.run(
            """
            import os
            from noting import note

            pytestmark = pytest.mark.no_leak(instances_of=Thing, isolated=True)

            def times():
                note("it")
                return open("notes.txt").read().count("it")

            def test_second_time(): assert times() > 1
            def test_leaks_once():
                if times() < 4: keep(Thing())
            def test_leaks(): keep(Thing())
            def test_skipped(): pytest.skip("never")
            """,
            *options,
            uses=plugin,
        )

        outcomes = result.parseoutcomes()
        assert (outcomes["passed"], outcomes["failed"], outcomes["skipped"]) == (2, 1, 1)
        assert outcomes.get("rerun", 4) == 4
        assert notes() == ["it A", "it B", "it C", "it D"]
        assert len(suite.lines_of(result, "LEAKED test_it.py::test_leaks")) == 1

    def test_reruns_go_by_the_error_there(self, suite, notes):
        """--only-rerun looks at the type and the text of what was raised."""
        suite.run(
            """
            from noting import note

            pytestmark = pytest.mark.no_leak(instances_of=Thing, isolated=True)

            def test_rerun():
                note("rerun")
                raise OSError("no network")

            def test_not_rerun():
                note("not rerun")
                raise ValueError("no number")
            """,
            "--reruns=1",
            "--only-rerun=OSError: no network",
            uses="rerunfailures",
        ).assert_outcomes(failed=2)

        assert notes() == ["rerun A", "rerun B", "not rerun C"]


class TestMarker:
    @pytest.mark.parametrize("value", ['"yes"', "1", "None"])
    def test_isolated_is_true_or_false(self, suite, value):
        """Anything else is an error of collection."""
        result = suite.run(f"@pytest.mark.no_leak(isolated={value})\ndef test_it(): pass\n")

        result.assert_outcomes(errors=1)
        word = value.replace('"', "'")
        assert suite.lines_of(result, f"test_it.py::test_it: no_leak: isolated is True or False, not {word}")

    def test_the_nearest_one_counts(self, suite, notes):
        """Of module, class and function."""
        suite.run(
            """
            from noting import note

            pytestmark = pytest.mark.no_leak(instances_of=Thing, isolated=True)

            def test_alone(): note("alone")

            @pytest.mark.no_leak(instances_of=Thing, isolated=False)
            class TestThings:
                def test_here(self): note("here")

                @pytest.mark.no_leak(instances_of=Thing)
                def test_here_too(self): note("here")

                @pytest.mark.no_leak(instances_of=Thing, isolated=True)
                def test_alone(self): note("alone")
            """
        ).assert_outcomes(passed=4)

        assert notes() == ["alone A", "here B", "here B", "alone C"]

    def test_a_test_that_only_registers_may_be_isolated(self, suite):
        """What it registers is judged there."""
        result = suite.run(
            """
            @pytest.mark.no_leak(isolated=True)
            def test_leak(assert_collected): keep(assert_collected(Thing()))

            @pytest.mark.no_leak(isolated=True)
            def test_fine(assert_collected): assert_collected(Thing())
            """
        )

        result.assert_outcomes(passed=1, failed=1)
        assert suite.lines_of(result, "test_it.Thing", "registered ", "test_it.py:")
