"""How readily tests are run again: where several in a row fail, as those that fill one database, ever less."""

from __future__ import annotations

from dataclasses import dataclass

MOST_FAILED = 5
"""Second runs in a row that may fail before tests are left out."""
MOST_LEFT_OUT = 64
"""Tests left out at most after one more that failed; one at first, and twice as many each time."""


@dataclass(slots=True)
class Trials:
    """The second runs of one process so far."""

    _failed: int = 0
    """How many failed since one did not."""
    _left_out: int = 0
    """How many tests more are left out."""

    def are_due(self) -> bool:
        """Tell whether the next test that might be run again is; one that is not counts as left out."""
        if not self._left_out:
            return True
        self._left_out -= 1
        return False

    def note(self, *, has_failed: bool) -> None:
        """Take in how a second run went."""
        self._failed = self._failed + 1 if has_failed else 0
        excess = self._failed - MOST_FAILED
        self._left_out = min(2**excess, MOST_LEFT_OUT) if excess >= 0 else 0
