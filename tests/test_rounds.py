"""Searches that go on in step."""

from pytest_leakcheck.search.rounds import Question, finish, finish_all


def _search(*questions):
    for nodes in questions:
        yield Question(nodes)
    return sum(map(len, questions))


def test_a_search_alone_is_finished():
    """Its questions go nowhere: it asks its graph itself."""
    assert finish(_search([1], [2, 3])) == 3


def test_the_questions_of_a_round_come_together():
    """Each search is as far as the others, until it ends; the answers are in order."""
    rounds = []
    searches = [_search([1], [2], [3]), _search(), _search([4, 5])]

    assert finish_all(searches, lambda questions: rounds.append([each.nodes for each in questions])) == [3, 0, 2]
    assert rounds == [[[1], [4, 5]], [[2]], [[3]], []]


def test_no_search_is_nothing():
    """Then nobody is asked."""
    assert finish_all([], lambda _: 1 / 0) == []
