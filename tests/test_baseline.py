"""A baseline lists the leaks that a suite has: those warn, new ones fail, and what no longer occurs is told."""

import re
import textwrap
from dataclasses import replace

import pytest

from pytest_leakcheck import baseline
from pytest_leakcheck.model import Leak, Link, Root, Survivor, Trace

LEAKY = """
import contextlib

OTHERS = []

def test_first(): keep(Thing())
def test_second(): keep(Thing())
def test_fine(): Thing()
"""
SIDES = """
class Registry:
    def __init__(self): self.left, self.right = [], []

REGISTRY = Registry()

def test_left(): REGISTRY.left.append(Thing())
def test_right(): REGISTRY.right.append(Thing())
"""
"""Two leaks at the same depth below one global."""

NEW = "def test_new(): OTHERS.append([Thing()])\n"
UPDATE = ("--leakcheck", "--leakcheck-baseline=known.txt", "--leakcheck-update-baseline")
CHECK = ("--leakcheck", "--leakcheck-baseline=known.txt")
REVERSED = """
def pytest_addoption(parser): parser.addoption("--backwards", action="store_true")

def pytest_collection_modifyitems(config, items):
    if config.getoption("--backwards"):
        items.reverse()
"""
BROKEN_SEARCH = """
from pytest_leakcheck.explaining import explain

def find_paths(*args, **kwargs):
    raise RuntimeError("no search")

explain.find_paths = find_paths
"""
BROKEN_DISK = """
import pathlib

def replace(self, target):
    raise OSError("no space left")

pathlib.Path.replace = replace
"""


@pytest.fixture
def known(suite):
    """Return the path of the file that the tests here use."""
    return suite.path / "known.txt"


def entries(path):
    """Return the fingerprints, days and reasons of a file."""
    return re.findall(r"^([0-9a-f]{12})  (\S+)  # (.*)$", path.read_text("utf-8"), re.MULTILINE)


def held(path):
    """Return what a file says to be held where."""
    return held_lines(path.read_text("utf-8"))


def held_lines(text):
    return re.findall(r"^    (.* held by .*)$", text, re.MULTILINE)


def told(suite, result):
    """Return the lines below the one that counts."""
    return [line for line in suite.lines_of(result, "leakcheck: ") if " checked; " not in line]


