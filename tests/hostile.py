"""Leaks amid objects whose every method misbehaves; run as a script, it prints which of them a report woke, as JSON.

A method of a hostile object does what its base does until `misbehaving`; from then on it is noted and never comes back.
Each case is a function that leaves what it is given alive, or leaves and returns a survivor of its own.
"""

import asyncio
import atexit
import collections
import collections.abc
import contextlib
import contextvars
import enum
import functools
import gc
import json
import logging
import re
import resource
import signal
import sys
import threading
import time
import traceback
import types
import unittest.mock
import warnings
import weakref

from pytest_leakcheck import describe
from pytest_leakcheck.explaining.explain import examine
from pytest_leakcheck.heap.below import below
from pytest_leakcheck.model import Report, Survivor
from pytest_leakcheck.render.graph import draw
from pytest_leakcheck.render.text import headline, render, render_alive

EVIL = "x\x1b[31m\r\n\x07\u202e\ud800"
BIG = "n" * 10_000_000
SECONDS = 5
MOST_MEGABYTES = 60
"""What all cases may take at their peak beyond what they make themselves; one call of a hostile method takes more."""

CASES = {}
woken = []
watch = {"is_on": False}
app = types.ModuleType("app")


class Hung(BaseException):
    """A case took more than its time."""


def misbehave(name):
    woken.append(name)
    watch.setdefault("ballast", []).append(bytearray(100_000_000))
    while True:
        time.sleep(0.1)


@contextlib.contextmanager
def misbehaving():
    woken.clear()
    watch["is_on"] = True
    try:
        yield
    finally:
        watch["is_on"] = False


def _guarded(base, name):
    real = getattr(base, name)

    def method(*args, **kwargs):
        if watch["is_on"]:
            misbehave(f"{base.__name__}.{name}")
        return real(*args, **kwargs)

    return method


_LEFT = {
    *("__new__", "__init__", "__init_subclass__", "__subclasshook__", "__class_getitem__", "__class__", "__del__"),
    *("__prepare__", "fromkeys", "maketrans", "from_bytes", "fromhex"),
}


def methods_of(base):
    """Return all methods of a class, each of which misbehaves."""
    return {
        name: _guarded(base, name) for name in dir(base) if name not in _LEFT and callable(getattr(base, name, None))
    }


def _missing(_, name):
    if watch["is_on"]:
        misbehave("__getattr__")
    raise AttributeError(name)


def lie(name, honest=None):
    """Return a property that misbehaves."""
    return property(lambda obj: misbehave(name) if watch["is_on"] else honest(obj) if honest else None)


Meta = type(
    "Meta", (type,), {**methods_of(type), "__module__": lie("meta __module__"), "__name__": lie("meta __name__")}
)


def hostile(base=object, **more):
    """Return a class all of whose methods, its metaclass's included, misbehave."""
    body = {**methods_of(base), "__module__": "app", "__getattr__": _missing, **more}
    body["__class__"] = lie("__class__", type)
    meta = Meta if type(base) is type else type("MetaOfOther", (Meta, type(base)), {})
    return type.__call__(meta, f"Hostile{base.__name__}", (base,), body)


Text = hostile(str)
Hostile = hostile()
Dict, List, Tuple, Set, Deque = map(hostile, (dict, list, tuple, set, collections.deque))
Number, Bytes = hostile(int), hostile(bytes)


class Thing:
    pass


def case(make):
    """Enter a case under its name, in words."""
    CASES[make.__name__.replace("_", " ")] = make
    return make


def holding(thing):
    """Return an object with a usual `__dict__` that holds `thing`."""
    holder = Thing()
    holder.thing = thing
    return holder


@case
def holder_and_survivor(thing):
    app.kept = holder = Hostile()
    object.__setattr__(holder, "thing", Hostile())
    return vars(holder)["thing"] if type(vars(holder)) is dict else None


