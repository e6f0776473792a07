"""From live survivors to leaks as values: heap and roots give the paths, links and advice the words."""

from __future__ import annotations

import gc
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_leakcheck import rawtypes
from pytest_leakcheck.advice import ADVICE
from pytest_leakcheck.heap import Heap
from pytest_leakcheck.links import INHERENT, name_links
from pytest_leakcheck.model import Leak, Link, Root, Survivor, Trace
from pytest_leakcheck.paths import Search, find_paths
from pytest_leakcheck.roots import Roots, promote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SEARCH_SECONDS = 30.0
"""How long a search may take, in seconds."""
MOST_ACCOUNTED = 500
"""Objects whose references are counted where no root was found, the nearest to the survivors first."""


def explain(objects: list[Any], facts: Sequence[Survivor], own: Iterable[object] = ()) -> tuple[Leak, ...]:
    """Return the leaks that the living `objects` make up, the survivors of one cause together.

    `facts` tells of each object where it came from; `own` are further containers of ours that hold the objects. Never
    raises: what goes wrong in the search is told in the leak. Errs towards a missing trace, never towards a wrong one.
    """
    try:
        roots = Roots(frozenset(map(id, objects)))
        with Heap(objects, roots, own) as heap:
            search = _search(heap, roots, list(map(id, objects)))
            told = [_tell(heap, roots, search, id(obj)) for obj in objects]
    except Exception as error:  # noqa: BLE001 - a leak without its trace is still a leak; the reader is told why
        return (Leak(tuple(facts), None, unavailable=f"the search ended with {type(error).__name__}: {error}"),)
    return _grouped(told, facts, search, list(map(id, objects)))


def _search(heap: Heap, roots: Roots, ids: list[int]) -> Search:
    search = find_paths(heap, ids, seconds=SEARCH_SECONDS)
    if not search.is_complete or len(search.paths) == len(ids):
        return search
    nearest = search.expanded[:MOST_ACCOUNTED]
    roots.add_unaccounted(heap.objects[n] for n in nearest if _missing(heap, n, is_target=n in ids))
    return find_paths(heap, ids, seconds=SEARCH_SECONDS)


def _missing(heap: Heap, node: int, *, is_target: bool) -> int:
    """Return how many references to an object no holder on the heap explains."""
    if rawtypes.is_type(heap.objects[node]):
        return 0  # the interpreter's own references to a class are many and not to be told apart
    found = sum(1 for holder in heap.raw_holders(node) for held in gc.get_referents(holder) if id(held) == node)
    ours = 1 + is_target  # the heap's table, and the list of survivors
    return _references(heap.objects, node) - found - ours


def _references(table: dict[int, object], node: int) -> int:
    """Return the number of references to an object, without the one that asking makes."""
    return sys.getrefcount(table[node]) - _ASKING


def _count_asking() -> int:
    table: dict[int, object] = {0: object()}
    return sys.getrefcount(table[0]) - 1


_ASKING = _count_asking()


def _tell(heap: Heap, roots: Roots, search: Search, target: int) -> Trace | None:
    path = search.paths.get(target)
    if path is None:
        return None
    objects: list[Any] = [heap.objects[node] for node in path]
    start = roots.start(objects[0])
    if start is None:
        return None
    length = len(objects) + start.anchor.extra
    if start.link is None and start.root.kind == "module" and not rawtypes.is_module(objects[0]):
        objects.insert(0, sys.modules.get(start.root.name))
    links = name_links(objects)
    if start.link is not None:
        links = (start.link, *links)
    root, links = promote(start.root, links)
    return Trace(root, _with_suspects(root, links), length)


def _with_suspects(root: Root, links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Mark what may be the fault: every link but the one that names a global, and those that follow from another."""
    innocent = 1 if root.kind in ("module", "class attribute") and len(links) > 1 else 0
    return tuple(
        replace(link, is_suspect=index >= innocent and link.kind not in INHERENT) for index, link in enumerate(links)
    )


def _grouped(told: list[Trace | None], facts: Sequence[Survivor], search: Search, ids: list[int]) -> tuple[Leak, ...]:
    """Put together what has one fingerprint, and under a survivor what only hangs below it."""
    groups: dict[str, list[int]] = {}
    leaks: list[Leak] = []
    for index, trace in enumerate(told):
        if trace is not None and any(node in ids for node in search.paths[ids[index]][:-1]):
            continue
        leak = Leak((facts[index],), trace)
        groups.setdefault(leak.fingerprint, []).append(index)
    below = [i for i in range(len(told)) if all(i not in group for group in groups.values())]
    for group in groups.values():
        heads = {ids[i] for i in group}
        hanging = [i for i in below if next((n for n in search.paths[ids[i]] if n in ids), None) in heads]
        trace = told[group[0]]
        survivors = tuple(facts[i] for i in (*group, *hanging))
        leaks.append(
            Leak(
                survivors,
                trace,
                accounting=_accounting(trace),
                advice=_advice(trace),
                unavailable="" if trace else _why_none(search),
            )
        )
    return tuple(leaks)


def _accounting(trace: Trace | None) -> str:
    if trace is None or trace.root.kind != "unaccounted":
        return ""
    return "At least one reference is held by C code, or by a frame or container that gc can't see."


def _why_none(search: Search) -> str:
    if not search.is_complete:
        return f"the search was stopped after {SEARCH_SECONDS:g} s and {search.levels} levels"
    return f"no root leads to it in {search.levels} levels"


def _advice(trace: Trace | None) -> str:
    if trace is None:
        return ""
    kinds = {
        trace.root.kind,
        *(link.kind for link in trace.links if link.is_suspect or link.kind in INHERENT or len(trace.links) == 1),
    }
    if trace.root.name.startswith("weakref.finalize"):
        kinds.add("finalizer")
    return next((text for kind, text in ADVICE.items() if kind in kinds), "")
