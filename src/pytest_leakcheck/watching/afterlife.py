"""Objects that their finalizers bring back to life, in collections that come by themselves or that the user calls for.

Such a collection takes an object's weak references away before it runs the finalizer, so that they tell of a death that
did not take place (up to CPython 3.14; 3.15 leaves them). Which objects that happened to is known from what was alive
when the collection began, and whether one lives from a look at its address.
Limits, which err towards a missed survivor: an interpreter whose collector calls nobody back (PyPy).
"""

from __future__ import annotations

import contextlib
import weakref
from typing import Any, Generic, NamedTuple, TypeVar

from pytest_leakcheck.runtime import addresses, interpreter, rawtypes

T = TypeVar("T")


class _Perilous(NamedTuple):
    """An object whose finalizer is still to run."""

    node: int
    ref: weakref.ref[Any]
    kind: weakref.ref[type]
    known: Any


class Afterlife(Generic[T]):
    """Watches what has a finalizer, each with what is known of it, and finds what lives on without weak references."""

    def __init__(self, patience: addresses.Patience | None = None) -> None:
        """Watch nothing yet; `patience` tells when not to look for what was brought back."""
        self._patience = patience
        self._young: list[_Perilous] = []
        """What no collection of the two young generations has passed over so far."""
        self._old: list[_Perilous] = []
        self._due: list[_Perilous] = []
        """Those that lived when the collection began that is under way."""
        self._gone: dict[int, _Perilous] = {}
        """By their ids those whose finalizers ran in a collection, which took their weak references away up to 3.14."""
        self._is_deep = False
        """Whether one of these collections was a full one, which may have put anything behind what came back."""
        self._is_listening = False

    def __bool__(self) -> bool:
        """Tell whether anything is watched, or there is something for `back` to tell."""
        return self._is_listening or bool(self._gone)

    def add(self, obj: object, known: T) -> None:
        """Watch `obj`, which can be weakly referenced, if it has a finalizer that has not run yet."""
        kind = type(obj)
        if not rawtypes.has_finalizer(kind) or interpreter.is_finalized(obj):
            return
        self._young.append(_Perilous(id(obj), weakref.ref(obj), weakref.ref(kind), known))
        if not self._is_listening:
            self._is_listening = True
            interpreter.callbacks().append(self._on_collection)

    def back(self) -> list[tuple[Any, T]]:
        """Return what was brought back to life since the last call and lives, with what is known of each."""
        gone, self._gone = self._gone, {}
        is_deep, self._is_deep = self._is_deep, False
        if not gone or (self._patience is not None and not self._patience.is_due()):
            return []
        wanted = {node: each.kind for node, each in gone.items()}
        look = addresses.find_resurrected(wanted, span=None if is_deep else addresses.LARGE)
        if self._patience is not None:
            self._patience.note(is_costly=look.is_costly, is_leak=bool(look.found))
        return [(obj, gone[node].known) for node, obj in look.found.items()]

    def stop(self) -> None:
        """Watch nothing any more; what `back` has to tell stays."""
        if not self._is_listening:
            return
        for entries in (self._young, self._old, self._due):
            entries.clear()
        self._is_listening = False
        interpreter.stop_calling(self)

    def _on_collection(self, phase: str, info: dict[str, int]) -> None:
        with contextlib.suppress(Exception):  # it runs amid the user's code, which must not see a fault of ours
            if phase == "start":
                self._begin(info["generation"])
            else:
                self._end(info["generation"])

    def _begin(self, generation: int) -> None:
        self._young = _living(self._young)
        self._due = [*self._young]
        if generation > 1 or not addresses.has_generations():
            self._old = _living(self._old)
            self._due += self._old

    def _end(self, generation: int) -> None:
        self._gone.update((each.node, each) for each in self._due if _is_finalized(each))
        self._is_deep |= generation > 1
        self._due.clear()
        if generation > 0:
            self._old += self._young
            self._young = []


def _is_finalized(entry: _Perilous) -> bool:
    """Tell whether a finalizer has run: CPython 3.15 keeps the weak references to what it brings back."""
    return entry.ref() is None or interpreter.is_finalized(entry.ref())


def _living(entries: list[_Perilous]) -> list[_Perilous]:
    return [each for each in entries if not _is_finalized(each)]