@case
def containers(thing):
    app.kept = Dict({1: List([Tuple((Deque([thing]),))])})


@case
def set_of_hostile_ones(thing):
    app.kept = Set([Hostile(), thing])


@case
def hostile_keys_beside_it(thing):
    app.kept = {Text("a"): 1, Hostile(): 2, Number(3): 4, Bytes(b"x"): thing, (Text("b"),): 5}


@case
def text_for_a_key(thing):
    app.kept = {Text("key"): thing}


@case
def text_in_a_tuple_for_a_key(thing):
    app.kept = {(Text("key"), Number(1)): thing}


@case
def member_of_an_enum_for_a_key(thing):
    meta = type("EnumMeta", (enum.EnumMeta,), {"__getattribute__": _guarded(enum.EnumMeta, "__getattribute__")})
    body = {name: _guarded(int, name) for name in ("__eq__", "__hash__", "__repr__", "__str__", "__getattribute__")}
    kind = type.__new__(meta, "Number", (int,), body)
    one, other = int.__new__(kind, 1), int.__new__(kind, 2)
    vars(one)["_name_"], vars(other)["_name_"] = "ONE", Text("OTHER")
    app.kept = {one: 1, (one, other): thing}


@case
def named_tuple_for_a_key(thing):
    kind = hostile(tuple, _fields=("x", "y"))
    app.kept = {kind([1, Text("b")]): thing}


@case
def text_for_an_attribute(thing):
    app.kept = holder = Thing()
    vars(holder)[Text("name")] = thing


@case
def text_for_a_global(thing):
    vars(app)[Text("kept")] = thing


@case
def hostile_instance_dict(thing):
    app.kept = holder = Thing()
    holder.__dict__ = Dict({"thing": thing})


@case
def text_for_a_class_attribute(thing):
    app.kept = type("Kind", (), {Text("attribute"): thing})


@case
def qualified_name_of_a_class(thing):
    kind = type("Kind", (), {"__qualname__": Text("Kind"), "__module__": "app"})
    app.kept = kind()
    app.kept.thing = thing
    return app.kept


@case
def module_name_of_a_class(thing):
    app.kept = type("Kind", (), {"__module__": Text("app")})()
    return app.kept


@case
def name_of_a_function(thing):
    def inner():
        return thing

    inner.__qualname__, inner.__name__, inner.__module__ = Text("inner"), Text("inner"), Text("app")
    inner.__code__ = inner.__code__.replace(co_name=Text("inner"), co_filename=Text("file.py"))
    app.kept = inner


@case
def name_of_a_method(thing):
    class Owner:
        def method(self):
            pass

    Owner.method.__name__ = Text("method")
    app.kept = Owner().method
    app.kept.__self__.thing = thing


@case
def name_of_a_generator(thing):
    def inner(value):
        yield value

    app.kept = inner(thing)
    next(app.kept)
    app.kept.__qualname__ = Text("inner")


@case
def names_of_the_code_of_a_generator(thing):
    def inner(value):
        yield value

    inner.__code__ = inner.__code__.replace(co_name=Text("inner"), co_filename=Text("file.py"))
    app.kept = inner(thing)
    next(app.kept)


@case
def defaults(thing):
    def inner(value=None):
        return value

    inner.__defaults__ = Tuple((thing,))
    app.kept = inner


@case
def more_defaults_than_arguments(thing):
    def inner(value=None):
        return value

    inner.__defaults__ = (thing, 2, 3, 4)
    app.kept = inner


@case
def keyword_defaults(thing):
    def inner(*, value=None):
        return value

    inner.__kwdefaults__ = Dict({Text("value"): thing})
    app.kept = inner


@case
def closure(thing):
    def inner():
        return thing

    app.kept = types.FunctionType(inner.__code__, {}, "inner", None, Tuple(inner.__closure__))


@case
def bases(thing):
    base = type("Base", (), {})
    app.kept = type("Kind", Tuple((base,)), {})
    return base


