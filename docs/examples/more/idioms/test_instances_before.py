"""No instances of a class remain after any test of a module."""

import gc

import pytest
from desk import Session, log_in


@pytest.fixture(autouse=True)
def no_session_remains():
    gc.collect()
    before = {id(obj) for obj in gc.get_objects() if isinstance(obj, Session)}
    yield
    gc.collect()
    assert not [obj for obj in gc.get_objects() if isinstance(obj, Session) and id(obj) not in before]


def test_log_in():
    assert log_in("ada").user == "ada"
