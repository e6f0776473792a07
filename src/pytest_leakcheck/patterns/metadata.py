"""Notes about objects, beside the objects: gone with them, or holding them."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TypeVar
from weakref import WeakKeyDictionary

from .weakable import require_weakable

K = TypeVar("K")
V = TypeVar("V")


class WeakKeyMetadata(MutableMapping[K, V]):
    """Map objects to notes about them, and forget a note when its object dies.

    Every access raises `TypeError`, with a remedy, for a key that is unhashable or can't be weakly referenced;
    otherwise it behaves as a dict.
    Keys are compared by equality, not identity: equal objects share one note, and the note goes with the object for
    which it was first set, even while an equal one lives. Where each object needs a note of its own, let its class
    keep the `__eq__` and `__hash__` of `object`.
    Limits: a note that refers to its key, at whatever distance, keeps it alive for ever (`SelfReferringMetadata`
    shows it; nothing checks it). Not locked: copy with `list(...)` before iterating where other threads write.
    """

    def __init__(self) -> None:
        self._notes: WeakKeyDictionary[K, V] = WeakKeyDictionary()

    def __getitem__(self, key: K) -> V:
        return self._notes[_usable(key)]

    def __setitem__(self, key: K, note: V) -> None:
        self._notes[_usable(key)] = note

    def __delitem__(self, key: K) -> None:
        del self._notes[_usable(key)]

    def __iter__(self) -> Iterator[K]:
        return iter(self._notes)

    def __len__(self) -> int:
        return len(self._notes)


class SelfReferringMetadata(MutableMapping[K, V]):
    """Map objects to notes that refer back to them: the leaky counterpart of `WeakKeyMetadata`.

    The mapping holds its values strongly and each value its key, so weak keys are of no use: nothing is ever forgotten.
    """

    def __init__(self) -> None:
        self._notes: WeakKeyMetadata[K, tuple[K, V]] = WeakKeyMetadata()

    def __getitem__(self, key: K) -> V:
        return self._notes[key][1]

    def __setitem__(self, key: K, note: V) -> None:
        self._notes[key] = (key, note)

    def __delitem__(self, key: K) -> None:
        del self._notes[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._notes)

    def __len__(self) -> int:
        return len(self._notes)


def _usable(key: K) -> K:
    require_weakable(key)
    try:
        hash(key)
    except TypeError:
        raise TypeError(
            f"{type(key).__qualname__!r} objects are unhashable and can't be keys: give the class a __hash__ that "
            "agrees with its __eq__, or for a dataclass eq=False or frozen=True"
        ) from None
    return key
