"""Users' own hooks that make reports find of a test what they find without the plugin, or are left out, and it is told.

What pytest's documentation shows for a conftest.py reads `item.funcargs` while a report is made.
"""

import types

import pytest

from pytest_leakcheck.running.release import Withheld

PAGES = """
import types
import pytest

SEEN = []

class Page:
    title = "start"

@pytest.fixture(scope="session")
def browser(): return types.SimpleNamespace(title="start")

@pytest.fixture
def address(): return "start"

@pytest.fixture
def page(): return Page()

@pytest.fixture
def failing(request):
    yield
    SEEN.append(request.node.rep_call.outcome)
"""


@pytest.fixture
def peek(suite):
    """Return what runs tests beside a wrapper of the hook that makes reports, which notes what it sees of an item."""

    def run(what, source, *arguments, when="teardown"):
        suite.write(
            conftest=f"""
from pages import *

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == {when!r}:
        SEEN.append({what})
    return report

def pytest_unconfigure():
    print("seen:", *SEEN)
""",
            pages=PAGES,
        )
        return suite.run(source, *(arguments or ["--leakcheck"]))

    return run


class TestNothingToJudge:
    """What a test leaves untouched of what is watched leaves all that pytest has of it in place."""

    @pytest.mark.parametrize(
        ("what", "source", "seen"),
        [
            ('item.funcargs["address"]', "def test_it(address): Thing()", "start"),
            ('item.funcargs["browser"].title', "def test_it(browser): Thing()", "start"),
            ("item.instance.name", "class TestIt:\n    def test_it(self): self.name = 'self'", "self"),
        ],
    )
    def test_a_hook_sees_what_it_sees_without_the_plugin(self, peek, what, source, seen):
        """Fixtures' values and the instance of the test's class are there when the teardown's report is made."""
        result = peek(what, source)

        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines([f"seen: {seen}"])
        assert not [line for line in result.outlines if "the hook" in line]

    def test_it_sees_the_values_of_wider_scopes_beside_one_of_the_test(self, peek):
        """And texts: neither is the test's own object, which is judged."""
        result = peek(
            '(item.funcargs["browser"].title, item.funcargs["address"])', "def test_it(browser, address, page): pass"
        )

        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["seen: ('start', 'start')"])


def test_what_a_check_amid_the_test_has_counted_is_let_go_of_too(suite):
    """What only a fixture's value holds is no leak, and no reason for a second run."""
    result = suite.run(
        """
        @pytest.fixture
        def box(): return []

        def test_it(box, assert_collected):
            box.append(Thing())
            assert_collected.now()
        """,
        "--leakcheck",
        "-v",
    )

    result.assert_outcomes(passed=1)
    assert len(suite.lines_of(result, "leakcheck: ")) == 1


def test_what_the_collector_does_not_track_is_let_go_of_too(suite):
    """An object without attributes, the value of a fixture: it is no text."""
    result = suite.run(
        """
        class Bare: __slots__ = ("__weakref__",)

        @pytest.fixture
        def bare(): return Bare()

        def test_it(bare, assert_collected): assert_collected(bare)
        """,
        "-v",
    )

    result.assert_outcomes(passed=1)
    assert len(suite.lines_of(result, "leakcheck: ")) == 1


def test_a_fault_of_a_hooks_own_is_what_it_is_without_the_plugin(peek):
    """Where pytest has let go of nothing."""
    source = "def test_it(address): pass"
    plain = peek('item.funcargs["page"]', source, "--no-leakcheck")

    assert peek('item.funcargs["page"]', source).ret == plain.ret == pytest.ExitCode.INTERNAL_ERROR


def test_an_item_without_fixtures_gets_none_back():
    """As those of other plugins may be."""
    item = types.SimpleNamespace()

    Withheld({"page": lambda: 1}).give_back(item)

    assert not vars(item)


class TestToBeJudged:
    """The value of a test's own fixture must be gone by the verdict, which comes before the teardown's report."""

    def test_a_hook_that_misses_one_ends_nothing(self, peek):
        """It is left out; a line at the end says which, and why."""
        result = peek('item.funcargs["page"].title', "def test_it(page): pass\ndef test_other(page): pass")

        result.assert_outcomes(passed=2)
        told = "leakcheck: the hook pytest_runtest_makereport of plugin 'conftest.py' raised KeyError: 'page', so it "
        assert f"{told}was left out; by then, what the test's fixtures gave it is let go of" in result.outlines


class TestLeaking:
    """The report of a leaking test's call is made once more, as a failure."""

    SOURCE = "def test_it(page, assert_collected):\n    keep(assert_collected(Thing()))"

    def test_a_hook_that_then_misses_a_value_loses_no_leak(self, peek):
        """As pytest's documentation has it: on the failure of a call, what is done with a fixture's value."""
        result = peek('report.passed or item.funcargs["page"].title', self.SOURCE, when="call")

        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["LEAKED  1 object that should be gone is still alive"])

    def test_a_hook_for_debuggers_that_misses_a_value_loses_no_leak(self, suite):
        """What raises there is left out as well."""
        suite.write(conftest="def pytest_exception_interact(node, call, report): node.funcargs['page']\n", pages=PAGES)
        result = suite.run("from pages import page\n" + self.SOURCE)

        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["LEAKED  1 object that should be gone is still alive"])
