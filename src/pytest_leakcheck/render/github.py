"""Leaks as the workflow commands by which GitHub Actions annotates lines of a change.

One line of output each: errors for what failed a test, warnings for what is known, or is no leak but worth a look.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_leakcheck.baseline import holder
from pytest_leakcheck.describe import clean, counted, tally
from pytest_leakcheck.results import Spot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_leakcheck.results import Occurrence, Pardoned, Results

_MOST_TEXT = 2_000
"""Characters of each line of a message."""
_NEWLINE = "%0A"


def render(results: Results, warnings: Iterable[str], folder: str) -> Iterator[str]:
    """Yield a line for each leak that failed a test, each one pardoned and each warning.

    `folder` is the one of the repository: files are told from there. What lies outside is told at the test's line.
    """
    for group in results.groups():
        failing = [occurrence for occurrence in group if occurrence.outcome in ("failed", "error")]
        if failing:
            yield _error(failing, folder)
    for pardoned in results.groups_of_pardoned():
        yield _known(pardoned, folder)
    for text in warnings:
        yield _command("warning", _place([results.warnings.get(text, Spot())], folder), "Leak check", [text])


def _error(group: list[Occurrence], folder: str) -> str:
    first = group[0]
    leak = first.leak
    what = tally(survivor.type_name for survivor in (*leak.survivors, *leak.also_keeps))
    does = (
        f"outlive{'' if leak.count > 1 else 's'}" if leak.grade == "survives" else "waited for the cycle collector in"
    )
    message = [
        f"{what} {does} {_in_tests([each.test for each in group])}",
        f"Held by {holder(leak)}",
        *([leak.note] if leak.note else []),
        *([leak.advice] if leak.advice else []),
        *([f"Rerun: {first.report.rerun}"] if first.report.rerun else []),
    ]
    place = _place([Spot(*leak.spot), first.spot], folder)
    return _command("error", place, f"Leak of {leak.survivors[0].type_name}", message)


def _known(group: list[Pardoned], folder: str) -> str:
    first = group[0]
    known, tests = first.sighting, _in_tests([each.test for each in group])
    message = [
        f"The baseline lists {known.fingerprint}: {', '.join(known.type_names)} in {tests}",
        f"Held by {known.holder}",
    ]
    place = _place([Spot(known.file, known.line), first.spot], folder)
    return _command("warning", place, f"Known leak of {known.type_names[0]}", message)


def _in_tests(tests: list[str]) -> str:
    names = list(dict.fromkeys(tests))
    return names[0] + (f" and {counted(len(names) - 1, 'more test')}" if len(names) > 1 else "")


def _place(spots: Iterable[Spot], folder: str) -> Spot:
    """Return the first of `spots` that is below `folder`, seen from there; none where there is no such."""
    top = os.path.realpath(folder)
    for file, line in spots:
        path = os.path.realpath(file) if file else ""
        if path.startswith(os.path.join(top, "")):  # noqa: PTH118 - a prefix, to end in a separator
            return Spot(os.path.relpath(path, top).replace(os.sep, "/"), line)
    return Spot()


def _command(kind: str, place: Spot, title: str, message: Iterable[str]) -> str:
    properties = {"file": place.file, "line": str(place.line)} if place.file else {}
    listed = [f"{name}={_property(value)}" for name, value in {**properties, "title": title}.items()]
    return f"::{kind} {','.join(listed)}::{_NEWLINE.join(map(_data, message))}"


def _data(text: str) -> str:
    """Return text as GitHub takes it after the second pair of colons; `clean` leaves no end of line in it."""
    return clean(text, _MOST_TEXT).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
