"""Subjects that tell observers: without keeping them alive, or with a list that does."""

from __future__ import annotations

import functools
import itertools
import weakref
from types import BuiltinMethodType, FunctionType, MethodType, MethodWrapperType, ModuleType
from typing import TYPE_CHECKING, Generic, ParamSpec

from .weakable import require_weakable

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")


class WeakSubject(Generic[P]):
    """Call observers in the order in which they were attached, without keeping them alive.

    An observer is any callable. A bound method is held through `weakref.WeakMethod`, so it stays attached as long as
    its object lives; anything else is itself held weakly, so a function defined inside another one goes with that
    call's locals, unless somebody keeps it.
    Errs towards silence: an observer that nobody holds is dropped without a word.
    Limits: attaching and detaching take time in proportion to the observers attached. Not locked: notify from one
    thread while another attaches only under a lock of your own.
    """

    def __init__(self) -> None:
        self._references: dict[int, Callable[[], Callable[P, object] | None]] = {}
        self._tokens = itertools.count()

    def attach(self, observer: Callable[P, object], *, strong: bool = False) -> Callable[P, object]:
        """Add an observer and return it, so that this works as a decorator; one that is attached keeps its place.

        With `strong=True` the subject keeps the observer, and whatever it refers to, until `detach`.
        Raises `TypeError` for what can't be held weakly, and for what would usually be gone before the first
        notification, as the call that attaches is all that holds it: a lambda, a partial, a builtin object's method.
        """
        self._drop_dead()
        if self._token_of(observer) is None:
            self._references[next(self._tokens)] = (lambda: observer) if strong else _weak_reference(observer)
        return observer

    def detach(self, observer: Callable[P, object]) -> bool:
        """Remove an observer; return whether it was attached.

        Harmless in an object's `__del__`, where the answer may be either, as its weak reference may be cleared by then.
        """
        token = self._token_of(observer)
        return token is not None and self._references.pop(token, None) is not None

    def notify(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call every observer with these arguments.

        Observers may attach, detach and die meanwhile: one that is detached or dead before its turn isn't called,
        one attached meanwhile hears the next notification. What an observer raises passes through, and those after it
        aren't called.
        """
        for token in tuple(self._references):
            reference = self._references.get(token)
            observer = None if reference is None else reference()
            if observer is not None:
                observer(*args, **kwargs)

    def __len__(self) -> int:
        self._drop_dead()
        return len(self._references)

    def _token_of(self, observer: Callable[P, object]) -> int | None:
        references = tuple(self._references.items())
        return next((token for token, reference in references if _is_same(reference(), observer)), None)

    def _drop_dead(self) -> None:
        for token, reference in tuple(self._references.items()):
            if reference() is None:
                self._references.pop(token, None)


class ListenerList(Generic[P]):
    """Call observers in the order of attachment, and keep them alive: the leaky counterpart of `WeakSubject`.

    An observer that is never detached lives as long as the list does, and so does the object of a bound method.
    """

    def __init__(self) -> None:
        self._observers: list[Callable[P, object]] = []

    def attach(self, observer: Callable[P, object]) -> Callable[P, object]:
        """Add an observer and return it; one that is attached keeps its place."""
        if not any(_is_same(own, observer) for own in self._observers):
            self._observers.append(observer)
        return observer

    def detach(self, observer: Callable[P, object]) -> bool:
        """Remove an observer; return whether it was attached."""
        before = len(self._observers)
        self._observers = [own for own in self._observers if not _is_same(own, observer)]
        return len(self._observers) < before

    def notify(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call every observer that was attached when the notification began."""
        for observer in tuple(self._observers):
            observer(*args, **kwargs)

    def __len__(self) -> int:
        return len(self._observers)


def _weak_reference(observer: Callable[P, object]) -> Callable[[], Callable[P, object] | None]:
    if _is_made_on_the_spot(observer):
        raise TypeError(
            f"{observer!r} would be gone before it is ever called, as a weak subject doesn't keep it: attach a named "
            "function or a method of an object that lives on, or pass strong=True"
        )
    if isinstance(observer, MethodType):
        require_weakable(observer.__self__)
        return weakref.WeakMethod(observer)
    require_weakable(observer)
    return weakref.ref(observer)


def _is_made_on_the_spot(observer: object) -> bool:
    if isinstance(observer, FunctionType):
        return observer.__name__ == "<lambda>"
    if isinstance(observer, MethodType):  # on PyPy, the one type for all bound methods
        return False
    if isinstance(observer, BuiltinMethodType):  # `print` is bound to its module, `[].append` to its list
        return not isinstance(observer.__self__, ModuleType)
    return isinstance(observer, (functools.partial, MethodWrapperType))


def _is_same(one: object, other: object) -> bool:
    # Every access to a method makes a new object; these compare by the identity of what they are bound to.
    bound = (MethodType, BuiltinMethodType, MethodWrapperType)
    return one is other or (isinstance(one, bound) and isinstance(other, bound) and one == other)