class TestUpdate:
    def test_the_leaks_there_are_get_listed(self, suite, known):
        """The tests pass, and the file says what leaks, since when, and which tests showed it."""
        result = suite.run(LEAKY, *UPDATE)

        result.assert_outcomes(passed=3)
        assert result.ret == 0
        assert told(suite, result) == ["leakcheck: known.txt lists 1 leak: 1 new, 0 kept, 0 removed"]
        header, entry = known.read_text("utf-8").split("\n\n")
        assert all(line.startswith("#: ") for line in header.splitlines())
        assert re.fullmatch(
            r"[0-9a-f]{12}  20\d\d-\d\d-\d\d  # TODO: why it may stay\n"
            r"    test_it.Thing held by test_it.KEPT\[\*\]\n"
            r"    in test_it.py::test_first\n"
            r"    in test_it.py::test_second\n",
            entry,
        )

    def test_a_second_update_changes_nothing(self, suite, known):
        """Reasons and days that the user or an earlier run wrote stay, and so do comments."""
        suite.run(LEAKY, *UPDATE)
        text = re.sub(
            r"(?m)^(\w{12})  \S+  # .*$", r"# ours\n\1  2001-02-03  # by design # 1", known.read_text("utf-8")
        )
        known.write_text(text + "\n# the end\n", "utf-8")

        result = suite.run("", *UPDATE)

        assert known.read_text("utf-8") == text + "\n# the end\n"
        assert "leakcheck: known.txt lists 1 leak: 0 new, 1 kept, 0 removed" in told(suite, result)

    def test_a_leak_in_many_tests_names_three(self, suite, known):
        """That there are more is said without a number, which would change with every test."""
        suite.run("@pytest.mark.parametrize('n', 'edcab')\ndef test_it(n): keep(Thing())\n", *UPDATE)

        lines = known.read_text("utf-8").splitlines()
        assert lines[-4:] == [*(f"    in test_it.py::test_it[{n}]" for n in "abc"), "    in more tests"]

    def test_what_is_gone_is_removed(self, suite, known):
        """Once its tests ran and were found clean."""
        suite.run(LEAKY + NEW, *UPDATE)
        assert len(entries(known)) == 2

        result = suite.run(LEAKY, *UPDATE)

        assert held(known) == ["test_it.Thing held by test_it.KEPT[*]"]
        assert "leakcheck: known.txt lists 1 leak: 0 new, 1 kept, 1 removed" in told(suite, result)

    @pytest.mark.parametrize(
        ("change", "arguments"),
        [
            (("", ""), ["-k", "fine"]),
            (("", ""), ["test_it.py::test_fine"]),
            (("", ""), ["--deselect", "test_it.py::test_first", "--deselect", "test_it.py::test_second"]),
            (("", ""), ["--maxfail=1", "-k", "fine"]),
            (("keep(Thing())", "pytest.skip('no server')"), []),
            (("keep(Thing())", "assert 0"), []),
            (("keep(Thing())", "assert 0"), ["-x"]),
            (("keep(Thing())", "raise KeyboardInterrupt"), []),
            (("def test_first", "@pytest.mark.skip_leakcheck('slow')\ndef test_first"), []),
            (("def test_first", "def test_broken(: pass\ndef test_first"), []),
            (("", ""), ["--collect-only"]),
        ],
        ids=["-k", "node id", "deselect", "maxfail", "skips", "fails", "-x", "Ctrl-C", "marked", "syntax", "collects"],
    )
    def test_what_did_not_run_stays(self, suite, known, change, arguments):
        """Whatever the reason why the tests that showed it were not checked to their end."""
        suite.run(LEAKY, *UPDATE)

        result = suite.run(LEAKY.replace(*change) if change[0] else "", *UPDATE, *arguments)

        assert len(entries(known)) == 1
        assert not suite.lines_of(result, "Traceback")

    def test_a_survivor_without_a_holder_may_be_any_leak(self, suite, known):
        """Where the search breaks down, nothing is known of what its tests leave; told, pardoned or pending."""
        source = """
        @pytest.fixture(scope="module")
        def server(): return object()

        def test_repeated(): keep(Thing())
        def test_pending(server): OTHERS.append([Thing()])
        def test_again(server): OTHERS.append([Thing()])
        """
        suite.run("OTHERS = []\n" + textwrap.dedent(source), *UPDATE)
        suite.write(conftest=BROKEN_SEARCH)

        result = suite.run("", *CHECK)
        assert len(suite.lines_of(result, "chain unavailable")) == 1
        assert not suite.lines_of(result, "no longer occurs")

        suite.run("", *UPDATE)
        assert len(entries(known)) == 3
        assert "    test_it.Thing held by nothing that was found" in known.read_text("utf-8")

    def test_a_test_that_is_gone_takes_its_leak_along(self, suite, known):
        """Where the whole suite ran; a part of it can't tell."""
        suite.run(LEAKY + NEW, *UPDATE)
        renamed = (LEAKY + NEW).replace("test_new", "test_newer").replace("OTHERS.append", "len")
        suite.run(renamed, *UPDATE, "-k", "newer or first")
        assert len(entries(known)) == 2

        suite.run("", *UPDATE)

        assert held(known) == ["test_it.Thing held by test_it.KEPT[*]"]

    def test_a_leak_that_is_pending_stays(self, suite, known):
        """A test that alone tells nothing, as it can't be run again, does not say that its leak is gone."""
        source = """
        @pytest.fixture(scope="module")
        def server(): return object()

        def test_first(server): keep(Thing())
        def test_second(server): keep(Thing())
        """
        suite.run(source, *UPDATE)
        assert len(entries(known)) == 1

        for name in ("first", "second"):
            result = suite.run("", *UPDATE, "-k", name)
            assert "leakcheck: known.txt lists 1 leak: 0 new, 1 kept, 0 removed" in told(suite, result)

    def test_a_failure_of_its_own_fails_all_the_same(self, suite, known):
        """An update pardons leaks alone."""
        suite.run(LEAKY + "def test_broken(): assert 0\n", *UPDATE).assert_outcomes(passed=3, failed=1)

        assert len(entries(known)) == 1

    def test_without_leakcheck_only_what_was_asked_for_is_added(self, suite):
        """Nothing is removed: the tests were not looked at as closely as when it was written."""
        suite.run(LEAKY, *UPDATE)
        source = (
            LEAKY.replace("keep(", "id(") + "def test_it(assert_collected): OTHERS.append(assert_collected(Thing()))"
        )

        result = suite.run(source, *UPDATE[1:])

        assert "leakcheck: known.txt lists 2 leaks: 1 new, 1 kept, 0 removed" in told(suite, result)

    def test_a_run_that_checked_nothing_writes_nothing(self, suite, known):
        """And says what is missing."""
        result = suite.run("def test_it(): pass\n", *UPDATE[1:])

        result.assert_outcomes(passed=1)
        assert not known.exists()
        assert told(suite, result) == ["leakcheck: known.txt is not written: no test was checked (add --leakcheck)"]

    def test_a_file_that_can_not_be_written_is_told(self, suite):
        """In one yellow line; the outcome is that of the tests, and nothing is left behind."""
        suite.write(conftest=BROKEN_DISK)
        result = suite.run(LEAKY, *UPDATE, "--color=yes")

        assert result.ret == 0
        (line,) = suite.lines_of(result, "is not written")
        assert line == "\x1b[33mleakcheck: known.txt is not written: OSError: no space left\x1b[0m"
        assert not suite.lines_of(result, "Traceback")
        assert not [path for path in suite.path.iterdir() if "known" in path.name]

    def test_an_edit_while_the_tests_run_is_kept(self, suite, known):
        """The file is read again before it is written; one that can't be read then is left alone."""
        suite.run(LEAKY, *UPDATE)
        edit = "__import__('shutil').copyfile('known.txt.new', 'known.txt')"
        text = known.read_text("utf-8").replace("TODO: why it may stay", "by design")
        suite.path.joinpath("known.txt.new").write_text(text, "utf-8")
        suite.run(f"{LEAKY}\ndef test_edits(): {edit}\n", *UPDATE)
        assert [reason for _, _, reason in entries(known)] == ["by design"]

        suite.path.joinpath("known.txt.new").write_text("<<<<<<< HEAD\n", "utf-8")
        result = suite.run("", *UPDATE)

        assert known.read_text("utf-8") == "<<<<<<< HEAD\n"
        assert suite.lines_of(result, "known.txt is not written: known.txt:1: ")

    def test_nothing_is_left_beside_the_file(self, suite, known):
        """What is written first to another file takes its place at once, with the rights that it had."""
        suite.run(LEAKY, *UPDATE)
        known.chmod(0o640)
        suite.run(LEAKY + NEW, *UPDATE)

        assert known.stat().st_mode & 0o777 == 0o640
        assert [path.name for path in suite.path.iterdir() if "known" in path.name] == ["known.txt"]


