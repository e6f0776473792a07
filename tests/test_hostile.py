"""Objects that lie, raise, loop or print when they are touched: a search and its report never touch them."""

import json
import pyexpat
import subprocess
import sys
from pathlib import Path

import pytest

import hostile
import leaks
from surroundings import PATIENCE

SCRIPT = r"""
import gc, sys, threading, types, contextvars, weakref, unittest.mock
from pytest_leakcheck.explaining.explain import explain
from pytest_leakcheck.model import Report, Survivor
from pytest_leakcheck.render.text import render
from pytest_leakcheck import describe

CALLS, WATCHED = [], [False]
def tell(name):
    def method(self, *args, **kwargs):
        if WATCHED[0]:
            CALLS.append(name)
            raise RuntimeError(name)
        return object.__getattribute__(self, *args) if name == "__getattribute__" else NotImplemented
    return method
NAMES = ("__eq__ __hash__ __bool__ __repr__ __str__ __getattribute__ __len__ __iter__ __contains__ __sizeof__ __dir__ "
         "__reduce_ex__ __getitem__ __call__ __ne__ __lt__ __index__ __int__ __format__ __bytes__ keys items values")
NAMES = NAMES.split()
class_of = property(tell("__class__"))
body = {name: tell(name) for name in NAMES if name != "__hash__"}
body["__hash__"] = lambda self: CALLS.append("__hash__") or 1 if WATCHED[0] else 1
body["__class__"] = class_of
body["__module__"] = "app"
META_NAMES = "__eq__ __instancecheck__ __subclasscheck__ __repr__ __len__ __bool__ __iter__".split()
meta_body = {name: tell("meta " + name) for name in META_NAMES}
meta_body["__hash__"] = lambda kind: CALLS.append("meta __hash__") or 1 if WATCHED[0] else 1
meta_body["__module__"] = property(tell("meta __module__"))
def getattribute(kind, name):
    if WATCHED[0]:
        CALLS.append("meta " + name)
        raise RuntimeError(name)
    return type.__getattribute__(kind, name)
meta_body["__getattribute__"] = getattribute
Meta = type("Meta", (type,), meta_body)
Hostile = Meta("Hostile", (), dict(body))
Fake = Meta("Fake", (), {**body, "__dict__": property(tell("__dict__"))})
kinds = {base.__name__: Meta("Bad" + base.__name__, (base,), dict(body)) for base in (dict, list, tuple, str, int, set)}
Slotted = Meta("Slotted", (), {**body, "__slots__": ("value", "__weakref__")})
class Thing:
    pass

app = types.ModuleType("app"); sys.modules["app"] = app; app.Thing = Thing; Thing.__module__ = "app"
EVIL = "x\x1b[31m\r\n\x07\u202e\ud800"
BIG = "n" * 10_000_000
sys.modules["nothing"] = None
sys.modules["odd"] = Hostile()
class Lazy(types.ModuleType):
    __getattribute__ = tell("lazy module")
sys.modules["lazy"] = Lazy("lazy")
evil = types.ModuleType(EVIL); sys.modules[EVIL] = evil
badname = types.ModuleType("badname"); vars(badname)["__name__"] = Hostile(); sys.modules["badname"] = badname
class Named(threading.Thread):
    @property
    def name(self):
        if WATCHED[0]: CALLS.append("thread name"); raise RuntimeError
        return "named"
    @name.setter
    def name(self, value): pass
STOP = threading.Event()
threads = [Named(target=STOP.wait, daemon=True), threading.Thread(target=STOP.wait, name=EVIL, daemon=True)]
for thread in threads: thread.start()
VARIABLE = contextvars.ContextVar(EVIL)

def make(case):
    thing = Thing()
    if case == "survivor": thing = app.KEPT = Hostile()
    elif case == "survivor with __dict__": thing = app.KEPT = Fake()
    elif case == "holder":
        app.KEPT = holder = Hostile(); object.__setattr__(holder, "thing", thing)
    elif case == "holder with __dict__":
        app.KEPT = holder = Fake(); object.__setattr__(holder, "thing", thing)
    elif case == "slots":
        app.KEPT = holder = Slotted(); type.__getattribute__(Slotted, "value").__set__(holder, thing)
    elif case == "class":
        type.__setattr__(Hostile, "kept", thing); app.Hostile = Hostile
    elif case == "metaclass":
        Meta.kept = thing; app.Meta = Meta
    elif case == "key": app.KEPT = {Hostile(): thing}
    elif case == "int key": app.KEPT = {kinds["int"](3): thing}
    elif case == "str key": app.KEPT = {kinds["str"]("k"): thing}
    elif case == "str attribute":
        app.KEPT = holder = Thing(); vars(holder)[kinds["str"]("k")] = thing
    elif case == "next to it": app.BAD, app.KEPT = [Hostile(), Fake()], [Hostile(), thing, Fake()]
    elif case in ("dict", "list", "tuple", "set"):
        kind = kinds[case]
        app.KEPT = type.__call__(kind, {1: thing} if case == "dict" else [thing])
    elif case == "evil name": setattr(app, EVIL, {EVIL: [thing]})
    elif case == "evil module": evil.KEPT = [thing]
    elif case == "module with an odd name": badname.KEPT = thing
    elif case == "evil class":
        K = type("K", (), {"__qualname__": EVIL, "__module__": EVIL}); thing = app.KEPT = K()
    elif case == "big name": vars(app)[BIG] = {BIG: thing}
    elif case == "big class":
        K = type("K", (), {"__qualname__": BIG, "__module__": BIG}); thing = app.KEPT = K()
    elif case == "big module name": sys.modules[BIG] = m = types.ModuleType(BIG); m.KEPT = thing
    elif case == "evil context": VARIABLE.set(thing)
    elif case == "evil function":
        def inner(): return thing
        inner.__qualname__ = EVIL; inner.__name__ = EVIL; app.KEPT = inner
    elif case == "evil file":
        names = {}; exec(compile("def g(x):\n  yield x\n", EVIL.replace("\ud800", "") + ".py", "exec"), names)
        app.KEPT = names["g"](thing); next(app.KEPT)
    elif case == "evil thread":
        def run(box): local = box.pop(); del box; STOP.wait()
        threading.Thread(target=run, args=([thing],), name=EVIL, daemon=True).start()
        import time; time.sleep(0.05)
    elif case == "mock": app.KEPT = unittest.mock.MagicMock(); app.KEPT(thing)
    elif case == "mock survivor": thing = app.KEPT = unittest.mock.MagicMock()
    elif case == "dead proxy":
        gone = Thing(); app.DEAD = weakref.proxy(gone); del gone; app.KEPT = [app.DEAD, thing]
    return weakref.ref(thing), thing

def check(case):
    ref, thing = make(case)
    found = [thing]; del thing
    gc.collect()
    WATCHED[0] = True; CALLS.clear()
    report = Report(explain(found, [Survivor(describe.type_name(type(found[0])), "made here")]))
    text = render(report)
    plain = report.to_plain()
    WATCHED[0] = False
    leak = report.leaks[0]
    assert not CALLS, (case, CALLS[:5])
    assert leak.trace is not None, (case, leak.unavailable)
    assert all(c.isprintable() or c == "\n" for c in text), (case, text)
    text.encode("utf-8")
    assert max(map(len, text.splitlines())) <= 80, (case, max(map(len, text.splitlines())), text[:3000])
    assert len(text) < 6000, (case, len(text))
    for name in [name for name in vars(app) if name not in ("Thing", "__name__")]: del vars(app)[name]
    vars(evil).pop("KEPT", None); vars(badname).pop("KEPT", None); sys.modules.pop(BIG, None)
    if case == "class": type.__delattr__(Hostile, "kept")
    if case == "metaclass": del Meta.kept
    VARIABLE.set(None)

import json
wrong = {}
for case in CASES:
    try:
        check(case)
    except BaseException as error:
        import traceback
        WATCHED[0] = False
        wrong[case] = ascii(traceback.format_exc()[-700:])
print(json.dumps(wrong))
"""

