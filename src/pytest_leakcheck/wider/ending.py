"""The judgement of what outlives a wider-scoped fixture, and its words.

It is that of tests that can't be repeated: what survives one set-up is told, and is a leak once another set-up of the
fixture leaves a survivor in the same place while the first one still lives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_leakcheck.checking.confirm import Confirmation
from pytest_leakcheck.checking.held import is_held_by, where
from pytest_leakcheck.heap.below import below
from pytest_leakcheck.runtime import rawtypes

if TYPE_CHECKING:
    from pytest_leakcheck.checking.ledger import Entrusted, Ledger, Note
    from pytest_leakcheck.model import Leak
    from pytest_leakcheck.options import Options
    from pytest_leakcheck.watching.watch import Watch

_MOST_NAMED = 3
"""Kinds of survivors, and holders, that the warning names."""


class Ending(NamedTuple):
    """What was found out at the end of a fixture."""

    leaks: list[Leak]
    notes: list[Note]
    entrusted: list[Entrusted]


class _Outliving(Confirmation):
    __slots__ = ()

    def _tell(self, leak: Leak, bound: str, otherwise: str) -> None:
        if bound:
            super()._tell(leak, bound, otherwise)
        else:
            what = ", ".join(_kinds([leak]))
            self.ledger.set_aside(f"{self.test}: {what} in {where(leak)}: a leak if another set-up leaves one there")

    def _may_live(self, leak: Leak) -> bool:
        return is_held_by(leak, "sys.last_*") or super()._may_live(leak)  # a failed test's frames


def judge_ending(tests: Ledger, ledger: Ledger, watch: Watch, options: Options, label: str) -> Ending:
    """Judge what is watched of a fixture that has ended.

    `tests` tells of the leaks of tests: what only hangs below one of those is no fault of the fixture. `ledger` is what
    is known of the fixture, `label` its name with the set-up that it was.
    """
    _forget_below(tests, watch)
    number = len(ledger.known)
    confirmation = _Outliving(ledger, label, watch, options, is_strict=False)
    leaks = confirmation.judge(None)
    survivors = [known.leak for known in ledger.known[number:] if known.verdict == "pending"]
    if survivors:
        ledger.warn(_warning(label.partition(", set up for ")[0], survivors))
    notes, ledger.notes = ledger.notes, []
    return Ending(leaks, notes, confirmation.entrusted)


def _forget_below(tests: Ledger, watch: Watch) -> None:
    for known in tests.known:
        if known.verdict == "leak" and watch.drop_dead():
            living: list[Any] = [obj for ref in known.refs if (obj := ref()) is not None]
            living += known.place.held().values() if known.place is not None else ()
            watch.forget(below(living, set(map(id, watch.alive()))))


def _warning(name: str, leaks: list[Leak]) -> str:
    what = [text.replace(f"the set-up of {name.partition(' (')[0]}", "its set-up") for text in _kinds(leaks)]
    number = sum(len(leak.survivors) + len(leak.also_keeps) for leak in leaks)
    holders = list(dict.fromkeys(map(where, leaks)))
    return (
        f"{name}: {_first(what)} {'outlives' if number == 1 else 'outlive'} it, held by {_first(holders)}; "
        "a leak if another set-up leaves more there"
    )


def _kinds(leaks: list[Leak]) -> list[str]:
    survivors = [survivor for leak in leaks for survivor in (*leak.survivors, *leak.also_keeps)]
    numbers = rawtypes.counts_of(f"{survivor.type_name} {survivor.origin}" for survivor in survivors)
    return [f"{number} {kind}" for kind, number in numbers.items()]


def _first(texts: list[str]) -> str:
    rest = f" and {len(texts) - _MOST_NAMED} more" if len(texts) > _MOST_NAMED else ""
    return ", ".join(texts[:_MOST_NAMED]) + rest
