"""What is a leak and what is none, over whole small suites, as the text files that ``judging.py`` reads have them."""

import sys

import pytest

from judging import judge_all, read_suites

pytestmark = pytest.mark.skipif(sys.implementation.name != "cpython", reason="what dies at once is part of the answers")
SUITES = read_suites()


@pytest.fixture(scope="module")
def answers(pytestconfig):
    """Return what all suites are told: they are judged in one process."""
    sources = {name: source for name, (source, _) in SUITES.items()}
    return judge_all(sources, exitfirst=pytestconfig.option.maxfail == 1)


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_is_told_what_is_written(answers, name):
    """Which tests are run again, which leak and what is noted beside, line by line."""
    assert answers[name] == SUITES[name][1]
