"""Which tests are run again, where several in a row fail."""

import itertools

from pytest_leakcheck.checking.trials import Trials


def _run(trials, number, *, has_failed):
    """Return which of so many tests are run again, each of which goes alike."""
    due = []
    for test in range(number):
        if trials.are_due():
            due.append(test)
            trials.note(has_failed=has_failed)
    return due


def test_all_are_due_where_none_fails():
    """However many there are."""
    assert _run(Trials(), 100, has_failed=False) == list(range(100))


def test_after_five_that_fail_in_a_row_ever_more_are_left_out():
    """One, then two, four ... up to 64 between two that are not."""
    widths = [1, 2, 4, 8, 16, 32, 64, 64]

    due = _run(Trials(), 4 + sum(widths) + len(widths) + 1, has_failed=True)

    assert due[:5] == [0, 1, 2, 3, 4]
    assert [later - earlier - 1 for earlier, later in itertools.pairwise(due[4:])] == widths


def test_one_that_does_not_fail_begins_anew():
    """It takes five in a row again."""
    trials = Trials()

    for _ in range(20):
        assert _run(trials, 4, has_failed=True) == [0, 1, 2, 3]
        assert _run(trials, 1, has_failed=False) == [0]
