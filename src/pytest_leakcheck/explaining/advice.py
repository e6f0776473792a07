"""What to do about a leak, by the kind of holder: data only.

Each entry is keyed by a kind of link or root as `links` and `roots` name it, most telling first; the first kind in this
order that a trace contains gives its advice.
"""

from __future__ import annotations

ADVICE: dict[str, str] = {
    "unaccounted": (
        "The collector sees no holder: C code keeps a reference, as atexit does to arguments up to CPython 3.13, or a "
        "container of an extension that does not take part in garbage collection. Look at the calls that were given the "
        'object. See: docs, "C holders".'
    ),
    "fixture": 'A wider-scoped fixture keeps it: drop it in the test, or give the fixture the test\'s scope. See: docs, "Fixtures".',
    "finalizer": (
        "weakref.finalize holds its callback and arguments strongly: if they lead back to the object it can't die. Give it "
        'a function and data that know nothing of the object. See: docs, "Finalizers".'
    ),
    "atexit": 'atexit holds its callbacks until the end: atexit.unregister(callback) on close, or weakref.finalize. See: docs, "Finalizers".',
    "patched attribute": (
        "unittest.mock.patch was started and not stopped: call patcher.stop() when done (addCleanup(patcher.stop)), or "
        'reset_mock() where the mock is to stay. See: docs, "Functions".'
    ),
    "weakly keyed item": (
        "A value of a weak dict leads back to its key, which so never dies: let no value lead back to its key, or hold "
        'the key weakly there. See: docs, "Caches".'
    ),
    "lru_cache": (
        "An lru_cache keeps the arguments and results of its calls, on a method every self. Cache on the instance "
        "(functools.cached_property, a dict of its own), key by what is needed alone, or call cache_clear(). "
        'See: docs, "Caches".'
    ),
    "entry of sys.modules": (
        "sys.modules keeps what was imported or entered there: delete the entry when done (monkeypatch.setitem undoes it). "
        'See: docs, "Caches".'
    ),
    "thread-local": 'A thread-local value lives as long as its thread: delete the attribute when done. See: docs, "Threads".',
    "context variable": 'A context variable was set and not reset: call ContextVar.reset(token) when done. See: docs, "Contexts".',
    "traceback": 'A stored exception keeps the frames of its traceback, locals included: store str(e), or clear e.__traceback__. See: docs, "Exceptions".',
    "exception": 'A stored exception keeps it: store what you need of it, or drop the exception. See: docs, "Exceptions".',
    "thread": 'A thread that still runs keeps its locals, target and arguments: end and join it, or drop the variable. See: docs, "Threads".',
    "asyncio task": 'A task that is still pending keeps what its coroutine holds: cancel it and await it. See: docs, "Generators".',
    "asyncio loop": 'The event loop still has it scheduled: cancel the handle or stop the periodic call. See: docs, "Generators".',
    "future callback": 'A future keeps its callbacks until it is done: remove_done_callback(), or cancel it. See: docs, "Generators".',
    "generator": 'A suspended generator keeps its locals: run it to its end or close() it. See: docs, "Generators".',
    "coroutine": 'A suspended coroutine keeps its locals: await it, or cancel, await and drop its task. See: docs, "Generators".',
    "async generator": 'A suspended async generator keeps its locals: await its aclose(). See: docs, "Generators".',
    "bound method": (
        "A callback registry holds its bound method. Hold it weakly (weakref.WeakMethod, a WeakSet of observers), or "
        'unregister it on close. See: docs, "Observers".'
    ),
    "default argument": 'A default argument is made once and shared by all calls: use None and make it inside. See: docs, "Functions".',
    "closure variable": 'An inner function keeps the variables that it uses: pass a weak reference in, or drop the function. See: docs, "Observers".',
    "mock": 'A mock keeps the arguments of all its calls: reset_mock() when done, or make the mock anew for each test. See: docs, "Functions".',
    "partial": 'A functools.partial keeps its arguments: pass a weak reference, or drop the partial. See: docs, "Observers".',
    "running frame": 'A function that is still running has it in a local variable: it goes when the function returns. See: docs, "Threads".',
    "local variable": 'A stored frame or traceback keeps the locals of its function: drop it, or call clear() on the frame. See: docs, "Exceptions".',
    "logger": 'A logger lives for good, and its handlers and filters with it: removeHandler(), removeFilter() on close. See: docs, "Observers".',
    "dict key": 'It is the key of a dict: use weakref.WeakKeyDictionary, or delete the key. See: docs, "Caches".',
    "part of a dict key": (
        "It is part of a dict's key, and a tuple takes no weak reference: make the key of what tells the object from "
        'others (a name, an id), or delete the key when done. See: docs, "Caches".'
    ),
    "weakly valued key": (
        "A WeakValueDictionary holds a key for as long as its value lives: make the key what tells the object from others "
        '(a name, an id), or delete the item when done. See: docs, "Caches".'
    ),
    "item by a weak key": (
        "A weak dict holds a value for as long as its key lives: delete the item when done, or hold the value weakly "
        'there. See: docs, "Caches".'
    ),
    "dict item": (
        'A dict keeps it: use weakref.WeakValueDictionary, or delete the item when done. See: docs, "Caches".'
    ),
    "set element": 'A set keeps it: use weakref.WeakSet, or discard it when done. See: docs, "Observers".',
    "list item": 'A list keeps it: remove it when done, or keep weak references in the list. See: docs, "Observers".',
    "deque item": 'A deque keeps it: take it out when done, or keep weak references in it. See: docs, "Observers".',
    "attribute of a class in a container": (
        "A container, such as a registry, keeps the class, or an object of it, with all that the class has: take it out "
        'when done, or delete the attribute. See: docs, "Caches".'
    ),
    "class attribute": 'A class attribute lives as long as its class: delete it when done. See: docs, "Caches".',
    "module global": 'A module\'s global lives as long as the program: delete it when done, or keep a weak reference. See: docs, "Caches".',
    "attribute": 'A longer-lived object has it as an attribute: clear that when done, or make it a weak reference. See: docs, "Trees".',
}

