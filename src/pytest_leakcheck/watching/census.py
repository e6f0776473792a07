"""The new objects of a test, found by the collector's generations: at the cost of what the test made, not of the heap.

Before the test a young collection empties the young generations; whatever is in them afterwards is new. A collection
that promotes objects in between is announced to ``gc.callbacks``, which takes the census before they grow old.
Where generations do not tell young from old (free-threaded builds, the incremental collector of some 3.14 builds, which
shows by a third threshold of 0, PyPy), all living objects of the wanted types are noted before and told apart after:
slower, as exact.
Objects that can't be weakly referenced are noted by their addresses: within one test, only another object made in it
can come to be at one. Limits, which err towards a missed leak: objects that the collector does not track, or that a
test freezes with ``gc.freeze()``.
"""

from __future__ import annotations

import itertools
import sys
import weakref
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import interpreter, rawtypes
from pytest_leakcheck.runtime.addresses import has_generations
from pytest_leakcheck.watching.afterlife import Afterlife

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_leakcheck.runtime.addresses import Patience

MOST_LOOKS = 10
"""How often at most a census begins anew that other threads make something during."""
MOST_PROMOTED = 200_000
"""Past so many promoted objects further ones are not noted, which takes up to 20 MB."""


class Census:
    """Notes the new objects that `is_wanted` picks by type, from `start` to `stop`, save while paused."""

    def __init__(
        self,
        is_wanted: Callable[[type], bool],
        passed_over: set[int] | None = None,
        at_once: Callable[[Any], None] | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Judge types by `is_wanted`; `passed_over` are the ids of living types that are known to be unwanted.

        `at_once`, if given, is told of each object before any collection can free it, and maybe more than once.
        `patience`, if given, tells when not to look for what finalizers brought back to life.
        """
        self._is_wanted = is_wanted
        self._peek: Callable[[type], bool] = getattr(is_wanted, "peek", is_wanted)
        self._at_once = at_once
        self._passed_over = set() if passed_over is None else passed_over
        self._asked: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._answers: list[tuple[weakref.ref[Any], str]] = []
        self._promoted: set[int] | None = set()
        """The ids of what grew old since the start, as long as it may be asked after; an address that dies is taken by
        what is new as well."""
        self._refs: list[weakref.ref[Any]] = []
        self._afterlife: Afterlife[None] = Afterlife(patience)
        self._addresses: dict[int, weakref.ref[type]] = {}
        self.is_broken = False
        """Whether objects were missed, as an error came while they were counted: a test may have replaced ``map``."""
        self._old: dict[int, weakref.ref[Any] | None] = {}
        self._seen = 0
        self._has_promoted = self._has_collected = False
        self._is_running = False
        self._has_generations = has_generations()
        self._pauses = 0
        """How many pauses are still to be resumed."""

    def start(self) -> None:
        """Take everything that lives now for old."""
        interpreter.collect(1)
        self._is_running = True
        if self._has_generations:
            interpreter.callbacks().append(self._at_collection)
        else:
            self._note_old()

    def stop(self) -> None:
        """End the census: what is made from here on is not counted."""
        if not self._is_running:
            return
        is_collecting = self._has_generations and self._at_once is None
        try:
            if is_collecting:
                interpreter.collect(0)  # garbage that is gone need not be noted, which takes longer than to free it
            self.pause()  # which may set off a collection: it must still be listened to
            if is_collecting and self._is_waiting():
                interpreter.collect(1, is_after_ours=True)  # nor need what is noted, and waits for this, be watched
        finally:
            self._is_running = False
            interpreter.stop_calling(self)
            self._afterlife.stop()

    def _is_waiting(self) -> bool:
        """Tell whether anything counted may wait for a collection that needs no look at what it leaves.

        That looks among the young for what has no weak references, and everywhere for what has a finalizer.
        """
        return not (self._addresses or self._afterlife) and any(ref() is not None for ref in self._refs)

    def pause(self) -> None:
        """Count what is there, and stop counting until `resume`; pauses nest."""
        if self._is_running:
            self._take()
            self._pauses += 1

    def resume(self) -> None:
        """Take what was made since `pause` for old, and count again."""
        if not self._is_running:
            return
        if self._pauses == 1:
            if self._has_generations:
                interpreter.collect(1)
            else:
                self._note_old()
        self._pauses -= 1

    def ask(self, obj: object, name: str) -> None:
        """Let `new_values` tell of `obj`, of whatever type, if it was made since the start.

        Where there are no generations, nothing tells, and it is missed; so is what a collection promoted after
        `ask_no_more`, or after many others.
        """
        ref = rawtypes.weak_reference(obj) if self._has_generations else None
        if ref is None:
            return
        if self._promoted and id(obj) in self._promoted:
            self._answers.append((ref, name))
        else:
            self._asked[id(obj)] = ref, name

    def ask_no_more(self) -> None:
        """Expect `ask` to be called of young objects alone from here on: the rest need not be noted."""
        self._promoted = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted, and none of those asked after is new."""
        return not (self._refs or self._answers or self._addresses or self._afterlife)

    def may_have_living(self) -> bool:
        """Tell whether anything that is to be counted lives so far, garbage that waits for the collector included."""
        if not (self._has_generations and self._is_running):
            return True
        self._take()
        return bool(self._answers or self._addresses or self._afterlife) or any(ref() is not None for ref in self._refs)

    def new_values(self) -> list[tuple[Any, str]]:
        """Return the living ones of those asked after that are new, each with its name."""
        return [(obj, name) for ref, name in self._answers if (obj := ref()) is not None]

    def new_objects(self) -> list[Any]:
        """Return the living ones of those counted, each once."""
        living = [obj for ref in self._refs if (obj := ref()) is not None]
        return rawtypes.each_once(living)

    def brought_back(self) -> list[Any]:
        """Return those of the counted that live because their finalizers brought them back to life; once."""
        return [obj for obj, _ in self._afterlife.back()]

    def new_addresses(self) -> dict[int, weakref.ref[type]]:
        """Return the addresses of those counted that can't be weakly referenced, with their types.

        Some may be dead by now; an address is then that of nothing, or of an object made later.
        """
        return self._addresses

    @property
    def span(self) -> int | None:
        """How many objects at most were promoted since the start, or None where their order does not tell."""
        if self._has_collected or not self._has_generations:
            return None
        return self._seen if self._has_promoted else 0

    def _at_collection(self, phase: str, info: dict[str, int]) -> None:
        if not self._is_running:
            return
        generation = info["generation"]
        if phase == "stop":
            if generation > 1:  # who counts all objects before and after something collects them first
                self._refs[:] = [ref for ref in self._refs if ref() is not None]
            return
        self._has_promoted |= generation >= 1
        self._has_collected |= generation > 1
        if generation >= 1 or self._at_once is not None:
            try:
                self._take(min(generation, 1), is_promoting=generation >= 1)
                self._take_late()
            except Exception:  # noqa: BLE001 - it runs amid the user's code, which must not see a fault of ours
                self.is_broken = True

    def _take_late(self) -> None:
        """Take also what other threads made during the census, which the collection that is about to begin promotes.

        Errs towards missing what they make between the last look and the collection.
        """
        length = -1
        for _ in range(MOST_LOOKS if len(sys._current_frames()) > 1 else 0):  # noqa: SLF001 - the one way without a lock
            if length == (length := len(gc.get_objects(0))):
                return
            self._take(0)

    def _take(self, oldest: int = 1, *, is_promoting: bool = False) -> None:
        if self._pauses:
            return
        if not self._has_generations:
            self._note_new(gc.get_objects())
            return
        for generation in range(oldest + 1):
            objects = gc.get_objects(generation)
            self._note_new(objects, is_promoting=is_promoting)
            self._seen += len(objects)
            if is_promoting and self._promoted is not None and len(self._promoted) < MOST_PROMOTED:
                self._promoted.update(map(id, objects))

    def _note_new(self, objects: list[Any], *, is_promoting: bool = False) -> None:
        if self._asked:
            self._answers += [self._asked.pop(node) for node in self._asked.keys() & set(map(id, objects))]
        wanted = self._wanted(objects, self._peek if is_promoting else self._is_wanted)
        new = [obj for obj in wanted if not self._is_old(obj)] if self._old else wanted
        if new:
            self._note(new)

    def _is_old(self, obj: object) -> bool:
        """Tell whether `obj` was noted at the start; an address alone tells where there is no weak reference."""
        if id(obj) not in self._old:
            return False
        ref = self._old[id(obj)]
        return ref is None or ref() is obj

    def _wanted(self, objects: list[Any], is_wanted: Callable[[type], bool]) -> list[Any]:
        """Return the objects of wanted types, each type judged once: there are many more objects than types."""
        kinds = list(map(type, objects))
        nodes = list(map(id, kinds))
        if self._passed_over.issuperset(nodes):
            return []
        distinct = dict(zip(nodes, kinds, strict=True))
        wanted = {node for node in distinct.keys() - self._passed_over if self._judge(distinct[node], is_wanted)}
        return list(itertools.compress(objects, map(wanted.__contains__, nodes))) if wanted else []

    def _judge(self, kind: type, is_wanted: Callable[[type], bool]) -> bool:
        if is_wanted(kind):
            return True
        if rawtypes.is_static(kind):
            self._passed_over.add(id(kind))
        return False

    def _note(self, objects: list[Any]) -> None:
        refs = rawtypes.weak_references(objects)
        self._refs += [ref for ref in refs if ref is not None]
        lacking = (obj for obj, ref in zip(objects, refs, strict=True) if ref is None)
        self._addresses.update((id(obj), weakref.ref(type(obj))) for obj in lacking)
        referable = [obj for obj, ref in zip(objects, refs, strict=True) if ref is not None]
        for obj in rawtypes.with_finalizer(referable):
            self._afterlife.add(obj, None)
        if self._at_once is not None:
            for obj in referable:
                self._at_once(obj)

    def _note_old(self) -> None:
        for obj in self._wanted(gc.get_objects(), self._is_wanted):
            self._old[id(obj)] = rawtypes.weak_reference(obj)
