"""The file of known leaks: how it reads and is written, what a run adds to it, and which of its entries are gone.

An entry names up to `MOST_NAMED` tests that showed its leak, so that a run of a part of the suite can tell what it
knows of from what it does not. Errs towards keeping an entry: a test that was not checked to its end says nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_leakcheck.describe import clean
from pytest_leakcheck.runtime.files import updating, write

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pytest_leakcheck.model import Leak

MOST_NAMED = 3
"""Tests named in an entry."""
NO_REASON = "TODO: why it may stay"
"""What stands for the reason until somebody writes one."""
UNKNOWN = "nothing that was found"
"""What stands for the holder where no search found one."""
_OURS = "#: "
"""What a line of the header starts with; comments that start otherwise are the user's, and are kept."""
_HEADER = (
    "Known leaks: pytest-leakcheck warns of these, and fails tests for all others.",
    "An entry is a fingerprint, the day it was first seen and a reason, which is yours to edit. Below it stand what",
    "is held by what, and the first tests that showed it. Remove an entry to have its leak fail tests again.",
    "To add what is new and remove what is gone: pytest --leakcheck --leakcheck-baseline=PATH",
    "--leakcheck-update-baseline",
)
_ENTRY = re.compile(r"([0-9a-f]{12})\s+(\d{4}-\d\d-\d\d)\s*(?:#\s*(.*))?")
_EXPECTED = (
    "expected a fingerprint of 12 hexadecimal digits, a day and a reason, as in: "
    f"0123456789ab  2025-01-31  # {NO_REASON.partition(': ')[2]}"
)
_MOST_OF_PATH = 1_000
_IN, _IN_MORE = "in ", "in more tests"


class BaselineError(ValueError):
    """A file that can't be read; the text names it, the line, and what is expected there."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One known leak."""

    fingerprint: str
    first_seen: str
    reason: str = ""
    held: str = ""
    """What leaks and what holds it, in words."""
    tests: tuple[str, ...] = ()
    """Node ids of tests that showed it."""
    is_in_more: bool = False
    """Whether further tests showed it."""
    comments: tuple[str, ...] = ()
    """The user's comments above it."""

    def merged(self, other: Entry) -> Entry:
        """Return one entry for two of one fingerprint, as both sides of a merge may have added it."""
        reasons = [reason for reason in (self.reason, other.reason) if reason not in ("", NO_REASON)]
        names = tuple(dict.fromkeys((*self.tests, *other.tests)))
        return replace(
            self,
            first_seen=min(self.first_seen, other.first_seen),
            reason=reasons[0] if reasons else self.reason or other.reason,
            held=self.held or other.held,
            tests=names[:MOST_NAMED],
            is_in_more=self.is_in_more or other.is_in_more or len(names) > MOST_NAMED,
            comments=tuple(dict.fromkeys((*self.comments, *other.comments))),
        )


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a file says."""

    entries: tuple[Entry, ...] = ()
    comments: tuple[str, ...] = ()
    """The user's comments below the last entry."""


class Sighting(NamedTuple):
    """A listed leak as one test showed it, in plain values that cross to another process."""

    fingerprint: str
    type_names: list[str]
    holder: str
    file: str
    """The file that made or registered a survivor, empty where that is not known."""
    line: int


