"""What the set-up of a wider scope makes: below that, what tests leave may live as long as the fixture does.

A fake that a set-up puts in the place of a service, a handler that it adds, the list that it collects into: whatever
leads there, it is the set-up's. Known by address and type, so that nothing is kept alive. Errs towards a missed leak
where another object of the same type came to an address, and towards a false alarm where it is not told what was made:
where the interpreter has no generations, and where the set-up loaded modules of the project, whose globals are its own.
"""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING, Any

from pytest_leakcheck import interpreter
from pytest_leakcheck.addresses import has_generations

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_MADE = 200_000
"""Objects past which a set-up's are not noted any more, which takes up to 20 MB."""


class Making:
    """Notes what is made from `start`, when all that lives must have grown old, to `stop`."""

    def __init__(self) -> None:
        self._made: dict[int, int] = {}

    def start(self) -> None:
        """Begin; what young collections promote in between is noted before."""
        if has_generations():
            interpreter.callbacks().append(self._at_collection)

    def stop(self) -> dict[int, int]:
        """Return the ids of what was made and lives, each with that of its type."""
        interpreter.stop_calling(self)
        if has_generations():
            self._take()
        return self._made

    def _at_collection(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] >= 1:
            with contextlib.suppress(Exception):  # it runs amid the user's code, which must not see a fault of ours
                self._take()

    def _take(self) -> None:
        for generation in (0, 1) if len(self._made) < MOST_MADE else ():
            objects = gc.get_objects(generation)
            self._made.update(zip(map(id, objects), map(id, map(type, objects)), strict=True))


def known_by_address(objects: Iterable[Any]) -> tuple[tuple[int, int], ...]:
    """Return the ids of objects, each with that of its type."""
    return tuple((id(obj), id(type(obj))) for obj in objects)
