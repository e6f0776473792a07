"""The table of holders and roots in ``leaks.txt``: what a report says of each, and that what it proves is so."""

import functools
import sys
from pathlib import Path

import pytest

import leaks
from pytest_leakcheck.heap.links import name_links

TABLE = leaks.read_leaks()
LEAKS = {name: leak for name, leak in TABLE.items() if not leak.why_not}
HALVES = [dict(list(LEAKS.items())[start::2]) for start in (0, 1)]


@functools.cache
def _answers(half: int, *, is_cutting: bool):
    return leaks.run_leaks({name: leak.source for name, leak in HALVES[half].items()}, is_cutting=is_cutting)


def _said(answer) -> list[str]:
    lines = list(answer["trace"])
    if answer["proof"] == "dominator":
        lines.append(f"=> every path goes through {answer['link']}")
        lines += [f"   below it {' and '.join(answer['ways'])}"] if answer["ways"] else []
    elif answer["proof"] == "independent":
        lines.append("=> independent")
        for other in answer["others"]:
            lines += [f"   {'    ' if number else 'and '}{line}" for number, line in enumerate(other)]
        lines += [] if answer["is_all"] else ["   and perhaps more"]
    elif answer["proof"]:
        lines.append(f"=> not proven: {answer['reason']}")
    return [line.strip() for line in lines]


def _likened(lines: list[str]) -> list[str]:
    """Return lines as CPython 3.10 tells them, which knows no qualified names of code, or as PyPy does.

    In what order PyPy shows objects changes as its collector moves them: so does the order of independent holders.
    """
    if sys.implementation.name == "pypy" and "=> independent" in lines:
        return sorted(line.removeprefix("and ") for line in lines)
    if sys.version_info >= (3, 11):
        return lines
    return [line.replace("of generator leak.<genexpr>", "of generator <genexpr>") for line in lines]


@pytest.mark.parametrize("half", [0, 1])
def test_each_holder_is_named_from_its_root_to_the_object(half):
    """Every trace in the table is told link by link as written there, with its proof and the references counted."""
    answers = _answers(half, is_cutting=False)
    wrong = {}
    for name, leak in HALVES[half].items():
        said, counted = _said(answers[name]), [line for line in leak.expected if line.startswith("counted: ")]
        wanted = _likened([line.strip() for line in leak.expected if line not in counted])
        if "..." in wanted:
            said, wanted = [said[0], answers[name]["trace"][-1][-len(wanted[-1]) :]], [wanted[0], wanted[-1]]
        said = _likened(said) if sys.implementation.name == "pypy" else said
        has_miscounted = counted and counted != [f"counted: {answers[name]['accounting']}"]
        if said != wanted or (has_miscounted and sys.implementation.name == "cpython"):
            wrong[name] = (said, wanted, answers[name]["accounting"])

    assert not wrong


@pytest.mark.parametrize("half", [0, 1])
def test_what_the_table_undoes_dies(half):
    """Each leak of the table dies once it is undone by hand: the search itself leaves nothing behind that holds it."""
    answers = _answers(half, is_cutting=False)

    assert [name for name, answer in answers.items() if not answer["is_dead"]] == []


@pytest.mark.parametrize("half", [0, 1])
def test_deleting_the_indispensable_link_frees_the_object(half):
    """Where a report says that dropping one link frees the object, typing ``del`` before that link does so."""
    answers = _answers(half, is_cutting=True)
    typed = {name: answer["is_freed"] for name, answer in answers.items() if answer["is_typed"]}

    assert len(typed) > 15
    assert [name for name, is_freed in typed.items() if not is_freed] == []


@pytest.mark.parametrize("half", [0, 1])
def test_every_trace_has_a_length_of_at_least_a_root_and_an_object(half):
    """The length counts objects, and so is never less than the named links."""
    answers = _answers(half, is_cutting=False)

    assert all(answer["length"] >= len(answer["trace"]) - 1 for answer in answers.values())


def test_what_an_interpreter_tells_differently_is_explained_in_the_docs():
    """Each leak of the table that has an entry of its own for an interpreter is named on the page of interpreters."""
    page = (Path(__file__).parent.parent / "docs" / "pages" / "interpreters.md").read_text(encoding="utf-8")

    assert [name for name, leak in TABLE.items() if leak.variants and f"`{name}`" not in page] == []


@pytest.mark.parametrize("holder", [["other"], {"key": "other"}, ("other",)])
def test_a_container_that_has_lost_the_object_meanwhile_is_named_by_its_type(holder):
    """Another thread may change it between the search and the words for what was found: no position is guessed."""
    thing = object()

    links, steps = name_links([holder, thing])

    assert [(link.text, link.label) for link in links] == [(f"inside the {type(holder).__name__}", "object")]
    assert steps == [1]