BACK_REFERENCES = frozenset(
    {
        "back",
        "backref",
        "container",
        "controller",
        "document",
        "host",
        "manager",
        "master",
        "outer",
        "owner",
        "parent",
        "prev",
        "previous",
        "root",
        "up",
    }
)
"""Names of attributes that lead from a part to the whole, or back along a row."""


def is_back_reference(link: str) -> bool:
    """Tell whether a link such as ``._parent`` or ``.parent_node`` goes by a name that leads back."""
    return not BACK_REFERENCES.isdisjoint(link.lower().strip("._").split("_"))


CYCLE_ADVICE: dict[str, str] = {
    "back reference": (
        "The link {link} leads back to what owns its holder: make it a weak reference (weakref.ref behind a property). "
        'See: docs, "Cycles".'
    ),
    "traceback": (
        "An exception keeps the frames of its traceback, and a local of one of them keeps the exception: del the variable "
        'when done (try … finally: del error), or clear error.__traceback__. See: docs, "Cycles".'
    ),
    "closure variable": (
        "A function that the object holds uses the object itself: give it a weak reference, or a function that takes the "
        'object as an argument. See: docs, "Cycles".'
    ),
    "bound method": (
        "A bound method holds its object: keep it as a weakref.WeakMethod, or keep a lambda that finds the object by a "
        'weakref.ref. See: docs, "Cycles".'
    ),
    "partial": 'A functools.partial keeps its arguments: pass a weak reference. See: docs, "Cycles".',
    "generator": 'A suspended generator keeps its locals: run it to its end or close() it. See: docs, "Cycles".',
    "coroutine": 'A suspended coroutine keeps its locals: await it, or close() it. See: docs, "Cycles".',
    "local variable": 'A stored frame keeps the locals of its function: drop it, or call clear() on it. See: docs, "Cycles".',
    "other": (
        "Make one link of the cycle weak, best the one that leads back to what owns its holder, or cut it when done. "
        'See: docs, "Cycles".'
    ),
}
"""What to do about a cycle, by the kind of the link to make weak; the first kind that is on the cycle counts."""
