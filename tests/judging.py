"""Judges small suites in a process of its own, without pytest, and prints what each test was told, as JSON.

A suite is Python source that becomes a module ``app`` of its own; its functions ``test_...`` are checked one after the
other, as --leakcheck does it, or as its names ``OPTIONS``, ``EXTENSIONS``, ``PLAN`` and ``MAY_RUN_AGAIN`` say;
``OF_PYTEST`` is what pytest keeps, ``KINDS`` those of the notes that are told, ``MADE`` the file and line that a traced
run finds to have made all. Its functions have the check of the run that they are in as ``CHECK``, and ``say`` adds a
line; ``after``, if it is there, is called with each test's check and report.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
import types
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_leakcheck.checking.check import Check, Session
from pytest_leakcheck.checking.held import where
from pytest_leakcheck.checking.plan import Plan
from pytest_leakcheck.extensions import NONE
from pytest_leakcheck.options import Options
from surroundings import answers_of

if TYPE_CHECKING:
    from pytest_leakcheck.checking.ledger import Note
    from pytest_leakcheck.model import Leak

PRELUDE = """
import collections, contextvars, dataclasses, functools, gc, itertools, os, queue, sys, threading, time, types
import pytest, _pytest.config, _pytest.fixtures
from pytest_leakcheck.checking import check as module
from pytest_leakcheck.checking.plan import Plan
from pytest_leakcheck.extensions import Extensions, KnownHolder
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

def register(obj, **more):
    CHECK.register(obj, ("app.py", 7), **more)
    return obj

def later(seconds, function):
    timer = threading.Timer(seconds, function)
    timer.daemon = True
    timer.start()

def started(**names):
    threading.Thread(**names).start()

def workers(number, work, start=started):
    queues = [queue.SimpleQueue() for _ in range(number)]
    for index, jobs in enumerate(queues):
        start(target=work, args=(jobs,), name=f"worker-{index}", daemon=True)
    turns = itertools.cycle(queues)

    def give():
        job, done = Thing(), threading.Event()
        job.done = done
        next(turns).put(job)
        del job
        done.wait()

    return give

def list_kept_by(kind, **names):
    kept = object.__new__(kind)
    vars(kept).update(names, things=[])
    vars(_pytest.config).setdefault("kept", []).append(kept)
    return kept.things

def list_kept_by_fixture(name):
    return list_kept_by(_pytest.fixtures.FixtureDef, argname=name, _scope=types.SimpleNamespace(_value_="module"))

def list_kept_by_pytest():
    return list_kept_by(_pytest.config.Config)

"""


def judge(source: str, root: str) -> list[str]:
    """Return a line for each run, leak and note of a suite."""
    app, lines = types.ModuleType("app"), list[str]()
    sys.modules["app"], app.told = app, told
    app.say = lambda *words: lines.append(" ".join(map(str, words)))
    exec(PRELUDE + source, vars(app))  # noqa: S102 - suites are written as source
    session = Session(Options(packages=("app",), root=root, **getattr(app, "OPTIONS", {})))
    for name in [name for name in vars(app) if name.startswith("test_")]:
        _judge_test(session, app, name, lines)
    del sys.modules["app"]
    return lines


def _judge_test(session: Session, app: types.ModuleType, name: str, lines: list[str]) -> None:
    options = dataclasses.replace(session.options, extensions=getattr(app, "EXTENSIONS", NONE))

    def run(plan: Plan) -> Check:
        app.CHECK = check = Check(session, plan, name, options=options)
        check.start()
        lines.append(f"{name}: run")
        try:
            getattr(app, name)()
        except Exception:
            check.stop()
            raise
        return check

    def again(*, is_traced: bool = False, **_: bool):
        if is_traced and not hasattr(app, "MADE"):
            return None
        try:
            second = run(Plan(is_own=True))
        except ZeroDivisionError:
            return None
        second.gather()
        second.settle_found()
        if is_traced:
            second.found.tell_origin(lambda _: app.MADE)
        return second.found

    again.seconds = getattr(app, "TOOK", 0.0)
    check = run(Plan(**getattr(app, "PLAN", {"is_own": True})))
    may_run_again = getattr(app, "MAY_RUN_AGAIN", True)
    try:
        report = check.judge(lambda: again if may_run_again else None, kept=getattr(app, "OF_PYTEST", ()))
    except ArithmeticError as error:
        report = check.judge_again(type(error).__name__)
    lines += [f"{name}: LEAK {told(leak)}" for leak in (report.leaks if report is not None else ())]
    getattr(app, "after", lambda *_: None)(check, report)
    check.close()
    kinds = getattr(app, "KINDS", ("aside", "warning"))
    lines += [f"{note.kind}: {_text(note)}" for note in session.take_notes() if note.kind in kinds]


def _text(note: Note) -> str:
    """Return what a note says; a fingerprint's digits would tell nobody anything."""
    return note.text if note.kind != "pending" else "what has a fingerprint" if note.text else "what has none"


def told(leak: Leak) -> str:
    """Return in a line what a leak is made of, where it is held and what is told beside."""
    origins = dict.fromkeys(survivor.origin for survivor in leak.survivors)
    words = [f"{leak.count} in {where(leak)}", *(origin for origin in origins if origin != "made during the test")]
    words += [f"made {made}" for made in {survivor.made: None for survivor in leak.survivors} if made]
    words += [leak.unavailable] if leak.unavailable else []
    if leak.seen_in:
        words.append(f"as in {leak.seen_in}")
    return ", ".join(words) + (f" ({leak.note})" if leak.note else "")


def read_suites() -> dict[str, tuple[str, list[str]]]:
    """Return the suites in the text files by name: the source, and after the line ``--`` what is told."""
    files = (Path(__file__).with_name(f"{name}.txt") for name in ("judgements", "registrations"))
    texts = (part for file in files for part in file.read_text(encoding="utf-8").split("\n== ")[1:])
    parts = [part.partition("\n")[::2] for part in texts]
    suites = {name: (rest.partition("\n--\n")[0], rest.partition("\n--\n")[2].split("\n")[:-1]) for name, rest in parts}
    assert len(suites) == len(parts), "two suites of one name"
    return suites


def judge_all(suites: dict[str, str], *, exitfirst: bool = False) -> dict[str, list[str]]:
    """Judge suites one after the other in one further process; return what `judge` says of each, by name.

    With `exitfirst`, none is judged after the first one that is told what its text file does not say.
    """
    answers: dict[str, list[str]] = answers_of(__file__, suites, *(["--exitfirst"] if exitfirst else []))
    return answers


def _judge_asked(folder: str) -> dict[str, list[str]]:
    answers, expected = dict[str, list[str]](), read_suites()
    for name, source in json.load(sys.stdin).items():
        answers[name] = judge(source, folder)
        if "--exitfirst" in sys.argv and answers[name] != expected[name][1]:
            break
    return answers


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(_judge_asked(folder)))  # noqa: T201