class TestCheck:
    def test_listed_leaks_pass_with_one_warning(self, suite, known):
        """However many tests show them; the line has the reason."""
        suite.run(LEAKY, *UPDATE)
        known.write_text(known.read_text("utf-8").replace("TODO: why it may stay", "by design"), "utf-8")

        result = suite.run("", *CHECK, "--color=yes")

        result.assert_outcomes(passed=3)
        ((fingerprint, day, _),) = entries(known)
        assert suite.lines_of(result, "leakcheck: known") == [
            (
                f"\x1b[33mleakcheck: known leak {fingerprint} in 2 tests: test_it.Thing held by test_it.KEPT[*] "
                f"(by design; since {day})\x1b[0m"
            )
        ]
        assert suite.lines_of(result, " checked; no new leaks; ")

    def test_new_leaks_fail(self, suite):
        """A test with a listed and a new one fails for the new one alone."""
        suite.run(LEAKY, *UPDATE)
        both = LEAKY.replace("def test_second(): ", "def test_second():\n    OTHERS.append([Thing()])\n    ")

        result = suite.run(both + NEW, *CHECK)

        result.assert_outcomes(passed=2, failed=2)
        assert suite.lines_of(result, "test_it.py::test_second", "1 new leak") == []
        assert suite.lines_of(result, "1 new leak in 2 tests")
        assert suite.lines_of(result, "LEAKED  1 object that should be gone is still alive")
        assert not suite.lines_of(result, ".KEPT", "list")
        assert suite.lines_of(result, "The same leak as in test_it.py::test_second, held by test_it.OTHERS.")

    def test_what_no_longer_occurs_is_told(self, suite, known):
        """In yellow, with what to do; the file stays as it is."""
        suite.run(LEAKY + NEW, *UPDATE)
        text = known.read_text("utf-8")
        stale = next(part[:12] for part in text.split("\n\n") if "OTHERS" in part)

        result = suite.run(LEAKY, *CHECK, "--color=yes")

        assert result.ret == 0
        assert suite.lines_of(result, "no longer occurs") == [
            (
                f"\x1b[33mleakcheck: known.txt lists {stale}, which no longer occurs: test_it.Thing held by "
                f"test_it.OTHERS[*][*] (--leakcheck-update-baseline removes it)\x1b[0m"
            )
        ]
        assert known.read_text("utf-8") == text

    @pytest.mark.parametrize("arguments", [["-k", "fine"], ["--lf"], ["test_it.py::test_fine"]], ids=str)
    def test_a_part_of_the_suite_says_nothing_of_the_rest(self, suite, arguments):
        """Where the tests that showed a leak did not run."""
        suite.run(LEAKY + "def test_broken(): assert 0\n", *UPDATE)

        result = suite.run("", *CHECK, *arguments)

        assert not suite.lines_of(result, "no longer occurs")

    def test_a_leak_in_many_tests_is_gone_only_where_all_ran(self, suite, known):
        """The file names three of them, so a run of these three alone can't tell."""
        source = "@pytest.mark.parametrize('n', 'abcde')\ndef test_it(n): keep(Thing())\n"
        suite.run(source, *UPDATE)

        mended = source.replace("keep(", "id(")
        assert not suite.lines_of(suite.run(mended, *CHECK, "-k", "[a] or [b] or [c]"), "no longer occurs")
        assert not suite.lines_of(suite.run(mended, *CHECK, "test_it.py::test_it"), "no longer occurs")
        assert suite.lines_of(suite.run(mended, *CHECK), "no longer occurs")
        assert suite.lines_of(suite.run(mended, *CHECK, "../suite"), "no longer occurs")
        suite.run(mended, *UPDATE)
        assert entries(known) == []

    def test_what_is_asked_for_by_hand_can_be_listed_too(self, suite):
        """Registered objects, at the end or at once, and classes that a marker names; without --leakcheck too."""
        source = """
        def test_end(assert_collected): keep(assert_collected(Thing()))

        def test_now(assert_collected):
            thing = assert_collected(Thing())
            assert_collected.now()

        @pytest.mark.no_leak(instances_of=Thing)
        def test_marked(): Thing.slot = Thing()

        @pytest.mark.no_leak
        def test_bare(): Thing.bare = Thing()
        """
        suite.run(source).assert_outcomes(failed=4)
        suite.run("", *UPDATE[1:]).assert_outcomes(passed=4)

        result = suite.run("", *CHECK[1:])

        result.assert_outcomes(passed=4)
        assert len(suite.lines_of(result, "leakcheck: known leak")) == 4

    def test_classes_and_async_like_tests_of_unittest_too(self, suite):
        """A TestCase's test passes and fails like others."""
        source = """
        import unittest

        class TestThings(unittest.TestCase):
            def test_leak(self): keep(Thing())
            def test_other(self): Thing.slot = getattr(Thing, "slot", []) + [Thing()]
        """
        suite.run(source.replace("Thing.slot =", "_ ="), *UPDATE).assert_outcomes(passed=2)

        suite.run(source, *CHECK).assert_outcomes(passed=1, failed=1)

    def test_expected_failures_stay_expected(self, suite, known):
        """A leak in a test marked xfail is neither listed nor pardoned, and told in full where another is pardoned."""
        source = """
        def test_plain(): keep(Thing())

        @pytest.mark.xfail(strict=True)
        def test_known(): keep(Thing())

        @pytest.mark.xfail(strict=True)
        def test_now(assert_collected):
            thing = assert_collected(Thing())
            assert_collected.now()

        @pytest.mark.xfail
        def test_other(): Thing.slot = getattr(Thing, "slot", []) + [Thing()]
        """
        suite.run(source, *UPDATE).assert_outcomes(passed=1, xfailed=3)
        assert held(known) == ["test_it.Thing held by test_it.KEPT[*]"]

        suite.run("", *CHECK).assert_outcomes(passed=1, xfailed=3)

        suite.run("", *CHECK, "--runxfail").assert_outcomes(passed=2, failed=2)

    def test_a_pardoned_leak_is_not_referred_to(self, suite):
        """A report is never sent to a test that passed: the first one to be told is told in full."""
        suite.run("def test_a(): keep(Thing())\n", *UPDATE)
        source = """
        def test_a():
            keep(Thing())
            Thing.more = getattr(Thing, "more", []) + [Thing()]

        @pytest.mark.xfail
        def test_b(): keep(Thing())

        def test_c(): Thing.more = getattr(Thing, "more", []) + [Thing()]
        """
        result = suite.run(source, *CHECK, "-rx", "--xfail-tb" if pytest.version_tuple >= (8, 1) else "-v")

        result.assert_outcomes(failed=2, xfailed=1)
        assert not suite.lines_of(result, "The same leak", "KEPT")
        assert len(suite.lines_of(result, "The same leak as in test_it.py::test_a, held by test_it.Thing.more.")) == 1

    def test_a_new_leak_told_by_recurrence_is_told_in_full(self, suite):
        """The second test names the first, the third refers to the second."""
        suite.run(LEAKY, *UPDATE)
        source = """
        @pytest.fixture(scope="module")
        def server(): return object()

        def test_new(server): OTHERS.append([Thing()])
        def test_newer(server): OTHERS.append([Thing()])
        def test_newest(server): OTHERS.append([Thing()])
        """
        result = suite.run(LEAKY + textwrap.dedent(source), *CHECK)

        result.assert_outcomes(passed=4, failed=2)
        assert suite.lines_of(result, "Another one, left there by test_it.py::test_new, is still alive.")
        assert len(suite.lines_of(result, ".OTHERS ", "list")) == 1
        assert len(suite.lines_of(result, "The same leak as in test_it.py::test_newer, held by")) == 1

    def test_holders_that_are_ignored_stay_ignored(self, suite):
        """Also where what they hold looks like a listed leak from afar."""
        suite.run(SIDES, *UPDATE, "-k", "left")

        suite.run("", *CHECK, "-o", "leakcheck_ignore=test_it.REGISTRY.right").assert_outcomes(passed=2)

    def test_a_file_that_goes_while_the_tests_run_is_missed_by_nobody(self, suite):
        """What it listed is told all the same."""
        suite.run(LEAKY, *UPDATE)

        result = suite.run(LEAKY + "def test_removes(): __import__('os').remove('known.txt')\n", *CHECK)

        result.assert_outcomes(passed=4)
        (line,) = told(suite, result)
        assert line.endswith(" in 2 tests: test_it.Thing held by test_it.KEPT[*]")

    def test_the_folders_of_the_ini_file_are_the_suite(self, suite):
        """A leak in many tests is told to be gone where testpaths ran, by themselves or by name."""
        (suite.path / "pytest.ini").write_text("[pytest]\ntestpaths = test_*.py\n", "utf-8")
        source = "@pytest.mark.parametrize('n', 'abcde')\ndef test_it(n): keep(Thing())\n"
        suite.run(source, *UPDATE)

        assert suite.lines_of(suite.run(source.replace("keep(", "id("), *CHECK), "no longer occurs")

    def test_reruns_go_on(self, suite):
        """Where another plugin runs the tests: a listed leak is no failure, so it is not run again."""
        suite.run(LEAKY, *UPDATE)

        source = LEAKY + NEW
        result = suite.run(source, *CHECK, "--reruns=1", uses="rerunfailures")

        outcomes = result.parseoutcomes()
        assert (outcomes["failed"], outcomes["rerun"]) == (1, 1)
        assert suite.lines_of(result, "LEAKED test_it.py::test_new")

    def test_the_second_test_at_a_place_is_judged_by_its_own_chain(self, suite):
        """Two attributes of one object are two leaks, in any order, though each is held at the same depth."""
        source = SIDES + "def test_more(): REGISTRY.right.append(Thing())\n"
        suite.run(source, *UPDATE, "-k", "left")

        result = suite.run("", *CHECK)

        result.assert_outcomes(passed=1, failed=2)
        assert suite.lines_of(result, "The same leak as in test_it.py::test_right, held by test_it.REGISTRY.")
        suite.write(conftest=REVERSED)
        suite.run("", *CHECK, "--backwards").assert_outcomes(passed=1, failed=2)


