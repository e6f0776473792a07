"""What hangs below objects: what references lead to from them, and what nothing else leads to.

What kind of object each is, is found out once for each type, and not for each of the many thousand that may hang below.
"""

from __future__ import annotations

import threading
import types
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.heap.frames import locals_of_thread, take_locals
from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import interpreter, rawtypes
from pytest_leakcheck.watching.doomed import unreachable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from collections.abc import Set as AbstractSet
    from typing import TypeGuard

MOST_BELOW = 30_000
"""Objects looked at below survivors that were recognised."""
FEW = 10_000
"""So many of them are passed before those that something else leads to are told from the others; twice as many
before that is done again."""
_ODD = (types.FrameType, types.FunctionType, types.TracebackType)
"""The types of holders that `_parts` does not ask the collector about."""
_SHARED = (types.FunctionType, types.CodeType)
"""The types whose objects may be the whole program's, beside classes and modules."""


def held_alone(members: list[Any], holders: list[Any], wanted: AbstractSet[int]) -> list[Any]:
    """Return those with ids in `wanted`, of `members` and what is below, that nothing but `holders` leads to.

    As far as references are counted; then no other list of ours may hold the members.
    """
    # The views of a class's attributes that were taken at several times have one dict.
    holders = rawtypes.each_once([*holders, *(names for holder in holders for names in _own_dicts(holder)), members])
    held_by = set(map(id, holders))
    tops = list(_inner(members, held_by, is_through_classes=False).values())
    look = _Look([tops], is_through_classes=False, but=held_by)
    look.go_on(holders=[*holders, *tops] if interpreter.COUNTS_REFERENCES else None)
    passed = [*tops, *look.passed]
    del tops, look  # a further list of ours that holds some would be taken for what else leads there
    alone = _alone(passed, holders) if interpreter.COUNTS_REFERENCES else wanted
    return [obj for obj in passed if id(obj) in wanted and id(obj) in alone]


def below(
    members: list[Any],
    wanted: AbstractSet[int],
    *,
    is_through_classes: bool = False,
    is_alone: bool = True,
    but: AbstractSet[int] = frozenset(),
) -> list[Any]:
    """Return those of the objects with ids in `wanted` that hang below `members`, near enough to be found at once.

    Modules are not looked into, of functions only those that a call made, at what is theirs alone, and classes only
    where that is asked for, at their own attributes and those of bases that a call made; nor what has its id in `but`.
    With `is_alone`, what something else leads to as well hangs below that, as far as references are counted.
    """
    return below_each([members], wanted, is_through_classes=is_through_classes, is_alone=is_alone, but=but)[0]


def below_each(
    starts: Sequence[list[Any]],
    wanted: AbstractSet[int],
    *,
    is_through_classes: bool,
    is_alone: bool = True,
    but: AbstractSet[int] = frozenset(),
) -> list[list[Any]]:
    """Return for each of several lists what hangs below its objects, as `below` does, at the cost of one look.

    What hangs below several is told of that which leads to it by the fewest steps; nothing else may lead to it.
    """
    members = [obj for start in starts for obj in start]
    counts = is_alone and interpreter.COUNTS_REFERENCES
    look = _Look(starts, is_through_classes=is_through_classes, but=but)
    look.go_on(wanted, holders=members if counts else None)
    met = wanted & look.origin.keys()
    if met and counts:
        alone = _alone(look.passed, members)
        if not met <= alone and not look.is_over:  # what else leads to one may itself be farther below
            look.go_on(holders=members)
            alone = _alone(look.passed, members)
        met &= alone
    found: list[list[Any]] = [[] for _ in starts]
    for obj in look.passed:
        if id(obj) in met:
            found[look.origin[id(obj)]].append(obj)
    return found


