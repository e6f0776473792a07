"""What the interpreter keeps alive by itself: where a path may start, and how good a start that is.

Everything is read through descriptors of built-in types, so no user code runs. What is anchored by what holds it from
outside the heap (a running frame's local, the current context) is looked up once for a search, by id.
"""

from __future__ import annotations

import atexit
import contextvars
import itertools
import operator
import os
import signal
import sys
import sysconfig
import threading
import types
import warnings
from _signal import getsignal  # type: ignore[import-not-found]
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_leakcheck import describe
from pytest_leakcheck.heap.frames import (
    RunningFrame,
    frame_of,
    frames_of_greenlet,
    is_of_function,
    running_frames,
    thread_name,
)
from pytest_leakcheck.heap.nearby import Nearby
from pytest_leakcheck.heap.writers import is_writer
from pytest_leakcheck.model import Link, Root, RootKind
from pytest_leakcheck.runtime import collector as gc
from pytest_leakcheck.runtime import interpreter, rawtypes
from pytest_leakcheck.search.paths import Anchor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

USER, THIRD_PARTY, STDLIB, WEAK, PYTEST, UNACCOUNTED = range(6)
"""Ranks, the user's code first. `paths.GOOD_RANK` is the last that ends a search."""

PYTEST_PACKAGES = (
    "_pytest",
    "pytest",
    "pluggy",
    "pytest_leakcheck",
    "xdist",
    "execnet",
    "flaky",
    "pytest_rerunfailures",
)
"""Whose running frames and modules are pytest's own state: those that run the tests."""
_DEBUGGERS = ("bdb", "cmd", "code", "pdb")
"""Whose running frames hold what the user looks at, and only as long."""
_XUNIT_FIXTURES = ("_xunit_", "_unittest_")
"""What pytest calls the fixtures that it makes of setup_class, setUpClass and the like."""
_HOUSEKEEPERS = frozenset(
    {
        "CallSpec",
        "CallSpec2",
        "Config",
        "FixtureManager",
        "FixtureRequest",
        "LogCaptureHandler",
        "LoggingPlugin",
        "Mark",
        "Node",
        "ParameterSet",
        "PytestPluginManager",
        "SetupState",
        "ThreadExceptionMeta",
        "UnraisableMeta",
        "WarningsRecorder",
        "catch_threading_exception",
        "catch_unraisable_exception",
    }
)


@dataclass(frozen=True, slots=True)
class Start:
    """A root, and the link from it to the node that it anchors where that is not plain from the node itself."""

    anchor: Anchor
    root: Root
    link: Link | None = None
    thread: int = 0
    """The id of the thread that it is, or of the other one that runs the frame that it is."""


