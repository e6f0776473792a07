"""Where a container has what several paths lead to."""

from pytest_leakcheck.heap.positions import NOT_KNOWN, Positions


class Thing:
    pass


def test_a_shared_container_is_looked_through_once():
    """The first index or key counts, as where each is looked for alone."""
    one, other, third = Thing(), Thing(), Thing()
    row, names = [one, other, one, other], {"a": one, 5: third, "b": one}
    found = Positions([(row, one), (row, other), (names, one), (names, third)])

    assert [found.of(row, one), found.of(row, other)] == [0, 1]
    assert [found.of(names, one), found.of(names, third)] == ["a", 5]


def test_what_has_another_key_is_not_known():
    """A key of any other type is the user's, and is not kept, though a plain one comes after it."""
    one, other = Thing(), Thing()
    names = {Thing(): one, "later": one, (1,): other}
    found = Positions([(names, one), (names, other)])

    assert found.of(names, one) is None
    assert found.of(names, other) is None


def test_what_one_path_goes_through_is_not_looked_at():
    """Nor is any other type of container, nor what is on no path."""

    class Row(list):
        def __iter__(self):
            raise AssertionError

    one, other = Thing(), Thing()
    row, alone = Row([one, other]), [one]
    found = Positions([(row, one), (row, other), (alone, one)])

    assert found.of(row, one) is found.of(alone, one) is found.of([], one) is NOT_KNOWN.of(alone, one) is None
