"""`why_alive`: the report on any live object, for debuggers and scripts."""

from __future__ import annotations

import sys
from typing import Any

from pytest_leakcheck import describe
from pytest_leakcheck.extensions import current
from pytest_leakcheck.model import Leak, Survivor
from pytest_leakcheck.render.text import render_alive
from pytest_leakcheck.runtime.loading import undisturbed


class WhyAlive:
    """The answer of `why_alive`: its ``str()`` and ``repr()`` are the text, its `leak` the values."""

    def __init__(self, leak: Leak) -> None:
        self.leak = leak

    def __str__(self) -> str:
        return render_alive(self.leak)

    __repr__ = __str__


def why_alive(obj: Any) -> WhyAlive:
    """Tell who keeps `obj` alive: the shortest path of references from a root, a module first of all, down to it.

    Works for any object, also for one that can't be weakly referenced. Returns a value whose text is the report. The
    variable that you call it with counts as a holder only where nothing better is found. Limits: what C code holds is
    told as such, not named.
    """
    with undisturbed():
        from pytest_leakcheck.explaining.explain import examine  # noqa: PLC0415 - it imports much

    objects = [obj]
    del obj
    fact = Survivor(describe.name_of(objects[0]), "asked about")
    # Up to 3.10 the caller's stack has the argument until the call returns: one more reference that is ours.
    own = (objects,) if sys.version_info < (3, 11) else ()
    return WhyAlive(examine(objects, [fact], own, words=current().describe)[0].leak)
