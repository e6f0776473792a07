"""How often the collector collects everything by itself: about as often as if nothing here collected anything.

It does so once the two young generations have been collected more than ten times (the third threshold) since, if what
grew old meanwhile is a quarter of all there is. The collections made here, two or so for each test, count among those:
then only the quarter is waited for, and starlette's suite saw 32 full collections in place of 14 (CPython 3.11), a
tenth of its time. Freezing all objects and letting them go again, both at no cost, sets the count to nothing (CPython
3.10-3.13) and changes nothing else, where nobody has frozen any.
"""

from __future__ import annotations

import sys

from pytest_leakcheck.runtime import collector as gc

IS_PACED = (
    sys.implementation.name == "cpython"
    and sys.version_info < (3, 14)
    and getattr(sys, "_is_gil_enabled", lambda: True)()
)
"""Where freezing does that; it was not tried on a free-threaded build (3.13)."""


class Pace:
    """Counts collections made here, and by the interpreter; errs towards fewer full ones, by what ten tests make."""

    def __init__(self) -> None:
        self._ours = 0
        self._made = 0
        """How many objects were made before collections of ours that would have come to ones of the interpreter."""
        self._full = 0
        self._due_from = 0.0
        """How many collections the interpreter had made, or would have, at the latest full one."""

    def note(self, *, is_after_ours: bool) -> None:
        """Note that a young generation is about to be collected here, maybe after no more than objects of ours."""
        if not IS_PACED:
            return
        self._ours += 1
        self._made += 0 if is_after_ours else gc.get_count()[0]

    def keep(self) -> None:
        """Have the collections made here count for nothing, unless a full one is due without them.

        To be called when nothing is young: that becomes old, and no census counts it. Errs towards missing what another
        thread makes between the collection and this.
        """
        if IS_PACED and gc.get_count()[2] >= gc.get_threshold()[2] and not (gc.get_freeze_count() or self._is_due()):
            try:
                gc.freeze()
            finally:  # Ctrl-C may come in between
                gc.unfreeze()

    def _is_due(self) -> bool:
        first, second, third = gc.get_threshold()
        collections: list[int] = [each["collections"] for each in gc.get_stats()]
        made = sum(collections) - self._ours + self._made / max(1, first)
        if collections[-1] != self._full:
            self._full, self._due_from = collections[-1], made
        return made - self._due_from >= (second + 1) * (third + 1)
