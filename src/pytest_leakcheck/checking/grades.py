"""How objects die: at once, by reference counting alone, or by the cycle collector only.

The collector announces the beginning and the end of its work to ``gc.callbacks``; a weak reference that is told of its
object's death in between was told by the collector. It is neither switched off nor put off for that (tried on CPython
3.10-3.13).
Limits, which err towards a false alarm: what a finalizer lets go of while the collector runs counts as collected.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_leakcheck.model import Leak
from pytest_leakcheck.runtime import clock, interpreter, rawtypes
from pytest_leakcheck.runtime.loading import undisturbed
from pytest_leakcheck.watching.watch import Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_leakcheck.model import Survivor

    Look = Callable[[Sequence[Watched], int], Sequence[Leak | None]]

MOST_SECONDS = 0.25
"""How long looks may take in all at least; they may always take as long as there was between them."""


def why_not_told() -> str:
    """Return why this interpreter can't tell who dies at once; empty where it can."""
    if sys.implementation.name != "cpython":  # pragma: only on PyPy
        return f"{sys.implementation.name} has no reference counting"
    with undisturbed():
        import sysconfig  # noqa: PLC0415 - few tests get here, and it reads how the interpreter was built

    if sysconfig.get_config_var("Py_GIL_DISABLED"):  # pragma: only on free-threaded builds
        return "a free-threaded build defers reference counting"
    return ""


@dataclass(slots=True, eq=False)
class _Graded:
    """What is known of one object that is to die at once."""

    watched: Watched
    node: int
    """The object's id."""
    is_collected: bool = False
    leak: Leak | None = None
    """What made it wait, as far as that was seen."""


class Grades:
    """The objects of one check that must die without the collector."""

    def __init__(self) -> None:
        self._look: Look | None = None
        self._graded: list[_Graded] = []
        self._latest: dict[int, _Graded] = {}
        self._collecting = 0
        """The thread that collects; 0 for none."""
        self._started = self._looked = 0.0
        self.is_verdict = False
        """Whether the time has come: then looks may take as long as they need."""

    def __len__(self) -> int:
        return len(self._graded)

    @property
    def is_listening(self) -> bool:
        """Whether the collector is listened to."""
        return self._started > 0

    def start(self) -> None:
        """Listen to the collector."""
        if not self.is_listening:
            with undisturbed():
                from pytest_leakcheck.explaining.cyclic import look  # noqa: PLC0415 - few tests get here, and it imports much

            self._look = look
            self._started, self._looked = clock.now(), 0.0
            interpreter.callbacks().append(self._on_collection)

    def add(self, obj: object, fact: Survivor) -> None:
        """Watch how `obj` dies, if it can be weakly referenced; once is enough."""
        if self.knows(obj) or rawtypes.weak_reference(obj) is None:
            return
        self.start()

        def note(_: object) -> None:
            entry.is_collected = self._collecting == threading.get_ident()

        entry = _Graded(Watched(weakref.ref(obj, note), fact), id(obj))
        self._graded.append(entry)
        self._latest[id(obj)] = entry

    def knows(self, obj: object) -> bool:
        """Tell whether it is watched how `obj` dies."""
        known = self._latest.get(id(obj))
        return known is not None and known.watched.ref() is obj

    def drop(self, obj: object) -> None:
        """Watch no more how `obj` dies: others do."""
        if self.knows(obj):
            self._graded.remove(self._latest.pop(id(obj)))

    def collected(self) -> list[Leak]:
        """Return what is known of those that the collector freed."""
        return [entry.leak or _unseen(entry.watched.fact) for entry in self._graded if entry.is_collected]

    def forget(self, nodes: Iterable[int]) -> None:
        """Stop watching the objects with these ids: they have not died."""
        gone = frozenset(nodes)
        self._graded = [entry for entry in self._graded if entry.node not in gone]

    def clear(self) -> None:
        """Watch nothing any more."""
        self._graded.clear()
        self._latest.clear()
        if self.is_listening:
            interpreter.stop_calling(self)
        self._started, self.is_verdict = 0.0, False

    def _on_collection(self, phase: str, info: dict[str, int]) -> None:
        self._collecting = 0
        if phase == "start":
            with contextlib.suppress(Exception):  # it runs amid the user's code, which must not see a fault of ours
                self._before(info["generation"])
            self._collecting = threading.get_ident()

    def _before(self, generation: int) -> None:
        due = [entry for entry in self._graded if entry.watched.ref() is not None]
        if not due or self._look is None or not (self.is_verdict or self._has_time()):
            return
        started = clock.now()
        for entry, leak in zip(due, self._look([entry.watched for entry in due], generation), strict=True):
            entry.leak = leak
        self._looked += clock.now() - started

    def _has_time(self) -> bool:
        return self._looked <= max(MOST_SECONDS, clock.now() - self._started - self._looked)


def _unseen(fact: Survivor) -> Leak:
    why = "the collector freed it before its cycle could be looked at"
    return Leak((fact,), None, grade="collected", unavailable=why)


def united(leaks: Sequence[Leak]) -> list[Leak]:
    """Return one leak for each cause of `leaks`: what is on a cycle tells of it, what only hangs below goes along.

    What could not be told joins another of its type, if there is one.
    """
    causes: dict[str, list[Leak]] = {}
    for leak in sorted(leaks, key=_is_below):
        alike = next((cause for cause in causes.values() if not leak.trace and _is_alike(cause[0], leak)), None)
        (causes.setdefault(leak.fingerprint, []) if alike is None else alike).append(leak)
    return [_one(cause) for cause in causes.values()]


def _is_below(leak: Leak) -> bool:
    return leak.trace is None or len(leak.trace.links) > leak.trace.cycle


def _is_alike(one: Leak, other: Leak) -> bool:
    return one.survivors[0].type_name == other.survivors[0].type_name


def _one(cause: Sequence[Leak]) -> Leak:
    first = cause[0]
    along = [leak for leak in cause if _is_below(leak) and leak.trace] if not _is_below(first) else []
    kept = [leak for leak in cause if leak not in along]
    return replace(
        first,
        survivors=tuple(leak.survivors[0] for leak in kept),
        also_keeps=tuple(leak.survivors[0] for leak in along),
    )
