"""The words that a report has for objects from those who know them, behind the words for their types."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_leakcheck.runtime import rawtypes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_leakcheck.model import Trace


def labelled(trace: Trace, objects: Sequence[object], words: Callable[[object], str]) -> Trace:
    """Return `trace` with what `words` says of the objects that its links lead to, one for each link.

    It runs code of others, so it is asked after all searches; and about instances of classes alone, as only these are
    anything that a built-in type's name and length do not tell.
    """
    texts = [words(obj) if _may_have_words(obj) else "" for obj in objects]
    links = (
        replace(link, label=f"{link.label}, {text}") if text else link
        for link, text in zip(trace.links, texts, strict=True)
    )
    return replace(trace, links=tuple(links))


def _may_have_words(obj: object) -> bool:
    is_built_in = rawtypes.module_of(type(obj)) == "builtins"
    return not (is_built_in or rawtypes.is_type(obj) or rawtypes.is_module(obj))