class Roots:
    """The roots of the live heap at one moment, by the ids of what they anchor."""

    def __init__(self, targets: frozenset[int], *, is_near: bool = False) -> None:
        """Look at all modules, running frames and the current context; `targets` are the ids of the survivors.

        With `is_near`, no further from the user's modules than the survivors are.
        """
        self._targets = targets
        self._starts: dict[int, Start] = {}
        self._outside: dict[int, list[Start]] = {}
        self._celled: dict[int, int] = {}
        self._running: dict[int, types.FrameType] = {}
        self._task = rawtypes.loaded_class("_asyncio", "Task") or rawtypes.loaded_class("asyncio.tasks", "Task")
        self._loop = rawtypes.loaded_class("asyncio.base_events", "BaseEventLoop")
        self._exit_callbacks = list(map(id, _exit_callbacks())) if interpreter.SHOWS_EXIT_CALLBACKS else []
        self._names = rawtypes.Names()
        self._modules = _modules()
        known = (module for _, module in self._modules.values())
        self._module_of_dict = {id(rawtypes.module_dict(each)): each for each in known if rawtypes.is_module(each)}
        self.nearby = self._look_nearby(targets if is_near else frozenset())
        self._add_context()
        self._add_signal_handlers()
        if not interpreter.SHOWS_EXIT_CALLBACKS:  # pragma: skipped only on PyPy and from CPython 3.14 on
            self._add_exit_callbacks()
        self._add_recorded_warnings()
        self._add_recorded_errors()
        self._add_hooks()
        self._add_frames()

    def anchor(self, obj: object) -> Anchor | None:
        """Return what makes `obj` part of a root, or None."""
        start = self.start(obj)
        return start.anchor if start else None

    def start(self, obj: object) -> Start | None:
        """Return the root that `obj` is part of, or None."""
        distance = self.nearby.distance(id(obj))
        known = self._known(id(obj))
        if distance is not None and (known is None or known.anchor.rank > USER):
            name = self.nearby.module(id(obj))
            order = f"{_order(name)} {self.nearby.number(id(obj)):06d}"
            return Start(Anchor(USER, distance + 1, order), Root(describe.clean(name), "module"))
        own = None if id(obj) in self._targets else self._start_of(obj)
        if own is None or (known is not None and known.anchor.rank <= own.anchor.rank):
            return known
        return own

    def _start_of(self, obj: object) -> Start | None:  # noqa: PLR0911 - one line a kind of root
        kind = type(obj)
        if rawtypes.is_type(obj):
            return _class_start(obj, self._names)
        if kind is list and self._is_of_atexit(obj):  # pragma: only on PyPy and from CPython 3.14 on
            return Start(Anchor(STDLIB, 1, ""), Root("atexit", "interpreter"))
        if kind is contextvars.Context:
            return Start(Anchor(WEAK, 0, ""), Root("a context", "context"))
        if rawtypes.is_of_pytest(kind):
            return _pytest_start(obj)
        if rawtypes.is_instance(obj, threading.Thread):
            return _thread_start(obj)
        if self._task is not None and rawtypes.is_instance(obj, self._task):
            return _task_start(obj)
        if self._loop is not None and rawtypes.is_instance(obj, self._loop):
            return _loop_start(obj)
        return None

    def _is_of_atexit(self, obj: Any) -> bool:  # pragma: only on PyPy and from CPython 3.14 on
        """Tell whether a list is that of atexit: of tuples whose first parts are the callbacks, in either order."""
        known = self._exit_callbacks
        if not known or len(obj) < len(known) or any(type(entry) is not tuple or not entry for entry in list(obj)):
            return False
        firsts = [id(entry[0]) for entry in obj]
        return known in (firsts[: len(known)], firsts[: -len(known) - 1 : -1])

    def route(self, obj: object) -> list[object] | None:
        """Return the objects from a root to `obj` where they are known without a search; a root's is itself."""
        if self.nearby.distance(id(obj)) is not None:
            return self.nearby.path(obj)
        return [obj] if self.start(obj) is not None else None

    def is_running(self, holder: object) -> bool:
        """Tell whether `holder` is a frame that runs, or a generator in one: those are roots, by their locals."""
        frame = frame_of(holder)
        return frame is not None and id(frame) in self._running

    def outside(self, node: int) -> list[Start]:
        """Return the roots that refer to a node from outside the heap, one for each reference, the best one first."""
        return sorted(self._outside.get(node, []), key=_goodness)

    def start_itself(self, obj: object) -> Start | None:
        """Return the root that `obj` is by itself, not by what holds it from outside the heap or leads to it."""
        own = self._start_of(obj) if id(obj) not in self._targets else None
        known = [start for start in (self._known(id(obj)), own) if start is not None and start.link is None]
        return min(known, key=lambda start: start.anchor.rank, default=None)

    def cells(self, cell: object) -> int:
        """Return how many running frames have `cell` for a variable of theirs, by what is in it."""
        contents = gc.get_referents(cell)
        return self._celled.get(id(contents[0]), 0) if contents else 0

    def path_to(self, obj: object) -> list[object]:
        """Return the objects from the root's own object to `obj`, both included; `obj` alone if it is one itself."""
        if self.nearby.distance(id(obj)) is None:
            module = self._module_of_dict.get(id(obj))
            return [obj] if module is None else [module, obj]
        path = self.nearby.path(obj)
        return [self._module_of_dict.get(id(path[0])), *path]

    def at_home(self, root: Root, objects: list[Any]) -> tuple[Root, list[Any]]:
        """Start from the one module whose functions change a global, where those of its level have it by an import.

        Of modules that are not the user's: there are few such globals, and of the user's any may be the one to mend.
        """
        if len(objects) < 3 or id(objects[1]) not in self._module_of_dict or self._level(objects[0])[0] == USER:
            return root, objects
        having = [each for each in self._module_of_dict.values() if _has_global(each, objects[2])]
        alike = [each for each in having if self._level(each) == self._level(objects[0])]
        writers = [each for each in alike if is_writer(each, objects[2])] if len(alike) > 1 else []
        if len(writers) != 1:
            return root, objects
        name = describe.clean(self._modules[id(writers[0])][0])
        return replace(root, name=name), [writers[0], rawtypes.module_dict(writers[0]), *objects[2:]]

    def _level(self, module: types.ModuleType) -> tuple[int, str]:
        """Return what modules have in common of which none is a better root than another."""
        name = self._modules[id(module)][0]
        return module_rank(name, module), _level(name)

    def _look_nearby(self, sought: frozenset[int]) -> Nearby:
        names = ((self._modules[id(module)][0], module) for module in self._module_of_dict.values())
        own = [(name, module) for name, module in names if module_rank(name, module) == USER]
        # tests mostly have what is another's by a name of theirs; in which order modules were loaded may vary
        own.sort(key=lambda each: (_is_of_tests(each[0]), _order(each[0])))
        users = ((name, rawtypes.module_dict(module)) for name, module in own)
        ours = map(id, (self._starts, self._modules, self._module_of_dict))
        return Nearby(users, frozenset({*self._module_of_dict, *self._modules, *ours}), sought)

    def _add(self, obj: object, start: Start, *, is_cell: bool = False) -> None:
        """Enter what `start` anchors; with `is_cell` it does so through a cell of its own, which is on the heap."""
        if is_cell:
            self._celled[id(obj)] = self._celled.get(id(obj), 0) + 1
        elif start.link is not None and start.root.kind != "unaccounted":
            self._outside.setdefault(id(obj), []).append(start)
        held = self._starts.get(id(obj))
        if held is None or _goodness(start) < _goodness(held):
            self._starts[id(obj)] = start

    def add_unaccounted(self, objects: Iterable[object]) -> None:
        """Take `objects` for roots: something that the collector does not see holds them."""
        for obj in objects:
            link = Link("held there", describe.label(obj), "unaccounted", "held there")
            root = Root("C code, or a frame that gc can't see", "unaccounted")
            self._add(obj, Start(Anchor(UNACCOUNTED, 1, ""), root, link))

    def _known(self, node: int) -> Start | None:
        """Return the best of the roots that were found when the search began."""
        known = self._starts.get(node)
        owner = self._module_of_dict.get(node)
        if owner is None and (node not in self._modules or node in self._targets):
            return known
        name, module = self._modules[node if owner is None else id(owner)]
        aside = 2 if owner is None else 1  # what a C module holds beside its globals has a better name elsewhere
        anchor = Anchor(module_rank(name, module), aside, _order(name))
        if known is not None and (known.anchor.rank, known.anchor.extra) < (anchor.rank, anchor.extra):
            return known
        return Start(anchor, Root(describe.clean(name), "module"))

    def _add_context(self) -> None:
        thread = describe.quoted(thread_name(threading.current_thread()))
        root = Root("current context", "context", f"of thread {thread}")
        for tree in filter(rawtypes.is_context_tree, gc.get_referents(contextvars.copy_context())):
            self._add(tree, Start(Anchor(STDLIB, 0, ""), root))

    def _add_signal_handlers(self) -> None:
        for number in signal.valid_signals():
            handler = getsignal(number)  # that of the module `signal` makes a handler an enum if it equals one
            if handler is not None and not rawtypes.is_instance(handler, int):
                name = signal.Signals(number).name if number in iter(signal.Signals) else str(number)
                link = Link(f"handler of {name}", describe.label(handler), "signal handler", "signal handler")
                self._add(handler, Start(Anchor(STDLIB, 1, name), Root("signal", "interpreter"), link))

    def _add_exit_callbacks(self) -> None:
        for callback in _exit_callbacks():
            link = Link("callback registered with atexit", describe.label(callback), "atexit", "atexit callback")
            self._add(callback, Start(Anchor(STDLIB, 1, ""), Root("atexit", "interpreter"), link))

    def _add_recorded_warnings(self) -> None:
        """Add those that pytest keeps, or any other ``catch_warnings(record=True)`` that has not ended."""
        recorder: Any = rawtypes.item_of(rawtypes.module_dict(warnings), "_showwarnmsg_impl")
        recorded = recorder.__self__ if type(recorder) is types.BuiltinMethodType else None  # the append of a list
        for message in list(recorded) if type(recorded) is list else ():
            if type(message) is warnings.WarningMessage:
                self._add(message, Start(Anchor(PYTEST, 0, ""), Root("recorded warning", "pytest itself")))

    def _add_recorded_errors(self) -> None:
        """Add what pytest up to 8.3 keeps of an error in a finalizer or a thread: the collector may not see it."""
        for hook, name in ((sys.unraisablehook, "unraisable"), (threading.excepthook, "args")):
            owner: Any = hook.__self__ if type(hook) is types.MethodType else None
            if not rawtypes.is_of_pytest(type(owner)):
                continue
            for part in rawtypes.items_in(rawtypes.attribute(owner, name)):  # pragma: only on pytest up to 8.3
                if type(part) is types.TracebackType or rawtypes.is_instance(part, BaseException):
                    self._add(part, Start(Anchor(PYTEST, 0, ""), Root("recorded error", "pytest itself")))

    def _add_hooks(self) -> None:
        for name, hook in (("profile", sys.getprofile()), ("trace", sys.gettrace())):
            if hook is not None:
                text = f"{name} function of the thread"
                link = Link(text, describe.label(hook), "hook", text)
                self._add(hook, Start(Anchor(STDLIB, 1, name), Root(f"sys.set{name}", "interpreter"), link))

    def _add_frames(self) -> None:
        greenlet = rawtypes.loaded_class("greenlet", "greenlet") or rawtypes.loaded_class(
            "greenlet._greenlet", "greenlet"
        )
        suspended = [obj for obj in gc.get_objects() if rawtypes.is_instance(obj, greenlet)] if greenlet else []
        for frame in (*running_frames(), *itertools.chain.from_iterable(map(frames_of_greenlet, suspended))):
            self._running[id(frame.frame)] = frame.frame
            self._add_locals(frame)

    def _add_locals(self, frame: RunningFrame) -> None:
        package = frame.module.partition(".")[0]
        is_pytest = package in PYTEST_PACKAGES
        rank = PYTEST if is_pytest or package in _DEBUGGERS else WEAK
        kind: RootKind = "pytest itself" if is_pytest else "running frame" if frame.is_current else "thread"
        function = frame.function
        name = f"{function} ({frame.place})"
        root = Root(f"thread {describe.quoted(frame.thread)}" if kind == "thread" else name, kind)
        code = frame.frame.f_code
        for variable, value in frame.take_locals():
            text = f"local {describe.quoted(variable)} of {name}"
            link = Link(
                text, describe.label(value), "local variable", f"local {describe.clean(variable)} of {function}"
            )
            anchor = Anchor(rank, 1, f"{frame.depth:04d}{variable}")
            start = Start(anchor, root, link, 0 if frame.is_current else frame.thread_id)
            self._add(value, start, is_cell=variable in code.co_cellvars or variable in code.co_freevars)


