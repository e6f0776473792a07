"""What a check found, as frozen values: no live object ever gets in here.

Everything is made of ``str``, ``int``, ``bool``, ``None`` and tuples of these values, so that a report can outlive the
objects it tells of, cross a process boundary and be compared whole in a test.
"""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

RootKind = Literal[
    "module",
    "class attribute",
    "running frame",
    "thread",
    "thread-local",
    "context",
    "asyncio task",
    "asyncio loop",
    "lru_cache",
    "logger",
    "interpreter",
    "fixture",
    "pytest itself",
    "reference cycle",
    "unaccounted",
]
"""What a trace may start from; the words are those that a report shows."""
_NAMED_ROOTS = frozenset({"module", "class attribute", "lru_cache", "interpreter", "fixture"})
Grade = Literal["survives", "collected"]
"""How an object died that was to go: not at all, or by the cycle collector alone. (Who dies at once is not told of.)"""


@dataclass(frozen=True, slots=True)
class Link:
    """One named reference, from a holder to what it holds."""

    text: str
    """The reference as Python that a person could type: ``.attr``, ``['key']``, ``[3]``; words where there is none."""
    label: str
    """What the reference leads to, in a few words: ``dict, 2 items``."""
    kind: str
    """The kind of holder, a key of the advice: ``attribute``, ``dict item``, ``bound method``, …"""
    pattern: str
    """The text with keys, indexes and line numbers taken out: the same for every leak of one cause."""
    is_suspect: bool = False
    """Whether this reference may be the fault."""


@dataclass(frozen=True, slots=True)
class Root:
    """Where a trace starts: something that the interpreter keeps alive by itself."""

    name: str
    """A module's or class's dotted name, a frame's function and place, a thread's name."""
    kind: RootKind
    detail: str = ""
    """What more is known of the root, in words."""

    @property
    def lasting_name(self) -> str:
        """The name, where it is the same in every run; else the empty string."""
        if self.kind == "logger":  # one for each connection or the like is one of many
            return re.sub(r"\d+", "0", self.name)
        return self.name if self.kind in _NAMED_ROOTS else ""


@dataclass(frozen=True, slots=True)
class Trace:
    """The references that lead from a root to a survivor."""

    root: Root
    links: tuple[Link, ...]
    length: int
    """The number of objects on the path, module and survivor included, as ``objgraph.find_backref_chain`` counts."""
    bound: str = ""
    """What keeps the number of survivors below a limit, where a holder on the path does: ``at most 128 calls``."""
    cycle: int = 0
    """How many of the links, the first ones, lead from the root back to it; 0 where the root is none of a cycle."""

    @property
    def suspects(self) -> tuple[Link, ...]:
        """The links that may be the fault."""
        return tuple(link for link in self.links if link.is_suspect)

    def spelled(self, last: int) -> str:
        """Return the links up to number `last` in one expression, from the root on, long runs of like ones cut."""
        text, is_code = self.root.name, True
        links = self.links[: last + 1]
        left_out = dict(gaps(links))
        index = 0
        while index < len(links):
            if index in left_out:
                text, index = f"{text} … ", left_out[index]
            link = links[index]
            is_typable = link.text.startswith((".", "["))
            text += link.text if is_typable and is_code else f" → {link.text}"
            is_code, index = is_typable, index + 1
        return text


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of all paths from all roots to a survivor, the trace being one of them."""

    kind: Literal["dominator", "independent", "unproven"]
    link: str = ""
    """For a dominator, the one link that all paths go through, spelled from the root on."""
    ways: tuple[str, ...] = ()
    """For a dominator that is not the last link, two ways from it to the survivor, if they are known."""
    others: tuple[Trace, ...] = ()
    """For independent holders, the paths of the further ones; none of them shares a link with another."""
    is_all: bool = True
    """Whether there are no further ones, as far as the collector sees."""
    reason: str = ""
    """Where nothing is proved, why."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """An object that should be dead and is not."""

    type_name: str
    """The dotted name of its type; of a class, a function or the like that was registered, which one it is."""
    origin: str
    """Where and how it came to be watched: ``registered test_cart.py:14``."""
    reason: str = ""
    """What the user said when registering it."""
    made: str = ""
    """The line that made it, where that is known: ``shop/session.py:41``."""
    file: str = ""
    """The whole path of the file with that line, or with the one that registered it, where either is known."""
    line: int = 0
    """That line in it."""


@dataclass(frozen=True, slots=True)
class Leak:
    """The survivors of one fingerprint, with the trace of the first of them."""

    survivors: tuple[Survivor, ...]
    trace: Trace | None
    accounting: str = ""
    """What is known of the references that the trace does not explain, in words."""
    advice: str = ""
    unavailable: str = ""
    """Why there is no trace, where there is none."""
    proof: Proof | None = None
    retained: int = 0
    """How many objects would die with the first survivor, itself included; 0 where that was not found out."""
    retained_bytes: int = 0
    also_keeps: tuple[Survivor, ...] = ()
    """Further survivors that only hang below the first."""
    seen_in: str = ""
    """The test that the same leak was told of already; then the trace is not shown again."""
    beside: str = ""
    """A test that left another one in the same place, without which it would be none."""
    note: str = ""
    """What shows that it is a leak, where its survival alone does not; or what is special about its death."""
    grade: Grade = "survives"

    @property
    def spot(self) -> tuple[str, int]:
        """The file and line that made a survivor, or else registered it; empty and 0 where neither is known."""
        return next(((survivor.file, survivor.line) for survivor in self.survivors if survivor.file), ("", 0))

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits, the same for every leak of one cause, in every run."""
        return fingerprint(self.trace, self.survivors[0].type_name)

    @property
    def count(self) -> int:
        """How many objects it is made of."""
        return len(self.survivors) + len(self.also_keeps)

    @property
    def is_housekeeping(self) -> bool:
        """Whether only pytest's own state holds the survivors."""
        return self.trace is not None and self.trace.root.kind == "pytest itself"