class _Look:
    """A look at what references lead to from several lists of objects, in waves: in each what the one before leads to.

    What has its id in `but` is not looked into.
    """

    def __init__(self, starts: Sequence[list[Any]], *, is_through_classes: bool, but: AbstractSet[int]) -> None:
        self.passed: list[Any] = []
        self.origin: dict[int, int] = {}
        """By the id of what was passed, from which of the lists that is reached."""
        self._starts = starts
        self._is_through_classes = is_through_classes
        self._fronts: list[Sequence[int]] | None = None
        """Where in `passed` the last wave from each list is; a list of the objects would hold them as well."""
        self._seen = {*(id(obj) for start in starts for obj in start), *but}
        self._most = MOST_BELOW - len(self._seen) + len(but)
        self._check = FEW

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to be passed, or no more is to be."""
        is_at_end = self._fronts is not None and not any(self._fronts)
        return is_at_end or len(self.passed) >= self._most

    def go_on(self, wanted: AbstractSet[int] | None = None, *, holders: list[Any] | None) -> None:
        """Pass further objects, up to the last of those with ids in `wanted`, if any.

        Where `holders` alone are to lead there, what something else leads to is gone past once there is much of it.
        Errs towards too little then: what lies below something that much farther down refers back to.
        """
        while not self.is_over and (wanted is None or not wanted <= self.origin.keys()):
            self._pass_wave()
            if holders is not None and len(self.passed) >= self._check:
                self._leave_shared(holders)

    def _pass_wave(self) -> None:
        fronts: list[Sequence[int]] = []
        for number in range(len(self._starts)):
            fresh = _inner(_parts(self._wave(number)), self._seen, is_through_classes=self._is_through_classes)
            self._seen.update(fresh)
            self.origin.update(dict.fromkeys(fresh, number))
            fronts.append(range(len(self.passed), len(self.passed) + len(fresh)))
            self.passed += fresh.values()
        self._fronts = fronts

    def _wave(self, number: int) -> list[Any]:
        return self._starts[number] if self._fronts is None else [self.passed[index] for index in self._fronts[number]]

    def _leave_shared(self, holders: list[Any]) -> None:
        alone = _alone(self.passed, holders)
        fronts = self._fronts or ()
        self._fronts = [[index for index in front if id(self.passed[index]) in alone] for front in fronts]
        self._check = 2 * len(self.passed)


def _alone(passed: list[Any], members: list[Any]) -> set[int]:
    """Return the ids of those of `passed`, in no other list of ours, that only `members` and one another lead to.

    Whatever a frame, a class or a function leads to is taken for its own, as their references are not all to be seen;
    so is what a thread among `members` leads to: others may run for longer.
    """
    plain = _plain_kinds((*members, *passed))
    odd = [obj for obj in passed if id(type(obj)) not in plain and _is_odd(obj)]
    odd += [obj for obj in members if id(type(obj)) not in plain and (_is_odd(obj) or _is_thread(obj))]
    own = {id(part) for part in _parts(odd)}
    own.update(id(obj) for obj in odd if rawtypes.is_type(obj))
    del odd  # a further list of ours that holds some would be taken for what else leads there
    return set(unreachable(passed, members, own))


def _plain_kinds(objects: Collection[Any]) -> set[int]:
    """Return the ids of the types of `objects` that are no classes', modules', functions', frames' or threads'."""
    kinds = rawtypes.by_id(list(map(type, objects)))
    return {node for node, kind in kinds.items() if _is_plain(kind)}


def _is_plain(kind: type) -> bool:
    is_odd = any(kind is each for each in (*_ODD, *_SHARED))
    return not (is_odd or any(rawtypes.derives(kind, base) for base in (type, types.ModuleType, threading.Thread)))


def _is_odd(holder: Any) -> bool:
    return rawtypes.is_type(holder) or any(type(holder) is kind for kind in _ODD)


def _is_thread(holder: Any) -> TypeGuard[threading.Thread]:
    return rawtypes.is_instance(holder, threading.Thread)


def are_reached(wanted: AbstractSet[int], members: list[Any]) -> bool:
    """Tell whether references lead from `members` to all objects with ids in `wanted`, as far as a near look tells.

    Classes are passed through, modules and functions are not.
    """
    seen, wave = set(map(id, members)), members
    while wave and len(seen) < MOST_BELOW and not wanted <= seen:
        fresh = {id(obj): obj for obj in gc.get_referents(*wave) if interpreter.is_tracked(obj)}
        wave = [obj for node, obj in fresh.items() if node not in seen and not is_shared(obj, is_through_classes=True)]
        seen.update(fresh)
    return wanted <= seen


