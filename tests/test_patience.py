"""How long survivors are waited for."""

import threading

import pytest

from pytest_leakcheck.checking.patience import is_let_go, patience
from pytest_leakcheck.model import Leak, Link, Root, Survivor, Trace


def _leak(kind):
    trace = Trace(Root("it", kind), (Link(".x", "Session", "attribute", ".x"),), 2) if kind else None
    return Leak((Survivor("shop.Session", "made during the test"),), trace)


@pytest.fixture(params=[1, 2, 3])
def threads(request, monkeypatch):
    """Return how many threads run."""
    monkeypatch.setattr(threading, "active_count", lambda: request.param)
    return request.param


@pytest.mark.parametrize("kind", ["module", "running frame", "context", "fixture"])
def test_what_stays_is_not_waited_for(threads, kind):
    """However many threads run."""
    assert patience([_leak(kind)], None) == 0.0, threads


@pytest.mark.parametrize("kind", ["thread", "asyncio task", "asyncio loop"])
def test_what_may_go_by_itself_has_a_second(threads, kind):
    """Though it is but one of several leaks."""
    assert patience([_leak("module"), _leak(kind)], None) == 1.0, threads


@pytest.mark.parametrize("kind", ["thread-local", "unaccounted", None])
def test_what_another_thread_may_hold_has_one_if_there_is_another(threads, kind):
    """Nobody else could let go of it."""
    assert patience([_leak(kind)], None) == (1.0 if threads > 1 else 0.0)


@pytest.mark.parametrize("seconds", [0.0, 7.0])
def test_what_is_said_goes_before(seconds):
    """No time, too."""
    assert patience([_leak("thread"), _leak("module")], seconds) == seconds


def test_what_no_root_leads_to_was_let_go_of():
    """One such is enough."""
    assert is_let_go([_leak("module"), _leak(None)])
    assert not is_let_go([_leak("module")])
    assert not is_let_go([])
