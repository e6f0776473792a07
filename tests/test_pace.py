"""The interpreter collects everything by itself about as often as if no test were checked."""

import gc
import sys

import pytest

import surroundings
from pytest_leakcheck.runtime import pace

pytestmark = pytest.mark.skipif(not pace.IS_PACED, reason="full collections go by another count here, or by none")

FILLS_A_SLOT = """
import pytest
SLOT = []

@pytest.mark.parametrize("number", range(150))
def test_it(number):
    SLOT[:] = [[] for _ in range(3_000)]
"""


def test_checks_set_off_no_full_collections(pytester):
    """What each test leaves grows old at its end; nothing but that would soon come to a quarter of all there is."""
    pytester.makeconftest(surroundings.COUNTING_FULL)
    pytester.makepyfile(FILLS_A_SLOT)

    def number(*arguments):
        call = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        result = pytester.run(*call, timeout=surroundings.PATIENCE)
        result.assert_outcomes(passed=150)
        return surroundings.full_collections(result)

    plain, checked = number("-p", "no:leakcheck"), number("--leakcheck")

    assert checked <= plain + 12  # without a pace, there are some 25 more (3.11); with it, up to 10 (3.12.1)


class Collector:
    """Stands in for the collector, whose third count has run over."""

    def __init__(self, monkeypatch):
        self.count, self.frozen, self.calls = (0, 0, 10), 0, []
        self.collections = [0, 0, 0]
        answers = {
            "get_count": lambda: self.count,
            "get_threshold": lambda: (700, 10, 10),
            "get_freeze_count": lambda: self.frozen,
            "get_stats": lambda: [{"collections": number} for number in self.collections],
            "freeze": lambda: self.calls.append("freeze"),
            "unfreeze": lambda: self.calls.append("unfreeze"),
        }
        for name, answer in answers.items():
            monkeypatch.setattr(f"pytest_leakcheck.runtime.collector.{name}", answer)


@pytest.fixture
def collector(monkeypatch):
    return Collector(monkeypatch)


def test_the_count_is_put_back(collector):
    """By freezing and letting go at once."""
    pace.Pace().keep()

    assert collector.calls == ["freeze", "unfreeze"]


def test_a_count_that_has_not_run_over_is_left(collector):
    """It costs nothing to look at."""
    collector.count = (0, 0, 9)
    pace.Pace().keep()

    assert collector.calls == []


def test_what_a_user_has_frozen_stays_frozen(collector):
    """To let go of it would undo that."""
    collector.frozen = 1
    pace.Pace().keep()

    assert collector.calls == []


def test_collections_made_here_count_by_what_came_before_them(collector):
    """Eleven times eleven of the interpreter's own make a full one due, each of which takes 700 new objects."""
    found = pace.Pace()
    for number, is_put_back in ((120, True), (121, False)):
        while found._ours < 2 * number:
            collector.count = (700, 0, 10)
            found.note(is_after_ours=False)
            found.note(is_after_ours=True)
            collector.collections[0] += 1
            collector.collections[1] += 1
        collector.calls.clear()
        found.keep()
        assert bool(collector.calls) == is_put_back


def test_a_full_collection_starts_the_count_anew(collector):
    """Whoever made it."""
    found = pace.Pace()
    collector.collections[:] = 120, 0, 1
    found.keep()
    collector.collections[0] += 120
    found.keep()
    assert len(collector.calls) == 4

    collector.collections[0] += 1
    found.keep()
    assert len(collector.calls) == 4


def test_another_collector_is_let_be(collector, monkeypatch):
    """Its counts mean something else, or there are none."""
    monkeypatch.setattr(pace, "IS_PACED", False)
    monkeypatch.delattr(gc, "get_count")
    found = pace.Pace()
    found.note(is_after_ours=False)
    found.keep()

    assert collector.calls == []
