"""An object goes by reference counting alone, at the end of a block."""

import gc
import weakref
from contextlib import contextmanager

from desk import Window

from pytest_leakcheck import no_leak


@contextmanager
def assert_deallocated(make):
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        obj = make()
        reference = weakref.ref(obj)
        yield obj
        del obj
        assert reference() is None, "waits for the garbage collector"
    finally:
        if was_enabled:
            gc.enable()


def test_window_before():
    with assert_deallocated(Window) as window:
        window.close()
        del window


def test_window_after():
    with no_leak(instances_of=Window, by_refcount=True):
        Window().close()
