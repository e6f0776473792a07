"""What would die with a survivor, counted in a process of its own."""

import json
import subprocess
import sys

SCRIPT = """
import gc, json
from pytest_leakcheck.heap import retained as room
from pytest_leakcheck.heap.retained import retained


class Thing:
    __slots__ = ("held", "__weakref__")

    def __init__(self, held=None):
        self.held = held

    def __sizeof__(self):
        raise RuntimeError("a user's own")


def count(make=lambda: None):
    thing = Thing(make())  # an argument would be held by the call (CPython 3.10)
    found = retained(thing, lambda node: 0)
    return found and found[0]


SHARED = ["kept elsewhere"]
LIMIT = room.MOST_OBJECTS


def told():
    yield "alone", count()
    yield "chain", count(lambda: Thing(Thing([Thing()])))
    yield "shared", count(lambda: [SHARED, Thing()])
    yield "class", count(lambda: [Thing, json, told, Thing()])
    cycle = Thing()
    cycle.held = [cycle]
    yield "cycle", retained(cycle, lambda node: 0)[0]
    yield "bytes", retained(Thing(), lambda node: 0)[1] > 0
    room.MOST_OBJECTS = 10
    yield "too many", count(lambda: [Thing() for _ in range(20)])


print(json.dumps(dict(told())))
"""


def test_only_what_nothing_else_holds_is_counted():
    """Itself included; what is shared, classes, modules and functions are not, nor is anything where it is too much."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)

    assert not done.stderr
    assert json.loads(done.stdout) == {
        "alone": 1,
        "chain": 5,
        "shared": 3,
        "class": 3,
        "cycle": 2,
        "bytes": True,
        "too many": None,
    }
