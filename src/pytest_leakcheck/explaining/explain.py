"""From live survivors to leaks as values: the searches give paths and proofs, `links` and `advice` the words."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_leakcheck import describe
from pytest_leakcheck.explaining.advice import ADVICE
from pytest_leakcheck.explaining.keepers import keepers_of
from pytest_leakcheck.explaining.labels import labelled
from pytest_leakcheck.extensions import no_words
from pytest_leakcheck.heap.growth import container_of, partings
from pytest_leakcheck.heap.holders import Heap, unseen_holders
from pytest_leakcheck.heap.links import (
    INHERENT,
    bound_at,
    bound_of,
    has_patch,
    has_weak_entry,
    name_links,
    opened,
    renamed,
)
from pytest_leakcheck.heap.places import Place, place_of
from pytest_leakcheck.heap.positions import NOT_KNOWN, Positions
from pytest_leakcheck.heap.retained import retained
from pytest_leakcheck.heap.roots import WEAK, Roots, Start, class_root, logger_root, promote, threads_behind
from pytest_leakcheck.model import Leak, Link, Proof, Root, Survivor, Trace
from pytest_leakcheck.runtime import clock, interpreter, rawtypes
from pytest_leakcheck.runtime.clock import SEARCH_SECONDS
from pytest_leakcheck.search.further import Further, Known, searching_further
from pytest_leakcheck.search.paths import SEARCH_OBJECTS, Paths, Search, find_paths
from pytest_leakcheck.search.proof import OUTSIDE, Room, proving
from pytest_leakcheck.search.rounds import Question, finish_all

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from pytest_leakcheck.search.rounds import Steps

PROOF_SECONDS = 0.5 if interpreter.COUNTS_REFERENCES else 5.0
"""How long the proofs may take at least, longer where each holder takes a pass over the heap (PyPy).

They may always take as long as the search did.
"""
IMMORTAL = 1 << 28
"""Counts of references from here on are not counts (deep-frozen strings on CPython 3.11, PEP 683 from 3.12 on)."""
MOST_TOLD = 100
"""Survivors whose paths are put into words; further ones are only counted."""
MOST_STEPS = 5_000
"""References that are put into words for all of them: each takes some 50 microseconds (CPython 3.11)."""
MOST_BACK = 3
"""References from a survivor to the one before it that are told; of more, the first."""
MOST_OTHERS = 9
"""Independent paths told at most beside the first."""


class Told(NamedTuple):
    """A survivor's path in words, with the nodes that it was told from."""

    trace: Trace
    nodes: tuple[int, ...]
    """From the root's own object, where that is on the heap, to the survivor."""
    ends: tuple[int, ...]
    """For each link, the index on `nodes` that it leads to."""
    rooted: int
    """The index on `nodes` of what the root's name leads to: 0, or more where a link is part of that name."""
    thread: int = 0
    """The id of the thread from which the path starts, or of the other one that runs the frame from which it does."""


class Finding(NamedTuple):
    """A leak, and what it was told from."""

    leak: Leak
    members: tuple[int, ...]
    """The indexes of its survivors among the objects asked about."""
    place: Place | None
    container: Place | None = None
    """Where the paths of fresh survivors part from those of others, if fresh ones were told apart."""
    above: tuple[int, ...] = ()
    """The ids of what its path goes through, the thread before the frame that it starts from among them; 0 for none."""
    threads: tuple[int, ...] = ()
    """The ids of the threads one of which has the thread-local value that its path goes through, if it does."""
    is_weak: bool = False
    """Whether an entry on its path goes once the collector frees something, by a weak reference."""
    keepers: frozenset[int] = frozenset()
    """The ids of threads that keep one of the survivors each, if all are kept so, and a verdict is still to come."""

    @property
    def is_named(self) -> bool:
        """Whether it is an entry by a name that leads on from the container."""
        if self.place is None or self.container is None:
            return False
        return self.place.leads_by_name_from(self.container)

    def is_kept_by_each_of(self, threads: AbstractSet[int]) -> bool:
        """Tell whether threads that are among these have one survivor each, so that the next one takes its place."""
        return bool(self.keepers) and self.keepers <= threads


