"""How often the live heap is asked, counted in processes of their own."""

import pytest

import leaks

COUNTED = """
import collections, gc, json, types
from pytest_leakcheck.heap import holders, passes
from pytest_leakcheck.explaining.explain import explain
from pytest_leakcheck.model import Survivor

class Node:
    def __init__(self, *held):
        self.held = held

asked = collections.Counter()
class Counted(types.ModuleType):
    def get_referrers(self, *objects):
        asked["holders"] += 1
        return gc.get_referrers(*objects)
    def get_objects(self, *generation):
        asked["passes"] += not generation
        return gc.get_objects(*generation)
    def __getattr__(self, name):
        return getattr(gc, name)
holders.gc = passes.gc = Counted("gc")

def ask(nodes, *, is_collected=True):
    if is_collected:
        gc.collect()
    asked.clear()
    return explain(nodes, [Survivor("Node", "")] * len(nodes))
"""


def test_a_long_chain_is_climbed_in_few_passes():
    """A linked list takes no question a link, whichever end was made first, nor where each link was looked into."""
    leaks.run_script(
        COUNTED
        + """
def rising():
    bottom = top = Node()
    for _ in range(500):
        top = Node(top)
    return top, [bottom]

def falling():
    top = bottom = Node()
    for _ in range(500):
        bottom.held = Node()
        bottom = bottom.held
    return top, [bottom]

FILLING = [[number] for number in range(30_000)]
FILLING.append(FILLING)

def check(nodes, **options):
    leak, = ask(nodes, **options)
    told = leak.proof and leak.proof.kind, leak.trace and leak.trace.length > 500, sum(asked.values()) < 20
    assert told == ("dominator", True, True), (told, asked, leak.unavailable)

def main(make):
    global TOP
    TOP, nodes = make()
    check(nodes)
    check(nodes, is_collected=False)  # each link has a dict now, which is young
    check(nodes)

main(rising)
main(falling)
"""
    )


def test_what_hangs_near_a_module_takes_no_question():
    """A hundred variables of a module explain all references of what they hold: nobody else needs to be asked."""
    leaks.run_script(
        COUNTED
        + """
def main(number):
    nodes = [Node() for _ in range(number)]
    for index, node in enumerate(nodes):
        globals()[f"name_{chr(97 + index // 10)}{chr(97 + index % 10)}"] = Node(node)
    del node
    found = ask(nodes)
    assert [leak.proof.kind for leak in found] == ["dominator"] * number, found
    assert not asked, asked

main(1)
main(100)
"""
    )


DEEP = """
for number in range(100):
    node = top = Node()
    for _ in range(12):
        top = Node(top)
        top.friend = [top, number]
    globals()[f"name_{chr(97 + number // 10)}{chr(97 + number % 10)}"] = top
    HIDDEN.append(weakref.ref(node))
"""


def test_a_hundred_survivors_ask_hardly_more_often_than_one():
    """Each far from any module, in a place of its own, and each told with its proof."""
    leaks.run_script(
        "import weakref\nHIDDEN = []\n"
        + COUNTED
        + DEEP
        + """
FILLING = [[number] for number in range(30_000)]  # so that none of them is recent
del node, top
one = ask([HIDDEN[50]()])
asked_of_one = sum(asked.values())
hundred = ask([each() for each in HIDDEN])
assert len(hundred) == 100, [leak.unavailable for leak in hundred]
assert {leak.proof.kind for leak in (*one, *hundred)} == {"dominator"}
assert asked_of_one and sum(asked.values()) < 2 * asked_of_one, (asked_of_one, asked)
"""
    )


@pytest.mark.parametrize(
    "limits",
    [
        {"BATCH": 0},
        {"BATCH": 0, "MOST_MET": 3},
        {"PRICE_OF_A_PASS": 0, "MOST_TOPS": 0},
        {"MOST_KNOWN": 20},
        {"MOST_REMEMBERED": 1},
    ],
    ids=str,
)
def test_the_way_of_asking_does_not_change_the_answer(limits):
    """On random graphs paths are as long, and proofs of one kind, whatever is asked at once, in passes, or anew."""
    leaks.run_script(
        f"""
import gc, random, sys, types
from pytest_leakcheck.explaining import explain as room
from pytest_leakcheck.heap import holders
from pytest_leakcheck.explaining.explain import explain
from pytest_leakcheck.model import Survivor

room.PROOF_SECONDS = 60

class Node: pass

def graph(seed):
    chance = random.Random(seed)
    nodes = [Node() for _ in range(30)]
    for number, node in enumerate(nodes):
        node.mine = [node] if chance.random() < 0.2 else []
        node.other = {{"some": chance.choice(nodes), "more": (chance.choice(nodes[number:]), number)}}
    module = types.ModuleType("drawn")
    module.top = [[[[[[[chance.choice(nodes), nodes[-1]]]]]]]]
    sys.modules["drawn"] = module
    return [nodes[0], nodes[1]]

def told(seed):
    nodes = graph(seed)
    gc.collect()
    found = explain(nodes, [Survivor("Node", "")] * 2)
    return [(leak.trace and leak.trace.length, leak.proof and leak.proof.kind) for leak in found]

expected = [told(seed) for seed in range(25)]
assert sum(bool(leak[0]) for leaks in expected for leak in leaks) > 12, expected
for name, value in {limits!r}.items():
    assert hasattr(holders, name)
    setattr(holders, name, value)
changed = {{seed: found for seed in range(25) if (found := told(seed)) != expected[seed]}}
assert not changed, [(seed, expected[seed], found) for seed, found in changed.items()]
"""
    )
