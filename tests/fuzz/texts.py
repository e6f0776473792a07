"""Gives pytest the markers, settings or baseline of each plan that comes in as a line of JSON; answers what went wrong.

Whatever is written, the run works, or it says in one clear line what is wrong with it: never a traceback of ours.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import sys
import tempfile
from pathlib import Path

import pytest
from answering import answer

from pytest_leakcheck import baseline

PRELUDE = """
import pytest
KEPT = []

class Thing:
    pass

def fail(*_, **__):
    raise RuntimeError("touched")

class Meta(type):
    __eq__ = __instancecheck__ = __subclasscheck__ = __len__ = __bool__ = __iter__ = fail
    __hash__ = None

class Hostile:
    __eq__ = __ne__ = __repr__ = __str__ = __bool__ = __len__ = __iter__ = __hash__ = __float__ = __index__ = fail
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __format__ = __getitem__ = __fspath__ = fail
    __class__ = property(fail)
    __getattr__ = fail

class Typed(metaclass=Meta):
    pass

class Text(str):
    __eq__ = __ne__ = __repr__ = __str__ = __bool__ = __len__ = __iter__ = __format__ = fail
    __contains__ = __getitem__ = split = strip = startswith = endswith = isidentifier = fail
    __hash__ = str.__hash__

class Number(float):
    __eq__ = __ne__ = __repr__ = __str__ = __bool__ = __float__ = __lt__ = __le__ = __gt__ = __ge__ = fail
    __hash__ = float.__hash__

class Slotted:
    __slots__ = ()

class Pair(tuple):
    pass
"""
VALUES = (
    *(
        "3",
        "-1",
        "0",
        "True",
        "None",
        "1.5",
        "float('nan')",
        "float('inf')",
        "-float('inf')",
        "10 ** 400",
        "-0.0",
        "1j",
    ),
    *("''", "'x'", "'.'", "'..'", "'*'", "'a..b'", "'NAME.Thing'", "'NAME.*'", "'NAME.Nothing'", "'NAME.Thing.x'"),
    *("'NAME.KEPT'", "'NAME.fail'", "'os.path'", "'os.path.*'", "'no.such.Thing'", "'builtins.int'", "'[.['", "'a.[b'"),
    *("'\\x1b[31m.x'", "'\\ud800.x'", "'a.b\\nc'", "'x.' * 5000 + 'y'", "' NAME.Thing '", "'NAME.Thing\\0'", "b'x.y'"),
    *("Thing", "Hostile", "Hostile()", "Typed", "Typed()", "Text('a.b')", "Text('NAME.Thing')", "Number(1)", "Slotted"),
    *(
        "Pair",
        "int",
        "str",
        "type",
        "object",
        "object()",
        "BaseException",
        "fail",
        "lambda: 0",
        "range(3)",
        "...",
        "pytest",
    ),
    *("[]", "()", "{}", "[Thing]", "(Thing, 'NAME.*')", "[[Thing]]", "{Thing}", "{'NAME.Thing': 1}", "[Thing, 3]"),
    *("[Hostile]", "[Hostile()]", "[Typed]", "iter([Thing])", "[None]", "list[int]", "Thing | None", "(x for x in ())"),
)
KEYWORDS = (
    "instances_of",
    "by_refcount",
    "within",
    "repeat",
    "isolated",
    "reason",
    "instance_of",
    "",
    "a b",
    "\ud800",
)
NAMES = (
    *("leakcheck", "leakcheck_cycles", "leakcheck_packages", "leakcheck_watch", "leakcheck_ignore", "leakcheck_within"),
    *("leakcheck_search_limit", "leakcheck_repeat", "leakcheck_graph", "leakcheck_json", "leakcheck_annotations"),
    "leakcheck_baseline",
)
TEXTS = (
    *(
        "",
        " ",
        "1",
        "0",
        "-1",
        "0.01",
        "nan",
        "inf",
        "1e999",
        "-inf",
        "0x1",
        "abc",
        "true",
        "no",
        "maybe",
        "None",
        "1,2",
    ),
    *(
        "shop",
        "shop.cart",
        "my-shop",
        "a..b",
        ".",
        "*",
        "shop.*",
        "[",
        "a.[b",
        "a.b # why",
        "# why",
        "a b # c",
        "#",
        "a.b #",
    ),
    *(
        "\u0663",
        "\u00e9",
        "\u202e",
        "\x1b[31m",
        "'",
        '"',
        '"a b',
        "a\\",
        "x" * 5000,
        "a/b",
        "a/../..",
        "x\n  y",
        "%(x)s",
        "${x}",
    ),
)
PATHS = (
    *(
        "",
        "out",
        "a/b/c",
        "folder",
        "file/x",
        "file",
        "x" * 300,
        "\u00e9",
        "\u202e",
        "a b",
        "~",
        "$HOME",
        "/proc/nope",
        "/dev/null",
    ),
    *("/dev/full", "a\x00b", ".", "..", "/", "\ud800"),
)
VALID = """#: Known leaks
# kept by hand
0123456789ab  2025-01-31  # the reason
    shop.Session held by shop.LISTENERS[*]
    in test_it.py::test_one
    in more tests

abcdef012345  2026-11-22
    in test_it.py::test_it[a b]
# the end
"""
_FORBIDDEN = ("INTERNALERROR", "Traceback (most recent call last)", "pytest_leakcheck/")
_numbers = itertools.count()


def judge(plan):
    """Return what is wrong with how a plan was taken."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return JUDGES[plan["kind"]](plan)
        finally:
            os.chdir(here)


