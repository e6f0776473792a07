"""Hypothesis runs a test's body many times, and takes no fixture that is made for one test: two other spellings."""

import pytest
from hypothesis import given
from hypothesis.strategies import text

from pytest_leakcheck import no_leak


class Query:
    def __init__(self, words):
        self.words = words.split()


@pytest.mark.no_leak(instances_of=Query)
@given(text())
def test_after_all_examples(words):
    assert Query(words).words == words.split()


@given(text())
def test_after_each_example(words):
    with no_leak(instances_of=Query):
        assert Query(words).words == words.split()
