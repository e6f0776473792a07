"""All leaks of a run as one JSON document, version 1 of a schema that docs/pages/leakcheck-1.schema.json states.

Texts are those of the reports. A lone surrogate, which no UTF-8 can hold, becomes an escape; what JSON has no other way
to tell is null.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.baseline import holder
from pytest_leakcheck.runtime import rawtypes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_leakcheck.baseline import Entry
    from pytest_leakcheck.model import Proof, Survivor, Trace
    from pytest_leakcheck.results import Occurrence, Pardoned, Results

VERSION = 1
"""Of the schema: greater where a program that reads the one before would be misled."""


@dataclass(frozen=True, slots=True)
class Run:
    """What there is to tell of a run beside what its tests showed."""

    plugin: str
    """The version of this plugin."""
    pytest: str
    python: str
    exit_status: int
    seconds: float
    root: str
    """The folder that files are told from where they lie below it."""
    warnings: tuple[str, ...] = ()
    listed: Mapping[str, Entry] = field(default_factory=dict)
    """What a baseline says, by fingerprints."""


def render(results: Results, run: Run) -> str:
    """Return the text of the document, which ends with a newline."""
    groups = results.groups()
    document = {
        "version": VERSION,
        "run": {
            "versions": {"pytest-leakcheck": run.plugin, "pytest": run.pytest, "python": run.python},
            "exit_status": run.exit_status,
            "seconds": round(run.seconds, 3),
            "gc_seconds": round(results.gc_seconds, 3),
            "tests": results.tests,
            "objects": results.objects,
            "leaks": len(groups),
            "leaking_tests": results.leaking,
        },
        "leaks": [_leak(group, run) for group in groups],
        "known": [_known(group, run) for group in results.groups_of_pardoned()],
        "warnings": list(run.warnings),
        "troubles": [{"test": test, "text": text} for test, text in results.troubles],
    }
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


def _leak(group: list[Occurrence], run: Run) -> dict[str, Any]:
    leak = group[0].leak
    return {
        "fingerprint": leak.fingerprint,
        "grade": leak.grade,
        "holder": holder(leak),
        "trace": _trace(leak.trace),
        "unavailable": leak.unavailable,
        "proof": _proof(leak.proof),
        "accounting": leak.accounting,
        "note": leak.note,
        "advice": leak.advice,
        "retained": {"objects": leak.retained, "bytes": leak.retained_bytes} if leak.retained else None,
        "tests": [_test(occurrence, run) for occurrence in group],
    }


def _trace(trace: Trace | None) -> dict[str, Any] | None:
    return asdict(trace) if trace else None


def _proof(proof: Proof | None) -> dict[str, Any] | None:
    return asdict(proof) if proof else None


def _test(occurrence: Occurrence, run: Run) -> dict[str, Any]:
    leak, report = occurrence.leak, occurrence.report
    return {
        "id": occurrence.test,
        "outcome": occurrence.outcome,
        **_place(*occurrence.spot, run),
        "survivors": _survivors(leak.survivors, run),
        "also_keeps": _survivors(leak.also_keeps, run),
        "waited": round(report.waited, 3),
        "rerun": report.rerun,
        "pictures": list(report.pictures),
    }


def _survivors(survivors: Iterable[Survivor], run: Run) -> list[dict[str, Any]]:
    return [
        {
            "type": survivor.type_name,
            "count": number,
            "origin": survivor.origin,
            "reason": survivor.reason,
            **_place(survivor.file, survivor.line, run),
        }
        for survivor, number in rawtypes.counts_of(survivors).items()
    ]


def _place(file: str, line: int, run: Run) -> dict[str, Any]:
    """Return a file, from the root folder if it is below it, and a line."""
    if not file:
        return {"file": None, "line": None}
    path, root = PurePath(file), PurePath(run.root)
    return {"file": (path.relative_to(root) if path.is_relative_to(root) else path).as_posix(), "line": line}


def _known(group: list[Pardoned], run: Run) -> dict[str, Any]:
    first = group[0].sighting
    entry = run.listed.get(first.fingerprint)
    return {
        "fingerprint": first.fingerprint,
        "holder": first.holder,
        "types": sorted({name for pardoned in group for name in pardoned.sighting.type_names}),
        "reason": entry.reason if entry else "",
        "first_seen": entry.first_seen if entry else None,
        **_place(first.file, first.line, run),
        "tests": sorted({pardoned.test for pardoned in group}),
    }
