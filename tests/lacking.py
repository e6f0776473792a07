"""Tests that an interpreter can't run, each with the reason: what they ask for is not there."""

from __future__ import annotations

_NOTHING_DIES = "nothing dies on PyPy before a collection"
_NO_CALLBACKS = "PyPy's collector has no callbacks, thresholds or generations to be seen"

ON_PYPY = {
    "test_afterlife.py": "PyPy has no gc.is_finalized",
    "test_census.py::TestCallbacks": _NO_CALLBACKS,
    "test_census.py::TestExact::test_a_collector_that_the_test_turns_off": _NO_CALLBACKS,
    "test_census.py::TestExact::test_all_new_objects_are_counted_once": _NO_CALLBACKS,
    "test_census.py::TestExact::test_what_cannot_be_weakly_referenced_is_noted_by_its_address": (
        "objects with slots can be weakly referenced on PyPy"
    ),
    "test_census.py::TestExact::test_what_the_test_freezes": "PyPy has no gc.freeze",
    "test_census.py::TestGenerations::test_interpreters_without_young_generations": _NO_CALLBACKS,
    "test_letting_go.py": _NO_CALLBACKS,
    "test_quiet.py::TestCollector::test_its_state_is_the_same_after_the_run": _NO_CALLBACKS,
    "test_watch.py::TestAdding::test_the_line_that_made_an_object_is_told_of_those_alive": _NOTHING_DIES,
    "test_watch.py::TestAdding::test_watching_keeps_nothing_alive": _NOTHING_DIES,
    "test_watch.py::TestCollecting::test_an_object_that_its_finaliser_saves": "PyPy has no gc.is_finalized",
    "test_watch.py::TestCollecting::test_nothing_alive_nothing_collected": _NO_CALLBACKS,
    "test_watch.py::TestCollecting::test_older_generations_only_while_something_lives": _NO_CALLBACKS,
}
"""By the beginnings of their names."""


def why(name: str) -> str:
    """Return why PyPy can't run the test with this name; empty where it can."""
    return next((reason for start, reason in ON_PYPY.items() if name.partition("tests/")[2].startswith(start)), "")
