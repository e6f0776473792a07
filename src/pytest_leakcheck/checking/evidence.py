"""What a leak was told by, so that further runs may show that it keeps a number of its survivors, and is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.heap.growth import size_at
from pytest_leakcheck.heap.places import below

if TYPE_CHECKING:
    import weakref

    from pytest_leakcheck.checking.ledger import Known
    from pytest_leakcheck.heap.places import Place
    from pytest_leakcheck.model import Leak
    from pytest_leakcheck.watching.watch import Watch

MOST_KEPT = 10
"""A container of so many entries, or fewer, may be one that is kept that small: more runs tell."""
_MOST_BYTES = 1_000_000
"""What the survivors of one run may keep alive, as far as is known, for more runs to be made."""
MOST_SECONDS = 1.0
"""How long they may take for each leak that was not told before, by how long the first run took."""


@dataclass(slots=True)
class Evidence:
    """The survivors of several runs that show that they pile up."""

    refs: list[weakref.ref[Any]]
    number: int
    """How many of them the last run added."""
    known: Known
    """What was entered of their place."""
    container: Place | None
    size: int | None
    """How many entries the container that they came into had after the latest run, where that is a list or a set.

    A dict may have entries by names, as a registry of classes has: that a test's own are replaced tells nothing of
    other tests'.
    """

    def goes_on(self, watch: Watch) -> bool:
        """Look at what is there now; tell whether a run that left what is watched has let go of less than it added."""
        before, self.size = self.size, size_at(self.container)
        is_full = before is not None and self.size is not None and self.size <= before and self._has(watch)
        return not is_full and sum(ref() is None for ref in self.refs) < max(1, self.number)

    def _has(self, watch: Watch) -> bool:
        """Tell whether the container has any of what is watched: it may yet come, by a finalizer."""
        held = list(self.container.held(is_exact=False).values()) if self.container is not None else []
        return bool(below(held, watch.nodes().keys(), is_alone=False))

    def is_open(self, leak: Leak) -> bool:
        """Tell whether the container is so small that it may be about to be full, and more runs leave but little."""
        is_small = self.size is not None and self.size <= MOST_KEPT and self.number <= MOST_KEPT
        return is_small and 0 < leak.retained_bytes <= _MOST_BYTES