@case
def slot_called_maxlen(thing):
    app.kept = hostile(collections.deque, __slots__=("maxlen",))([thing])
    collections.deque.__base__.__setattr__(app.kept, "maxlen", Number(3))


@case
def slot_called_args(thing):
    kind = hostile(Exception, __slots__=("args",))
    app.kept = kind()
    kind.__dict__["args"].__set__(app.kept, List([thing]))


@case
def slot_named_by_text(thing):
    slotted = type("Slotted", (), {"__slots__": ("x",)})
    app.kept = slotted()
    app.kept.x = thing
    app.other = type("Kind", (slotted,), {Text("x"): vars(slotted)["x"]})()


@case
def liar_of_asyncio(thing):
    kind = type("Task", (), {"__slots__": ("_callbacks", "__dict__"), "__module__": "_asyncio"})
    app.kept = kind()
    app.kept._callbacks = List([thing])
    return app.kept._callbacks


@case
def liar_of_contexts(thing):
    kind = hostile(__module__="builtins", __qualname__="hamt")
    app.kept = kind()
    object.__setattr__(app.kept, "thing", thing)


@case
def liar_of_pytest(thing):
    kind = hostile(__module__="_pytest.fixtures", __qualname__="FixtureDef")
    app.kept = kind()
    object.__setattr__(app.kept, "thing", thing)


@case
def named_tuple_with_hostile_fields(thing):
    app.kept = type("Row", (tuple,), {"_fields": Tuple((Text("a"),))})((thing,))


@case
def named_tuple_with_hostile_names(thing):
    app.kept = type("Row", (tuple,), {"_fields": (Text("a"),)})((thing,))


@case
def lru_cache_with_parameters_of_its_own(thing):
    def cached(_=None):
        return thing

    app.kept = functools.lru_cache(maxsize=3)(cached)
    app.kept.cache_parameters = lambda: misbehave("cache_parameters")
    app.kept()
    return thing


@case
def lru_cache_with_a_hostile_dict(thing):
    app.kept = functools.lru_cache(maxsize=3)(lambda: thing)
    app.kept()
    app.kept.__dict__ = Dict(app.kept.__dict__)


@case
def size_that_clears(thing):
    kind = type("Clears", (dict,), {"__sizeof__": dict.clear})
    app.kept = kind(thing=1)
    found = [app.kept]
    return lambda _: (look(found), _assert_equal(len(found[0]), 1))


@case
def class_of_mappings(thing):
    app.kept = [hostile(collections.UserDict), thing]
    collections.abc.Mapping.register(type("Other", (), {}))  # from here on, what is a mapping is to be found out anew


@case
def mapping_behind_a_proxy(thing):
    app.kept = types.MappingProxyType(Dict({"a": thing}))


@case
def odd_mapping_behind_a_proxy(thing):
    app.kept = types.MappingProxyType(hostile(collections.UserDict, a=1)({"a": thing}))


@case
def context_variable(thing):
    contextvars.ContextVar(Text("variable")).set(thing)


@case
def default_of_a_context_variable(thing):
    app.kept = contextvars.ContextVar(Text("variable"), default=thing)


@case
def callback_of_a_weak_reference(thing):
    kind = hostile(__call__=lambda *_: None)
    app.alive = Thing()
    app.kept = weakref.ref(app.alive, callback := kind())
    object.__setattr__(callback, "thing", thing)


@case
def weakly_keyed(thing):
    app.alive = hostile()()
    app.kept = weakref.WeakKeyDictionary({app.alive: thing})


@case
def dead_and_living_proxies(thing):
    gone, app.alive = Thing(), Hostile()
    app.kept = [weakref.proxy(gone), weakref.proxy(app.alive), thing]


@case
def mocks(thing):
    app.kept = unittest.mock.MagicMock(side_effect=lambda *_: misbehave("mock") if watch["is_on"] else None)
    app.kept(thing, Hostile())