HELD_TWICE = {
    "descriptors": """
    class Typed:
        def __init__(self): self.values = {}
        def __get__(self, obj, owner=None): return self if obj is None else self.values[id(obj)][1]
        def __set__(self, obj, value): self.values[id(obj)] = (obj, value)

    class Both:
        zero, one, two = Typed(), Typed(), Typed()
        def __init__(self): self.zero = self.one = self.two = 1
    """,
    "registries": """
    class Registry:
        def __init__(self): self.entries = []
        def add(self, obj): self.entries.append((obj, 1))

    ONE, TWO = Registry(), Registry()

    class Both:
        def __init__(self):
            ONE.add(self)
            TWO.add(self)
    """,
    "far from a module": """
    MANY = [[[], []] for _ in range(20_000)]  # so that the walk from the module ends before it gets there

    class Registry:
        def __init__(self): self.entries = []

    class Box:
        def __init__(self): self.registries = [Registry()]

    class Shop:
        def __init__(self): self.left, self.right = Box(), Box()

    SHOP = [[[Shop()]]]

    class Both:
        def __init__(self):
            for box in (SHOP[0][0][0].left, SHOP[0][0][0].right):
                box.registries[0].entries.append((self, 1))
    """,
    "a set": """
    class Left:
        def __init__(self): self.left = []

    class Right:
        def __init__(self): self.right = []

    PARTS = {*(Left() for _ in range(5)), *(Right() for _ in range(5))}

    class Both:
        def __init__(self):
            for part in PARTS:
                (part.left if type(part) is Left else part.right).append(self)
    """,
}
"""Ways to hold an object at the same distance by several independent holders."""


