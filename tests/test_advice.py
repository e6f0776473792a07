"""Each advice is shown for a leak of its kind, and whoever follows it is rid of the leak."""

import re
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ET
from typing import NamedTuple

import pytest

import surroundings
from pytest_leakcheck.explaining.advice import ADVICE

PRELUDE = """
import asyncio, atexit, collections, contextlib, contextvars, ctypes, functools, logging, sys, threading, weakref
from unittest import mock

import pytest

KEPT = []


class Thing:
    name = "a thing"

    def hear(self, *words): ...

    def __call__(self, record): return True


class Handler(logging.NullHandler): ...


"""
TEST = """

def test_it(assert_collected):
    use(assert_collected({made}()))
"""
LOOP = """
@pytest.fixture(scope="module")
def loop():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    for task in asyncio.all_tasks(loop):
        loop.call_soon_threadsafe(task.cancel)
    loop.call_soon_threadsafe(loop.call_soon, loop.stop)
    thread.join()
    loop.close()

def in_loop(loop, coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result()
"""


class Case(NamedTuple):
    """A leak, and one way to follow its advice."""

    kind: str
    cure: str
    leaky: str
    mended: str
    shared: str = ""
    made: str = "Thing"


def line(kind, cure, leaky, mended, shared=""):
    """Return a case in which the function that is given the thing has a line or a few."""
    return Case(kind, cure, *(f"def use(thing):\n{textwrap.indent(body, '    ')}" for body in (leaky, mended)), shared)


def whole(kind, cure, leaky, mended, shared=""):
    """Return a case whose tests are written out."""
    return Case(kind, cure, textwrap.dedent(leaky), textwrap.dedent(mended), textwrap.dedent(shared))


