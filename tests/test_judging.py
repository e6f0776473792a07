"""What the verdict on a run comes to, over one suite of tests that each leave something in their own way."""

import re

import pytest

TESTS = {
    "fails": ("def test_fails(): keep(Thing()); assert KEPT is None", "FAILED"),
    "skips": ("def test_skips(): keep(Thing()); pytest.skip('not here')", "SKIPPED"),
    "leaks": ("def test_leaks(): keep(Thing())", "LEAKED"),
    "is_expected": ("@pytest.mark.xfail\ndef test_is_expected(): EXPECTED.append(Thing())", "XFAIL"),
    "is_not": ("def test_is_not(): EXPECTED.append(Thing())", "LEAKED"),
    "leaves_it_to_its_instance": (
        "class TestIt:\n    def test_leaves_it_to_its_instance(self): self.thing = Thing()",
        "PASSED",
    ),
    "has_a_value": ("def test_has_a_value(assert_collected, thing): assert_collected(thing)", "PASSED"),
    "logs_it": ("def test_logs_it(caplog): logging.warning('%s', Thing())", "PASSED"),
    "makes_it_once": ("def test_makes_it_once(): SLOT.setdefault('once', Thing())", "PASSED"),
    "registers_it": (
        "def test_registers_it(assert_collected): SLOT['it'] = assert_collected(Thing()); OTHERS.append(Thing())",
        "LEAKED",
    ),
    "fails_again": (
        "def test_fails_again(closing): assert not AGAIN, 'it ran before\\nand now'; AGAIN.append(Thing())",
        "PASSED",
    ),
    "may_not_run_again": ("def test_may_not_run_again(shared): WIDE.append(Thing())", "PASSED"),
    "comes_after_it": ("def test_comes_after_it(shared): WIDE.append(Thing())", "LEAKED"),
    "gives_it_to_a_value": (
        "@pytest.mark.parametrize('box', [[]])\ndef test_gives_it_to_a_value(box): box.append(Thing())",
        "PASSED",
    ),
    "works_on": (
        "@pytest.mark.no_leak\ndef test_works_on(): ONCE.append(Thing()) if not ONCE else PENDING.append(Thing())",
        "PASSED",
    ),
    "is_slow_to_end": (
        "def test_is_slow_to_end(slow, assert_collected): SLOT['slow'] = assert_collected(Thing(), within=0.8)",
        "LEAKED",
    ),
    "breaks_the_check": (
        "def test_breaks_the_check(assert_collected): keep(assert_collected(Thing())); break_once(Check, 'judge')",
        "LEAKED",
    ),
    "breaks_the_line": (
        "def test_breaks_the_line(): OTHERS.append([Thing()]); break_once(judging, 'completed')",
        "LEAKED",
    ),
    "is_given_a_client": ("def test_is_given_a_client(client): pass", "LEAKED"),
    "is_checked_alone": (
        "def test_is_checked_alone(): assert [each for each in gc.callbacks if 'Census' in str(each)][1:] == []",
        "PASSED",
    ),
    "leaks_anew": ("def test_leaks_anew(): keep(Thing())", "LEAKED"),
}
SOURCE = """
import collections, gc, logging, time
from pytest_leakcheck.running import judging
from pytest_leakcheck.checking.check import Check

EXPECTED, OTHERS, AGAIN, WIDE, ONCE, PENDING, CLIENTS, SLOT = [], [], [], [], [], [], [], {}

def break_once(owner, name):
    real = getattr(owner, name)

    def broken(*arguments, **options):
        setattr(owner, name, real)
        1 / 0

    setattr(owner, name, broken)

@pytest.fixture
def client():
    CLIENTS.append(collections.UserDict())
    return CLIENTS[-1]

@pytest.fixture
def thing(): return Thing()

@pytest.fixture
def closing(seen=[]):
    yield
    assert not seen, "it closed before"
    seen.append(1)

@pytest.fixture
def slow():
    yield
    time.sleep(0.2)

@pytest.fixture(scope="module")
def shared(): return []

"""
CONFTEST = """
import sys

def pytest_leakcheck_drain():
    pending = sys.modules["test_it"].PENDING
    is_some = bool(pending)
    pending.clear()
    return is_some
"""


@pytest.fixture
def lines(suite):
    """Return the lines that the run of all tests ends with."""
    suite.write(conftest=CONFTEST)
    source = SOURCE + "\n\n".join(source for source, _ in TESTS.values())
    return suite.run(source, "--leakcheck", "-vv", "-W", "ignore", "--durations=0").outlines


def test_each_test_has_its_own_outcome_and_is_told_what_it_needs(lines):
    """One that fails of itself is not checked, a second run tells of itself, and a teardown takes its own time."""
    text = "\n".join(lines)
    outcomes = dict(re.findall(r"^test_it\.py::(?:TestIt::)?test_(\w+)\S*\s+([A-Z]+)", text, re.MULTILINE))
    again = re.findall(r"^leakcheck: run a second time: test_it\.py::test_(\w+)", text, re.MULTILINE)
    seconds = float(re.findall(r"([\d.]+)s teardown test_it\.py::test_is_slow_to_end", text)[0])

    assert outcomes == {name: outcome for name, (_, outcome) in TESTS.items()}, text
    assert again == [
        "leaks",
        "is_expected",
        "makes_it_once",
        "registers_it",
        "fails_again",
        "works_on",
        "is_given_a_client",
    ]
    assert "it failed (AssertionError: it ran before), so what it left counts once another test leaves the same" in text
    assert "test_fails_again: 1 test_it.Thing in test_it.AGAIN: a leak if another test leaves one there" in text
    assert (
        "by a fault of the plugin or of what came in between: test_it.py::test_breaks_the_check: ZeroDivisionError"
        in text
    )
    assert "  Rerun: pytest test_it.py::test_leaks_anew --leakcheck" in lines
    assert "  The same leak as in test_it.py::test_leaks, held by test_it.KEPT." in lines
    assert re.search(r"^  test_it\.Thing  made during the test at suite/test_it\.py:\d+$", text, re.MULTILINE)
    assert 0.2 <= seconds < 0.8


def test_where_another_plugin_logs_each_report_at_once_another_test_tells(suite):
    """Then no test is run a second time, and what accumulates is an error of the teardown."""
    suite.write(
        conftest="""
            from _pytest import runner

            real = runner.call_and_report

            def pytest_runtest_protocol(item, nextitem):
                runner.call_and_report = lambda *arguments, **more: real(*arguments, **more)
                runner.runtestprotocol(item, nextitem=nextitem)
                runner.call_and_report = real
                return True
        """
    )
    result = suite.run("def test_one(): keep(Thing())\ndef test_other(): keep(Thing())\n", "--leakcheck", "-v")

    result.assert_outcomes(passed=2, errors=1)
    assert suite.lines_of(result, "Another one, left there by test_it.py::test_one, is still alive.")
    assert not suite.lines_of(result, "run a second time")
    assert not suite.lines_of(result, "by a fault of")