@pytest.mark.parametrize("source", HELD_TWICE.values(), ids=HELD_TWICE)
def test_of_several_holders_the_same_one_is_told_whichever_test_was_told_of_before(suite, known, source):
    """Each time, so that one entry lists the leak of all tests."""
    source = textwrap.dedent(source) + "@pytest.mark.parametrize('n', 'abcde')\ndef test_it(n): Both()\n"
    suite.run(source, *UPDATE, "-k", "d").assert_outcomes(passed=1)
    assert len(entries(known)) == 1

    result = suite.run(source, *CHECK)

    result.assert_outcomes(passed=5)
    assert suite.lines_of(result, " in 5 tests: ")
    result = suite.run(source, "--leakcheck")
    result.assert_outcomes(failed=5)
    assert suite.lines_of(result, "; 1 leak in 5 tests; ")


class TestStability:
    SOURCE = """
    import ctypes, functools, threading

    OTHERS, BOTH, TABLE = [], [], {}

    class Registry:
        def __init__(self): self.left, self.right = [], []

    class Node:
        following = None

    class Leaf: pass

    REGISTRY, FIRST = Registry(), Node()

    @pytest.fixture(scope="module")
    def server(): return object()

    @functools.lru_cache(maxsize=None)
    def cached(thing): return 1

    def append():
        last = FIRST
        while last.following: last = last.following
        last.following = Node()

    def both():
        thing = keep(Thing())
        BOTH.append(thing)

    def test_repeated(): OTHERS.append([Thing()])
    def test_recognised(): OTHERS.append([Thing()])
    def test_recurs(server): OTHERS.append([Thing()])
    def test_recurs_again(server): OTHERS.append([Thing()])
    def test_left(): REGISTRY.left.append(Thing())
    def test_right(): REGISTRY.right.append(Thing())
    def test_list_1(): append()
    def test_list_2(): append()
    def test_list_3(): append()
    def test_key(): TABLE[Thing()] = 1
    def test_value(): TABLE[len(TABLE)] = Thing()
    def test_in_both(): both()
    def test_in_one(): BOTH.append(Thing())
    def test_in_other(): keep(Thing())
    def test_cached(): cached(Thing())
    def test_lost(): ctypes.pythonapi.Py_IncRef(ctypes.py_object(Thing()))
    def test_lost_leaf(): ctypes.pythonapi.Py_IncRef(ctypes.py_object(Leaf()))
    """

    def test_any_order_and_any_number_of_processes_lists_the_same(self, suite, known):
        """Forwards, backwards, in two processes, and by recurrence alone; none fails under the other's file."""
        suite.write(conftest=REVERSED)
        suite.run(self.SOURCE, *UPDATE).assert_outcomes(passed=17)
        first = known.read_text("utf-8")
        assert len(entries(known)) == 11

        for arguments in (["--backwards"], ["-n2"], ["--backwards", "-n2"]):
            result = suite.run("", *CHECK, *arguments, uses="xdist")
            result.assert_outcomes(passed=17)
            assert not suite.lines_of(result, "no longer occurs")
            known.unlink()
            suite.run("", *UPDATE, *arguments, uses="xdist")
            assert held(known) == held_lines(first)
            assert [fingerprint for fingerprint, _, _ in entries(known)] == re.findall(r"(?m)^[0-9a-f]{12}", first)

        suite.run("", *CHECK, "--leakcheck-repeat=0", "--backwards").assert_outcomes(passed=17)

    def test_each_test_alone_is_known(self, suite):
        """What the file has from a run of all serves for each of them."""
        suite.run(self.SOURCE, *UPDATE)

        for name in ("in_both", "key", "value", "list_3", "right", "recurs_again"):
            suite.run("", *CHECK, f"test_it.py::test_{name}").assert_outcomes(passed=1)


