"""Judges small suites in a process of its own, without pytest, and prints what each test was told, as JSON.

A suite is Python source that becomes a module ``app`` of its own; its functions ``test_...`` are checked one after the
other, as --leakcheck does it, or as its names ``OPTIONS``, ``PLAN`` and ``MAY_RUN_AGAIN`` say; ``OF_PYTEST`` is what
pytest keeps.
"""

from __future__ import annotations

import json
import sys
import tempfile
import types
from pathlib import Path

from pytest_leakcheck.check import Check, Plan, Session
from pytest_leakcheck.confirm import where
from pytest_leakcheck.options import Options
from surroundings import answers_of

PRELUDE = """
import collections, functools, gc, threading, time
from pytest_leakcheck.options import Ignored

KEPT, SLOT = [], {}

class Thing:
    pass

class Slotted:
    __slots__ = ("other",)

def cycle(kind):
    thing = kind()
    thing.other = thing
    return thing

"""


def judge(source: str, root: str) -> list[str]:
    """Return a line for each run, leak and note of a suite."""
    app = types.ModuleType("app")
    sys.modules["app"] = app
    exec(PRELUDE + source, vars(app))  # noqa: S102 - suites are written as source
    session = Session(Options(packages=("app",), root=root, **getattr(app, "OPTIONS", {})))
    lines: list[str] = []
    for name in [name for name in vars(app) if name.startswith("test_")]:
        lines += _judge_test(session, app, name)
    del sys.modules["app"]
    return lines


def _judge_test(session: Session, app: types.ModuleType, name: str) -> list[str]:
    lines: list[str] = []

    def run(plan: Plan) -> Check:
        check = Check(session, plan, name)
        check.start()
        lines.append(f"{name}: run")
        getattr(app, name)()
        return check

    def again(*, is_traced: bool = False):
        if is_traced:
            return None
        try:
            second = run(Plan(is_own=True))
        except ZeroDivisionError:
            return None
        second.gather()
        second.settle_found()
        return second.found

    check = run(Plan(**{"is_own": True, **getattr(app, "PLAN", {})}))
    may_run_again = getattr(app, "MAY_RUN_AGAIN", True)
    report = check.judge(lambda: again if may_run_again else None, getattr(app, "OF_PYTEST", ()))
    check.close()
    for leak in report.leaks if report is not None else ():
        seen = f", as in {leak.seen_in}" if leak.seen_in else ""
        note = f" ({leak.note})" if leak.note else ""
        lines.append(f"{name}: LEAK {len(leak.survivors)} in {where(leak)}{seen}{note}")
    lines += [f"{note.kind}: {note.text}" for note in session.take_notes() if note.kind in ("aside", "warning")]
    return lines


def read_suites() -> dict[str, tuple[str, list[str]]]:
    """Return the suites in ``judgements.txt`` by name: the source, and after the line ``--`` what is told."""
    text = Path(__file__).with_name("judgements.txt").read_text(encoding="utf-8")
    parts = (part.partition("\n")[::2] for part in text.split("\n== ")[1:])
    return {name: (rest.partition("\n--\n")[0], rest.partition("\n--\n")[2].split("\n")[:-1]) for name, rest in parts}


def judge_all(suites: dict[str, str]) -> dict[str, list[str]]:
    """Judge suites one after the other in one further process; return what `judge` says of each, by name."""
    answers: dict[str, list[str]] = answers_of(__file__, suites)
    return answers


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps({name: judge(source, folder) for name, source in json.load(sys.stdin).items()}))  # noqa: T201
