"""What the set-up of a wider scope makes: below that, what tests leave may live as long as the fixture does.

A fake that a set-up puts in the place of a service, a handler that it adds, the method of a list that it hooks in:
whatever leads there, it is the set-up's. It is known by weak references, so that nothing is kept alive. Errs towards a
false alarm where it is not told what was made: of what takes no weak reference, as lists, on PyPy, and where the set-up
loaded modules of the project, whose globals are its own.
"""

from __future__ import annotations

import contextlib
import types
from typing import TYPE_CHECKING

from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import interpreter, rawtypes
from pytest_leakcheck.runtime.addresses import has_generations

if TYPE_CHECKING:
    import weakref
    from typing import Any

MOST_MADE = 50_000
"""Objects past which a set-up's are not noted any more, which takes 10 MB."""


_UNREFERABLE = frozenset(map(id, (list, dict, tuple, types.CellType, types.MethodWrapperType)))
"""The ids of the types of most objects that take no weak reference: to try takes longer."""


class Making:
    """Notes what is made from `start`, when all that lives must have grown old, to `stop`."""

    def __init__(self) -> None:
        self._made: dict[int, weakref.ref[Any]] = {}
        self._before: set[int] | None = None
        """Where no generation tells what is new, the ids of all there was: slower, for it goes through the heap."""

    def start(self) -> None:
        """Begin; what young collections promote in between is noted before."""
        if has_generations():
            interpreter.callbacks().append(self._at_collection)
        elif interpreter.COUNTS_REFERENCES:  # pragma: only on free-threaded builds
            self._before = set(map(id, gc.get_objects()))

    def stop(self) -> dict[int, weakref.ref[Any]]:
        """Return by their ids weak references to what was made."""
        interpreter.stop_calling(self)
        if self._before is not None:  # pragma: only on free-threaded builds
            self._note([obj for obj in gc.get_objects() if id(obj) not in self._before])
        elif has_generations():  # pragma: skipped only on PyPy
            self._take()
        return self._made

    def _at_collection(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] >= 1:
            with contextlib.suppress(Exception):  # it runs amid the user's code, which must not see a fault of ours
                self._take()

    def _take(self) -> None:
        for generation in (0, 1):
            self._note(gc.get_objects(generation))

    def _note(self, objects: list[Any]) -> None:
        fresh = [obj for obj in objects if id(type(obj)) not in _UNREFERABLE][: max(0, MOST_MADE - len(self._made))]
        refs = rawtypes.weak_references(fresh)
        self._made.update((id(obj), ref) for obj, ref in zip(fresh, refs, strict=True) if ref is not None)