@case
def mock_for_a_class(thing):
    app.kept = unittest.mock.MagicMock(spec=Thing)
    return app.kept


@case
def int_of_a_million_digits(thing):
    app.kept = {1 << 4_000_000: thing}


@case
def tuples_in_tuples(thing):
    key = (1, 2)
    for _ in range(4):
        key = (key,) * 4
    app.kept = {key: thing}


@case
def deep_tuples(thing):
    key = (1,)
    for _ in range(5_000):
        key = (key,)
    app.kept = {key: thing}


@case
def wide_tuples(thing):
    key = ("k" * 1000,)
    for _ in range(9):
        key = (key,) * 4
    app.kept = {"a": {key: thing}}


@case
def big_class(thing):
    app.kept = type("K", (), {"__qualname__": BIG, "__module__": BIG})()
    return app.kept


@case
def big_names_all_the_way(thing):
    def inner():
        return thing

    inner.__code__ = inner.__code__.replace(co_name=BIG, co_filename=BIG)
    inner.__qualname__ = BIG
    vars(app)[BIG] = {BIG: inner}


@case
def unlisted_module_with_an_evil_name(thing):
    app.kept = module = types.ModuleType(EVIL)
    module.thing = thing


@case
def unlisted_module_with_a_big_name(thing):
    app.kept = module = types.ModuleType(BIG)
    module.thing = thing


@case
def evil_names(thing):
    def inner(value):
        yield value

    inner.__code__ = inner.__code__.replace(co_name=EVIL, co_filename=EVIL[:-1], co_varnames=(EVIL,))
    app.kept = inner(thing)
    next(app.kept)


@case
def names_that_end_a_label(thing):
    app.kept = holder = Thing()
    vars(holder)['a"b\\'] = {'"];\\n': thing}


@case
def half_made_module(thing):
    module = types.ModuleType.__new__(types.ModuleType)
    sys.modules["half"] = module
    app.kept = [module, thing]


@case
def lazy_module(thing):
    kind = hostile(types.ModuleType)
    sys.modules["lazy"] = kind("lazy")
    vars_of = types.ModuleType.__dict__["__dict__"].__get__
    vars_of(sys.modules["lazy"])["kept"] = thing


@case
def no_modules_at_all(thing):
    sys.modules.update({"none": None, "number": 3, "text": Text("text"), "object": Hostile(), "class": Hostile})
    sys.modules[EVIL], sys.modules[Text("app.sub")] = types.ModuleType("evil"), types.ModuleType("app.sub")
    app.kept = thing


@case
def module_with_lies_for_names(thing):
    module = types.ModuleType("lying")
    vars(module).update(__name__=Text("lying"), __file__=Hostile(), __path__=Hostile(), __spec__=Hostile())
    sys.modules["lying"] = module
    module.kept = thing


@case
def module_asyncio(thing):
    sys.modules["asyncio"] = hostile()()
    app.kept = thing


@case
def module_logging(thing):
    real = sys.modules["logging"]
    sys.modules["logging"] = lazy = hostile(types.ModuleType)("logging")
    types.ModuleType.__dict__["__dict__"].__get__(lazy).update(vars(real))
    app.kept = logging.getLogger("shop")
    app.kept.thing = thing


@case
def logger(thing):
    app.kept = logging.getLogger(EVIL)
    app.kept.thing = thing


@case
def hostile_logger(thing):
    kind = hostile(logging.Logger)
    app.kept = kind("hostile")
    object.__setattr__(app.kept, "thing", thing)


@case
def globals_of_a_running_frame(thing):
    names = Dict({"held": [thing], "__builtins__": __builtins__, "__name__": "odd"})
    exec("def run(check):\n  value = held\n  return check()", names)
    return types.FunctionType(dict.__getitem__(names, "run").__code__, names)


