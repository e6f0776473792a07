"""What a collection of the young generations is about to free, found out before it begins.

As the collector does it: of the young objects those go that no reference from elsewhere leads to, and with them the
older ones that only they hold. That costs as little as the collection is small, and mostly ends with nothing to free.
Only for where references are counted.
"""

from __future__ import annotations

import sys
import types
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import interpreter, rawtypes
from pytest_leakcheck.runtime.addresses import OLDEST

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from collections.abc import Set as AbstractSet

    from typing_extensions import Self

PART = 16
"""One part in so many of the old objects may be looked at: a look at one costs four to eight times what collecting it
costs, and the list of all a third of that (CPython 3.11)."""
YOUNGEST = 4
"""One part in so many of the old objects, the youngest, is where those asked about are looked for."""
LOT = 500
SLACK = 2_000
"""Old objects looked at before and after those asked about; with 500, half of the garbage of starlette's tests was not
told to be any, with 2,000 all of it."""
LARGE = 20_000
"""A list or dict of more entries is taken for living: those of all characters that pyparsing 3.1 makes took 300 ms."""
NEAR = 1_000
"""Objects at most that a look at what hangs below some passes: it takes 0.3 ms then, a look at old ones 10 to 40."""
MOST = 50_000
"""More doomed objects than that are not followed to older ones."""


class Doomed:
    """The objects that a collection of the generations up to `oldest` will free; it must go before that begins."""

    def __init__(self, oldest: int, wanted: Collection[int]) -> None:
        """Look at the young objects as they are now; `wanted` are the ids of those to be asked after."""
        young = gc.get_objects(0)  # without the list itself, as nothing of ours may be among them
        for generation in range(1, oldest + 1):
            young += gc.get_objects(generation)
        self.objects = unreachable(young)
        del young
        if self.objects:
            _add_older(self.objects, wanted)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.objects.clear()

    @cached_property
    def _holders(self) -> dict[int, list[int]]:
        """For each of the objects those of them that refer to it."""
        found: dict[int, list[int]] = {node: [] for node in self.objects}
        for holder in self.objects:
            for held in {id(obj) for obj in gc.get_referents(self.objects[holder])} & found.keys():
                found[held].append(holder)
        return found

    def above(self, node: int) -> dict[int, list[int]] | None:
        """Return for an object that is to be freed, and for all that leads to it, the holders; None for any other."""
        return self._holders if node in self.objects else None

    def own_references(self, node: int) -> int:
        """Return how many references to a node are ours."""
        return int(node in self.objects)


def doomed_among(wanted: AbstractSet[int]) -> set[int] | None:
    """Return those of the old objects with ids `wanted` that a full collection would free, where that is cheap to tell.

    Looked at is what lies between them in the collector's list of old objects, and some before and after: what was made
    at one time is mostly promoted together. Errs towards life for what hangs on garbage elsewhere. None where nothing
    is told: they lie apart, or are not among the youngest, so that a collection would cost no more; also where a full
    collection has put older objects, which it reached late, behind them (seen on 3.13.0 and 3.15.0, not on 3.11.7).
    """
    objects = gc.get_objects(OLDEST)
    youngest = len(objects) - len(objects) // YOUNGEST
    last, first = len(objects), len(objects)
    left = set(wanted)
    for end in range(len(objects), youngest, -LOT):
        here = left.intersection(map(id, objects[max(0, end - LOT) : end]))
        if here:
            last = end if left == wanted else last
            left -= here
            first = max(0, end - LOT)
            if not left:
                break
    region = [obj for obj in objects[max(0, first - SLACK) : last + SLACK] if not _is_large(obj)]
    is_small = PART * len(region) < len(objects)
    del objects  # as nothing of ours may hold them beside the one list
    return unreachable(region).keys() & wanted if is_small and not left else None


def adrift(objects: list[Any]) -> set[int]:
    """Return the ids of those, of `objects` and what hangs below, that nothing but one another leads to.

    A look as long as what hangs below is small, wherever the collector has it. Errs towards life: for what garbage
    above leads to, and for what hangs on more than is near. `objects`, each there once, is lengthened; nothing else of
    ours may hold what is in it.
    """
    seen, last = {id(obj) for obj in objects}, 0
    while last < len(objects) < NEAR:
        wave, last = objects[last:], len(objects)
        seen.update(id(names) for obj in wave if type(obj) is types.FunctionType for names in _names_around(obj))
        fresh = {id(obj): obj for obj in gc.get_referents(*wave) if id(obj) not in seen and _is_inner(obj)}
        seen.update(fresh)
        objects += fresh.values()
        del wave, fresh
    return set(unreachable(objects)) if len(objects) < 2 * NEAR else set()


def _names_around(function: types.FunctionType) -> tuple[Any, ...]:
    return function.__globals__, getattr(function, "__builtins__", None)


def _is_inner(obj: Any) -> bool:
    """Tell whether an object may be garbage with what leads to it, but for its place in the collector's list."""
    if rawtypes.is_type(obj):
        return "<locals>" in rawtypes.qualname_of(obj)
    return interpreter.is_tracked(obj) and not rawtypes.is_module(obj) and not _is_large(obj)


def _is_large(obj: Any) -> bool:
    return (type(obj) is list or type(obj) is dict) and len(obj) > LARGE


_ASKING = next(map(sys.getrefcount, [object()])) if interpreter.COUNTS_REFERENCES else 0
"""What asking adds to the number of references to an object that is in one list of ours."""


def unreachable(objects: list[Any], holders: Sequence[Any] = (), own: AbstractSet[int] = frozenset()) -> dict[int, Any]:
    """Return those of `objects`, by id, that nothing but one another and `holders` leads to.

    Nothing else of ours may hold `objects`. Those with ids in `own` count as held by `holders` alone.
    """
    counts = list(map(sys.getrefcount, objects))
    nodes = rawtypes.by_id(objects)
    inner = rawtypes.counts_of(filter(nodes.__contains__, map(id, gc.get_referents(*objects, *holders))))
    reached = {node for node, count in zip(nodes, counts, strict=True) if count - _ASKING > inner[node]} - own
    left = set(nodes)
    while reached and left:
        left -= reached
        reached = left.intersection(map(id, gc.get_referents(*map(nodes.__getitem__, reached))))
    return {node: obj for node, obj in nodes.items() if node in left}


def _add_older(doomed: dict[int, Any], wanted: Collection[int]) -> None:
    """Add what only the doomed refer to, as far as it refers to anything itself or is wanted."""
    met: dict[int, Any] = {}
    known: Counter[int] = Counter()
    wave = list(doomed)
    while wave and len(doomed) < MOST:
        referents = rawtypes.counts_of(map(id, _met_from(doomed, wave, met)))
        for node, number in referents.items():
            known[node] += number
        wave = [node for node in referents if rawtypes.reference_count(met, node) - 1 == known[node]]
        wave = [node for node in wave if node in wanted or gc.is_tracked(met[node])]
        doomed.update((node, met.pop(node)) for node in wave)


def _met_from(doomed: dict[int, Any], wave: list[int], met: dict[int, Any]) -> list[Any]:
    """Return what the doomed of `wave` refer to beside one another, each as often as they do, and note it in `met`."""
    objects = [obj for obj in gc.get_referents(*map(doomed.__getitem__, wave)) if id(obj) not in doomed]
    met.update((id(obj), obj) for obj in objects)
    return objects
