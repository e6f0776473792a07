"""Caches that make what they lack: weak, or for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakValueDictionary

from .weakable import require_weakable

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

K = TypeVar("K")
V = TypeVar("V")


class FactoryCache(Generic[K, V]):
    """Make an object for a key once, and hand out the same one as long as it is remembered.

    `WeakValueCache` and `StrongCache` differ only in the mapping that remembers.
    Not locked: of two threads that ask for a new key at once, each may get an object of its own, and the one stored
    last is remembered.
    """

    def __init__(self, factory: Callable[[K], V], values: MutableMapping[K, V]) -> None:
        self._factory = factory
        self._values = values

    def get(self, key: K) -> V:
        """Return the object remembered for a hashable key, or else make one with `factory(key)` and remember it.

        What the factory raises passes through, and nothing is remembered.
        """
        try:
            return self._values[key]
        except KeyError:
            pass
        # The local name holds the new object until it is handed over: read back from weak values, it could be gone.
        value = self._factory(key)
        self._values[key] = value
        return value

    def discard(self, key: K) -> bool:
        """Forget a key; return whether it was remembered. The object itself lives as long as others hold it."""
        try:
            del self._values[key]
        except KeyError:
            return False
        return True

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)


class WeakValueCache(FactoryCache[K, V]):
    """Share objects among those who use them, and forget each when the last user drops it.

    `factory` makes the object for a key. `get` raises `TypeError` if the object can't be weakly referenced, None
    included.
    Limits: nothing is kept for later use, so it saves work only while somebody holds the object; keys, the factory and
    what they refer to are held strongly, so a key that refers to its own object keeps it.
    Errs towards making anew: an object in a reference cycle is still handed out until the collector takes it.
    """

    def __init__(self, factory: Callable[[K], V]) -> None:
        def make(key: K) -> V:
            value = factory(key)
            require_weakable(value)
            return value

        super().__init__(make, WeakValueDictionary())


class StrongCache(FactoryCache[K, V]):
    """Keep every object ever made in a dictionary: the leaky counterpart of `WeakValueCache`."""

    def __init__(self, factory: Callable[[K], V]) -> None:
        super().__init__(factory, {})