class TestAcrossProcesses:
    def test_the_controller_writes_what_the_workers_found(self, suite, known):
        """One line for each leak, with the tests of all workers."""
        result = suite.run(LEAKY + NEW, *UPDATE, "-n2", uses="xdist")

        result.assert_outcomes(passed=4)
        assert result.ret == 0
        assert "leakcheck: known.txt lists 2 leaks: 2 new, 0 kept, 0 removed" in told(suite, result)
        assert "    in test_it.py::test_first\n    in test_it.py::test_second\n" in known.read_text("utf-8")

    def test_workers_know_what_is_listed(self, suite):
        """Listed leaks pass there and are counted over all; new ones fail."""
        suite.run(LEAKY, *UPDATE)

        result = suite.run(LEAKY + NEW, *CHECK, "-n2", uses="xdist")

        result.assert_outcomes(passed=3, failed=1)
        (line,) = suite.lines_of(result, "leakcheck: known leak")
        assert " in 2 tests: " in line

    def test_what_workers_leave_out_is_known(self, suite, known):
        """-k in the workers is a part of the suite; without it the leak is gone."""
        source = "@pytest.mark.parametrize('n', 'abcde')\ndef test_it(n): keep(Thing())\n"
        suite.run(source, *UPDATE)
        mended = source.replace("keep(", "id(")

        result = suite.run(mended, *CHECK, "-n2", "-k", "[a] or [b] or [c]", uses="xdist")

        assert not suite.lines_of(result, "no longer occurs")
        assert suite.lines_of(suite.run(mended, *CHECK, "-n2", uses="xdist"), "no longer occurs")
        assert len(entries(known)) == 1


