"""A second run of a test, set-up and teardown included, in the gap between its own teardown and that of wider scopes.

It leaves no trace in reports, counts or durations: its reports are never made, those that subtests log are dropped, and
what it prints and logs is taken out again. What can't be undone is what the test does to the outside world.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import sys
import warnings
from _thread import LockType, allocate_lock, start_new_thread
from typing import TYPE_CHECKING, Any

import _pytest
import pytest
from _pytest.junitxml import xml_key
from _pytest.logging import caplog_handler_key, caplog_records_key
from _pytest.runner import CallInfo
from _pytest.tmpdir import tmppath_result_key

from pytest_leakcheck.neighbours.bystanders import uncounted, unwatched
from pytest_leakcheck.neighbours.timeouts import further_run, limited
from pytest_leakcheck.running.release import let_go
from pytest_leakcheck.runtime import rawtypes
from pytest_leakcheck.runtime.loading import undisturbed
from pytest_leakcheck.runtime.rawtypes import text_of

if TYPE_CHECKING:
    import tracemalloc
    import types
    from collections.abc import Iterator

_PYTEST = os.path.join(os.path.dirname(_pytest.__file__), "")  # noqa: PTH118, PTH120 - a prefix, to end in a separator
REPEATING = pytest.StashKey[bool]()
"""Set on an item while it runs again: then no other hook of ours judges it."""
_FRAMES = 12
"""Frames kept for each allocation of a second run: mostly enough to find a line of the user's above a library's."""
_MOST_TRACED = 5.0
"""Seconds that allocations are traced in one run: each takes as long as the stack is deep, 25 to 200 times what it
takes else (CPython 3.11, a stack of 60)."""


@contextlib.contextmanager
def running_again(item: pytest.Function, *, is_traced: bool) -> Iterator[list[BaseException]]:
    """Run `item` once more; yield what went wrong, with the allocations of the run still on record if it is traced."""
    item.stash[REPEATING] = True
    errors: list[BaseException] = []
    with _traced() if is_traced else contextlib.nullcontext():
        try:
            with (
                _hidden(item),
                _last_error_kept(),
                _chance_kept(),
                _only_own_teardown(item),
                further_run(item),
                uncounted(item.config),
            ):
                _run(item, errors)
            yield errors
        finally:
            item.stash[REPEATING] = False


@contextlib.contextmanager
def _traced() -> Iterator[None]:
    """Have allocations on record, as far as they come within `_MOST_TRACED` seconds: after that, none is told."""
    tracer = _tracer()
    if tracer is None or tracer.is_tracing():  # somebody else's, who ends it
        yield
        return
    over = allocate_lock()
    over.acquire()
    tracer.start(_FRAMES)
    try:
        with contextlib.suppress(RuntimeError):  # there may be no more threads
            start_new_thread(_stop_late, (tracer, over))
        yield
    finally:
        over.release()
        tracer.stop()


def _stop_late(tracer: types.ModuleType, over: LockType) -> None:  # pragma: only called where no tracer is
    """Stop tracing unless it is over in time; a low-level thread does so, which ``threading`` does not list."""
    if not over.acquire(timeout=_MOST_TRACED):
        tracer.stop()


@functools.cache
def _tracer() -> types.ModuleType | None:
    """Return the module tracemalloc, which only a leak needs, or None where there is none."""
    with undisturbed():
        try:
            import tracemalloc  # noqa: PLC0415 - most runs never get here

            if _IS_BY_ADDRESS:  # pragma: skipped only on CPython of another version
                import ctypes  # noqa: F401,PLC0415 - it takes ten times as long while allocations are traced (3.11.7)
        except ModuleNotFoundError:  # pragma: only on PyPy, where it is not told what made an object
            return None
    return tracemalloc


def _run(item: pytest.Function, errors: list[BaseException]) -> None:
    item._initrequest()  # noqa: SLF001 - as pytest does for an item that is run again
    hook = item.ihook
    if _attempt(item, lambda: hook.pytest_runtest_setup(item=item), "setup", errors):
        _attempt(item, lambda: hook.pytest_runtest_call(item=item), "call", errors)
        errors += [caught.value for caught in item.__dict__.pop("_excinfo", None) or ()]  # a TestCase's, raised nowhere
    item.stash[tmppath_result_key] = {"setup": not errors, "call": not errors}  # the reports that are not made note it
    _attempt(item, lambda: hook.pytest_runtest_teardown(item=item, nextitem=item), "teardown", errors)
    let_go(item)


def _attempt(item: pytest.Function, function: Any, when: Any, errors: list[BaseException]) -> bool:
    def phase() -> None:
        with limited(item):
            function()

    call = CallInfo.from_call(phase, when=when, reraise=(KeyboardInterrupt,))
    if call.excinfo is not None:
        errors.append(call.excinfo.value)
    return call.excinfo is None


@contextlib.contextmanager
def _only_own_teardown(item: pytest.Function) -> Iterator[None]:
    """Let the teardown of the second run end at the item, whatever comes next."""
    state: Any = item.session._setupstate  # noqa: SLF001 - as in the verdict
    outer = state.teardown_exact
    state.teardown_exact = lambda _nextitem: type(state).teardown_exact(state, item.parent)
    try:
        yield
    finally:
        state.teardown_exact = outer


@contextlib.contextmanager
def _hidden(item: pytest.Function) -> Iterator[None]:
    """Put back after the second run what pytest noted of it: output, logs, warnings, properties, subtests' reports."""
    current_test = os.environ.get("PYTEST_CURRENT_TEST", "")
    sections, properties = list(item._report_sections), list(item.user_properties)  # noqa: SLF001 - no public way
    keys: tuple[Any, ...] = (caplog_records_key, caplog_handler_key, tmppath_result_key)
    stashed = {key: item.stash[key] for key in keys if key in item.stash}
    capture: Any = item.config.pluginmanager.get_plugin("capturemanager")
    shown = capture.read_global_capture() if capture and capture.is_globally_capturing() else None
    is_shown = vars(item.config.option).get("setupshow")  # not there under -p no:setuponly
    item.config.option.setupshow = False
    of_suite = getattr(item.config.stash.get(xml_key, None), "global_properties", [])
    suite_properties = list(of_suite)
    proxy, gethookproxy = _Unlogged(item), item.session.gethookproxy
    item.session.gethookproxy = lambda _path: proxy  # type: ignore[method-assign,assignment,return-value]
    try:
        with warnings.catch_warnings(record=True), _logging_kept(item):
            yield
    finally:
        os.environ["PYTEST_CURRENT_TEST"] = current_test
        item.session.gethookproxy = gethookproxy  # type: ignore[method-assign]
        item._report_sections[:] = sections  # noqa: SLF001 - as above
        item.user_properties[:] = properties
        of_suite[:] = suite_properties
        for key in keys:
            if key in stashed:
                item.stash[key] = stashed[key]
        item.config.option.setupshow = is_shown
        if shown is not None:
            capture.resume_global_capture()
            for name, text in zip(("stdout", "stderr"), shown, strict=True):
                item.add_report_section("teardown", name, text)


