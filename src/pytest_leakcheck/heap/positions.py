"""Where a container has the objects that paths lead to: one that many paths go through is looked through only once."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.runtime import rawtypes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Positions:
    """The indexes and keys of what several paths lead to from one list, tuple or dict; of these types alone.

    No object but plain text and numbers is kept: what has another key must be looked for.
    """

    def __init__(self, paths: Iterable[Sequence[object]] = ()) -> None:
        """Look through each container that leads to different objects on `paths`."""
        containers: dict[int, object] = {}
        wanted: dict[int, set[int]] = {}
        for path in paths:
            for holder, held in itertools.pairwise(path):
                if rawtypes.is_one_of(type(holder), (list, tuple, dict)):
                    containers[id(holder)] = holder
                    wanted.setdefault(id(holder), set()).add(id(held))
        shared = (node for node, helds in wanted.items() if len(helds) > 1)
        self._found = {node: _positions(containers[node], wanted[node]) for node in shared}

    def of(self, holder: object, held: object) -> int | str | None:
        """Return the first index or key under which `holder` has `held`, or None where it must be looked for."""
        return self._found.get(id(holder), {}).get(id(held))


def _positions(holder: Any, wanted: set[int]) -> dict[int, int | str]:
    pairs = rawtypes.items_of(holder) if type(holder) is dict else enumerate(rawtypes.items_in(holder))
    found: dict[int, int | str] = {}
    others: set[int] = set()
    for key, value in pairs:
        node = id(value)
        if node in wanted and node not in found and node not in others:
            if type(key) is str or type(key) is int:
                found[node] = key
            else:
                others.add(node)
    return found


NOT_KNOWN = Positions()
"""Of nothing."""