@case
def namespace_of_a_class_body(thing):
    """Keep the traceback through a class body whose ``__prepare__`` gave a mapping of its own."""
    kept = hostile(collections.UserDict)()
    meta = type("Prepares", (type,), {"__prepare__": classmethod(lambda *_: kept)})
    try:

        class Body(metaclass=meta):
            local = thing

            def method(self):
                return __class__

            raise ValueError(local)  # noqa: TRY301 - in the body
    except ValueError as error:
        app.kept = error
        app.kept.args = ()


@case
def thread(thing):
    kind = type("Odd", (threading.Thread,), {"name": lie("thread name", lambda t: "odd")})
    kind.name = kind.name.setter(lambda *_: None)
    holder, started = [thing], threading.Event()

    def run():
        local = holder.pop()
        started.set()
        stop.wait()
        del local

    odd = kind(target=run, daemon=True)
    vars(odd)["_name"] = Text("odd")
    odd.start()
    started.wait()


@case
def thread_with_a_hostile_dict(thing):
    odd = threading.Thread(target=stop.wait, daemon=True)
    odd.thing = thing
    odd.start()
    odd.__dict__ = Dict(odd.__dict__)


@case
def name_of_a_task(thing):
    return in_a_task(thing, Text("task"))


@case
def evil_name_of_a_task(thing):
    return in_a_task(thing, EVIL)


@case
def big_name_of_a_task(thing):
    return in_a_task(thing, BIG)


@case
def hostile_loop(thing):
    kind = hostile(asyncio.SelectorEventLoop)
    return in_a_task(thing, "task", kind)


