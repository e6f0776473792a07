"""How survivors are put together to leaks, before any word is found for them."""

import pytest

import leaks
from pytest_leakcheck.explaining.explain import _grouped
from pytest_leakcheck.model import Survivor


def test_what_hangs_below_a_survivor_goes_along_with_what_that_hangs_below():
    """Paths of one length may differ: that of the one in between need not lead by the first group's survivor."""
    facts = [Survivor(f"app.Thing{number}", "made here") for number in range(4)]

    groups = _grouped({3: None, 1: None}, [], {0: 2, 2: 1}, facts)

    assert [(group.heads, group.hanging) for group in groups] == [([3], []), ([1], [0, 2])]


def test_a_search_out_of_time_says_how_far_it_came():
    """The leak is told without its chain."""
    told = leaks.run_script(
        """
import gc
from pytest_leakcheck.explaining.explain import explain
from pytest_leakcheck.model import Survivor

class Thing: pass

KEPT = [[[[[[[[Thing()]]]]]]]]
gc.collect()
leak, = explain([KEPT[0][0][0][0][0][0][0][0]], [Survivor("Thing", "")], seconds=-1)
print(leak.unavailable)
"""
    )

    assert told == "the search was stopped by its limit of time, after 0 levels and 0 objects\n"


def test_where_the_only_further_holder_goes_during_the_search_nothing_is_proved():
    """Another thread may undo what was found before there are words for it."""
    told = leaks.run_script(
        """
import argparse, gc
from pytest_leakcheck.explaining import explain as room
from pytest_leakcheck.model import Report, Survivor
from pytest_leakcheck.render.text import render

class Thing: pass

def undone(*arguments):
    del argparse.Holder
    return tell(*arguments)

tell, room._Facing._other = room._Facing._other, undone
KEPT = Thing()
argparse.Holder = type("Holder", (), {"__module__": "argparse", "thing": KEPT})
gc.collect()
print(render(Report(room.explain([KEPT], [Survivor("Thing", "")]))))
"""
    )

    words = " ".join(told.split())
    assert "__main__ module GC root .KEPT Thing LEAKED" in words
    assert "Not proven that there is no other path: what holds objects changed during the search." in words


def test_of_two_roots_that_are_as_near_the_one_with_the_shorter_chain_is_told():
    """The tree of a context is the root itself; a callback of atexit hangs below one."""
    leaks.run_script(
        """
import atexit, contextvars
from pytest_leakcheck.explaining.explain import explain
from pytest_leakcheck.model import Survivor

class Thing: pass

class Callback:
    __slots__ = ("held",)
    def __call__(self): pass

VARIABLE = contextvars.ContextVar("variable")

def made():
    thing, callback = Thing(), Callback()
    callback.held = slice(thing)
    atexit.register(callback)
    VARIABLE.set(thing)
    return [thing]

(leak,) = explain(made(), [Survivor("Thing", "")])
assert (leak.trace.root.name, leak.trace.length) == ("current context", 3), leak.trace
"""
    )


def test_a_module_that_survives_is_held_by_the_table_of_modules():
    """It is a root for what is below it, not for itself; the same goes for whatever else was entered there."""
    told = leaks.run_script(
        """
import gc, sys, types
from pytest_leakcheck.explaining.explain import explain
from pytest_leakcheck.model import Report, Survivor
from pytest_leakcheck.render.text import render

class Plugin: pass

sys.modules["loaded"], sys.modules["odd"] = types.ModuleType("loaded"), Plugin()
sys.modules["loaded"].plugin = Plugin()
wanted = [sys.modules["loaded"], sys.modules["odd"], sys.modules["loaded"].plugin]
gc.collect()
for leak in explain(wanted, [Survivor(type(each).__name__, "") for each in wanted]):
    print([each.type_name for each in leak.survivors], [each.type_name for each in leak.also_keeps])
    print(leak.trace.root.name, *(link.text for link in leak.trace.links))
"""
    )

    assert told.splitlines() == ["['module', 'Plugin'] ['Plugin']", "sys .modules ['loaded']"]


def test_what_a_suspended_greenlet_has_in_a_variable_is_told_by_its_function():
    """No collector shows the frames of greenlets that wait; the one that runs is a running function like others."""
    pytest.importorskip("greenlet")
    told = leaks.run_script(
        """
import gc
from greenlet import getcurrent, greenlet
from pytest_leakcheck.explaining.explain import explain
from pytest_leakcheck.model import Survivor

class Thing: pass

def work(thing):
    wait([thing])

def wait(things):
    getcurrent().parent.switch()

ours = {"__name__": "pytest_leakcheck.ours", "wait": wait}
exec("def work(thing): wait([thing])", ours)
class Other: pass

waiting = {Thing: greenlet(work), Other: greenlet(ours["work"])}
for kind in waiting:
    waiting[kind].switch(kind())
    leak, = explain([each for each in gc.get_objects() if type(each) is kind], [Survivor("Thing", "")])
    print(leak.trace.root.name, *(link.text for link in leak.trace.links), sep="\\n")
"""
    )

    assert told.splitlines() == [
        "work (suspended greenlet, <string>:10)",
        "local 'thing' of work (suspended greenlet, <string>:10)",
        "wait (suspended greenlet, <string>:13)",
        "local 'things' of wait (suspended greenlet, <string>:13)",
        "[0]",
    ]


def test_a_thread_that_runs_is_held_by_itself_alone():
    """By the list of those that run, and by its own frames: all of that goes once it has ended."""
    told = leaks.run_script(
        """
import threading
from pytest_leakcheck import why_alive

GO, READY = threading.Event(), threading.Event()

class Worker(threading.Thread):
    def run(self):
        READY.set()
        GO.wait()

def start(): Worker(name="worker").start()

start()
READY.wait()
print(why_alive(next(each for each in threading.enumerate() if each.name == "worker")))
GO.set()
"""
    )

    lines = told.splitlines()
    assert lines[2].split() == ["threading._active", "thread", "GC", "root"]
    assert lines[3].split("]")[1].split()[0].rstrip(",") == "Worker"
    assert "Every path starts at thread 'worker': the object goes once that has ended." in told
