"""An object goes as soon as another thread is done with it."""

import gc
import time
import weakref

import pytest
from desk import Session, save_later


def test_save_before():
    session = Session("ada")
    reference = weakref.ref(session)

    save_later(session)

    del session
    for _ in range(20):
        gc.collect()
        if reference() is None:
            break
        time.sleep(0.05)
    else:
        pytest.fail("still alive after a second")


def test_save_after(assert_collected):
    save_later(assert_collected(Session("ada"), within=1))
