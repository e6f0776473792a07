"""Callbacks on the death of an object: one that lets it die, and one that prevents it."""

from __future__ import annotations

import functools
import weakref
from types import BuiltinMethodType, CellType, FunctionType, MethodType, MethodWrapperType
from typing import TYPE_CHECKING, ParamSpec

from .weakable import require_weakable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
_BOUND = (MethodType, BuiltinMethodType, MethodWrapperType)


class DeathCallback:
    """Wait for an object's death; what `WeakCallback` and `ClosureCallback` have in common."""

    def __init__(self, finalizer: weakref.finalize[..., object]) -> None:
        self._finalizer = finalizer
        self._finalizer.atexit = False

    @property
    def alive(self) -> bool:
        """Whether the call is still to come: the object lives, and the callback was not detached."""
        return self._finalizer.alive

    def detach(self) -> bool:
        """Give up the call, and drop the function and its arguments; return whether it was still to come."""
        return self._finalizer.detach() is not None


class WeakCallback(DeathCallback):
    """Call a function once, when an object dies, without keeping the object alive.

    `function(*args, **kwargs)` is called after the object's death, in whichever thread that happens, possibly from
    within a garbage collection: keep it short and take no locks in it. What it raises is reported by
    `sys.unraisablehook` and goes no further. It isn't called at the interpreter's exit for an
    object that is still alive then.
    The interpreter holds the function and its arguments until the call or `detach()`; this handle may be dropped.

    Raises `TypeError` for an object that can't be weakly referenced, and `ValueError` for a callback that would keep
    the object alive for ever: bound to it, or with it among its arguments, closure variables, defaults or the
    arguments of a `functools.partial`, also of the functions found there.
    Limit: attributes and containers are not searched, so a callback that holds the object in a list or through another
    object is accepted, and leaks it.
    """

    def __init__(self, target: object, function: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        require_weakable(target)
        holder = _holder_of(target, function, *args, *kwargs.values())
        if holder is not None:
            raise ValueError(
                f"this callback would keep its {type(target).__qualname__} alive for ever: {holder} is that object"
            )
        super().__init__(weakref.finalize(target, function, *args, **kwargs))


class ClosureCallback(DeathCallback):
    """Wait for the death of an object that the waiting callback closes over: the leaky counterpart of `WeakCallback`.

    The interpreter's list of finalizers holds the callback, the callback its object: neither ever goes.
    """

    def __init__(self, target: object, function: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        def call_with_the_target_at_hand() -> object:
            function(*args, **kwargs)
            return target

        super().__init__(weakref.finalize(target, call_with_the_target_at_hand))


def _holder_of(target: object, function: object, *arguments: object) -> str | None:
    """Name the part of a call that is the target, if one is."""
    pending = [("the callback", function), *(("an argument of the callback", argument) for argument in arguments)]
    seen = set()
    while pending:
        words, part = pending.pop()
        if part is target:
            return words
        if id(part) not in seen:
            seen.add(id(part))
            pending.extend(_parts(part))
    return None


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """Yield what a callable holds, with words for it; nothing for what is none of the usual callables."""
    # `type`, not `isinstance`: the latter asks the value's own `__class__`, which a dead weakref.proxy refuses.
    kind = type(value)
    if kind is FunctionType:
        yield from _parts_of_function(value)  # type: ignore[arg-type]
    elif any(kind is each for each in _BOUND):  # `in` would hash a class, which its own class may refuse
        yield "what a bound method is bound to", value.__self__  # type: ignore[attr-defined]
        yield "the function of a bound method", getattr(value, "__func__", None)
    elif issubclass(kind, functools.partial):
        yield from _parts_of_partial(value)  # type: ignore[arg-type]


def _parts_of_function(function: FunctionType) -> Iterator[tuple[str, object]]:
    name = function.__qualname__
    variables = getattr(function.__code__, "co_freevars", ())  # PyPy's own functions have code of another type
    for variable, cell in zip(variables, function.__closure__ or (), strict=True):
        yield f"closure variable {variable!r} of {name}", _contents_of(cell)
    for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        yield f"a default argument of {name}", default


def _contents_of(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet, or deleted
        return None


def _parts_of_partial(partial: functools.partial[object]) -> Iterator[tuple[str, object]]:
    yield "the function of a partial", partial.func
    for argument in (*partial.args, *partial.keywords.values()):
        yield "an argument of a partial", argument
