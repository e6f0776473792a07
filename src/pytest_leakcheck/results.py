"""What a whole run found, gathered from the reports of its tests as they come; the renderers tell of it.

Errs towards one leak told as two: leaks are told apart by their fingerprints, of which one cause may have several.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from pytest_leakcheck.baseline import Sighting
    from pytest_leakcheck.model import Leak, Report

Outcome = Literal["failed", "error", "expected", "rerun"]
"""What became of the test with a leak; the third where it is marked as one that fails, the last where it runs again."""


class Spot(NamedTuple):
    """A line of a file; empty and 0 where it is not known."""

    file: str = ""
    line: int = 0


class Occurrence(NamedTuple):
    """A leak as one test showed it."""

    test: str
    """Its node id."""
    outcome: Outcome
    spot: Spot
    """Where the test itself is."""
    leak: Leak
    report: Report
    """The report that tells of the leak, and perhaps of others."""


class Pardoned(NamedTuple):
    """A leak that a baseline lists, as one test showed it."""

    test: str
    spot: Spot
    """Where the test itself is."""
    sighting: Sighting


@dataclass(slots=True)
class Results:
    """What the tests of a run showed so far."""

    tests: int = 0
    """How many were checked."""
    idle: int = 0
    """How many of these watched nothing at all."""
    objects: int = 0
    gc_seconds: float = 0.0
    occurrences: list[Occurrence] = field(default_factory=list)
    pardoned: list[Pardoned] = field(default_factory=list)
    warnings: dict[str, Spot] = field(default_factory=dict)
    """What is no leak but worth a look, in words, with the line of the test that it is said of."""
    troubles: list[tuple[str, str]] = field(default_factory=list)
    """The tests that could not be checked, and why."""

    def add(self, test: str, outcome: Outcome, spot: Spot, report: Report) -> None:
        """Note the leaks of a test."""
        self.occurrences += [Occurrence(test, outcome, spot, leak, report) for leak in report.leaks]

    @property
    def leaking(self) -> int:
        """How many tests leaked, those expected to fail included."""
        return len({occurrence.test for occurrence in self.occurrences})

    def groups(self) -> list[list[Occurrence]]:
        """Return the occurrences of each leak, the leak with most of them first, one that is told in full first."""
        groups: dict[str, list[Occurrence]] = {}
        for occurrence in self.occurrences:
            groups.setdefault(occurrence.leak.fingerprint, []).append(occurrence)
        ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
        return [sorted(group, key=lambda occurrence: bool(occurrence.leak.seen_in)) for _, group in ordered]

    def groups_of_pardoned(self) -> list[list[Pardoned]]:
        """Return the same of the leaks that a baseline lists."""
        groups: dict[str, list[Pardoned]] = {}
        for pardoned in self.pardoned:
            groups.setdefault(pardoned.sighting.fingerprint, []).append(pardoned)
        return [group for _, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))]
