"""What interpreters differ in, asked in one place: PyPy counts no references, has no generations and calls nobody back.

What an interpreter lacks answers here as one would that never used it: no callbacks, nothing frozen, nothing finalized.
"""

from __future__ import annotations

import _thread
import os
import sys
import types
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.runtime import clock, pace
from pytest_leakcheck.runtime import collector as gc

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTS_REFERENCES = hasattr(sys, "getrefcount")
"""Whether there is a number of references to each object; where there is none, nothing dies but by a collection."""
SHOWS_RUNNING_FRAMES = not COUNTS_REFERENCES
"""Whether the collector tells of the locals of running functions, of ours as well (PyPy)."""

SHOWS_EXIT_CALLBACKS = not COUNTS_REFERENCES or sys.version_info >= (3, 14)
"""Whether what is registered with atexit is in a list on the heap, and not in C code alone."""

LONGEST_WAIT = 1.0
"""How many seconds at most a collection waits for another one to end."""
_PACE = pace.Pace()
_no_callbacks: list[Any] = []
_ATOMS = frozenset(map(id, (int, float, complex, bool, str, bytes, type(None), type(...), type(NotImplemented))))
"""The ids of types whose objects refer to nothing."""


process = os.getpid
"""Returns the number of this process. It is the function itself: a test may put another in its place for a while."""


def callbacks() -> list[Any]:
    """Return the list of what the collector calls when it begins and ends; one that nobody reads on PyPy."""
    return getattr(gc, "callbacks", _no_callbacks)


def stop_calling(owner: object) -> None:
    """Take a method of `owner` off that list, which a test may have emptied.

    ``in`` and ``remove`` would ask the ``==`` of other callbacks.
    """
    for index, callback in enumerate(callbacks()):
        if type(callback) is types.MethodType and callback.__self__ is owner:
            del callbacks()[index]
            return


def collect(generation: int, *, is_after_ours: bool = False) -> int | None:
    """Collect, and return how many objects were unreachable; None where the collector does not tell (PyPy).

    While another thread collects, which may wait in a finalizer or a callback, ``gc.collect`` does nothing at all and
    tells of 0 objects (CPython 3.10-3.15): that is waited for, though not for ever, as it may be this thread itself.
    With `is_after_ours`, what was made since the collection before is ours, and hastens no full one.
    """
    if generation > 1:
        return _collect(generation)
    _PACE.note(is_after_ours=is_after_ours)
    freed = _collect(generation)
    if generation == 1:
        _PACE.keep()
    return freed


def _collect(generation: int) -> int | None:
    if not (COUNTS_REFERENCES and _thread._count()):  # noqa: SLF001 - how many other threads, without a lock
        return gc.collect(generation)
    before, end = collections(), clock.now() + LONGEST_WAIT
    freed: int | None = gc.collect(generation)
    while collections() == before and clock.now() < end:
        clock.sleep(0.001)
        freed = gc.collect(generation)
    return freed


def collections(least: int = 0) -> int:
    """Return how many collections of the generation `least` or older there have been; -1 where they are not counted."""
    return sum(each["collections"] for each in gc.get_stats()[least:]) if COUNTS_REFERENCES else -1


def freeze_count() -> int:
    """Return how many objects ``gc.freeze()`` hides."""
    return gc.get_freeze_count() if hasattr(gc, "get_freeze_count") else 0


def is_finalized(obj: object) -> bool:
    """Tell whether the finalizer of `obj` has run; never known where the collector does not tell (PyPy)."""
    return hasattr(gc, "is_finalized") and gc.is_finalized(obj)


def _may_refer(obj: object) -> bool:
    return id(type(obj)) not in _ATOMS  # pragma: only on PyPy


def _is_tracked_or_immortal(obj: object) -> bool:  # pragma: only on free-threaded builds
    """Tell whether an object is tracked, or of the kinds that 3.13 tracks no more once a first thread has started."""
    kind = type(obj)
    return gc.is_tracked(obj) or kind is types.FunctionType or type.__subclasscheck__(type, kind)


def has_global_lock() -> bool:
    """Tell whether one thread at a time runs Python code, as everywhere but on free-threaded builds."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def _is_tracked() -> Callable[[object], bool]:
    has_immortals = sys.version_info[:2] == (3, 13) and not has_global_lock()
    return _is_tracked_or_immortal if has_immortals else getattr(gc, "is_tracked", _may_refer)


is_tracked = _is_tracked()
"""Tells whether the collector tracks an object; where it tracks everything (PyPy), whether that may refer to any."""


def full_collections() -> int:
    """Return how many full collections there have been; 0 where they are not counted."""
    return int(gc.get_stats()[-1]["collections"]) if COUNTS_REFERENCES else 0


def is_builtin(descriptor: Any) -> bool:
    """Tell whether a method or descriptor is the interpreter's own: PyPy's are functions with code of another type."""
    code = descriptor.__code__ if type(descriptor) is types.FunctionType else None
    return type(code) is not types.CodeType


def filled_dicts(frame: types.FrameType) -> frozenset[int]:
    """Return the ids of the dicts that a frame shows and that have anything in them; none where it shows nothing."""
    shown = gc.get_referents(frame) if SHOWS_RUNNING_FRAMES else ()
    return frozenset(id(obj) for obj in shown if type(obj) is dict and obj)
