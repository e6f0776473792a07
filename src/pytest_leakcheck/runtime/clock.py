"""The clock that no test stops: what freezes time for a test must not have a wait of ours last for ever."""

from __future__ import annotations

import time

SEARCH_SECONDS = 30.0
"""How long a search may take, in seconds, where nothing is set."""
_REAL = (time.monotonic, time.sleep)
"""The functions themselves, in a tuple: freezegun puts its own in the place of each that a module has by a name."""


def now() -> float:
    """Return the seconds since a moment that is always the same."""
    return _REAL[0]()


def sleep(seconds: float) -> None:
    """Sleep for so many seconds."""
    _REAL[1](seconds)
