"""What a leak was told by, so that further runs may show that it keeps a number of its survivors, and is none."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.heap.below import below
from pytest_leakcheck.heap.growth import containers_at, entries_at, size_at

if TYPE_CHECKING:
    import weakref
    from collections import Counter

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


_KINDS = (list, set, deque)
"""What has entries that tell of all tests' when some of them go. A dict may have some by names, as a registry of
classes has: that a test's own are replaced tells nothing of other tests'."""


@dataclass(slots=True)
class Evidence:
    """The survivors of several runs that show that they pile up."""

    refs: list[weakref.ref[Any]]
    number: int
    """How many of them the last run added."""
    known: Known
    """What was entered of their place."""
    container: Place | None
    """Where they came into."""
    is_named: bool = False
    """Whether they did so by names, where that is a dict."""
    size: int | None = field(init=False)
    """How many entries the container had after the latest run, None for what does not tell."""
    _entries: Counter[int] = field(init=False)
    """How often it had each then, by their ids."""

    def __post_init__(self) -> None:
        """Take what is there after the run that told of a leak."""
        self._look()

    def _look(self) -> None:
        self.size = size_at(self.container, _KINDS if self.is_named else (*_KINDS, dict))
        self._entries = entries_at(self.container if self.size is not None else None)

    def goes_on(self, watch: Watch) -> bool:
        """Look at what is there now; tell whether a run that left what is watched has let go of less than it added."""
        size, entries = self.size, self._entries
        self._look()
        has_kept_small = size is not None and self.size is not None and self.size <= size
        is_full = has_kept_small and self._lacks(entries) and self._has(watch)
        return not is_full and sum(ref() is None for ref in self.refs) < self.number

    def _has(self, watch: Watch) -> bool:
        """Tell whether the container has any of what is watched: it may yet come, by a finalizer."""
        return bool(below(containers_at(self.container), watch.nodes().keys(), is_alone=False))

    def _lacks(self, entries: Counter[int]) -> bool:
        """Tell whether some of the former `entries` are no longer in the container, nor below what is there."""
        lost = entries - self._entries
        gone = lost.keys() - self._entries.keys()
        return len(gone) < len(lost) or len(below(containers_at(self.container), gone, is_alone=False)) < len(gone)

    def is_open(self, leak: Leak) -> bool:
        """Tell whether the container is so small that it may be about to be full, and more runs leave but little."""
        is_small = self.size is not None and self.size <= MOST_KEPT and self.number <= MOST_KEPT
        return is_small and 0 < leak.retained_bytes <= _MOST_BYTES