_LAST_ERROR = ("last_exc", "last_type", "last_value", "last_traceback")


@contextlib.contextmanager
def _last_error_kept() -> Iterator[None]:
    """Leave what debuggers look at after a failure as it was: a second run that fails is nobody's failure."""
    kept = {name: getattr(sys, name) for name in _LAST_ERROR if hasattr(sys, name)}
    try:
        yield
    finally:
        for name in _LAST_ERROR:
            if name in kept:
                setattr(sys, name, kept[name])
            elif hasattr(sys, name):
                delattr(sys, name)


@contextlib.contextmanager
def _chance_kept() -> Iterator[None]:
    """Leave the generators of random numbers that all share as they were: who seeds one counts on what is next."""
    arrays = rawtypes.loaded("numpy.random")
    names = rawtypes.module_dict(arrays) if arrays is not None else {}
    kept = [(random.getstate, random.setstate), (names.get("get_state", int), names.get("set_state", int))]
    states = [(put_back, get()) for get, put_back in kept]
    try:
        yield
    finally:
        for put_back, state in states:
            put_back(state)


_LOG_HANDLERS = ("caplog_handler", "report_handler", "log_cli_handler", "log_file_handler")
"""The first two are emptied for each phase; what the others get is shown or written at once."""


@contextlib.contextmanager
def _logging_kept(item: pytest.Function) -> Iterator[None]:
    plugin: Any = item.config.pluginmanager.get_plugin("logging-plugin")
    handlers = [getattr(plugin, name) for name in _LOG_HANDLERS if plugin is not None]
    kept = [(handler, dict(vars(handler)), list(handler.filters)) for handler in handlers]
    for handler in handlers[2:]:
        handler.addFilter(_refuse)
    try:
        yield
    finally:
        for handler, state, filters in kept:
            vars(handler).clear()
            vars(handler).update(state)
            handler.filters[:] = filters


def _refuse(_record: object) -> bool:
    return False


class _Unlogged:
    """The hooks of an item, without the one that logs reports, and as if no plugin were there to measure."""

    def __init__(self, item: pytest.Item) -> None:
        self._hook = item.ihook
        self._config = item.config

    def __getattr__(self, name: str) -> Any:
        return _ignore if name == "pytest_runtest_logreport" else unwatched(self._config, self._hook, name)


def _ignore(**_: object) -> None:
    return None


def made_at(obj: object, root: str) -> tuple[str, int] | None:
    """Return the file and line that made an object of the second run, one of the project's where there is one.

    None where they are not known, or are pytest's: it makes the instance of the test's class.
    """
    tracer = _tracer()
    traced = _traceback_of(tracer, obj) if tracer is not None else None
    if traced is None:
        return None
    folder = os.path.join(root, "")  # noqa: PTH118 - a prefix, to end in a separator
    lines = [(text_of(frame.filename), frame.lineno) for frame in traced]
    own = [(file, line) for file, line in lines if file.startswith(folder) and "site-packages" not in file]
    file, line = (own or lines)[-1]
    return None if file.startswith(_PYTEST) else (file, line)


_IS_BY_ADDRESS = sys.version_info[:2] == (3, 11)
"""Whether an object may have to be asked after by its address: 3.11 forgets that the memory of most instances starts
two words before the collector's header of two words."""


def _traceback_of(tracer: Any, obj: object) -> tracemalloc.Traceback | None:
    traced: tracemalloc.Traceback | None = tracer.get_object_traceback(obj)
    if traced is not None or not _IS_BY_ADDRESS:
        return traced
    with undisturbed():
        import ctypes  # noqa: PLC0415 - for a leak alone

    look_up = ctypes.pythonapi._PyTraceMalloc_GetTraceback  # noqa: SLF001 - there is no public way by address
    look_up.restype, look_up.argtypes = ctypes.py_object, (ctypes.c_uint, ctypes.c_size_t)
    frames = look_up(0, id(obj) - 4 * ctypes.sizeof(ctypes.c_void_p))
    return tracer.Traceback(frames) if frames else None