@dataclass(frozen=True, slots=True)
class FoundLeak:
    """A leak of a whole run."""

    leak: Leak
    """As it was told in full, for the first test that showed it."""
    tests: tuple[str, ...]
    """The tests that showed it, by their names in pytest."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one check found."""

    leaks: tuple[Leak, ...]
    rerun: str = ""
    """The command line that runs this test alone again; empty outside pytest."""
    waited: float = 0.0
    """Seconds waited for the survivors to die."""
    pictures: tuple[str, ...] = ()
    """Files drawn of the leaks, or one line that says why there are none."""

    @property
    def count(self) -> int:
        """How many objects did not die as they should have."""
        return sum(leak.count for leak in self.leaks)

    def to_plain(self) -> dict[str, Any]:
        """Return the report as dicts, lists and strings alone, for xdist and JSON."""
        plain: dict[str, Any] = _plain(self)
        _LATEST[:] = plain, self
        return plain

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Report:
        """Return the report that `to_plain` was called on."""
        if plain is _LATEST[0]:
            report: Report = _LATEST[1]
            return report
        leaks = tuple(_leak_from_plain(leak) for leak in plain["leaks"])
        return cls(leaks=leaks, rerun=plain["rerun"], waited=plain["waited"], pictures=tuple(plain["pictures"]))


_LATEST: list[Any] = [None, None]
"""The latest plain values and what they are of: all hooks of one process ask for it, each time that a test leaks."""


def _plain(value: Any) -> Any:
    """Return a value of this module as dicts, lists and plain values: `dataclasses.asdict` copies these deeply."""
    kind = type(value)
    if kind is tuple:
        return [_plain(part) for part in value]
    if id(kind) in _SHARED:
        return _plain_part(value)
    return _plain_fields(value) if id(kind) in _KINDS else value


def _plain_fields(value: Any) -> dict[str, Any]:
    return {name: _plain(getattr(value, name)) for name in type(value).__dataclass_fields__}


@functools.lru_cache(maxsize=256)
def _plain_part(value: Trace | Proof) -> dict[str, Any]:
    """Return the plain values of what a thousand tests with one leak have in common, which share them."""
    return _plain_fields(value)


_SHARED = frozenset(map(id, (Trace, Proof)))
_KINDS = frozenset(map(id, (Report, Leak, Survivor, Root, Link)))


