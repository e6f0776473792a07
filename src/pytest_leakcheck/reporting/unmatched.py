"""What was asked for but fits no class that there is: it checks nothing, and must not look like a pass."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest

from pytest_leakcheck.runtime.rawtypes import is_type, text_of
from pytest_leakcheck.watching import targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_leakcheck.checking.plan import Plan
    from pytest_leakcheck.options import Options

OWN = ""
"""Stands for the project's own classes among the names asked for."""
ASKED = pytest.StashKey["dict[str, tuple[int, bool]]"]()
"""For each name asked for in this process the number of tests that ask, and whether some class fits."""


class Asked:
    """Counts the tests that ask for each dotted name, or for the project's own classes."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._tests: dict[str, int] = {}

    def note(self, plan: Plan) -> None:
        """Count one more test for all that `plan` asks for by name."""
        names = {text_of(target) for target in plan.instances_of if not is_type(target)}
        for name in names | ({OWN} if plan.is_own else set()):
            self._tests[name] = self._tests.get(name, 0) + 1

    def summary(self, session: pytest.Session, judged: targets.TypeFilter) -> dict[str, tuple[int, bool]]:
        """Return the value for `ASKED`; classes that hold tests count for nobody's own.

        `judged` is the filter of the project's own classes that the tests were checked by.
        """
        holders = {id(getattr(item, "cls", None)) for item in session.items}
        classes = functools.cache(lambda: list(all_classes()))  # walked where that is needed, and once
        return {
            name: (number, self._has_own(holders, judged, classes) if name == OWN else _fits_any(name, classes()))
            for name, number in self._tests.items()
        }

    def _has_own(self, holders: set[int], judged: targets.TypeFilter, classes: Callable[[], list[type]]) -> bool:
        if judged.is_any_wanted(but=holders):  # to look at all classes takes 20 ms
            return True
        own = targets.own(self._options.root or ".", self._options.packages, watched=self._options.watch)
        return any(own(kind) for kind in classes() if id(kind) not in holders)


def _fits_any(name: str, classes: Iterable[type]) -> bool:
    return any(map(targets.named([name]), classes))


def all_classes() -> Iterator[type]:
    """Yield every class that is alive, from `object` down."""
    seen, waiting = {id(object)}, [object]
    while waiting:
        kind = waiting.pop()
        yield kind
        for below in type.__subclasses__(kind):
            if id(below) not in seen:
                seen.add(id(below))
                waiting.append(below)


def merged(*parts: dict[str, tuple[int, bool]]) -> dict[str, tuple[int, bool]]:
    """Return the sum over processes: a name is found if it was found in one of them."""
    total: dict[str, tuple[int, bool]] = {}
    for part in parts:
        for name, (number, is_found) in part.items():
            before = total.get(name, (0, False))
            total[name] = (before[0] + number, before[1] or is_found)
    return total