FIXTURE = """
@pytest.fixture(scope="module")
def box(): return []

def test_it(assert_collected, box):
    box.append(assert_collected(Thing()))
"""
LRU = """
class Invoice:
    @functools.lru_cache
    def total(self, discount): return 100 - discount

def test_it(assert_collected):
    assert assert_collected(Invoice()).total(20) == 80
"""
LISTEN = "LISTENERS = []\n"
RAISE = "def fail(thing): raise ValueError(thing.name)\n"
SERVE = """
@pytest.fixture(scope="module")
def stop():
    stop = threading.Event()
    yield stop
    stop.set()

def test_it(assert_collected, stop):
    thread = threading.Thread(target=serve, args=({args}, stop))
    thread.start()
    {then}
"""
SERVE_ARGUMENT = (
    """
def serve(thing, stop): stop.wait()
"""
    + SERVE
)
SERVE_QUEUE = """
import queue
QUEUE = queue.Queue()

def serve(things, stop):
    thing = things.get()
    thing.hear()
    {drop}
    things.task_done()
    stop.wait()
""" + SERVE.format(args="QUEUE", then="QUEUE.put(assert_collected(Thing())); QUEUE.join()")
TASK = (
    LOOP
    + """
async def sleep(thing): await asyncio.sleep(3600)

async def work(thing):
    task = asyncio.create_task(sleep(thing))
    {then}

def test_it(assert_collected, loop):
    in_loop(loop, work(assert_collected(Thing())))
"""
)
TIMER = (
    LOOP
    + """
async def work(thing):
    handle = asyncio.get_running_loop().call_later(3600, thing.hear)
    {then}

def test_it(assert_collected, loop):
    in_loop(loop, work(assert_collected(Thing())))
"""
)
PERIODIC = (
    LOOP
    + """
def tick(loop, thing):
    if {is_on}:
        loop.call_later(60, tick, loop, thing)

def test_it(assert_collected, loop):
    loop.call_soon_threadsafe(tick, loop, assert_collected(Thing()))
"""
)
FUTURE = """
async def work(thing):
    future = asyncio.get_running_loop().create_future()
    KEPT.append(future)
    future.add_done_callback(thing.hear)
    {then}

def test_it(assert_collected):
    asyncio.run(work(assert_collected(Thing())))
"""
GENERATOR = "def steps(thing):\n    yield 1\n    thing.hear()\n"
OWN_LOOP = """
LOOP = asyncio.new_event_loop()

@pytest.fixture(scope="module", autouse=True)
def closing():
    yield
    for task in asyncio.all_tasks(LOOP):
        task.cancel()
        LOOP.run_until_complete(asyncio.wait([task]))
    KEPT.clear()
    LOOP.run_until_complete(LOOP.shutdown_asyncgens())
    LOOP.close()
"""
COROUTINE = (
    OWN_LOOP
    + """
async def work(thing): await asyncio.sleep(3600)

def use(thing):
    task = LOOP.create_task(work(thing))
    KEPT.append(task)
    LOOP.run_until_complete(asyncio.sleep(0.01))
"""
)
UNAWAITED = """
async def work(thing): thing.hear()

@pytest.fixture(scope="module", autouse=True)
def closing():
    yield
    KEPT.pop().close()
"""
ASYNC_GENERATOR = (
    OWN_LOOP
    + """
async def steps(thing):
    yield 1
    thing.hear()

def use(thing):
    made = steps(thing)
    KEPT.append(made)
    LOOP.run_until_complete(made.__anext__())
"""
)
MOCK = "MAILER = mock.Mock()\n"
PATCH = """
MAILER = Handler()
MAILER.send = print

@pytest.fixture(scope="module", autouse=True)
def stopping():
    yield
    mock.patch.stopall()
"""
LOGGER = "LOG = logging.getLogger('advice')\n"
WEAK = "WEAK = weakref.WeakKeyDictionary()\n"
WEAK_VALUES = "KEY, WEAK = Thing(), weakref.WeakValueDictionary()\n"
PLUGIN = """
class Plugin: ...
KEPT.append(Plugin)
Plugin.thing = thing
"""
FRAME = """
def make():
    thing = Thing()
    KEPT.append(sys._getframe())
    return thing

def test_it(assert_collected):
    assert_collected(make())
"""
CASES = [
    line(
        "unaccounted",
        "mend the extension call",
        "take(thing)",
        "take(thing)\ngive_back(thing)",
        "take, give_back = ctypes.pythonapi.Py_IncRef, ctypes.pythonapi.Py_DecRef\n"
        "take.argtypes = give_back.argtypes = [ctypes.py_object]\n",
    ),
    whole("fixture", "drop it", FIXTURE, FIXTURE + "    box.clear()\n"),
    whole("fixture", "give it the test's scope", FIXTURE, FIXTURE.replace('(scope="module")', "")),
    line(
        "finalizer", "a function and data", "weakref.finalize(thing, thing.hear)", "weakref.finalize(thing, print, 1)"
    ),
    line(
        "finalizer",
        "data that know nothing of it",
        "weakref.finalize(thing, print, [thing])",
        "weakref.finalize(thing, print, [thing.name])",
    ),
    line(
        "atexit",
        "unregister",
        "atexit.register(thing.hear)",
        "atexit.register(thing.hear)\natexit.unregister(thing.hear)",
    ),
    line("atexit", "finalize", "atexit.register(thing.hear)", "weakref.finalize(thing, print, thing.name)"),
    line(
        "patched attribute",
        "stop",
        "patcher = mock.patch.object(MAILER, 'send')\npatcher.start()\nMAILER.send(thing)",
        "patcher = mock.patch.object(MAILER, 'send')\npatcher.start()\nMAILER.send(thing)\npatcher.stop()",
        PATCH,
    ),
    line(
        "patched attribute",
        "reset",
        "mock.patch(f'{__name__}.MAILER').start()\nMAILER.send(thing)",
        "mock.patch(f'{__name__}.MAILER').start()\nMAILER.send(thing)\nMAILER.reset_mock()",
        PATCH,
    ),
    whole(
        "lru_cache",
        "cached_property",
        LRU,
        LRU.replace("lru_cache", "cached_property")
        .replace("(self, discount)", "(self)")
        .replace("discount", "20")
        .replace("total(20)", "total"),
    ),
    whole(
        "lru_cache",
        "a dict of its own",
        LRU,
        """
        class Invoice:
            def __init__(self): self.totals = {}
            def total(self, discount): return self.totals.setdefault(discount, 100 - discount)

        def test_it(assert_collected):
            assert assert_collected(Invoice()).total(20) == 80
        """,
    ),
    whole(
        "lru_cache",
        "key by what is needed",
        LRU,
        """
        @functools.lru_cache
        def total(discount): return 100 - discount

        class Invoice:
            def total(self, discount): return total(discount)

        def test_it(assert_collected):
            assert assert_collected(Invoice()).total(20) == 80
        """,
    ),
    line(
        "lru_cache",
        "cache_clear",
        "size(thing)",
        "size(thing)\nsize.cache_clear()",
        "@functools.lru_cache\ndef size(thing): return 1\n",
    ),
    *(
        line("entry of sys.modules", cure, "sys.modules['plugin'] = thing", mended)
        for cure, mended in (
            ("delete", "sys.modules['plugin'] = thing\ndel sys.modules['plugin']"),
            ("monkeypatch", "with pytest.MonkeyPatch.context() as patch: patch.setitem(sys.modules, 'plugin', thing)"),
        )
    ),
    line(
        "thread-local",
        "delete",
        "LOCAL.thing = thing",
        "LOCAL.thing = thing\ndel LOCAL.thing",
        "LOCAL = threading.local()\n",
    ),
    line(
        "context variable",
        "reset",
        "VARIABLE.set(thing)",
        "token = VARIABLE.set(thing)\nVARIABLE.reset(token)",
        "VARIABLE = contextvars.ContextVar('variable')\n",
    ),
    *(
        line(
            "traceback",
            cure,
            "try: fail(thing)\nexcept ValueError as error: KEPT.append(error)",
            f"try: fail(thing)\nexcept ValueError as error:\n    {stored}",
            RAISE,
        )
        for cure, stored in (
            ("store the text", "KEPT.append(str(error))"),
            ("clear the traceback", "error.__traceback__ = None; KEPT.append(error)"),
        )
    ),
    line("exception", "store what is needed", "KEPT.append(KeyError(thing))", "KEPT.append(KeyError(thing.name))"),
    line("exception", "drop", "KEPT.append(KeyError(thing))", "KEPT.append(KeyError(thing))\nKEPT.pop()"),
    whole(
        "thread",
        "end and join",
        SERVE_ARGUMENT.format(args="assert_collected(Thing())", then="pass"),
        SERVE_ARGUMENT.format(args="assert_collected(Thing())", then="stop.set(); thread.join()"),
    ),
    whole("thread", "drop the variable", SERVE_QUEUE.format(drop="pass"), SERVE_QUEUE.format(drop="del thing")),
    whole(
        "asyncio task",
        "cancel and await",
        TASK.format(then="pass"),
        TASK.format(then="task.cancel(); await asyncio.wait([task])"),
    ),
    whole("asyncio loop", "cancel the handle", TIMER.format(then="pass"), TIMER.format(then="handle.cancel()")),
    whole("asyncio loop", "stop the periodic call", PERIODIC.format(is_on=True), PERIODIC.format(is_on=False)),
    whole(
        "future callback",
        "remove",
        FUTURE.format(then=""),
        FUTURE.format(then="future.remove_done_callback(thing.hear)"),
    ),
    whole(
        "future callback",
        "cancel",
        FUTURE.format(then=""),
        FUTURE.format(then="future.cancel(); await asyncio.sleep(0)"),
    ),
    *(
        line(
            "generator",
            cure,
            "job = steps(thing)\nnext(job)\nKEPT.append(job)",
            f"job = steps(thing)\nnext(job)\nKEPT.append(job)\n{end}",
            GENERATOR,
        )
        for cure, end in (("close", "job.close()"), ("run to the end", "list(job)"))
    ),
    whole(
        "coroutine",
        "cancel its task",
        COROUTINE,
        COROUTINE
        + """
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError): LOOP.run_until_complete(task)
    KEPT.remove(task)
""",
    ),
    line(
        "coroutine",
        "await",
        "KEPT.append(work(thing))",
        "KEPT.append(work(thing))\nasyncio.run(KEPT[-1])",
        UNAWAITED,
    ),
    whole(
        "async generator", "aclose", ASYNC_GENERATOR, ASYNC_GENERATOR + "    LOOP.run_until_complete(made.aclose())\n"
    ),
    *(
        line("bound method", cure, "LISTENERS.append(thing.hear)", mended, f"LISTENERS = []\n{shared}")
        for cure, mended, shared in (
            ("WeakMethod", "LISTENERS.append(weakref.WeakMethod(thing.hear))", ""),
            ("WeakSet", "OBSERVERS.add(thing)", "OBSERVERS = weakref.WeakSet()\n"),
            ("unregister", "LISTENERS.append(thing.hear)\nLISTENERS.remove(thing.hear)", ""),
        )
    ),
    whole(
        "default argument",
        "make it inside",
        "def use(thing, all=[]): all.append(thing)",
        "def use(thing, all=None): all = [thing]",
    ),
    *(
        line("closure variable", cure, "KEPT.append(lambda: thing)", mended)
        for cure, mended in (
            ("pass a weak reference in", "seen = weakref.ref(thing)\nKEPT.append(lambda: seen())"),
            ("drop the function", "KEPT.append(lambda: thing)\nKEPT.pop()"),
        )
    ),
    line("mock", "reset", "MAILER.send(thing)", "MAILER.send(thing)\nMAILER.reset_mock()", MOCK),
    line("mock", "make it anew", "MAILER.send(thing)", "mock.Mock().send(thing)", MOCK),
    line(
        "partial",
        "weak reference",
        "KEPT.append(functools.partial(print, thing))",
        "KEPT.append(functools.partial(print, weakref.ref(thing)))",
    ),
    line("partial", "drop", "KEPT.append(functools.partial(print, thing))", "functools.partial(repr, thing)()"),
    whole(
        "running frame",
        "return",
        """
        def test_it(assert_collected):
            thing = assert_collected(Thing())
            assert_collected.now()
        """,
        """
        def work(assert_collected):
            thing = assert_collected(Thing())

        def test_it(assert_collected):
            work(assert_collected)
            assert_collected.now()
        """,
    ),
    whole("local variable", "drop the frame", FRAME, FRAME + "    KEPT.pop()\n"),
    whole("local variable", "clear the frame", FRAME, FRAME + "    KEPT[-1].clear()\n"),
    line(
        "local variable",
        "drop the traceback",
        "try: fail(thing)\nexcept ValueError as error: KEPT.append(error.__traceback__)",
        "try: fail(thing)\nexcept ValueError as error: KEPT.append(error.__traceback__)\nKEPT.pop()",
        RAISE,
    ),
    *(
        Case("logger", cure, f"def use(thing): {leaky}", f"def use(thing): {leaky}; {end}", LOGGER, made)
        for cure, leaky, end, made in (
            ("removeHandler", "LOG.addHandler(thing)", "LOG.removeHandler(thing)", "Handler"),
            ("removeFilter", "LOG.addFilter(thing)", "LOG.removeFilter(thing)", "Thing"),
        )
    ),
    line(
        "dict key",
        "WeakKeyDictionary",
        "NOTES[thing] = 1",
        "WEAK[thing] = 1",
        "NOTES = {}\nWEAK = weakref.WeakKeyDictionary()\n",
    ),
    line("dict key", "delete", "NOTES[thing] = 1", "NOTES[thing] = 1\ndel NOTES[thing]", "NOTES = {}\n"),
    line(
        "dict item",
        "WeakValueDictionary",
        "CACHE[1] = thing",
        "WEAK[1] = thing",
        "CACHE = {}\nWEAK = weakref.WeakValueDictionary()\n",
    ),
    line("dict item", "delete", "CACHE[1] = thing", "CACHE[1] = thing\ndel CACHE[1]", "CACHE = {}\n"),
    line(
        "weakly keyed item",
        "let no value lead back to its key",
        "WEAK[thing] = [thing, 1]",
        "WEAK[thing] = [weakref.ref(thing), 1]",
        "WEAK = weakref.WeakKeyDictionary()\n",
    ),
    *(
        line("weakly keyed item", "hold the key weakly", f"WEAK[thing] = {leaky}", f"WEAK[thing] = {mended}", WEAK)
        for leaky, mended in (
            ("lambda: thing", "lambda seen=weakref.ref(thing): seen()"),
            ("thing.hear", "weakref.WeakMethod(thing.hear)"),
            ("functools.partial(print, thing)", "functools.partial(print, weakref.ref(thing))"),
        )
    ),
    *(
        line("item by a weak key", cure, "WEAK[KEY] = thing", mended, f"KEY = Thing()\n{WEAK}")
        for cure, mended in (
            ("delete", "WEAK[KEY] = thing\ndel WEAK[KEY]"),
            ("hold the value weakly", "WEAK[KEY] = weakref.ref(thing)"),
        )
    ),
    line("part of a dict key", "a name of it", "NOTES[thing, 1] = 1", "NOTES[id(thing), 1] = 1", "NOTES = {}\n"),
    line("part of a dict key", "delete", "NOTES[thing, 1] = 1", "NOTES[thing, 1] = 1\nNOTES.clear()", "NOTES = {}\n"),
    line("weakly valued key", "a name of it", "WEAK[thing] = KEY", "WEAK[id(thing)] = KEY", WEAK_VALUES),
    line("weakly valued key", "delete", "WEAK[thing] = KEY", "WEAK[thing] = KEY\ndel WEAK[thing]", WEAK_VALUES),
    line("set element", "WeakSet", "SET.add(thing)", "WEAK.add(thing)", "SET = set()\nWEAK = weakref.WeakSet()\n"),
    line("set element", "discard", "SET.add(thing)", "SET.add(thing)\nSET.discard(thing)", "SET = set()\n"),
    line("list item", "remove", "KEPT.append(thing)", "KEPT.append(thing)\nKEPT.remove(thing)"),
    line("list item", "weak references", "KEPT.append(thing)", "KEPT.append(weakref.ref(thing))"),
    line(
        "deque item",
        "take it out",
        "QUEUE.append(thing)",
        "QUEUE.append(thing)\nQUEUE.popleft()",
        "QUEUE = collections.deque()\n",
    ),
    line(
        "deque item",
        "weak references",
        "QUEUE.append(thing)",
        "QUEUE.append(weakref.ref(thing))",
        "QUEUE = collections.deque()\n",
    ),
    line("attribute of a class in a container", "take the class out", PLUGIN, f"{PLUGIN}KEPT.remove(Plugin)"),
    line("attribute of a class in a container", "delete the attribute", PLUGIN, f"{PLUGIN}del Plugin.thing"),
    line("class attribute", "delete", "Handler.current = thing", "Handler.current = thing\ndel Handler.current"),
    line("module global", "delete", "global CURRENT\nCURRENT = thing", "global CURRENT\nCURRENT = thing\ndel CURRENT"),
    line(
        "module global",
        "weak reference",
        "global CURRENT\nCURRENT = thing",
        "global CURRENT\nCURRENT = weakref.ref(thing)",
    ),
    line(
        "attribute", "clear", "HOLDER.thing = thing", "HOLDER.thing = thing\nHOLDER.thing = None", "HOLDER = Thing()\n"
    ),
    line(
        "attribute", "weak reference", "HOLDER.thing = thing", "HOLDER.thing = weakref.ref(thing)", "HOLDER = Thing()\n"
    ),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Return what became of each case, leaky and mended: a report, another failure, or the empty string."""
    folder = tmp_path_factory.mktemp("cases")
    for number, case in enumerate(CASES):
        for side in ("leaky", "mended"):
            body = case.shared + "\n\n" + getattr(case, side)
            test = "" if "def test_it" in body else TEST.format(made=case.made)
            (folder / f"test_{side}_{number}.py").write_text(PRELUDE + body + test)
    results = folder / "results.xml"
    others = [part for name in ("anyio", "asyncio", "flaky", "rerunfailures", "xdist") for part in ("-p", f"no:{name}")]
    # A case may need what this interpreter has not.
    options = ["-q", "-p", "no:cacheprovider", *others, "--continue-on-collection-errors", f"--junit-xml={results}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "."],
        cwd=folder,
        env=surroundings.plain(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert results.exists(), done.stdout + done.stderr
    return {
        each.get("classname"): " ".join(
            re.sub(r"^E ", "", "".join(part.text or "" for part in each), flags=re.MULTILINE).split()
        )
        for each in ET.parse(results).iter("testcase")  # noqa: S314 - written by the pytest above
    }


def named(case):
    return re.sub(r"\W+", "-", f"{case.kind} {case.cure}")


@pytest.mark.parametrize(("number", "case"), [pytest.param(*each, id=named(each[1])) for each in enumerate(CASES)])
def test_advice_is_given_and_cures(told, number, case):
    """The leaky form is told the advice of its kind; the form that follows it leaks no more."""
    assert ADVICE[case.kind] in told[f"test_leaky_{number}"]
    assert told[f"test_mended_{number}"] == ""


def test_advice_is_on_the_container_that_holds_the_object(suite):
    """A list in a dict: what keeps the object is the list, and no WeakValueDictionary takes a list as its value."""
    result = suite.run("""
        EVENTS = {"changed": []}

        def test_it(assert_collected):
            EVENTS["changed"].append(assert_collected(Thing()))
        """)

    assert ADVICE["list item"] in " ".join(result.stdout.str().split())


BY_THE_KEY = """
CACHE = {}

def test_it(assert_collected):
    CACHE[1, (assert_collected(Thing()), 2)] = 3
"""
A_KEY_OF_ONES_OWN = """
class Key(list):
    __hash__ = object.__hash__

CACHE = {}

def test_it(assert_collected):
    CACHE[Key([assert_collected(Thing())])] = 3
"""
IN_A_CLOSURE = """
def memoized(function):
    cache = {}

    def call(*args):
        cache[args] = function(*args)
        return cache[args]

    return call

@memoized
def size(thing): return 1

def test_it(assert_collected):
    size(assert_collected(Thing()))
"""
BY_THE_FUNCTION_OF_A_METHOD = """
def put_into(kept):
    def put(self, thing): kept["last"] = thing
    return put

class Store: ...

Store.put = put_into({})
PUT = Store().put

def test_it(assert_collected):
    PUT(assert_collected(Thing()))
"""
ATTRIBUTE_OF_A_KEY = """
class Call: ...

CACHE = {}

def test_it(assert_collected):
    call = Call()
    call.argument = assert_collected(Thing())
    CACHE[call] = 3
"""

BY_A_WEAK_KEY_THAT_LIVES = """
import weakref

KEY, WEAK = Thing(), weakref.WeakKeyDictionary()

def test_it(assert_collected):
    thing = assert_collected(Thing())
    WEAK[KEY] = lambda: thing
"""
BY_A_METACLASS = """
class Registering(type):
    known = {}

    def __init__(cls, name, bases, body): cls.known[name] = cls

def test_it(assert_collected):
    class Plugin(metaclass=Registering):
        thing = assert_collected(Thing())
"""
BY_A_SINGLE_DISPATCH = """
import functools

@functools.singledispatch
def show(obj): ...

def test_it(assert_collected):
    class Plugin:
        thing = assert_collected(Thing())

    show.register(Plugin)(print)
"""
BY_AN_OBJECT_OF_A_CLASS = """
PLUGINS = []

def test_it(assert_collected):
    class Plugin:
        thing = assert_collected(Thing())

    PLUGINS.append(Plugin())
"""
IN_A_LIST_BELOW_A_THREAD_LOCAL = """
import threading

class App:
    def __init__(self): self.hooks = []

LOCAL = threading.local()
LOCAL.app = App()

def test_it(assert_collected):
    LOCAL.app.hooks.append(assert_collected(Thing()))
"""
IN_A_KEY_BELOW_A_THREAD_LOCAL = """
import threading

LOCAL = threading.local()
LOCAL.cache = {}

def test_it(assert_collected):
    LOCAL.cache[assert_collected(Thing()), 1] = 2
"""
WHAT_A_PATCH_REPLACED = """
import argparse
from unittest import mock

@pytest.fixture(scope="module", autouse=True)
def stopping():
    yield
    mock.patch.stopall()
    del argparse.thing

def test_it(assert_collected):
    argparse.thing = assert_collected(Thing())
    mock.patch.object(argparse, "thing", 1).start()
"""


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (BY_THE_KEY, "part of a dict key"),
        (A_KEY_OF_ONES_OWN, "part of a dict key"),
        (IN_A_CLOSURE, "part of a dict key"),
        (BY_THE_FUNCTION_OF_A_METHOD, "dict item"),
        (ATTRIBUTE_OF_A_KEY, "attribute"),
        (BY_A_WEAK_KEY_THAT_LIVES, "closure variable"),
        (BY_A_METACLASS, "attribute of a class in a container"),
        (BY_A_SINGLE_DISPATCH, "attribute of a class in a container"),
        (BY_AN_OBJECT_OF_A_CLASS, "attribute of a class in a container"),
        (IN_A_LIST_BELOW_A_THREAD_LOCAL, "list item"),
        (IN_A_KEY_BELOW_A_THREAD_LOCAL, "part of a dict key"),
        (WHAT_A_PATCH_REPLACED, "patched attribute"),
    ],
)
def test_advice_is_on_what_holds_the_object_not_on_what_leads_there(suite, source, kind):
    """A function whose variable is a dict, the parts of a key, and a method whose object is another are on the way."""
    assert ADVICE[kind] in " ".join(suite.run(source).stdout.str().split())


def test_each_advice_has_a_case():
    """No advice is given that was never tried."""
    assert {case.kind for case in CASES} == set(ADVICE)