def _leak_from_plain(plain: dict[str, Any]) -> Leak:
    values = {
        "survivors": tuple(Survivor(**survivor) for survivor in plain["survivors"]),
        "also_keeps": tuple(Survivor(**survivor) for survivor in plain["also_keeps"]),
        "trace": _trace_from_plain(plain["trace"]),
        "proof": _proof_from_plain(plain["proof"]),
    }
    return Leak(**{**plain, **values})


def _proof_from_plain(plain: dict[str, Any] | None) -> Proof | None:
    if plain is None:
        return None
    others = tuple(trace for each in plain["others"] if (trace := _trace_from_plain(each)))
    return Proof(**{**plain, "ways": tuple(plain["ways"]), "others": others})


def _trace_from_plain(plain: dict[str, Any] | None) -> Trace | None:
    if plain is None:
        return None
    links = tuple(Link(**link) for link in plain["links"])
    return Trace(**{**plain, "root": Root(**plain["root"]), "links": links})


_NAMED_BY_CODE = ("closure variable", "default argument")
"""Kinds of links whose text tells of the code at fault whatever global leads to it."""


def _telling(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Return the links that tell one cause from another.

    Functions made by one factory leak for one reason, as do all local variables that one exception keeps.
    """
    links = links[1:] if len(links) > 1 and links[1].kind in _NAMED_BY_CODE else links
    last = next((index for index, link in enumerate(links) if link.kind == "traceback"), len(links))
    return links[: last + 1]


def _patterns_of(trace: Trace) -> list[str]:
    """Return the generalised links of a trace; of a cycle, the same whichever object on it is told first."""
    if not trace.cycle:
        return _patterns(trace.links)
    around = [f"{link.kind} {link.pattern}" for link in trace.links[: trace.cycle]]
    return min(around[index:] + around[:index] for index in range(len(around)))


def _patterns(links: tuple[Link, ...]) -> list[str]:
    """Return the generalised links; a name with a number that leads straight to a survivor is one of many such."""
    patterns = [f"{link.kind} {link.pattern}" for link in _telling(links)]
    return _without_turns([*patterns[:-1], *(re.sub(r"\d+", "0", pattern) for pattern in patterns[-1:])])


_MOST_TURNS = 10
"""Like turns in a row that are told one by one; of more, the first ones and the last."""


def gaps(links: Sequence[Link]) -> list[tuple[int, int]]:
    """Return where among links long runs of like ones are to be cut short, as pairs of a start and a stop.

    A linked list has one reference after the other of one name, a tree two or three in turn.
    """
    patterns = [(link.kind, link.pattern) for link in links]
    found, index = [], 0
    while index < len(patterns):
        length, number = _turns_at(patterns, index)
        if number > _MOST_TURNS:
            found.append((index + 2 * length, index + (number - 1) * length))
        index += max(1, number * length)
    return found


def _turns_at(patterns: Sequence[tuple[str, str]], start: int) -> tuple[int, int]:
    """Return how long the turn is that is repeated from `start` on more than `_MOST_TURNS` times, and how often."""
    for length in range(1, _LONGEST_TURN + 1):
        stop = start + length
        while stop < len(patterns) and patterns[stop] == patterns[stop - length]:
            stop += 1
        number = (stop - start) // length
        if number > _MOST_TURNS:
            return length, number
    return 1, 0


_LONGEST_TURN = 4
"""Links from one node of a structure to the next, such as ``.children[*].next``."""


def _without_turns(patterns: list[str]) -> list[str]:
    """Return the patterns with each run of repeated ones once: how deep in a list or tree it hangs is no cause."""
    kept: list[str] = []
    for pattern in patterns:
        kept.append(pattern)
        for length in range(1, _LONGEST_TURN + 1):
            if len(kept) >= 2 * length and kept[-length:] == kept[-2 * length : -length]:
                del kept[-length:]
    return kept


@functools.lru_cache(maxsize=256)
def fingerprint(trace: Trace | None, type_name: str) -> str:
    """Return twelve hexadecimal digits for the generalised names along `trace`.

    Without one, or where nothing visible is its root, `type_name` is what tells one leak from another.
    """
    parts = [type_name]
    if trace is not None:
        parts = [trace.root.kind, trace.root.lasting_name, *_patterns_of(trace)]
        if trace.root.kind == "unaccounted":
            parts.append(type_name)
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:12]