def explain(
    objects: list[Any],
    facts: Sequence[Survivor],
    *,
    seconds: float = SEARCH_SECONDS,
    words: Callable[[object], str] = no_words,
) -> tuple[Leak, ...]:
    """Return the leaks that the living `objects` make up, as `examine` does."""
    return tuple(finding.leak for finding in examine(objects, facts, seconds=seconds, words=words))


def examine(  # noqa: PLR0913 - what concerns few callers are keywords with defaults
    objects: list[Any],
    facts: Sequence[Survivor],
    own: Iterable[Collection[object]] = (),
    *,
    seconds: float = SEARCH_SECONDS,
    fresh: int | None = None,
    is_near: bool = False,
    words: Callable[[object], str] = no_words,
) -> tuple[Finding, ...]:
    """Return the leaks that the living `objects` make up, the survivors of one cause together, and where they are held.

    `facts` tells of each object where it came from; `own` are further containers of ours that hold the objects. Where a
    verdict is still to come, `fresh` tells how many of the objects, the first ones, were made last: then the containers
    that they came into are told, and proof, size, accounting and `words` are left out; else what `words` says of the
    objects on the paths is told. With `is_near`, the heap is not searched: only survivors near to a module of the
    user's get a trace. Never raises: what goes wrong in the search is told in the leak. Errs towards a missing trace,
    never towards a wrong one.
    """
    started = clock.now()
    try:
        roots = Roots(frozenset(map(id, objects)), is_near=is_near)
        with Heap(objects, roots, own) as heap:
            ids = {id(obj): index for index, obj in enumerate(objects)}
            search = _near(roots, ids) if is_near else _search(heap, roots, list(ids), seconds)
            above = _above(heap, roots, search, ids, len(ids) if fresh is None else fresh)
            heads = [index for index in ids.values() if index not in above]
            shown, rest = _affordable(search, heads, objects, fresh)
            told = _told(heap, roots, search, {index: id(objects[index]) for index in shown})
            limit = max(PROOF_SECONDS, clock.now() - started)
            facing = _Facing(heap, roots, search, list(ids), told, fresh, clock.now() + limit, shown=[])
            groups = _grouped(told, rest, above, facts)
            proofs = facing.proofs(groups)
            found = [facing.finding(group, facts, proof) for group, proof in zip(groups, proofs, strict=True)]
            return tuple(finding._replace(leak=facing.labelled(finding.leak, words)) for finding in found)
    except Exception as error:  # noqa: BLE001 - a leak without its trace is still a leak; the reader is told why
        reason = f"the search ended with {describe.error_text(error)}"
        return (Finding(Leak(tuple(facts), None, unavailable=reason), tuple(range(len(objects))), None),)


class _Group(NamedTuple):
    heads: list[int]
    """Indexes of survivors with one fingerprint."""
    hanging: list[int]
    """Indexes of survivors whose paths go through the heads."""


def _near(roots: Roots, ids: Iterable[int]) -> Search:
    """Return the paths to those of `ids` that the walk from the user's modules has met."""
    return Search(Paths([node for node in ids if roots.nearby.distance(node) is not None], {}), 0, 0, ())


def _search(heap: Heap, roots: Roots, ids: list[int], seconds: float) -> Search:
    search = find_paths(heap, ids, seconds=seconds)
    if not search.is_complete or len(search.paths) == len(ids):
        return search
    if heap.account(search.nearest):
        search = find_paths(heap, ids, seconds=seconds)
        if len(search.paths) == len(ids):
            return search
    lost = [node for node in search.nearest if heap.missing(node)]
    roots.add_unaccounted(heap.objects[node] for node in lost)
    return find_paths(heap, ids, seconds=seconds)


def _affordable(search: Search, heads: list[int], objects: list[Any], fresh: int | None) -> tuple[list[int], list[int]]:
    """Return the survivors whose paths are to be put into words, and the others: a few where paths are very long.

    The first of the fresh ones and the first of the older ones are always among them.
    """
    first = next((index for index in heads if fresh is None or index < fresh), None)
    oldest = next((index for index in heads if fresh is not None and index >= fresh), None)
    shown: list[int] = []
    steps = 0
    for index in heads:
        if index in (first, oldest) or (len(shown) < MOST_TOLD and steps < MOST_STEPS):
            shown.append(index)
            steps += len(search.paths.get(id(objects[index]), ()))
    known = set(shown)
    return shown, [index for index in heads if index not in known]


