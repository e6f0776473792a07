"""Searches that go on in step, so that what all of them want to know can be found out at once.

Such a search is a generator: before it asks its graph about many nodes, it yields a `Question` that names them. Whoever
drives it may get the answers ready; the search asks the graph in any case.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Question:
    """What a search is about to ask."""

    nodes: Collection[int]
    """Nodes whose holders it wants to know."""
    is_counted: bool = False
    """Whether it also asks if these are all, by the number of references."""


Steps = Generator[Question, None, Answer]


def finish(steps: Steps[Answer]) -> Answer:
    """Return what one search comes to."""
    return finish_all([steps], lambda _: None)[0]


def finish_all(searches: Sequence[Steps[Answer]], prepare: Callable[[Sequence[Question]], None]) -> list[Answer]:
    """Return what each of `searches` comes to; `prepare` is given the questions of all, a round at a time."""
    answers: dict[int, Answer] = {}
    questions: list[Question] = []
    while len(answers) < len(searches):
        questions.clear()
        for number, steps in enumerate(searches):
            if number not in answers:
                try:
                    questions.append(next(steps))
                except StopIteration as end:
                    answers[number] = end.value
        prepare(questions)
    return [answers[number] for number in range(len(searches))]