def _goodness(start: Start) -> tuple[int, int, str, str]:
    """Return what is the less, the better a root is; of equal ones, the order of their names."""
    return start.anchor.rank, start.anchor.extra, start.anchor.order, start.root.name


def _is_of_tests(name: str) -> bool:
    """Tell by its name whether a module is one of tests. Under pytest's ``importlib`` mode these are loaded first."""
    parts = name.split(".")
    return any(part in ("test", "tests", "conftest") or part.startswith("test_") for part in parts)


def _modules() -> dict[int, tuple[str, object]]:
    """Return the loaded modules by id, each with a name; of several (``__mp_main__``) that which it goes by itself."""
    found: dict[int, tuple[str, object]] = {}
    for name, module in rawtypes.items_of(sys.modules):
        if type(name) is not str or module is None:
            continue
        if id(module) in found and not (rawtypes.is_module(module) and rawtypes.module_name(module) == name):
            continue
        found[id(module)] = name, module
    return found


class _Refused(BaseException):
    """Code of a user's was about to run."""


class _Listener:
    """Equal to nothing; remembers what it is compared with."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.heard: list[object] = []

    def __eq__(self, other: object) -> bool:
        self.heard.append(other)
        return False

    def refuse(self, frame: types.FrameType, event: str, _: object) -> None:  # pragma: only called where no tracer is
        """Keep any function from running that is given this object: a profile function that raises ends the call."""
        if event != "call" or not is_of_function(frame) or frame.f_code is _Listener.__eq__.__code__:
            return
        caller = frame.f_back.f_code if frame.f_back else None
        is_lookup = frame.f_code.co_name == "__get__" and caller is _exit_callbacks.__code__
        given = [value for _, value in rawtypes.items_of(frame.f_locals)]
        if is_lookup or any(each is self for value in given for each in (value, *rawtypes.items_in(value))):
            raise _Refused


def _exit_callbacks() -> list[object]:
    """Return the functions registered with atexit, which C code holds out of the collector's sight (CPython 3.10-3.13).

    ``atexit.unregister`` compares each with its argument, and this one is equal to none. The comparison begins with the
    callback, so that an ``__eq__`` of its own would run, and by a lie have the callback dropped: it is kept from
    running, and then it and what was registered after it are missed. So are all where a profiler is at work, and
    the arguments of callbacks.
    """
    listener = _Listener()
    if sys.getprofile() is not None:
        return listener.heard
    try:
        sys.setprofile(listener.refuse)
        atexit.unregister(listener)  # type: ignore[arg-type]
    except (_Refused, Exception):  # noqa: BLE001 - an ``__eq__`` was refused, or one in C raised
        return listener.heard
    finally:
        sys.setprofile(None)
    return listener.heard


def _order(name: str) -> str:
    """Return what puts modules of one rank in order: the outermost first, so that none is named for a mere import.

    Those that their names call private, as a module in C beside the public one, come after all others.
    """
    return f"{_level(name)} {name}"


def _has_global(module: types.ModuleType, value: object) -> bool:
    return any(map(operator.is_, list(dict.values(rawtypes.module_dict(module))), itertools.repeat(value)))


def _level(name: str) -> str:
    is_private = name.startswith("_") and not name.startswith("__")
    return f"{is_private:d} {name.count('.'):02d}"


def _class_start(kind: type, names: rawtypes.Names) -> Start | None:
    module = rawtypes.module_naming(kind, names.item_of)
    if module is None:
        return None
    name = rawtypes.module_of(kind)
    depth = rawtypes.qualname_of(kind).count(".")
    anchor = Anchor(module_rank(name, module), 2 + 2 * depth, _order(name))
    return Start(anchor, Root(describe.type_name(kind), "class attribute"))


def _thread_start(thread: Any) -> Start | None:
    if not any(thread is running for running in threading.enumerate()):
        return None
    name = describe.quoted(thread_name(thread))
    return Start(Anchor(THIRD_PARTY, 1, name), Root(f"thread {name}", "thread"), thread=id(thread))


def _loop_start(loop: Any) -> Start | None:
    if rawtypes.attribute(loop, "_thread_id") is None:
        return None
    return Start(Anchor(THIRD_PARTY, 1, ""), Root(f"running {describe.short_type_name(type(loop))}", "asyncio loop"))


def _task_start(task: Any) -> Start | None:
    if rawtypes.c_answer(task, "done") or _loop_start(_of_task(task, "_loop")) is None:
        return None
    if rawtypes.text_of(rawtypes.attribute(task, "_state"), "PENDING") != "PENDING":
        return None  # pragma: only on PyPy, where tasks are written in Python
    name = describe.quoted(rawtypes.text_of(_of_task(task, "_name")))
    return Start(Anchor(THIRD_PARTY, 1, name), Root(f"task {name}", "asyncio task", "pending"))


def _of_task(task: Any, name: str) -> Any:
    """Return what a task answers, or, where tasks are written in Python (PyPy), what it has under that name."""
    answer = rawtypes.c_answer(task, f"get{name}")
    return rawtypes.attribute(task, name) if answer is None else answer


def _pytest_start(obj: Any) -> Start | None:
    own = (base for base in rawtypes.mro_of(type(obj)) if rawtypes.is_of_pytest(base))
    names = {rawtypes.qualname_of(base) for base in own if rawtypes.module_naming(base) is not None}
    if "FixtureDef" in names:
        scope = rawtypes.text_of(rawtypes.attribute(rawtypes.attribute(obj, "_scope"), "_value_"), "function")
        name = rawtypes.text_of(rawtypes.attribute(obj, "argname"))
        if scope != "function" and not name.startswith(_XUNIT_FIXTURES):
            return Start(Anchor(WEAK, 0, name), Root(describe.fixture_name(scope, name), "fixture"))
    elif names.isdisjoint(_HOUSEKEEPERS):
        return None
    return Start(
        Anchor(PYTEST, 0, rawtypes.qualname_of(type(obj))), Root(describe.type_name(type(obj)), "pytest itself")
    )


_STDLIB_DIR = os.path.normcase(sysconfig.get_path("stdlib")) + os.sep


def module_rank(name: str, module: object) -> int:
    """Return whose code a module is, loaded by that name: the user's, a third party's, the library's or pytest's."""
    top = name.partition(".")[0]
    if top in PYTEST_PACKAGES:
        return PYTEST
    if top in sys.stdlib_module_names:
        return STDLIB
    file = rawtypes.file_of(module)
    if rawtypes.is_in_environment(file):
        return THIRD_PARTY
    return STDLIB if file.startswith(_STDLIB_DIR) else USER


def class_root(root: Root, objects: list[Any]) -> tuple[Root, list[Any]]:
    """Start from the class where a path leads from a module to one that has a name of its own to be found by.

    Or from the module of that class, where a method's default argument is what the module has by a name of its own.
    """
    for index in range(len(objects) - 2, 0, -1):
        kind = objects[index]
        module = rawtypes.module_naming(kind) if rawtypes.is_type(kind) else None
        if module is not None:
            names = rawtypes.module_dict(module)
            first = _global_in(objects, index, names)
            if first is None:
                return Root(describe.type_name(kind), "class attribute"), objects[index:]
            return Root(describe.clean(rawtypes.module_of(kind)), "module"), [module, names, *objects[first:]]
    return root, objects


def _global_in(objects: list[Any], start: int, names: dict[str, Any]) -> int | None:
    """Return where a path comes, past a function after `start`, to what `names` have; None where it does not."""
    functions = (index for index in range(start, len(objects)) if type(objects[index]) is types.FunctionType)
    later = range(next(functions, len(objects)) + 1, len(objects) - 1)
    return next((index for index in later if rawtypes.key_of(names, objects[index]) is not None), None)


def logger_root(root: Root, objects: list[Any]) -> tuple[Root, list[Any]]:
    """Start from the last logger on a path if it can be had by its name, whichever module the path came by."""
    logger = rawtypes.loaded_class("logging", "Logger")
    if logger is None:
        return root, objects
    loggers = rawtypes.attribute(rawtypes.item_of(rawtypes.class_dict(logger), "manager"), "loggerDict")
    for index in range(len(objects) - 2, 0, -1):
        if type(loggers) is dict and rawtypes.is_instance(objects[index], logger):
            name = next((key for key, value in rawtypes.items_of(loggers) if value is objects[index]), None)
            if type(name) is str:
                return Root(f"logging.getLogger({describe.key_text(name)})", "logger"), objects[index:]
    return root, objects


def threads_behind(path: Sequence[Any]) -> tuple[int, ...]:
    """Return the ids of all other threads but pytest's, where `path` goes through what one has in a thread-local.

    Which one that is cannot be told.
    """
    return () if thread_local_in(path) is None else other_threads()


def thread_local_in(path: Sequence[Any]) -> int | None:
    """Return the index of a thread-local on a path; behind it are its dicts and the one with another thread's values.

    None where it is this thread's, or where the interpreter has such values elsewhere than in a dict of dicts.
    """
    for index in range(len(path) - 2):
        if (
            rawtypes.is_instance(path[index], threading.local)
            and type(path[index + 1]) is type(path[index + 2]) is dict
        ):
            is_mine = path[index + 2] is rawtypes.instance_dict(path[index])
            return None if is_mine else index
    return None


def other_threads() -> tuple[int, ...]:
    """Return the ids of the threads but this one and those in which pytest or a plugin that runs tests is at work."""
    ours = {frame.thread_id for frame in running_frames() if frame.module.partition(".")[0] in PYTEST_PACKAGES}
    others = (each for each in threading.enumerate() if each is not threading.current_thread())
    return tuple(node for node in map(id, others) if node not in ours)


_LAST_ERRORS = (".last_exc", ".last_value", ".last_traceback", ".excepthook", ".unraisablehook")


def promote(root: Root, links: tuple[Link, ...]) -> tuple[Root, tuple[Link, ...]]:
    """Name the root by what the reader knows it as, where the first link from a module or class leads to just that.

    Returns the root and the links from it; as given where there is nothing to promote.
    """
    if root.kind == "pytest itself":
        return _of_lost_module(links) or (replace(root, detail=_kept_by_pytest(links)), links)
    if root.name == "atexit" and root.kind == "interpreter":
        return root, _of_exit_callback(links)
    if root.kind not in ("module", "class attribute") or not links:
        return root, links
    if root.name in ("atexit", "weakref.finalize"):
        return replace(root, kind="interpreter"), links
    if len(links) == 1:
        is_last_error = root.name == "sys" and links[0].text in _LAST_ERRORS
        return (replace(root, kind="interpreter"), links) if is_last_error else (root, links)
    kind = _promoted_kind(root, links)
    return (Root(root.name + links[0].text, kind), links[1:]) if kind else (root, links)


_OF_MODULE, _OF_FUNCTION = "module global", "global of a lost module"
"""Kinds of links to a name in a module: from the module itself, or from a function of it."""


def _of_lost_module(links: tuple[Link, ...]) -> tuple[Root, tuple[Link, ...]] | None:
    """Name what is in the globals of a module that pytest alone still has, as a test took it out of ``sys.modules``."""
    at = next((index for index, link in enumerate(links) if link.kind in (_OF_MODULE, _OF_FUNCTION)), 0)
    if not at:
        return None
    name = links[at - 1].label
    name = name.removeprefix("module ") if links[at].kind == _OF_MODULE else name
    return Root(name, "module", "which sys.modules has no more"), links[at:]


def _of_exit_callback(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Name what hangs on the list of atexit, where that is on the heap, as what was registered: not by indexes."""
    is_listed = len(links) > 1 and links[0].kind == "list item"
    return _of_listed_callback(links) if is_listed else links


