"""What a collection is about to free, foretold, against what it then frees."""

import subprocess
import sys

import pytest

from surroundings import PATIENCE

pytestmark = pytest.mark.skipif(
    sys.implementation.name != "cpython" or not getattr(sys, "_is_gil_enabled", lambda: True)(),
    reason="this interpreter has no young generations",
)

RANDOM_GRAPHS = """
import gc, random, sys, weakref
from pytest_leakcheck.watching.doomed import Doomed

class Node:
    pass

def link(holder, held, kind):
    ways = {
        0: lambda: holder.__dict__.setdefault("list", []).append(held),
        1: lambda: setattr(holder, f"a{len(vars(holder))}", held),
        2: lambda: setattr(holder, f"f{len(vars(holder))}", lambda: held),
        3: lambda: setattr(holder, f"m{len(vars(holder))}", held.__repr__),
        4: lambda: holder.__dict__.setdefault("dict", {}).__setitem__(len(vars(holder)), (held,)),
        5: lambda: setattr(holder, f"g{len(vars(holder))}", (each for each in [held])),
    }
    ways[kind]()

def check(seed):
    choose = random.Random(seed)
    gc.collect()
    nodes = []
    for _ in range(choose.randint(1, 12)):
        nodes.append(Node())
        if choose.random() < 0.2:
            gc.collect(choose.choice([0, 1]))
    for _ in range(choose.randint(0, 24)):
        link(choose.choice(nodes), choose.choice(nodes), choose.randrange(6))
        if choose.random() < 0.1:
            gc.collect(0)
    refs = [weakref.ref(node) for node in nodes]
    kept = [node for node in nodes if choose.random() < 0.3]
    del nodes[:]
    generation = choose.choice([0, 1])
    living = [ref for ref in refs if ref() is not None]
    ids = {ref: id(ref()) for ref in living}
    with Doomed(generation, set(ids.values())) as doomed:
        foretold = [ref for ref in living if doomed.above(ids[ref]) is not None]
    gc.collect(generation)
    died = [ref for ref in living if ref() is None]
    assert [living.index(ref) for ref in foretold] == [living.index(ref) for ref in died], seed
    return len(died)

gc.disable()
print("died", sum(check(seed) for seed in range(int(sys.argv[1]))))
"""

OLD_GARBAGE = (
    RANDOM_GRAPHS.partition("def check")[0]
    + """
from pytest_leakcheck.watching.doomed import doomed_among

def check(seed):
    choose = random.Random(seed)
    nodes = [Node() for _ in range(choose.randint(1, 12))]
    for _ in range(choose.randint(0, 24)):
        link(choose.choice(nodes), choose.choice(nodes), choose.randrange(6))
    gc.collect(1)
    refs = {id(node): weakref.ref(node) for node in nodes}
    kept = [node for node in nodes if choose.random() < 0.3]
    older.extend(node for node in nodes if choose.random() < 0.05)
    del nodes
    living = {node: ref for node, ref in refs.items() if ref() is not None}
    foretold = doomed_among(living.keys())
    gc.collect()
    died = {node for node, ref in living.items() if ref() is None}
    assert foretold == died, seed
    return len(died)

gc.disable()
older = []
heap = [[] for _ in range(100_000)]
gc.collect()
print("died", sum(check(seed) for seed in range(int(sys.argv[1]))))
"""
)

BY_WHAT_HANGS_BELOW = (
    OLD_GARBAGE.replace("doomed_among", "adrift")
    .replace(
        "foretold = adrift(living.keys())",
        """asked = set(choose.sample(sorted(living), choose.randint(0, len(living))))
    foretold = adrift([ref() for node, ref in living.items() if node in asked]) & living.keys()
    all_told = adrift([ref() for ref in living.values()]) & living.keys()""",
    )
    .replace(
        "assert foretold == died, seed",
        "assert foretold <= died == all_told and died & asked >= foretold & asked, seed",
    )
)


