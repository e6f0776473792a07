"""Stand-ins for an object: weak, or one more reference to it."""

from __future__ import annotations

import weakref
from typing import Generic, TypeVar, cast

from .weakable import require_weakable

T = TypeVar("T")


class WeakProxy(Generic[T]):
    """A stand-in for an object that doesn't keep it alive.

    Public attributes of the object can be read here directly, except where this class has one of the same name;
    `.proxy` passes everything on (assignment, operators, private and special names).
    Raises `TypeError` for an object that can't be weakly referenced, and `ReferenceError` on use after its death.
    Limit: in a program of several threads `alive` may be out of date when it is read; take `get()` and catch
    `ReferenceError` there.
    """

    __slots__ = ("__weakref__", "_kind", "_proxy", "_reference")

    def __init__(self, target: T) -> None:
        require_weakable(target)
        self._kind = type(target).__qualname__
        self._proxy = weakref.proxy(target)
        self._reference = weakref.ref(target)

    @property
    def alive(self) -> bool:
        """Whether the object still exists."""
        return self._reference() is not None

    @property
    def proxy(self) -> T:
        """Python's own `weakref.proxy` of the object; itself never fails to be read, but on use once it is dead."""
        return cast("T", self._proxy)

    def get(self) -> T:
        """Return the object itself, which keeps it alive for as long as the caller holds it.

        Raises `ReferenceError`, with the type's name, once the object is dead.
        """
        target = self._reference()
        if target is None:
            raise ReferenceError(f"the {self._kind} that this proxy stood for no longer exists")
        return target

    def __getattr__(self, name: str) -> object:
        return _read(self, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for a {'live' if self.alive else 'dead'} {self._kind}>"


class StrongAlias(Generic[T]):
    """A stand-in for an object that keeps it alive: the leaky counterpart of `WeakProxy`.

    It answers as `WeakProxy` does, but is never dead, as it is itself what keeps the object.
    """

    __slots__ = ("__weakref__", "_target")

    def __init__(self, target: T) -> None:
        self._target = target

    @property
    def alive(self) -> bool:
        """Always true."""
        return True

    @property
    def proxy(self) -> T:
        """The object itself."""
        return self._target

    def get(self) -> T:
        """Return the object itself."""
        return self._target

    def __getattr__(self, name: str) -> object:
        return _read(self, name)


def _read(stand_in: WeakProxy[T] | StrongAlias[T], name: str) -> object:
    # Not passed on: copy and pickle ask a half-made stand-in for special names, which would ask itself without end.
    if name.startswith("_"):
        raise AttributeError(f"{type(stand_in).__name__!r} object has no attribute {name!r}")
    return getattr(stand_in.get(), name)