CASES = [
    *("survivor", "survivor with __dict__", "holder", "holder with __dict__", "slots", "class", "metaclass", "key"),
    *("int key", "str key", "str attribute", "next to it", "dict", "list", "tuple", "set", "evil name"),
    *("evil module", "module with an odd name", "evil class", "big name", "big class", "big module name"),
    *("evil context", "evil function", "evil file", "evil thread", "mock", "mock survivor", "dead proxy"),
]


@pytest.fixture(scope="module")
def wrong():
    """Return what went wrong with each case, all of them run in one process."""
    return json.loads(leaks.run_script(f"CASES = {CASES!r}\n{SCRIPT}").splitlines()[-1])


@pytest.mark.parametrize("case", CASES)
def test_no_code_of_a_hostile_object_runs(case, wrong):
    """None of its methods is called, and nothing of it gets to the terminal raw or in any length."""
    assert case not in wrong, wrong[case]


posix = pytest.mark.skipif(sys.platform == "win32", reason="a timer's signal ends what hangs")


@posix
def test_nothing_that_loops_sleeps_or_allocates_is_called():
    """Each method would take 100 MB and never come back; every report is whole all the same, printable, short, cheap.

    Names of 10 MB and numbers of a million digits are among them.
    """
    call = [sys.executable, "-W", "ignore", str(Path(hostile.__file__))]
    done = subprocess.run(call, capture_output=True, encoding="utf-8", timeout=PATIENCE, check=False)
    assert not done.returncode, done.stderr

    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["wrong"] == {}
    assert answer["megabytes"] < hostile.MOST_MEGABYTES


