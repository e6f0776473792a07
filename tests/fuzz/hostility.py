"""Makes the hostile objects of each plan that comes in as a line of JSON, has them judged, and answers what is wrong.

The holders are the cases of ``hostile.py``, one inside the other, beside others; what is judged is a hostile object
itself, of a random class, with a random finalizer. None of their methods may be called, whatever it would do then.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import gc
import json
import re
import sys
import threading
import time
import types
import weakref
from collections import deque
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from answering import answer

import hostile
from hostile import BIG, CASES, EVIL, Text, app, misbehaving, restore, woken
from pytest_leakcheck.checking.check import Check, Session
from pytest_leakcheck.checking.plan import Plan
from pytest_leakcheck.explaining.explain import examine
from pytest_leakcheck.extensions import NONE
from pytest_leakcheck.heap.below import below
from pytest_leakcheck.model import Report, Survivor
from pytest_leakcheck.render.graph import draw
from pytest_leakcheck.render.text import headline, render, render_alive

MOST_TEXT = 30_000
SETTINGS = types.SimpleNamespace(extensions=NONE, within=None, search_limit=30.0, baseline="")


class MisbehaviourError(Exception):
    """What a hostile method raises."""


def _recurse():
    return _recurse()


def _raise(error):
    raise error


MANNERS = {
    "raises": lambda: _raise(MisbehaviourError()),
    "exits": lambda: _raise(SystemExit(3)),
    "recurses": _recurse,
    "sleeps": lambda: time.sleep(0.01),
    "allocates": lambda: [None] * 1_000_000 and None,
    "says yes": lambda: True,
    "says no": lambda: 0,
    "says anything": lambda: [object()],
    "returns itself": hostile.hostile(),
}
manner = ["raises"]


def _misbehave(name):
    woken.append(name)
    return MANNERS[manner[0]]()


BASES = {
    "object": object,
    "dict": dict,
    "list": list,
    "set": set,
    "deque": deque,
    "str": str,
    "float": float,
    "exception": Exception,
    "module": types.ModuleType,
    "thread": threading.Thread,
    "partial": functools.partial,
}
ARGUMENTS = {"module": ("made",), "partial": (print,)}


def _raising(obj):
    raise MisbehaviourError


def _resurrecting():
    """Make a finalizer that brings back the first object of its class: one of an earlier plan may die only now."""
    to_come = [True]

    def bring_back(obj):
        if to_come:
            to_come.clear()
            app.__dict__.setdefault("back", []).append(obj)

    return bring_back


FINALIZERS = {"raises": lambda: _raising, "resurrects": _resurrecting}
LIES = {
    "int": property(lambda obj: int),
    "nothing": property(lambda obj: None),
    "text": "not a class",
    "module": property(lambda obj: types.ModuleType),
    "type": property(lambda obj: type),
}
NAMES = {"evil": EVIL, "big": BIG, "text": Text("named"), "empty": "", "dotted": "a.b\n.c", "plain": "Plain"}
METACLASSES = {
    "mro without object": {"mro": lambda kind: type.mro(kind)[:-1]},
    "mro as usual": {"mro": type.mro},
    "says yes to all": {
        name: lambda kind, *_: True for name in ("__instancecheck__", "__subclasscheck__", "__eq__", "__contains__")
    }
    | {"__hash__": lambda kind: 1},
    "unhashable": {"__eq__": lambda kind, other: NotImplemented, "__hash__": None},
}


def _is_without_object(traits, of):
    """Tell whether a class has no `object` among its bases, and is of one of some kinds: these need it to be made."""
    return traits["metaclass"] == "mro without object" and traits["base"] in of


def make_class(traits):
    """Return a hostile class with the traits of a plan."""
    more = {}
    if traits["finalizer"] != "none":
        more["__del__"] = FINALIZERS[traits["finalizer"]]()
    if traits["name"] != "none":
        more["__qualname__"] = NAMES[traits["name"]]
    if traits["module"] != "none":
        more["__module__"] = NAMES[traits["module"]]
    kind = hostile.hostile(BASES[traits["base"]], **more)
    if traits["lie"] != "none":
        kind = type.__call__(
            type(kind), "Lying", (kind,), {"__class__": LIES[traits["lie"]], "__module__": "app", **more}
        )
    if traits["metaclass"] != "none" and not _is_without_object(traits, of=("object", "thread")):
        meta = type("Odd", (type(kind),), METACLASSES[traits["metaclass"]])
        kind = type.__call__(meta, "Odd", (kind,), {"__module__": "app", **more})
    return kind


def _plain(holder_of):
    def make(thing):
        app.kept = holder_of(thing)

    return make


def _slotted(thing):
    kind = hostile.hostile(__slots__=("x",))
    made = kind()
    kind.__dict__["x"].__set__(made, thing)
    return made


def _raised(thing):
    made = hostile.hostile(ValueError)()

    def run(box, errors):
        local = box.pop()
        raise errors.pop() from hostile.hostile(KeyError)(local)

    def catch(box, errors):
        with contextlib.suppress(BaseException):
            run(box, errors)

    thread = threading.Thread(target=catch, args=([thing], [made]))
    thread.start()
    thread.join()
    return made


MORE = {
    "attribute": lambda thing: _with(hostile.hostile()(), "x", thing),
    "attribute with a name of text": lambda thing: _with_name(Text("x"), thing),
    "attribute with an evil name": lambda thing: _with_name(EVIL, thing),
    "dict of hostile keys": lambda thing: hostile.Dict({Text("a"): 1, hostile.Number(2): thing}),
    "key": lambda thing: {hostile.holding(thing): Text("b")},
    "list": lambda thing: hostile.List([Text("a"), thing]),
    "tuple": lambda thing: hostile.Tuple([Text("a"), thing]),
    "set": lambda thing: hostile.Set([hostile.holding(thing)]),
    "deque": lambda thing: hostile.Deque([thing]),
    "slot": _slotted,
    "class": lambda thing: type.__call__(hostile.Meta, "Kept", (), {"__module__": "app", "x": thing}),
    "property": hostile.hostile(property),
    "raised exception": _raised,
    "method": lambda thing: types.MethodType(hostile.hostile(__call__=lambda *_: None)(), thing),
    "module": lambda thing: _with(hostile.hostile(types.ModuleType)("mod"), "x", thing),
    "weak callback": lambda thing: weakref.ref(_keep(hostile.hostile()()), functools.partial(print, thing)),
    "dead proxies beside it": lambda thing: [weakref.proxy(hostile.Thing()), thing],
}


def _with(holder, name, thing):
    object.__setattr__(holder, name, thing)
    return holder


def _with_name(name, thing):
    holder = hostile.Thing()
    vars(holder)[name] = thing
    return holder


def _keep(obj):
    app.others.append(obj)
    return obj


ALL = {**CASES, **{name: _plain(make) for name, make in MORE.items()}}
NOT_HOLDING = {
    *("holder and survivor", "module name of a class", "mock for a class", "big class", "resurrecting", "bases"),
    *("qualified name of a class", "liar of asyncio", "lru cache with parameters of its own", "size that clears"),
    *("int of a million digits", "big names all the way"),
}
"""Cases with a survivor of their own, and those that take long."""
AROUND = {
    "module logging",
    "logger",
    "hostile logger",
    "module asyncio",
    "atexit callback",
    "atexit callback equal to all",
}
"""Cases that stay where they are, by a name of another's: nothing can be put around them."""
USED = sorted(ALL.keys() - NOT_HOLDING)