def _of_listed_callback(links: tuple[Link, ...]) -> tuple[Link, ...]:  # pragma: only on PyPy and from CPython 3.14 on
    text = "callback registered with atexit"
    if links[1].text == "[0]":
        return (Link(text, links[1].label, "atexit", "atexit callback"), *links[2:])
    return (Link(f"argument of a {text}", links[2].label, "atexit", "atexit argument"), *links[3:])


_KEPT_BY_PYTEST = {
    "param": "a parametrize value",
    "params": "a parametrize value",
    "callspec": "a parametrize value",
    "_excinfo": "an exception that a test raised",
    "excinfo": "an exception that a test raised",
    "records": "a log record",
    "_instance": "the instance of a test class",
    "_obj": "the instance of a test class",
    "funcargs": "a fixture's value",
    "testargs": "a fixture's value",
    "cached_result": "a fixture's value",
    "_finalizers": "a fixture's finalizer",
    "message": "a recorded warning",
    "source": "a recorded warning",
    "own_markers": "a marker's argument",
    "exc_value": "an exception that a finalizer or a thread raised",
    "unraisable": "an exception that a finalizer raised",
}
"""What pytest keeps an object as, by the attribute or local variable on the way to it."""


def _kept_by_pytest(links: tuple[Link, ...]) -> str:
    names = (link.pattern.removeprefix("local ").partition(" of ")[0].removeprefix(".") for link in links)
    return next((_KEPT_BY_PYTEST[name] for name in names if name in _KEPT_BY_PYTEST), "")


def _promoted_kind(root: Root, links: tuple[Link, ...]) -> RootKind | None:
    if root.name == "sys" and links[0].text in _LAST_ERRORS:
        return "interpreter"
    if root.name == "threading" and links[0].text in ("._active", "._limbo"):
        return "thread"
    if links[1].kind == "lru_cache":
        return "lru_cache"
    return "thread-local" if links[1].kind == "thread-local" else None
