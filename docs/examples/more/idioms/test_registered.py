"""Weak references that a fixture looks at when the test is over."""

import gc
import weakref

import pytest
from desk import Window


@pytest.fixture
def gc_tester():
    references = []
    yield lambda obj: references.append(weakref.ref(obj))
    gc.collect()
    gc.collect()
    assert [ref() for ref in references if ref() is not None] == []


def test_window_before(gc_tester):
    window = Window()
    gc_tester(window)

    window.close()


def test_window_after(assert_collected):
    window = assert_collected(Window())

    window.close()
