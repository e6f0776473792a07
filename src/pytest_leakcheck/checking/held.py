"""What the trace of a leak tells of its holder: whether that is known, excused, or pytest's own."""

from __future__ import annotations

import fnmatch
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_leakcheck.extensions import KnownHolder
    from pytest_leakcheck.model import Leak, Trace


def is_held_by(leak: Leak, name: str) -> bool:
    """Tell whether the trace starts at a dotted name, or goes through it."""
    if leak.trace is None:
        return False
    text = leak.trace.root.name + "".join(link.text for link in leak.trace.links if link.text[0] in ".[")
    return text == name or (text.startswith(name) and text[len(name)] in ".[") or fnmatch.fnmatchcase(text, name)


def known_in(leak: Leak, holders: Sequence[KnownHolder]) -> KnownHolder | None:
    """Return the known holder that keeps the survivors, or None if there is none, or another one that is not known."""
    known = next((each for each in holders if is_held_by(leak, each.holder)), None)
    others = leak.proof.others if known and leak.proof else ()
    is_alone = all(any(is_held_by(replace(leak, trace=other), each.holder) for each in holders) for other in others)
    return known if is_alone else None


def may_live(leak: Leak) -> bool:
    """Tell whether what nobody registered may live on: pytest's own state or a wider-scoped fixture holds it."""
    return leak.is_housekeeping or (leak.trace is not None and leak.trace.root.kind == "fixture")


def names_on(trace: Trace) -> list[str]:
    """Return the names of attributes and globals that a trace leads through; of a cache, that of its function."""
    root = [trace.root.name.rpartition(".")[2]] if trace.root.kind == "lru_cache" else []
    return root + [link.text[1:] for link in trace.links if link.text.startswith(".")]


def where(leak: Leak) -> str:
    """Return the name that survivors are held under, in a few words: ``shop.LISTENERS``."""
    if leak.trace is None or not leak.trace.links:
        return "an unknown place"
    text = leak.trace.links[0].text
    return leak.trace.root.name + (text if text.startswith((".", "[")) else "")