def _told(heap: Heap, roots: Roots, search: Search, nodes: dict[int, int]) -> dict[int, Told | None]:
    """Return the paths to `nodes` in words."""
    paths = [search.paths.get(node, ()) for node in nodes.values()]
    positions = Positions([heap.objects[node] for node in path] for path in paths)
    return {
        index: _tell(heap, roots, path or None, positions=positions) for index, path in zip(nodes, paths, strict=True)
    }


def _tell(
    heap: Heap,
    roots: Roots,
    path: tuple[int, ...] | None,
    start: Start | None = None,
    positions: Positions = NOT_KNOWN,
) -> Told | None:
    """Return a path in words; `start` is its root where that is not the best one of the path's first node."""
    start = start or (roots.start(heap.objects[path[0]]) if path else None)
    if path is None or start is None:
        return None
    objects = [heap.objects[node] for node in path]
    if start.link is not None:
        root, length = start.root, len(objects) + start.anchor.extra
        objects = _opened(heap, objects)
        links, steps = name_links(objects, positions)
        links, steps = (start.link, *links), [0, *steps]
    else:
        objects[:1] = roots.path_to(objects[0])
        length = len(objects)
        root, objects = logger_root(*class_root(*roots.at_home(start.root, _opened(heap, objects))))
        links, steps = name_links(objects, positions)
    heap.meet(objects)
    named = len(links)
    root, links = promote(root, links)
    rooted = sum(steps[: named - len(links)])
    steps[: len(steps) - len(links) + 1] = [sum(steps[: len(steps) - len(links) + 1])]
    ends = tuple(itertools.accumulate(steps))
    trace = Trace(root, _with_suspects(root, links), length, bound=bound_of(objects))
    return Told(trace, tuple(map(id, objects)), ends, rooted, start.thread)


def _opened(heap: Heap, path: list[Any]) -> list[Any]:
    """Return `path` with the ``__dict__`` of each instance on it that its attributes moved to when it was read."""
    heap.meet(path)
    objects, known = opened(path), set(map(id, path))
    for holder, names in itertools.pairwise(objects):
        if type(names) is dict and id(names) not in known:
            heap.move_holders(holder, names)
    return objects