def reaches(start, target):
    """Tell whether one object leads to another, by what the interpreter says that each refers to."""
    waiting, seen = [start], set()
    while waiting and len(seen) < 5_000:
        obj = waiting.pop()
        if obj is target:
            return True
        if id(obj) not in seen and type(obj) is not types.ModuleType:
            seen.add(id(obj))
            waiting += gc.get_referents(obj)
    return False


class Trial:
    """One plan: what is made of it, and what came of it."""

    def __init__(self, plan):
        self.plan = plan
        self.problems = []
        self.ref = None
        self.is_run = False
        self.check = None
        has_object = not _is_without_object(plan["survivor"], of=BASES)
        self.is_cyclic = plan["is_cyclic"] and not plan["is_held"] and has_object

    def run(self):
        """Make, judge and look."""
        restore()
        app.others = []
        manner[0] = self.plan["manner"]
        for number, name in enumerate(self.plan["beside"]):
            made = ALL[name](hostile.Thing())
            del made
            if "kept" in vars(app):
                vars(app)[f"kept{number}"] = vars(app).pop("kept")
        kind = make_class(self.plan["survivor"])
        asked = (kind,) if self.plan["is_named"] else ()
        self.check = Check(Session(SETTINGS), Plan(instances_of=asked, by_refcount=self.plan["by_refcount"]), "test")
        self.check.start()
        runner = self._make(kind)
        if runner is not None:
            runner(self.judge)
        else:
            self.judge()
        return self.problems

    def _make(self, kind):
        thing = kind(*ARGUMENTS.get(self.plan["survivor"]["base"], ()))
        self.ref = weakref.ref(thing)
        if not self.plan["is_named"]:
            with misbehaving():
                self.check.register(thing, ("test_it.py", 3), by_refcount=self.plan["by_refcount"])
            self._note_woken("registering")
        holder = thing
        for name in self.plan["cases"] if self.plan["is_held"] else ():
            vars(app).pop("kept", None)
            made = ALL[name](hostile.holding(holder) if name == "set of hostile ones" else holder)
            if type(made) is types.FunctionType:
                return made
            del made
            if "kept" not in vars(app) or not reaches(app.kept, thing) or name in AROUND:
                return None
            holder = app.kept
            app.others.append(vars(app).pop("alive", None))
        if self.is_cyclic:
            object.__setattr__(thing, "me", (hostile.holding(thing), thing))
        return None

    def _note_woken(self, when):
        if woken:
            self.problems.append(f"{when} woke {woken[:3]}")
            woken.clear()

    def judge(self):
        """Have it judged, and hold the verdict against what is known."""
        self.is_run = True
        try:
            with misbehaving():
                report = self.check.judge()
        finally:
            self.check.close()
            hostile.watch["is_on"] = False
        self._note_woken("judging")
        obj = self.ref()
        is_back = self.plan["survivor"]["finalizer"] == "resurrects" and not self.plan["is_held"]
        leaks = report.leaks if report else ()
        surviving = [leak for leak in leaks if leak.grade == "survives"]
        collected = [leak for leak in leaks if leak.grade == "collected"]
        expected = int(self.plan["is_held"] or is_back)
        if sum(leak.count for leak in surviving) != expected:
            self.problems.append(f"{expected} should survive, told are {surviving}")
        is_late = self.is_cyclic and self.plan["by_refcount"]
        if sum(leak.count for leak in collected) != int(is_late and not is_back):
            self.problems.append(f"collected should be {is_late}, told are {collected}")
        self.problems += [f"no trace: {leak.unavailable}" for leak in surviving if leak.trace is None]
        if self.plan["is_held"] and obj is None:
            self.problems.append("MODEL: it is dead")
        elif self.plan["is_held"]:
            found = [obj]
            del obj
            self.look(found, leaks)

    def look(self, found, leaks):
        """Tell of it in every way there is."""
        with misbehaving():
            leak = examine(found, [Survivor("app.Kind", "made here")])[0].leak
            report = Report((leak, *leaks))
            pictures = [draw(each.trace) for each in report.leaks if each.trace]
            texts = [
                *(render(report), render_alive(leak), headline(report)),
                *(json.dumps(report.to_plain(), ensure_ascii=False), *pictures),
            ]
            below(found, {0})
        self._note_woken("looking")
        for picture in pictures:
            if any(re.sub(r"\\.", "", line).count('"') % 2 for line in picture.splitlines()):
                self.problems.append("a picture with a label that does not end")
        for text in texts:
            if not all(c.isprintable() or c == "\n" for c in text):
                self.problems.append(f"unprintable: {text!a:.300}")
            if len(text) > MOST_TEXT:
                self.problems.append(f"{len(text)} characters")
            text.encode()
        if max(map(len, texts[0].splitlines())) > 80:
            self.problems.append(f"wider than 80: {max(texts[0].splitlines(), key=len)!a}")


def judge(plan):
    """Return what is wrong with the verdict on one plan."""
    trial = Trial(plan)
    try:
        contextvars.copy_context().run(trial.run)
    finally:
        hostile.watch["is_on"] = False
        hostile.stop.set()
        hostile.stop = threading.Event()
        hostile.atexit._clear()
        restore()
    if not trial.is_run:
        trial.problems.append("MODEL: it was not judged")
    return trial.problems


if __name__ == "__main__":
    hostile.misbehave = _misbehave
    gc.disable()
    sys.unraisablehook = threading.excepthook = lambda *_: None
    answer(judge)