class Named:
    """Its text is a hostile one, which a task takes for its name."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


def in_a_task(thing, name, loop=asyncio.SelectorEventLoop):
    async def wait(held):
        local = held.pop()
        await asyncio.sleep(60)
        del local

    def run(check):
        async def main(held):
            task = asyncio.ensure_future(wait(held))
            task.set_name(Named(name))
            await asyncio.sleep(0)
            watch["task"] = weakref.ref(task)
            check()
            task.cancel()

        running = loop()
        try:
            running.run_until_complete(main([held.pop()]))
        finally:
            running.close()

    held = [thing]
    return run


@case
def atexit_callback(thing):
    callback = hostile(__call__=lambda _: None)()
    object.__setattr__(callback, "thing", thing)
    number = atexit._ncallbacks()
    atexit.register(callback)
    return lambda look: (look(), _assert_equal(atexit._ncallbacks(), number + 1))


@case
def atexit_callback_equal_to_all(thing):
    def method(*_):
        woken.append("__eq__")
        return True

    kind = type("Equal", (), {"__call__": lambda self: None, "__eq__": method, "__hash__": object.__hash__})
    callback = kind()
    callback.thing = thing
    number = atexit._ncallbacks()
    atexit.register(callback)
    return lambda look: (look(), _assert_equal(atexit._ncallbacks(), number + 1))


def _assert_equal(found, wanted):
    assert found == wanted, (found, wanted)


@case
def collector_callback(thing):
    gc.callbacks.append(callback := hostile(__call__=lambda *_: None)())
    object.__setattr__(callback, "thing", thing)


@case
def signal_handler(thing):
    handler = hostile(__call__=lambda *_: None)()
    object.__setattr__(handler, "thing", thing)
    signal.signal(signal.SIGUSR1, handler)


@case
def recorder_of_warnings(thing):
    warnings._showwarnmsg_impl = Hostile()
    app.kept = thing


@case
def exception(thing):
    error = hostile(ValueError)(thing)
    app.kept = error


@case
def traceback_of_an_exception(thing):
    def inner():
        local = thing
        raise hostile(ValueError)(local)

    try:
        inner()
    except BaseException as error:
        app.kept = error


@case
def partial(thing):
    app.kept = hostile(functools.partial)(print, thing)


@case
def lying_order_of_bases(thing):
    class Foreign:
        __slots__ = ()

    meta = type("Orders", (type,), {"mro": lambda kind: [kind, Foreign, object]})
    app.kept = meta("Kind", (), {})()
    app.kept.thing = thing


@case
def order_of_bases_without_object(thing):
    meta = type("Orders", (type,), {"mro": lambda kind: [kind]})
    app.kept = meta("Kind", (), {"thing": thing})


@case
def lazy_attributes(thing):
    kind = hostile(lazy=lie("lazy"))
    app.kept = kind()
    object.__setattr__(app.kept, "thing", thing)


@case
def resurrecting(thing):
    class Phoenix:
        def __del__(self):
            app.kept = [self]

    Phoenix()
    return app.kept[0]


stop = threading.Event()


def restore():
    """Undo what a case did to the interpreter."""
    for name in ("half", "lazy", "none", "number", "text", "object", "class", "lying", EVIL):
        sys.modules.pop(name, None)
    for key in [key for key in sys.modules if type(key) is not str]:
        del sys.modules[key]
    sys.modules.update(asyncio=asyncio, logging=logging, app=app)
    vars(app).clear()
    vars(app).update(__name__="app", Thing=Thing)
    warnings._showwarnmsg_impl = SHOW
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    getattr(gc, "callbacks", []).clear()  # which PyPy lacks


SHOW = warnings._showwarnmsg_impl


def look(found):
    """Search for the holders of what `found` has, and tell of them in every way there is."""
    with misbehaving():
        fact = Survivor(describe.type_name(type(found[0])), "made here")
        findings = examine(found, [fact])
        leak = findings[0].leak
        report = Report((leak,))
        texts = [
            render(report),
            render_alive(leak),
            headline(report),
            json.dumps(report.to_plain(), ensure_ascii=False),
        ]
        texts += [draw(leak.trace)] if leak.trace else []
        for line in texts[-1].splitlines() if leak.trace else []:
            assert not re.sub(r"\\.", "", line).count('"') % 2, line
        if findings[0].place is not None:
            findings[0].place.held()
        below(found, {0})
    assert leak.trace is not None, leak.unavailable
    for text in texts:
        assert all(c.isprintable() or c == "\n" for c in text), text
        assert len(text) < 8000, len(text)
        text.encode()
    assert max(map(len, texts[0].splitlines())) <= 80, texts[0]


def check(name):
    """Run one case; return what went wrong."""
    thing, found, problem = Thing(), [], ""
    signal.setitimer(signal.ITIMER_REAL, SECONDS, 0.2)  # again where it was caught
    try:
        restore()
        made = CASES[name](thing)
        is_runner = type(made) is types.FunctionType
        found.append(thing if made is None or is_runner else made)
        del thing
        if is_runner:
            made(lambda: look(found))
        else:
            del made
            look(found)
    except BaseException as error:
        watch["is_on"] = False
        problem = "".join(traceback.format_exception(type(error), None, error.__traceback__))[-1500:] + str(error)[:300]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        watch.pop("ballast", None)
    return f"woke {woken[:3]}: {problem}" if woken else problem


def main():
    """Run all cases and print what went wrong in each, and how much memory they took at their peak."""

    def hung(*_):
        raise Hung

    signal.signal(signal.SIGALRM, hung)
    restore()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    names = sys.argv[1:] or list(CASES)
    wrong = {}
    for name in names:
        sys.stderr.write(f"{name}\n")
        problem = check(name)
        if problem:
            wrong[name] = ascii(problem)
    restore()
    atexit._clear()
    coverage = sys.modules.get("coverage")
    if coverage is not None and coverage.Coverage.current() is not None:
        coverage.Coverage.current().save()  # what would do so at the end is cleared
    taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
    print(json.dumps({"wrong": wrong, "megabytes": taken}))


if __name__ == "__main__":
    main()