@dataclass(slots=True)
class Seen:
    """What a run showed."""

    tests: dict[str, set[str]] = field(default_factory=dict)
    """For each fingerprint of a listed leak the tests that showed it."""
    held: dict[str, tuple[set[str], str]] = field(default_factory=dict)
    """For each of them the types of what leaked, and what holds it."""
    others: set[str] = field(default_factory=set)
    """Fingerprints of leaks that failed their tests, and of what may turn out to be one."""
    ran: set[str] = field(default_factory=set)
    """The tests that were started."""
    checked: set[str] = field(default_factory=set)
    """Those that were checked to their end for whatever leaks."""
    unclear: set[str] = field(default_factory=set)
    """Those that left behind what no search found the holder of: that may be anything."""
    is_whole: bool = False
    """Whether the whole suite ran."""

    def add(self, test: str, sighting: Sighting) -> None:
        """Note a listed leak."""
        self.tests.setdefault(sighting.fingerprint, set()).add(test)
        self.held.setdefault(sighting.fingerprint, (set(), sighting.holder))[0].update(sighting.type_names)
        if sighting.holder == UNKNOWN:
            self.unclear.add(test)

    def add_others(self, test: str, leaks: Iterable[Leak]) -> None:
        """Note leaks that fail their test."""
        for leak in leaks:
            self.others.add(leak.fingerprint)
            if leak.trace is None:
                self.unclear.add(test)

    def end(self, test: str, pending: Collection[str]) -> None:
        """Note the fingerprints of what a test left that may turn out to be a leak, empty for what nobody holds."""
        self.others.update(pending)
        if "" in pending:
            self.unclear.add(test)

    def is_clear(self, test: str) -> bool:
        """Tell whether a test would have shown each of the leaks that it has."""
        return test in self.checked and test not in self.unclear

    def words(self, fingerprint: str) -> str:
        """Return what leaks and what holds it; the same in whatever order the tests ran."""
        names, holder = self.held[fingerprint]
        return f"{', '.join(sorted(names))} held by {holder}"


def sighting(leak: Leak) -> Sighting:
    """Return what a baseline wants to know of a leak."""
    file, line = leak.spot
    names = sorted({survivor.type_name for survivor in leak.survivors})
    return Sighting(leak.fingerprint, names, holder(leak), clean(file, _MOST_OF_PATH), line)


def holder(leak: Leak) -> str:
    """Return the references that hold a leak's survivors, spelled as for all leaks of its fingerprint."""
    if leak.trace is None:
        return UNKNOWN
    root = leak.trace.root
    if root.kind == "unaccounted":
        return root.name
    patterns = [link.pattern for link in leak.trace.links]
    return (root.lasting_name or root.kind) + "".join(
        pattern if pattern.startswith((".", "[")) else f" -> {pattern}" for pattern in patterns
    )


def is_gone(entry: Entry, seen: Seen) -> bool:
    """Tell whether a leak certainly no longer occurs.

    So it is if no test showed it, and every test that the entry names was checked, or is no longer there. An entry that
    does not name all of its tests needs a run of the whole suite, as does the absence of a test.
    """
    if entry.fingerprint in seen.tests or entry.fingerprint in seen.others:
        return False
    if not entry.tests or entry.is_in_more:
        if not seen.is_whole:
            return False
        if not entry.tests:
            return all(map(seen.is_clear, seen.ran))
    return all(seen.is_clear(test) or _is_absent(test, seen) for test in entry.tests)


def _is_absent(test: str, seen: Seen) -> bool:
    """Tell whether a test is no longer there; where none of its file ran, that may have been skipped as a whole."""
    file = test.partition("::")[0]
    return seen.is_whole and test not in seen.ran and any(other.partition("::")[0] == file for other in seen.ran)


def updated(before: Baseline, seen: Seen, day: str) -> Baseline:
    """Return the baseline with what a run showed, and without what is gone."""
    kept = {entry.fingerprint: entry for entry in before.entries if not is_gone(entry, seen)}
    for fingerprint, tests in seen.tests.items():
        known = kept.get(fingerprint) or Entry(fingerprint, day, NO_REASON)
        names = [test for test in known.tests if not _is_absent(test, seen)]
        known = replace(known, held=known.held or seen.words(fingerprint), tests=tuple(names))
        kept[fingerprint] = _with_tests(known, tests)
    return replace(before, entries=tuple(kept.values()))


def _with_tests(entry: Entry, tests: Iterable[str]) -> Entry:
    """Return the entry with the tests that it names already, and further ones as far as there is room."""
    names = tuple(dict.fromkeys((*entry.tests, *sorted(tests))))
    return replace(entry, tests=names[:MOST_NAMED], is_in_more=entry.is_in_more or len(names) > MOST_NAMED)