def _run(*arguments):
    """Run pytest here; return how it ended, what it wrote, and what it wrote as an error."""
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        code = pytest.main(["-p", "no:cacheprovider", "-p", "pytest_leakcheck.plugin", *arguments])
    for name in [name for name, module in sys.modules.items() if name.startswith("test_fuzz")]:
        del sys.modules[name]
    return int(code), out.getvalue(), errors.getvalue()


def _told(code, out, errors, *, usual=(0,)):
    """Tell what is wrong with the end of a run: it went as usual, or there is one line of error that says why not."""
    both = out + errors
    yield from (f"{word}:\n{both[-3000:]}" for word in _FORBIDDEN if word in both)
    lines = [line for line in errors.splitlines() if line.strip()]
    if code == pytest.ExitCode.USAGE_ERROR:
        if len(lines) != 1 or not lines[0].startswith("ERROR: "):
            yield f"not one line of error:\n{errors[-3000:]}"
    elif code not in usual:
        yield f"ended with {code}:\n{both[-3000:]}"


def of_marker(plan):
    """Have a test marked with random arguments."""
    name = f"test_fuzz{next(_numbers)}"
    given = ", ".join(
        [*plan["args"], "**{" + ", ".join(f"{key!r}: {value}" for key, value in plan["kwargs"].items()) + "}"]
    ).replace("NAME", name)
    marks = f"pytest.mark.{plan['name']}.with_args({given})"
    lines = {
        "function": f"@(lambda mark: mark)({marks})\ndef test_it(): pass\n",
        "class": f"class TestIt:\n    pytestmark = [{marks}]\n    def test_it(self): pass\n",
        "module": f"pytestmark = {marks}\ndef test_it(): pass\n",
    }
    Path(f"{name}.py").write_text(PRELUDE + lines[plan["where"]], encoding="utf-8", errors="surrogatepass")
    code, out, errors = _run(f"{name}.py", *(["--leakcheck"] if plan["is_on"] else []))
    yield from _told(code, out, errors, usual=(0, 2))
    told = [line for line in out.splitlines() if line.startswith(f"{name}.py") and ": " in line]
    if code == pytest.ExitCode.INTERRUPTED and len(told) != 1:
        yield f"not one line:\n{out[-3000:]}"


def of_settings(plan):
    """Have a leaking test run with random settings, of the ini file or the command line."""
    name = f"test_fuzz{next(_numbers)}"
    Path("folder").mkdir()
    Path("file").write_text("", encoding="utf-8")
    test = "def test_it():\n    KEPT.append(Thing())\n"
    Path(f"{name}.py").write_text(PRELUDE + test, encoding="utf-8")
    lines = [f"{key} = {value}" for key, value in plan["ini"].items()]
    text = "\n".join(["[pytest]", *lines]) + "\n"
    Path("pytest.ini").write_text(
        text, encoding="utf-8", errors="surrogateescape" if "\ud800" not in text else "replace"
    )
    options = [f"-o{key}={value}" for key, value in plan["given"].items()]
    code, out, errors = _run(f"{name}.py", *options, *plan["options"])
    yield from _told(code, out, errors, usual=(0, 1))


def of_baseline(plan):
    """Read, and bring up to date, a baseline with random changes."""
    path = Path("known")
    path.write_bytes(_changed(VALID.encode(), plan["changes"]))
    before = path.read_bytes()
    seen = baseline.Seen()
    seen.add("test_it.py::test_new", baseline.Sighting("00ff00ff00ff", ["shop.New"], "shop.KEPT", "", 0))
    try:
        known = baseline.read("known", "known")
    except baseline.BaselineError as error:
        if len(str(error).splitlines()) != 1 or not str(error).startswith("known"):
            yield f"not one line: {error}"
        try:
            baseline.update("known", "known", seen)
        except baseline.BaselineError:
            pass
        else:
            yield "what can't be read was written over"
        if path.read_bytes() != before:
            yield "it is not as it was"
    else:
        again = baseline.parse(baseline.dump(known), "known")
        if sorted(again.entries, key=str) != sorted(known.entries, key=str) or again.comments != known.comments:
            yield f"read as {known}, written and read as {again}"
        baseline.update("known", "known", seen)
        after = baseline.read("known", "known")
        if {each.fingerprint for each in after.entries} != {each.fingerprint for each in known.entries} | {
            "00ff00ff00ff"
        }:
            yield f"brought up to date from {known} to {after}"
    if plan["is_run"]:
        path.write_bytes(before)
        name = f"test_fuzz{next(_numbers)}"
        Path(f"{name}.py").write_text(PRELUDE + "def test_it():\n    KEPT.append(Thing())\n", encoding="utf-8")
        code, out, errors = _run(f"{name}.py", "--leakcheck", "--leakcheck-baseline=known", *plan["options"])
        yield from _told(code, out, errors, usual=(0, 1))


def _changed(data, changes):
    for kind, place, length, text in changes:
        start = place % (len(data) + 1)
        middle = {"insert": text.encode("utf-8", "surrogatepass"), "bytes": bytes([length % 256, 0xFF]), "delete": b""}
        end = start if kind in ("insert", "bytes") else start + length
        data = data[:start] + middle.get(kind, data[start : start + length] * 2) + data[end:]
    return data


JUDGES = {
    "marker": lambda plan: list(of_marker(plan)),
    "settings": lambda plan: list(of_settings(plan)),
    "baseline": lambda plan: list(of_baseline(plan)),
}


if __name__ == "__main__":
    os.environ.update(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTEST_ADDOPTS="", COLUMNS="200")
    answer(judge)