def foretold(program, number):
    """Return how many objects died as foretold."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(number)], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.stderr == ""
    return int(done.stdout.removeprefix("died "))


def test_it_is_what_the_collector_does():
    """Whatever is held how, and in whichever generations it is: what is foretold dies, and nothing else."""
    assert foretold(RANDOM_GRAPHS, 600) > 100


def test_garbage_among_old_objects_is_told_without_a_collection():
    """It is what a full one then frees, where it is young enough; a large part of the heap is not looked through."""
    assert foretold(OLD_GARBAGE, 300) > 100


def test_what_leads_to_itself_alone_is_told_wherever_it_is():
    """Nothing that lives is told to be garbage, whichever objects are asked about, and where all are, all of it is."""
    assert foretold(BY_WHAT_HANGS_BELOW, 300) > 100


ODD = """
import gc, weakref
from pytest_leakcheck.watching.doomed import NEAR, adrift

def of_a_call():
    class Local:
        def method(self):
            return __class__
    Local.own = Local()
    return Local.own

def with_many():
    many = []
    many.extend([[many]] for _ in range(NEAR))
    holder = weakref_able(many)
    many.append(holder)
    return holder

class Holder:
    pass

def weakref_able(held):
    holder = Holder()
    holder.held, holder.itself = held, holder
    return holder

def of_a_function():
    function = lambda: holder
    holder = weakref_able(function)
    return holder

for make in (of_a_call, of_a_function, lambda: weakref_able(gc), with_many):
    obj = make()
    ref, node = weakref.ref(obj), id(obj)
    assert not adrift([obj]) & {node}
    del obj
    print(node in adrift([ref()]))
"""


def test_classes_and_functions_that_a_call_made_are_passed_through():
    """Not modules, and no more than what is near: what hangs on that is taken for living."""
    done = subprocess.run([sys.executable, "-c", ODD], capture_output=True, text=True, check=False, timeout=PATIENCE)

    assert (done.stderr, done.stdout.split()) == ("", ["True", "True", "True", "False"])


TWO_LOTS = """
import gc
from pytest_leakcheck.watching.doomed import LOT, doomed_among

def garbage():
    around = [None]
    around[0] = around
    return id(around)

gc.disable()
heap = [[] for _ in range(100_000)]
gc.collect()
first = [None]; first[0] = first
between = [[] for _ in range(3 * LOT)]
second = [None]; second[0] = second
gc.collect(1)
nodes = {id(first), id(second)}
del first, second
found = doomed_among(nodes)
print("died", len(found & nodes))
"""


def test_garbage_that_lies_apart_among_old_objects_is_told_too():
    """As long as what lies between is little."""
    assert foretold(TWO_LOTS, 0) == 2


LARGE_HOLDER = """
import tracemalloc
from pytest_leakcheck.watching.doomed import unreachable

large = [[number] for number in range(200_000)]
tracemalloc.start()
found = unreachable([large, []])
_, peak = tracemalloc.get_traced_memory()
print("died", len(found), "of", peak // 200_000, "bytes for each")
"""


def test_what_a_look_takes_is_not_counted_for_all_that_is_referred_to():
    """A list of so many costs the memory of a list of it, not that of a table."""
    done = subprocess.run(
        [sys.executable, "-c", LARGE_HOLDER],
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=True,
    )

    _, died, _, size, *_ = done.stdout.split()
    assert int(died) == 1
    assert int(size) < 40


LARGE_NEIGHBOUR = """
import gc
from pytest_leakcheck.watching.doomed import LARGE, doomed_among

gc.disable()
heap = [[] for _ in range(100_000)]
gc.collect()
beside = [None] * (LARGE + 1)
first, second = [beside], [None]
first.append(first)
second.append(second)
gc.collect(1)
nodes = {id(first), id(second)}
del beside, first, second
found = doomed_among(nodes)
print("died", len(found & nodes))
"""


def test_a_large_list_among_old_objects_is_not_looked_into():
    """What leads to it is found out about all the same."""
    assert foretold(LARGE_NEIGHBOUR, 0) == 2