class TestOptions:
    def test_the_ini_file_can_name_it(self, suite, known):
        """The command line wins; the file's folder is made if need be."""
        (suite.path / "pytest.ini").write_text("[pytest]\nleakcheck_baseline = known.txt\n", "utf-8")
        suite.run(LEAKY, "--leakcheck", UPDATE[-1]).assert_outcomes(passed=3)
        assert known.exists()

        result = suite.run("", "--leakcheck", "--leakcheck-baseline=folder/other.txt", UPDATE[-1])
        assert "leakcheck: folder/other.txt lists 1 leak: 1 new, 0 kept, 0 removed" in told(suite, result)

    def test_the_ini_file_counts_from_its_own_folder(self, suite, monkeypatch):
        """Also where pytest is started in a folder below."""
        (suite.path / "pytest.ini").write_text("[pytest]\nleakcheck_baseline = known.txt\n", "utf-8")
        suite.run(LEAKY, "--leakcheck", UPDATE[-1])
        (suite.path / "folder").mkdir()
        monkeypatch.chdir(suite.path / "folder")

        result = suite.run("", "--leakcheck", "..")

        result.assert_outcomes(passed=3)

    def test_turned_off_it_is_not_even_read(self, suite):
        """--no-leakcheck goes with an ini file that names a file which is not there."""
        (suite.path / "pytest.ini").write_text("[pytest]\nleakcheck_baseline = known.txt\n", "utf-8")

        suite.run(LEAKY, "--no-leakcheck").assert_outcomes(passed=3)

    @pytest.mark.parametrize(
        ("arguments", "text", "message"),
        [
            (
                [UPDATE[-1]],
                None,
                (
                    "--leakcheck-update-baseline: no file to write: add --leakcheck-baseline=PATH, or set "
                    "leakcheck_baseline in the ini file"
                ),
            ),
            (
                [CHECK[-1]],
                None,
                (
                    "--leakcheck-baseline: there is no file known.txt; pytest --leakcheck "
                    "--leakcheck-baseline=known.txt --leakcheck-update-baseline writes it"
                ),
            ),
            (
                [*UPDATE[1:], "--no-leakcheck"],
                None,
                "--leakcheck-update-baseline and --no-leakcheck exclude each other: give one of them",
            ),
            (
                [CHECK[-1]],
                "# fine\n\n0123456789ab  2025-01-31  # why\n    a held by b\n<<<<<<< HEAD\n",
                (
                    "known.txt:5: '<<<<<<< HEAD' is no entry of a baseline; expected a fingerprint of 12 hexadecimal "
                    "digits, a day and a reason, as in: 0123456789ab  2025-01-31  # why it may stay"
                ),
            ),
            (
                [CHECK[-1]],
                "    a held by b\n",
                (
                    "known.txt:1: 'a held by b' is indented, but no entry comes before it; expected a fingerprint of "
                    "12 hexadecimal digits, a day and a reason, as in: 0123456789ab  2025-01-31  # why it may stay"
                ),
            ),
            (
                UPDATE,
                "0123456789ab  2025-13-31  # why\n",
                (
                    "known.txt:1: '0123456789ab  2025-13-31  # why' is no entry of a baseline; expected a fingerprint "
                    "of 12 hexadecimal digits, a day and a reason, as in: 0123456789ab  2025-01-31  # why it may stay"
                ),
            ),
        ],
        ids=["no path", "no file", "off", "conflict", "indented", "no day"],
    )
    def test_what_is_wrong_is_told_at_once(self, suite, known, arguments, text, message):
        """In one line, before any test runs; an unreadable file is never written over."""
        if text is not None:
            known.write_text(text, "utf-8")

        result = suite.run(LEAKY, *arguments)

        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert f"ERROR: {message}" in result.errlines
        assert not suite.lines_of(result, "Traceback")
        assert text is None or known.read_text("utf-8") == text

    def test_what_is_no_text_is_told_too(self, suite, known):
        """A folder, or bytes that are no UTF-8."""
        known.write_bytes(b"\xff\xfe\x00")
        assert "ERROR: known.txt: not text in UTF-8" in suite.run(LEAKY, *CHECK).errlines

        known.unlink()
        known.mkdir()
        (line,) = [line for line in suite.run(LEAKY, *CHECK).errlines if line]
        assert line.startswith("ERROR: known.txt: it can't be read (")


