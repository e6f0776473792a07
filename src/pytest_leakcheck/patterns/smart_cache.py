"""Caches that learn of their objects' deaths: one that works, and one that prevents them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Generic, TypeVar

from .weakable import require_weakable

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")


class SmartCache(Generic[K, V]):
    """Remember objects under keys for as long as somebody else holds them.

    `on_evict` is called with the key of each object that dies while it is remembered (not of one replaced or
    discarded), in whichever thread that happens, possibly from within a garbage collection; what it raises is reported
    by `sys.unraisablehook` and goes no further. The cached objects hold the cache only weakly, so it may die first;
    then nothing is called.
    Limits: keys and `on_evict` are held strongly, so one that refers to an object keeps it. Not locked: an object that
    dies in one thread while another sets its key can take the new entry with it.
    """

    def __init__(self, *, on_evict: Callable[[K], object] | None = None) -> None:
        self._references: dict[K, weakref.ref[V]] = {}
        self._on_evict = on_evict

    def set(self, key: K, value: V) -> None:
        """Remember an object under a hashable key, in place of the one that was there.

        Raises `TypeError`, and leaves all as it was, for an object that can't be weakly referenced.
        """
        require_weakable(value)
        weak_evict = weakref.WeakMethod(self._evict)  # `self._evict` would let every object keep the cache alive

        def on_death(reference: weakref.ref[V]) -> None:
            evict = weak_evict()
            if evict is not None:
                evict(key, reference)

        self._references[key] = weakref.ref(value, on_death)

    def get(self, key: K) -> V | None:
        """Return the object remembered under a key, or None."""
        reference = self._references.get(key)
        return None if reference is None else reference()

    def discard(self, key: K) -> bool:
        """Forget a key; return whether a living object was remembered under it."""
        reference = self._references.pop(key, None)
        return reference is not None and reference() is not None

    def keys(self) -> list[K]:
        """Return the keys whose objects are alive at this moment."""
        return [key for key, reference in tuple(self._references.items()) if reference() is not None]

    def __contains__(self, key: K) -> bool:
        return self.get(key) is not None

    def __len__(self) -> int:
        return len(self.keys())

    def _evict(self, key: K, reference: weakref.ref[V]) -> None:
        # The key may by now belong to another object: only the reference that died may take its entry along.
        if self._references.get(key) is reference:
            del self._references[key]
            if self._on_evict is not None:
                self._on_evict(key)


class StrongSmartCache(Generic[K, V]):
    """Wait for deaths that it itself prevents: the leaky counterpart of `SmartCache`.

    Beside the weak references stands a dictionary of the objects themselves, to be tidied when one of them dies.
    None ever does, so `on_evict` is never called.
    """

    def __init__(self, *, on_evict: Callable[[K], object] | None = None) -> None:
        self._values: dict[K, V] = {}
        self._watched: SmartCache[K, V] = SmartCache(on_evict=on_evict)

    def set(self, key: K, value: V) -> None:
        """Remember an object under a hashable key, in place of the one that was there."""
        self._watched.set(key, value)
        self._values[key] = value

    def get(self, key: K) -> V | None:
        """Return the object remembered under a key, or None."""
        return self._watched.get(key)

    def discard(self, key: K) -> bool:
        """Forget a key; return whether an object was remembered under it."""
        self._values.pop(key, None)
        return self._watched.discard(key)

    def keys(self) -> list[K]:
        """Return all keys ever set and not discarded."""
        return list(self._values)

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)
