"""How long to wait for survivors that may yet be let go of: by another thread, an event loop, or as the user says."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_leakcheck.model import Leak

DEFAULT = 1.0
"""Seconds to wait for what another thread or an event loop holds, where nothing is set."""
_ELSEWHERE = frozenset({"thread", "asyncio task", "asyncio loop"})
"""Kinds of roots that may let go by themselves in a moment."""
_PERHAPS_ELSEWHERE = frozenset({"thread-local", "unaccounted"})
"""Kinds of roots that may, if another thread runs."""


def patience(leaks: Iterable[Leak], within: float | None) -> float:
    """Return how many seconds to wait for `leaks` to be none: as long as `within` says, if it says anything."""
    if within is not None:
        return within
    return DEFAULT if any(map(_is_elsewhere, leaks)) else 0.0


def is_let_go(leaks: Iterable[Leak]) -> bool:
    """Tell whether no root leads to one of `leaks`: mostly, it was let go of while it was looked for.

    Another thread did so, which may be over by now, so that `patience` gives no time.
    """
    return any(leak.trace is None for leak in leaks)


def _is_elsewhere(leak: Leak) -> bool:
    if leak.trace is None or leak.trace.root.kind in _PERHAPS_ELSEWHERE:
        return threading.active_count() > 1
    return leak.trace.root.kind in _ELSEWHERE