LEAK = Leak(
    (Survivor("shop.Session", "made during the test"),),
    Trace(
        Root("shop.registry", "module"),
        (
            Link(".LISTENERS", "dict", "module global", ".LISTENERS"),
            Link("['a']", "list", "dict item", "[*]"),
            Link("closure variable 'x' of f", "Session", "closure variable", "closure variable 'x' of f"),
        ),
        4,
    ),
)


class TestFile:
    def test_what_holds_is_spelled_out(self):
        """With what is general in it; words come after an arrow, and what nobody sees has no name."""
        assert baseline.holder(LEAK) == "shop.registry.LISTENERS[*] -> closure variable 'x' of f"
        assert baseline.holder(replace(LEAK, trace=None)) == "nothing that was found"
        thread = replace(LEAK.trace, root=Root("Thread-12 (work)", "thread"), links=LEAK.trace.links[:1])
        assert baseline.holder(replace(LEAK, trace=thread)) == "thread.LISTENERS"

    def test_both_sides_of_a_merge_may_have_added_the_same(self):
        """The earlier day and the reason that somebody wrote count."""
        text = (
            "0123456789ab  2025-02-01  # by design\n    a held by b\n    in t.py::test_a\n\n"
            "0123456789ab  2025-01-31  # TODO: why it may stay\n    a held by b\n    in t.py::test_b\n"
            "    in more tests\n"
        )

        (entry,) = baseline.parse(text, "known.txt").entries

        assert (entry.first_seen, entry.reason) == ("2025-01-31", "by design")
        assert (entry.tests, entry.is_in_more) == (("t.py::test_a", "t.py::test_b"), True)

    def test_lines_by_hand_are_enough(self):
        """An entry needs its fingerprint and a day; Windows' line ends and a byte order mark do no harm."""
        (entry,) = baseline.parse("\ufeff0123456789ab 2025-02-01\r\n", "known.txt").entries

        assert entry == baseline.Entry("0123456789ab", "2025-02-01")

    def test_an_entry_without_tests_is_gone_once_all_tests_were_checked(self):
        """Nothing else tells which of them would have shown it."""
        entry = baseline.Entry("0123456789ab", "2025-02-01")

        assert baseline.is_gone(entry, baseline.Seen(ran={"t.py::a"}, checked={"t.py::a"}, is_whole=True))
        assert not baseline.is_gone(
            entry, baseline.Seen(ran={"t.py::a", "t.py::b"}, checked={"t.py::a"}, is_whole=True)
        )
        assert not baseline.is_gone(entry, baseline.Seen(ran={"t.py::a"}, checked={"t.py::a"}))

    def test_entries_are_sorted_and_come_back(self):
        """What was written is read as the same, node ids with signs of the format included."""
        tests = ("t.py::test[a # b  in c]",)
        some = (baseline.Entry("b" * 12, "2025-02-01", "x # y"), baseline.Entry("a" * 12, "2025-02-01", "", "A", tests))

        text = baseline.dump(baseline.Baseline(some))

        assert text.index("aaaa") < text.index("bbbb")
        assert set(baseline.parse(text, "known.txt").entries) == set(some)
