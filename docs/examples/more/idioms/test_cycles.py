"""A block leaves nothing for the garbage collector."""

import gc

from desk import log_in

from pytest_leakcheck import no_leak


def test_log_in_before():
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        log_in("ada")
        gc.collect()
        assert gc.garbage == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def test_log_in_after():
    with no_leak(by_refcount=True):
        log_in("ada")