SUITE = """
import faulthandler, gc, sys, types
import pytest
faulthandler.dump_traceback_later(30, exit=True)
sys.path.insert(0, {folder!r})
import hostile
from hostile import BIG, EVIL, Text, misbehaving

KEPT = []
GIVEN = dict(__module__=__name__)
Hostile = hostile.hostile(**GIVEN)
helpers = types.ModuleType("helpers")
vars(helpers).update({{3: 4, Text("test_it"): Hostile()}})

@pytest.fixture(autouse=True)
def only_after_the_test():
    hostile.watch["is_on"] = False
    yield
    hostile.watch["is_on"] = True

@pytest.fixture(scope="session", autouse=True)
def report():
    yield
    hostile.watch["is_on"] = False
    print("WOKEN", hostile.woken)

def keep(thing):
    KEPT.append(thing)
    return thing

def test_registered(assert_collected):
    thing, why = keep(Hostile()), Text("why")
    with misbehaving():
        assert_collected(thing, reason=why)

@pytest.mark.parametrize("reason", [EVIL, BIG], ids=["evil", "big"])
def test_reason(assert_collected, reason):
    assert_collected(keep(Hostile()), reason=reason)

@pytest.mark.no_leak(instances_of=[Hostile])
def test_named():
    keep(Hostile())

def test_named_here(assert_collected):
    with misbehaving():
        assert_collected.instances_of(Hostile)
    keep(Hostile())

@pytest.mark.parametrize("value", [1], ids=[EVIL[:-1]])
def test_id(value):
    keep(type(EVIL[:-1], (), {{"__module__": __name__}})())

def test_id_that_is_the_same_leak():
    keep(type(EVIL[:-1], (), {{"__module__": __name__}})())

@pytest.fixture(name="value " + EVIL[:-1])
def value():
    return keep(hostile.hostile(__module__="elsewhere")())

def test_value_of_a_fixture(request):
    request.getfixturevalue("value " + EVIL[:-1])

RUNS, SECOND = [], []

def test_second_run_fails():
    SECOND.append(Hostile())
    RUNS.append(1)
    if len(RUNS) > 1:
        raise hostile.hostile(ValueError)(EVIL)

@pytest.mark.no_leak(instances_of=[Hostile])
def test_listens_to_the_collector():
    gc.callbacks.append(hostile.hostile(__call__=lambda *_: None)())

@pytest.mark.no_leak
def test_wider_fixture_made_by_an_object(wide):
    keep(Hostile())

def made(): return 1
made.__module__ = None
wide = pytest.fixture(scope="module", name="wide")(made)
"""


@posix
def test_nothing_hostile_gets_through_pytest(suite):
    """No report, summary, XML file or picture of a suite of hostile objects wakes one or shows a control character."""
    raw_ids = "disable_test_id_escaping_and_forfeit_all_rights_to_community_support = true"
    (suite.path / "pytest.ini").write_text(f"[pytest]\n{raw_ids}\n", encoding="utf-8")
    source = SUITE.format(folder=str(Path(hostile.__file__).parent))
    arguments = ("-v", "-s", "--leakcheck", "--junitxml=it.xml", "--leakcheck-graph=pictures")
    result = suite.run(source, *arguments, prelude="")
    text = "\n".join(result.outlines)
    pictures = [*(suite.path / "pictures").iterdir()]

    assert "WOKEN []" in text
    result.assert_outcomes(failed=9, passed=2)
    own = [line for line in result.outlines if line.startswith(("LEAKED  ", "  ", "leakcheck:"))]
    assert [line for line in own if not line.isprintable()] == []
    assert max(map(len, own)) < 2_100
    assert pyexpat.ParserCreate().Parse((suite.path / "it.xml").read_bytes(), True) == 1  # noqa: FBT003 - that is final
    assert all(each.name.isascii() for each in pictures)
    for picture in pictures:
        assert all(line.isprintable() for line in picture.read_text(encoding="utf-8").splitlines())
