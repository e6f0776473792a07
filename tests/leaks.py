"""Runs small leaks in a process of its own, cuts each, and prints what the reports said, as JSON.

A leak is Python source with a function ``leak(thing)`` that keeps `thing` alive, or ``run(make, look)`` where that is
so only while it runs, and with a function ``cut()`` that undoes it. It becomes a module ``app`` of its own.
"""

from __future__ import annotations

import contextlib
import gc
import json
import re
import subprocess
import sys
import types
import weakref
from pathlib import Path
from typing import NamedTuple

from pytest_leakcheck.explaining import explain as room
from pytest_leakcheck.explaining.explain import explain
from pytest_leakcheck.model import Survivor
from surroundings import PATIENCE, answers_of

room.PROOF_SECONDS = 60  # what is proved must not depend on how busy the machine is

PRELUDE = """
class Thing:
    def method(self):
        return None
"""


def told(leak) -> dict[str, object]:
    """Return what a leak says, as plain values: each line of the trace as ``text | label``."""
    proof = leak.proof
    return {
        "trace": _lines(leak.trace),
        "suspects": [link.text for link in leak.trace.suspects] if leak.trace else [],
        "unavailable": leak.unavailable,
        "accounting": leak.accounting,
        "advice": leak.advice,
        "proof": "" if proof is None else proof.kind,
        "link": "" if proof is None else proof.link,
        "ways": list(proof.ways) if proof else [],
        "reason": "" if proof is None else proof.reason,
        "others": [_lines(other) for other in (proof.others if proof else ())],
        "is_all": proof is None or proof.is_all,
        "length": leak.trace.length if leak.trace else 0,
    }


def _lines(trace) -> list[str]:
    if trace is None:
        return []
    detail = f", {trace.root.detail}" if trace.root.detail else ""
    return [
        f"{trace.root.name} | {trace.root.kind}{detail}",
        *(f"{link.text} | {link.label}" for link in trace.links),
    ]


def _has_typed(link: str, app: types.ModuleType) -> bool:
    """Delete what a report calls indispensable, as its reader would; tell whether that is something one can delete."""
    try:
        code = compile(f"del {link}", "<cut>", "exec")
    except SyntaxError:
        return False
    names = {"app": app, **{name: sys.modules.get(name) for name in ("argparse", "logging", "gc", "weakref")}}
    try:
        exec(code, names)  # noqa: S102 - the link is what is tested
    except (TypeError, AttributeError, NameError):
        return False
    return True


def run_leak(source: str, *, is_cutting: bool = False) -> dict[str, object]:
    """Run one leak in this process; return what its report said and whether the object died once it was cut."""
    refs, answers = [], []

    def make() -> object:
        thing = app.Thing()
        refs.append(weakref.ref(thing))
        return thing

    def look() -> None:
        gc.collect()
        found = [refs[0]()]
        if found[0] is None:
            answers.append({"trace": ["dead"]})
        else:
            answers.append(told(explain(found, [Survivor("app.Thing", "made here")])[0]))

    app = types.ModuleType("app")
    sys.modules["app"] = app
    exec(PRELUDE, vars(app))  # noqa: S102 - the leaks are written as source
    exec(compile(source, "/project/src/app.py", "exec", dont_inherit=True), vars(app))  # noqa: S102
    if hasattr(app, "run"):
        app.run(make, look)
    else:
        app.leak(make())
        look()
    is_typed = is_cutting and answers[0]["proof"] == "dominator" and _has_typed(answers[0]["link"], app)
    if is_typed:
        gc.collect()
    is_freed = refs[0]() is None
    with contextlib.suppress(Exception) if is_typed else contextlib.nullcontext():
        getattr(app, "cut", int)()  # also ends threads, where the leak is gone already
    gc.collect()
    is_dead = refs[0]() is None
    sys.modules.pop("app", None)
    return {**answers[0], "is_dead": is_dead, "is_typed": is_typed, "is_freed": is_freed}


def run_script(source: str, *options: str) -> str:
    """Run Python source in a process of its own and return what it printed; it must end well."""
    call = [sys.executable, "-W", "ignore", *options, "-c", source]
    done = subprocess.run(call, capture_output=True, encoding="utf-8", timeout=PATIENCE, check=False)
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout


class Leak(NamedTuple):
    """One entry of the table, as this interpreter tells it."""

    source: str
    expected: list[str]
    why_not: str
    """Why it can't be made here; empty where it can."""
    variants: tuple[str, ...]
    """The interpreters that tell it in another way than the others: ``3.14+``, ``pypy``."""


def read_leaks() -> dict[str, Leak]:
    """Return the leaks in ``leaks.txt`` by name.

    After the line ``--`` comes what is expected of each; after ``-- 3.14+`` or ``-- pypy`` what it is from that CPython
    on, or on PyPy: other lines, or ``not here: `` and why the leak can't be made.
    """
    parts = f"\n{Path(__file__).with_suffix('.txt').read_text(encoding='utf-8')}".split("\n== ")[1:]
    found = {}
    for part in parts:
        name, _, rest = part.partition("\n")
        source, *blocks = re.split(r"^--(.*)\n", rest, flags=re.MULTILINE)
        told = dict(zip((key.strip() for key in blocks[::2]), blocks[1::2], strict=True))
        expected = [block for key, block in told.items() if _is_here(key)][-1].strip()
        why_not = expected.removeprefix("not here: ") if expected.startswith("not here: ") else ""
        found[name] = Leak(source, expected.splitlines(), why_not, tuple(filter(None, told)))
    return found


def _is_here(key: str) -> bool:
    """Tell whether a block is for this interpreter, or for all."""
    if not key or key == "pypy":
        return key in ("", sys.implementation.name)
    return sys.implementation.name == "cpython" and sys.version_info >= tuple(map(int, key.rstrip("+").split(".")))


def run_leaks(sources: dict[str, str], *, is_cutting: bool = False) -> dict[str, dict[str, object]]:
    """Run leaks one after the other in one further process; return what `run_leak` says of each, by name.

    With `is_cutting` each is undone by deleting the link that its report calls indispensable, where that can be typed.
    """
    answers: dict[str, dict[str, object]] = answers_of(__file__, sources, *["--cut"][:is_cutting])
    return answers


def _main() -> None:
    answers = {}
    for name, source in json.load(sys.stdin).items():
        sys.stderr.write(f"{name}\n")
        answers[name] = run_leak(source, is_cutting="--cut" in sys.argv)
    coverage = sys.modules.get("coverage")
    if coverage is not None and coverage.Coverage.current() is not None:
        coverage.Coverage.current().save()  # the leaks through atexit clear what would do so at the end
    print(json.dumps(answers))  # noqa: T201 - the answer


if __name__ == "__main__":
    _main()
