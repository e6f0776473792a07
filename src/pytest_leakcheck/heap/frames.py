"""The locals of running functions, which no ``gc.get_referrers`` of CPython shows (3.10-3.15).

Up to CPython 3.12 reading ``frame.f_locals`` of a function makes a dict that the frame keeps, and with it what is
in it, as long as it runs; a dict made here is emptied again, one that somebody else holds is not.
(``gc.get_referents`` of a running frame answers nothing on 3.11-3.13, so it can't serve instead; tried on 3.10-3.15.)
PyPy's collector shows running frames and their locals, without the names; it makes and keeps the dict as well.
"""

from __future__ import annotations

import sys
import threading
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_leakcheck import describe
from pytest_leakcheck.runtime import interpreter, rawtypes

if TYPE_CHECKING:
    from collections.abc import Iterator

_COPIES_LOCALS = sys.version_info < (3, 13)
_FUNCTION_FLAGS = 0x1 | 0x2
"""CO_OPTIMIZED and CO_NEWLOCALS: the frame of a function, whose ``f_locals`` is not its real namespace."""


def frame_of(obj: Any) -> types.FrameType | None:
    """Return the frame of a generator, coroutine or async generator that may be running; a frame itself is its own."""
    kind, frame = type(obj), None
    if kind is types.FrameType:
        frame = obj
    elif kind is types.GeneratorType:
        frame = obj.gi_frame if obj.gi_running else None
    elif kind is types.CoroutineType:
        frame = obj.cr_frame if obj.cr_running else None
    elif kind is types.AsyncGeneratorType:
        frame = obj.ag_frame if obj.ag_running else None
    return frame


@dataclass(slots=True)
class RunningFrame:
    """One frame of a running thread, as words and a way to its locals."""

    frame: types.FrameType
    thread: str
    is_current: bool
    depth: int
    """0 for the frame that runs; more for its callers."""
    thread_id: int = 0
    """The id of the object that stands for the thread, where there is one."""
    is_greenlets: bool = False
    """Whether it is suspended, in a greenlet that another one has switched away from."""

    @property
    def module(self) -> str:
        """The ``__name__`` of the globals that the frame runs in."""
        return _module_of(self.frame)

    @property
    def function(self) -> str:
        """The qualified name of the function (its bare name on CPython 3.10)."""
        return describe.function_name(self.frame.f_code)

    @property
    def place(self) -> str:
        """The file and line that the frame is at."""
        place = describe.place(self.frame.f_code, self.frame.f_lineno)
        return f"suspended greenlet, {place}" if self.is_greenlets else place

    def take_locals(self) -> list[tuple[str, object]]:
        """Return the frame's locals by name; a module's frame has none that its module does not show."""
        return take_locals(self.frame) if is_of_function(self.frame) else []


def take_locals(frame: types.FrameType) -> list[tuple[str, object]]:
    """Return the locals of a frame, running or not, by name, and leave no copy of them with it.

    The namespace of a class body or of ``exec`` may be a mapping of the user's: only a dict is looked into. Up to 3.12
    asking for it writes the body's cells into it, so that one with cells is not asked for.
    """
    is_function = is_of_function(frame)
    if _COPIES_LOCALS and not is_function and frame.f_code.co_cellvars:
        return []
    filled = interpreter.filled_dicts(frame)
    names: Any = frame.f_locals
    if not is_function and not rawtypes.is_instance(names, dict):
        return []
    found = [(rawtypes.text_of(name, "?"), value) for name, value in rawtypes.items_of(names)]
    if _COPIES_LOCALS and is_function:
        # Where no references are counted, one that was empty before, or not there, has what was put into it by this.
        is_ours = sys.getrefcount(names) == _UNSHARED if interpreter.COUNTS_REFERENCES else id(names) not in filled
        if is_ours:
            names.clear()
    return found


def is_of_function(frame: types.FrameType) -> bool:
    """Tell whether a frame is a function's, and not that of a module, a class body or ``exec``."""
    return frame.f_code.co_flags & _FUNCTION_FLAGS == _FUNCTION_FLAGS


def _count_unshared() -> int:
    names: Any = sys._getframe().f_locals  # noqa: SLF001 - counted as `take_locals` counts
    return sys.getrefcount(names)


_UNSHARED = _count_unshared() if interpreter.COUNTS_REFERENCES else 0


def thread_name(thread: threading.Thread) -> str:
    """Return a thread's name; a subclass's own ``name`` is not asked."""
    return rawtypes.text_of(rawtypes.attribute(thread, "_name"), "?")


def running_threads() -> frozenset[int]:
    """Return the ids of the threads that run now."""
    return frozenset(map(id, threading.enumerate()))


def running_frames() -> Iterator[RunningFrame]:
    """Yield the frames of all threads, innermost first, without those of this package that are looking right now."""
    active = list(threading._active.items())  # type: ignore[attr-defined]  # noqa: SLF001
    threads = {ident: (thread_name(thread), id(thread)) for ident, thread in active}
    del active
    for ident, top in sys._current_frames().items():  # noqa: SLF001 - the documented way to other threads' frames
        is_current = ident == threading.get_ident()
        frame: types.FrameType | None = top
        del top  # the current thread's is this very frame, which would hold itself and all its callers
        while is_current and frame is not None and _is_ours(frame):
            frame = frame.f_back
        depth, (name, thread_id) = 0, threads.get(ident, (str(ident), 0))
        while frame is not None:
            if not _is_ours(frame):
                yield RunningFrame(frame, name, is_current, depth, thread_id)
            frame, depth = frame.f_back, depth + 1


def locals_of_thread(thread: threading.Thread) -> list[object]:
    """Return the values that the functions which a thread runs have in local variables, if it is another than this."""
    running = (each for each in running_frames() if each.thread_id == id(thread) and not each.is_current)
    return [value for each in running for _, value in each.take_locals()]


def frames_of_greenlet(greenlet: object) -> Iterator[RunningFrame]:
    """Yield the frames of a greenlet that waits to be switched to, innermost first; no collector shows their locals."""
    frame, depth = rawtypes.c_attribute(greenlet, "gr_frame"), 0
    while type(frame) is types.FrameType:
        if not _is_ours(frame):
            yield RunningFrame(frame, "", is_current=True, depth=depth, is_greenlets=True)
        frame, depth = frame.f_back, depth + 1


def is_our_frame(obj: object) -> bool:
    """Tell whether `obj` is a frame of this package's, where the collector shows those that run."""
    return interpreter.SHOWS_RUNNING_FRAMES and type(obj) is types.FrameType and _is_ours(obj)


def _is_ours(frame: types.FrameType) -> bool:
    return _module_of(frame).partition(".")[0] == "pytest_leakcheck"


def _module_of(frame: types.FrameType) -> str:
    return rawtypes.text_of(rawtypes.item_of(frame.f_globals, "__name__"))