def today() -> str:
    """Return the day, the same all over the world."""
    return dt.datetime.now(tz=dt.timezone.utc).date().isoformat()


def parse(text: str, name: str) -> Baseline:
    """Return what a file of that name says. Raises BaselineError for a line that makes no sense."""
    entries: list[Entry] = []
    comments: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        words = line.strip()
        if not words or words.startswith(_OURS.strip()):
            continue
        if words.startswith("#"):
            comments.append(words)
        elif not line[0].isspace():
            entries.append(replace(_head(words, f"{name}:{number}"), comments=tuple(comments)))
            comments = []
        elif entries:
            entries[-1] = _with_detail(entries[-1], words)
        else:
            raise BaselineError(f"{name}:{number}: {words!r} is indented, but no entry comes before it; {_EXPECTED}")
    united: dict[str, Entry] = {}
    for entry in entries:
        known = united.get(entry.fingerprint)
        united[entry.fingerprint] = known.merged(entry) if known else entry
    return Baseline(tuple(united.values()), tuple(comments))


def _head(words: str, place: str) -> Entry:
    match = _ENTRY.fullmatch(words)
    if match and _is_day(match[2]):
        return Entry(match[1], match[2], match[3] or "")
    raise BaselineError(f"{place}: {words[:80]!r} is no entry of a baseline; {_EXPECTED}")


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _with_detail(entry: Entry, words: str) -> Entry:
    if words == _IN_MORE:
        return replace(entry, is_in_more=True)
    if words.startswith(_IN):
        return replace(entry, tests=(*entry.tests, words.removeprefix(_IN)))
    return replace(entry, held=words)


def dump(baseline: Baseline) -> str:
    """Return the text of a file, its entries sorted by fingerprint."""
    blocks = [[_OURS + line for line in _HEADER]]
    blocks += [_block(entry) for entry in sorted(baseline.entries, key=lambda entry: entry.fingerprint)]
    if baseline.comments:
        blocks.append(list(baseline.comments))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _block(entry: Entry) -> list[str]:
    reason = f"  # {entry.reason}" if entry.reason else ""
    details = [entry.held] if entry.held else []
    details += [_IN + test for test in entry.tests]
    details += [_IN_MORE] if entry.is_in_more else []
    return [*entry.comments, f"{entry.fingerprint}  {entry.first_seen}{reason}", *(f"    {line}" for line in details)]


def read(path: str, name: str) -> Baseline:
    """Return what the file at `path` says, which messages call `name`.

    Raises FileNotFoundError where there is none, and BaselineError for one that can't be read.
    """
    if Path(path).is_char_device():  # it may have no end
        raise BaselineError(f"{name}: a device, not a file")
    try:
        text = Path(path).read_text("utf-8")
    except FileNotFoundError:
        raise
    except UnicodeError:
        raise BaselineError(f"{name}: not text in UTF-8") from None
    except OSError as error:
        raise BaselineError(f"{name}: it can't be read ({error.strerror})") from None
    return parse(text, name)


class Change(NamedTuple):
    """How many entries an update added, kept and removed."""

    new: int
    kept: int
    removed: int


def update(path: str, name: str, seen: Seen) -> Change:
    """Bring the file at `path` up to date with what a run showed, as it is by now: it may have been edited since.

    Of several processes that do so at once, each adds to what the others wrote.

    Raises BaselineError or OSError where that can't be done; then the file is as it was.
    """
    with updating(Path(path)):
        try:
            before = read(path, name)
        except FileNotFoundError:
            before = Baseline()
        after = updated(before, seen, today())
        write(Path(path), dump(after))
    old, new = ({entry.fingerprint for entry in each.entries} for each in (before, after))
    return Change(len(new - old), len(new & old), len(old - new))