def _with_suspects(root: Root, links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Mark what may be the fault: every link but the one that names a global, and those that follow from another."""
    innocent = 1 if root.kind in ("module", "class attribute", "logger") and len(links) > 1 else 0
    return tuple(
        replace(link, is_suspect=index >= innocent and link.kind not in INHERENT) for index, link in enumerate(links)
    )


def _above(heap: Heap, roots: Roots, search: Search, ids: dict[int, int], fresh: int) -> dict[int, int]:
    """Return for each survivor whose path goes through another one the index of the one that is nearest to the root.

    Only of those before number `fresh`: what piles up below an older one is told by its own path.
    """
    wanted = {node for node, index in ids.items() if index < fresh}
    nearest, firsts = search.paths.nearest(wanted), search.paths.roots()
    above = {}
    for target in search.paths:
        root = firsts[target]
        start = roots.start(heap.objects[root])
        first = roots.path_to(heap.objects[root]) if start is not None and start.link is None else ()
        through = next((id(obj) for obj in first if id(obj) in wanted and id(obj) != target), nearest[target])
        if through is not None and through != target:
            above[ids[target]] = ids[through]
    return above


def _grouped(
    told: dict[int, Told | None], untold: list[int], above: dict[int, int], facts: Sequence[Survivor]
) -> list[_Group]:
    """Put together what has one fingerprint, and under a survivor what only hangs below it.

    Survivors beyond the number that is told join the first group with one of their type.
    """
    groups: dict[str, _Group] = {}
    owners: dict[int, _Group] = {}
    types: dict[str, _Group] = {}
    for index, each in told.items():
        key = Leak((facts[index],), each.trace if each else None).fingerprint
        owners[index] = groups.setdefault(key, _Group([], []))
        owners[index].heads.append(index)
        types.setdefault(facts[index].type_name, owners[index])
    first = next(iter(groups.values()), _Group([], []))
    for index in untold:
        owners[index] = types.get(facts[index].type_name, first)
        owners[index].heads.append(index)
    for index in above:
        owners.get(_top(above, index), first).hanging.append(index)
    return list(groups.values())


def _top(above: dict[int, int], index: int) -> int:
    """Return the survivor that one hangs below in the end: the paths of those between may be other ones."""
    seen: set[int] = set()
    while index in above and index not in seen:
        seen.add(index)
        index = above[index]
    return index


class _Facing(NamedTuple):
    """The heap as it was searched, to tell of a leak what the path alone does not."""

    heap: Heap
    roots: Roots
    search: Search
    nodes: Sequence[int]
    """The ids of the survivors, by their indexes."""
    told: dict[int, Told | None]
    fresh: int | None
    """How many survivors, the first ones, were made last; None where no verdict is still to come."""
    deadline: float
    """When, in seconds of the monotonic clock, proofs are given up: all of them together have a budget of their own."""
    shown: list[Told]
    """The paths that leaks are told by."""

    def proofs(self, groups: Sequence[_Group]) -> list[Proof | None]:
        """Return what is proved of the path that each of `groups` is told by, all of them in step."""
        firsts = [self.told.get(group.heads[0]) for group in groups]
        if self.fresh is not None:
            return [None] * len(firsts)
        room, most = Room(), SEARCH_OBJECTS // max(1, len(firsts))
        return finish_all([self._proof(first, room, most) for first in firsts], self.heap.prepare)

    def finding(self, group: _Group, facts: Sequence[Survivor], proof: Proof | None) -> Finding:
        """Return the leak of a group of survivors, told by the path of the first of them."""
        first = self.told.get(group.heads[0])
        old, fresh = self._paths(group.heads) if first else ([], [])
        heads, hanging = ([facts[index] for index in indexes] for indexes in group)
        trace = _bounded(first.trace, old, fresh) if first else None
        if trace is not None and self.fresh is not None and any(index >= self.fresh for index in group.hanging):
            trace = replace(trace, bound="")  # each new one leads to those before it, however many there may be
        note = self._way_back(group) if first else ""
        leak = self._leak(first, Leak(tuple(heads), trace, also_keeps=tuple(hanging), proof=proof, note=note))
        members, above = (*group.heads, *group.hanging), (first.thread, *first.nodes[:-1]) if first else ()
        path = [self.heap.objects[node] for node in first.nodes] if first else []
        place, container = (place_of(path), container_of(old, fresh)) if first else (None, None)
        is_weak = first is not None and has_weak_entry(path, first.trace.links)
        keepers = frozenset[int]() if note else self._keepers(group.heads)
        return Finding(leak, members, place, container, above, threads_behind(path), is_weak, keepers)

    def _keepers(self, heads: list[int]) -> frozenset[int]:
        """Return the ids of the threads that keep one of `heads` each; empty where they are held in other ways."""
        told = [each for index in heads if (each := self.told.get(index)) is not None]
        if self.fresh is None or len(told) < len(heads):
            return frozenset()
        paths = [[self.heap.objects[node] for node in each.nodes] for each in told]
        return keepers_of(paths, [each.thread for each in told])

    def _way_back(self, group: _Group) -> str:
        """Return by which reference a fresh survivor leads to an older one, in words; empty where none does."""
        older = (index for index in group.hanging if self.fresh is not None and index >= self.fresh)
        path = next((self.search.paths[self.nodes[index]] for index in older), ())
        if not path:
            return ""
        heads = {self.nodes[index] for index in group.heads}
        objects = [*self.roots.path_to(self.heap.objects[path[0]]), *(self.heap.objects[node] for node in path[1:])]
        at = max((number for number, obj in enumerate(objects[:-1]) if id(obj) in heads), default=0)
        links, _ = name_links(_opened(self.heap, objects[at:]))
        by = "".join(link.text for link in links) if len(links) <= MOST_BACK else links[0].text
        return f"It leads to the one before it by {by}, so that each new one keeps all earlier ones alive."

    def _paths(self, heads: list[int]) -> tuple[list[list[Any]], list[list[Any]]]:
        """Return the paths of the older among survivors of one cause, and of the fresh ones, if they are told apart."""
        if self.fresh is None:
            return [], []
        known = ((index, each) for index in heads if (each := self.told.get(index)) is not None)
        paths = {index: [self.heap.objects[node] for node in each.nodes] for index, each in known}
        old = [path for index, path in paths.items() if index >= self.fresh]
        return old, [path for index, path in paths.items() if index < self.fresh]

    def _leak(self, first: Told | None, leak: Leak) -> Leak:
        if first is None:
            return replace(leak, unavailable=_why_none(self.search))
        if self.fresh is not None:
            return leak
        self.shown.append(first)
        target = first.nodes[-1]
        size = retained(self.heap.objects[target], self.heap.own_references)
        return replace(
            leak,
            accounting=self._accounting(target, first.trace),
            advice=_advice(first.trace, is_patched=self._is_patched(first)),
            retained=size[0] if size else 0,
            retained_bytes=size[1] if size else 0,
        )

    def _is_patched(self, told: Told) -> bool:
        """Tell whether a path goes through what a patch put there that was not stopped."""
        nodes = (told.nodes[index] for index in (told.rooted, *told.ends))
        return has_patch([self.heap.objects[node] for node in nodes], told.trace.links)

    def _accounting(self, target: int, trace: Trace) -> str:
        total = self.heap.references(target)
        if total is None:  # pragma: only on PyPy
            return f"{sys.implementation.name} counts no references: what can't be seen may hold the object too."
        if total >= IMMORTAL:
            return "It is immortal: the interpreter itself keeps it, whoever else refers to it."
        if rawtypes.is_type(self.heap.objects[target]):
            return ""
        missing = self.heap.missing(target)
        if missing:
            held = "1 is held" if missing == 1 else f"{missing} are held"
            references = describe.counted(total, "reference")
            return f"The object has {references}, {total - missing} found; {held} by {unseen_holders()}."
        if trace.root.kind == "unaccounted":
            return f"Higher up, a reference is held by {unseen_holders()}."
        return _all_found(total)

    def _proof(self, told: Told | None, room: Room, most: int) -> Steps[Proof | None]:
        if told is None:
            return None
        if told.trace.root.kind == "unaccounted":
            return Proof("unproven", reason="what holds it is not visible")
        line = _line(self.heap, told)
        inherent = frozenset(range(len(line.nodes))) - line.telling
        yield Question(line.nodes[-1:], is_counted=True)
        left = self.deadline - clock.now()
        found = yield from proving(self.heap, line.nodes, inherent=inherent, seconds=left, room=room)
        if found.edge is not None:
            last = line.ends.index(found.edge) if found.edge in line.ends else -1
            ways = self._ways(line.nodes[found.edge :], found.below) if found.below else ()
            return Proof("dominator", link=told.trace.spelled(last), ways=ways)
        if found.second:
            return (yield from self._independent(told, found.second, most))
        return Proof("unproven", reason=found.reason)

    def _independent(self, first: Told, second: tuple[int, ...], most: int) -> Steps[Proof]:
        """Return all paths that share no link with one another, `first` being one of them and `second` another."""
        line = _line(self.heap, first)
        others = self._doubled(first) if second == line.nodes and second[0] != OUTSIDE else []
        following = Further(() if others else second, is_complete=True)
        if others:
            following = yield from self._further([line], most)
        while following.nodes and len(others) < MOST_OTHERS:
            told = self._other(following.nodes, [first, *others])
            if told is None:  # its root is none any more: another thread has gone on meanwhile
                break
            others.append(told)
            following = yield from self._further([_line(self.heap, each) for each in (first, *others)], most)
        if not others:
            return Proof("unproven", reason="what holds objects changed during the search")
        self.shown.extend(others)
        is_all = following.is_complete and not following.nodes
        thread = _one_thread([each.trace.root for each in (first, *others)]) if is_all else ""
        if thread:
            return Proof("dominator", link=thread)
        return Proof("independent", others=tuple(told.trace for told in others), is_all=is_all)

    def _further(self, lines: Sequence[_Line], most: int) -> Steps[Further]:
        known, left = [line.known() for line in lines], self.deadline - clock.now()
        return (yield from searching_further(self.heap, known, worst_rank=WEAK, seconds=left, most=most))

    def _doubled(self, told: Told) -> list[Told]:
        """Return a path by the further names of what its holders have twice, in words."""
        objects = [self.heap.objects[node] for node in told.nodes]
        steps = [end - start for start, end in itertools.pairwise((0, *told.ends))]
        named = renamed(told.trace.links, steps, objects)[:MOST_OTHERS]
        return [told._replace(trace=replace(told.trace, links=links)) for links in named]

    def _ways(self, nodes: Sequence[int], below: Sequence[int]) -> tuple[str, ...]:
        """Return two ways to the survivor in words, the nodes of which are one where its holders have it twice."""
        paths = [_opened(self.heap, [self.heap.objects[node] for node in each]) for each in (nodes, below)]
        (one, steps), (other, _) = map(name_links, paths)
        if list(nodes) == list(below):
            other = next(iter(renamed(one, steps, paths[0])), ())
        texts = ["".join(link.text for link in links) for links in (one, other)]
        return tuple(texts) if all(link.text[0] in ".[" for link in (*one, *other)) and all(texts) else ()

    def labelled(self, leak: Leak, words: Callable[[object], str]) -> Leak:
        """Return a leak with what `words` says of the objects on its paths: code of others, so after all searches."""
        if leak.trace is None or words is no_words:
            return leak
        proof = leak.proof and replace(
            leak.proof, others=tuple(self._labelled(other, words) for other in leak.proof.others)
        )
        return replace(leak, trace=self._labelled(leak.trace, words), proof=proof)

    def _labelled(self, trace: Trace, words: Callable[[object], str]) -> Trace:
        told = next((each for each in self.shown if each.trace is trace), None)
        if told is None:
            return trace
        return labelled(trace, [self.heap.objects[told.nodes[end]] for end in told.ends], words)

    def _other(self, nodes: tuple[int, ...], known: Sequence[Told]) -> Told | None:
        """Return a further path in words; where it starts off the heap, from a root that no path `known` has."""
        if nodes[0] != OUTSIDE:
            return _tell(self.heap, self.roots, nodes)
        taken = [(told.trace.root, told.trace.links[0].text) for told in known]
        starts = (start for start in self.roots.outside(nodes[1]) if start.link is not None)
        start = next((start for start in starts if (start.root, start.link and start.link.text) not in taken), None)
        return _tell(self.heap, self.roots, nodes[1:], start)


def _one_thread(roots: Sequence[Root]) -> str:
    """Return the name of the thread that all roots are of, the first being the list of those that run; else empty.

    So it is the thread itself that survives: what lists it and what it runs end as one.
    """
    names = {root.name for root in roots[1:] if root.kind == "thread"}
    is_one = roots[0].name == "threading._active" and all(root.kind == "thread" for root in roots)
    return names.pop() if is_one and len(names) == 1 else ""


def _bounded(trace: Trace, old: list[list[Any]], fresh: list[list[Any]]) -> Trace:
    """Return a trace with what bounds the container in which fresh survivors part from older ones, where they do."""
    parted = list(partings(old, fresh)) if trace.bound else []
    return replace(trace, bound=next(filter(None, itertools.starmap(bound_at, parted)), "")) if parted else trace


def _all_found(total: int) -> str:
    if total == 1:
        return "The object has 1 reference, which was found."
    return f"The object has {describe.counted(total, 'reference')}, {'both' if total == 2 else 'all'} found."


class _Line(NamedTuple):
    """A path in words as the searches see it: without a module above its globals, with `OUTSIDE` for a root off it."""

    nodes: tuple[int, ...]
    ends: list[int]
    """For each link, the index on `nodes` that it leads to."""
    telling: frozenset[int]
    """The indexes of the nodes whose link may be at fault."""

    def known(self) -> Known:
        """Return the path with the references that its telling links are made of."""
        links = set()
        for end in self.telling:
            above = max((other for other in self.ends if other < end), default=0)
            links |= {(holder, self.nodes[end]) for holder in self.nodes[above:end]}
        return Known(self.nodes, frozenset(links))


def _line(heap: Heap, told: Told) -> _Line:
    nodes, skipped = told.nodes, 0
    if told.ends[0] == 0:
        nodes, skipped = (OUTSIDE, *told.nodes), -1
    elif _has_globals(heap, nodes):
        nodes, skipped = told.nodes[1:], 1  # who else refers to a module's globals is beside the point
    ends = [end - skipped for end in told.ends]
    telling = {end for end, link in zip(ends, told.trace.links, strict=True) if link.kind not in INHERENT}
    return _Line(nodes, ends, frozenset({*telling, told.rooted - skipped}))


def _has_globals(heap: Heap, nodes: Sequence[int]) -> bool:
    """Tell whether a path leads from a module by its globals: what a C module has beside them is its own."""
    module = heap.objects[nodes[0]]
    return rawtypes.is_module(module) and heap.objects[nodes[1]] is rawtypes.module_dict(module)


def _why_none(search: Search) -> str:
    if not search.is_complete:
        met = f"{describe.counted(search.levels, 'level')} and {describe.counted(search.met, 'object')}"
        return f"the search was stopped by its limit of {search.stopped_by}, after {met}"
    return f"no root leads to it in {describe.counted(search.levels, 'level')}: nothing that can be seen holds it"


_ITEMS = frozenset({"dict item", "item by a weak key", "list item", "tuple item", "set element", "deque item"})
_KEYS = frozenset({"dict key", "weakly valued key"})
_PLAIN = frozenset({*_ITEMS - {"tuple item"}, *_KEYS, "attribute", "class attribute", "module global"})
"""Kinds of holders of which the one nearest to the survivor is what to mend."""


def _advice(trace: Trace, *, is_patched: bool) -> str:
    kinds = {trace.root.kind, *(link.kind for link in trace.links if link.is_suspect or link.kind in INHERENT)}
    if len(trace.links) == 1:
        kinds.add(trace.links[0].kind)
    if trace.root.name.startswith("weakref.finalize"):
        kinds.add("finalizer")
    if trace.spelled(0) == "sys.modules":
        kinds.add("entry of sys.modules")
    if is_patched:
        kinds.add("patched attribute")
    holder = _nearest_plain(trace.links)
    kinds -= _innocent(trace.links, holder)
    telling = (kinds & ADVICE.keys()) - _PLAIN or {holder}
    return next((text for kind, text in ADVICE.items() if kind in telling), "")


def _innocent(links: Sequence[Link], holder: str) -> set[str]:
    """Return the kinds of links that a path only leads through.

    A function's, a variable's that has a container, and a thread-local's if `holder`, which is nearest to the survivor,
    is a container.
    """
    below = {link.kind: after.kind for link, after in itertools.pairwise(links)}
    is_through = below.get("closure variable") in _PLAIN - {"attribute"}
    has_self = any(link.kind == "bound method" and link.text == ".__self__" for link in links)
    has_container = holder in _ITEMS | _KEYS | {_PART_OF_KEY}
    return {
        *(["closure variable"] if is_through else []),
        *([] if has_self else ["bound method"]),
        *(["thread-local"] if has_container else []),
    }


_PART_OF_KEY = "part of a dict key"


def _nearest_plain(links: Sequence[Link]) -> str:
    """Return the kind of the plain holder that is nearest to the survivor; what is in a key is held by that key."""
    inner = list(itertools.takewhile(lambda link: link.kind in _ITEMS | _KEYS, reversed(links)))
    key = next((link.kind for link in reversed(inner) if link.kind in _KEYS), "")
    if key:
        return _PART_OF_KEY if key == "dict key" and inner[0].kind not in _KEYS else key
    nearest = next((index for index in reversed(range(len(links))) if links[index].kind in _PLAIN), None)
    if nearest is None:
        return ""
    is_registered = links[nearest].kind == "class attribute" and _is_in_container(links[:nearest])
    return "attribute of a class in a container" if is_registered else links[nearest].kind


def _is_in_container(links: Sequence[Link]) -> bool:
    """Tell whether a path to a class goes through a container that has it, or an object of it."""
    last = next((link.kind for link in reversed(links) if link.kind != "class"), "")
    return last in _ITEMS | _KEYS