def _parts(holders: list[Any]) -> list[Any]:
    """Return what `holders` refer to: of a class its own attributes, of frames and tracebacks the local variables.

    The bases of a class count where a call made them, too, and the variables of what a thread runs. Its own class is
    nothing that an object has.
    """
    kinds = _plain_kinds(holders)
    plain = [holder for holder in holders if id(type(holder)) in kinds]
    found = _without_classes(gc.get_referents(*plain), plain)
    if len(plain) < len(holders):
        found += [part for holder in holders if id(type(holder)) not in kinds for part in _parts_of(holder)]
    return found


def _without_classes(referents: list[Any], holders: list[Any]) -> list[Any]:
    """Return referents less the one reference that each of `holders` has to its own class (CPython 3.9 and newer)."""
    own = rawtypes.counts_of(map(id, map(type, holders)))
    met = rawtypes.counts_of(filter(own.__contains__, map(id, referents)))
    classes = {node for node, number in met.items() if number <= own[node]}
    return [obj for obj in referents if id(obj) not in classes] if classes else referents


def _parts_of(holder: Any) -> list[Any]:
    if rawtypes.is_type(holder):
        found = [value for _, value in rawtypes.items_of(rawtypes.class_dict(holder))]
        return found + [base for base in rawtypes.mro_of(holder) if "<locals>" in rawtypes.qualname_of(base)]
    if type(holder) is types.FrameType:
        return [value for _, value in take_locals(holder)]
    if type(holder) is types.FunctionType:
        shared = holder.__globals__, getattr(holder, "__builtins__", None)  # which PyPy's lack
        return [part for part in gc.get_referents(holder) if not any(part is each for each in shared)]
    if type(holder) is types.TracebackType:
        return _locals_of(holder)
    if _is_thread(holder):
        own = [value for _, value in rawtypes.attributes_of(holder)]  # what it calls is on the stack of a frame, too
        return [*gc.get_referents(holder), *own, *locals_of_thread(holder)]
    return [part for part in gc.get_referents(holder) if part is not type(holder)]


def _locals_of(traceback: types.TracebackType) -> list[Any]:
    """Return the local variables of all frames of a traceback, which is often longer than what hangs below is deep."""
    found: list[Any] = []
    link: types.TracebackType | None = traceback
    while link is not None:
        found += [value for _, value in take_locals(link.tb_frame)]
        link = link.tb_next
    return found


def _inner(objects: list[Any], seen: AbstractSet[int], *, is_through_classes: bool) -> dict[int, Any]:
    """Return by id those of `objects` with ids not `seen` that are to be looked into for what hangs below them."""
    fresh = {id(obj): obj for obj in objects if id(obj) not in seen}
    plain, is_tracked = _plain_kinds(fresh.values()), interpreter.is_tracked
    return {
        node: obj
        for node, obj in fresh.items()
        if is_tracked(obj) and (id(type(obj)) in plain or not is_shared(obj, is_through_classes=is_through_classes))
    }


def is_shared(obj: Any, *, is_through_classes: bool = False) -> bool:
    """Tell whether an object is the whole program's: a module, a function by its name there, a class unless passed."""
    if rawtypes.is_type(obj):
        return not is_through_classes
    if type(obj) is types.FunctionType:
        return "<locals>" not in obj.__qualname__  # a decorator made one that a module has by its own name, too
    if type(obj) is types.CodeType:  # pragma: only on PyPy (8.0.1), where it refers to the module's names
        return True
    return rawtypes.is_module(obj)


def _own_dicts(holder: Any) -> list[Any]:
    """Return the dict that has the attributes of a class or an object, which is what holds their values."""
    if rawtypes.is_type(holder):
        return gc.get_referents(rawtypes.class_dict(holder))
    if type(holder) is types.MappingProxyType:
        return gc.get_referents(holder)
    names = rawtypes.instance_dict(holder)
    return [] if names is None else [names]
