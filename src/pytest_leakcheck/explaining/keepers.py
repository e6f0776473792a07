"""Which threads have one survivor each, in a variable, a thread-local or a context: each keeps but the latest there."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.heap.growth import has_container
from pytest_leakcheck.heap.roots import other_threads, thread_local_in

if TYPE_CHECKING:
    from collections.abc import Sequence


def keepers_of(paths: Sequence[Sequence[Any]], threads: Sequence[int]) -> frozenset[int]:
    """Return the ids of the threads that keep what each of several paths leads to; empty where not each keeps one.

    For each path `threads` tells the id of the thread that it starts from, or 0. Which one has a thread-local value or
    a context cannot be told: it may be any of the others, if there are as many. Errs towards threads that keep nothing
    where more of them run.
    """
    if any(threads):
        is_each = len({*threads} - {0}) == len(paths) and not any(map(has_container, paths))
        return frozenset(threads) if is_each else frozenset()
    slots = [slot for path in paths if (slot := _slot_of(path)) is not None]
    if not slots or len({node for node, _ in slots}) < len(paths) or any(has_container(way) for _, way in slots):
        return frozenset()
    others = other_threads()
    return frozenset(others) if len(paths) <= len(others) else frozenset()


def _slot_of(path: Sequence[Any]) -> tuple[int, list[Any]] | None:
    """Return the id of what is there once for each thread, and the path without it; None where nothing on it is."""
    if path and type(path[0]) is contextvars.Context:
        return id(path[0]), [*path[1:]]
    index = thread_local_in(path)
    return None if index is None else (id(path[index + 2]), [*path[: index + 1], *path[index + 3 :]])
