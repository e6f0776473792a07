"""Holders that the collector does not track: dicts and tuples of text and numbers."""

import gc
import subprocess
import sys

import pytest

import leaks
from pytest_leakcheck.heap.untracked import untracked_holders

HOLDERS = """
import gc
from pytest_leakcheck import why_alive

def text(): return "".join(["some ", "text"] * 3)

class Thing: ...

PLAIN = {}
PLAIN["key"] = text()
NESTED = [{"a": ("b", ("c", text()))}]
HELD = Thing()
HELD.names = {"z": text()}
PAIR = {"twice": (5,)}
PAIR["twice"] = (text(),) * 2
SHARED = {"both": (5,)}
SHARED["both"] = ((one := text(),), (one,))
del one
gc.collect()
gc.collect()
"""


def _answer(expression):
    done = subprocess.run(
        [sys.executable, "-c", f"{HOLDERS}\nprint(why_alive({expression}))"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("expression", ["PLAIN['key']", "NESTED[0]['a'][1][1]", "HELD.names['z']"])
def test_an_untracked_holder_is_named_like_any_other(expression):
    """The way leads through it, it is proved to be the only one, and all references are explained."""
    answer = _answer(expression)

    assert f"Every path goes through __main__.{expression}: dropping it frees the object." in answer
    assert "The object has 1 reference, which was found." in answer


def test_its_references_are_counted_one_by_one():
    """A tuple that has the object twice holds it twice."""
    answer = _answer("PAIR['twice'][0]")

    assert "Every path goes through __main__.PAIR['twice']" in answer
    assert "The object has 2 references, both found." in answer


def test_two_of_them_in_one_are_two_holders():
    """What has both holds the object by each."""
    assert "The object has 2 references, both found." in _answer("SHARED['both'][0][0]")


def test_one_that_only_c_code_leads_to_is_told_with_what_it_is_in():
    """The way up to where it is out of sight is found as for any other object."""
    answer = leaks.run_script(
        """
import ctypes, gc
from pytest_leakcheck import why_alive

def hide():
    held = [{"key": "".join(["some ", "text"] * 3)}]
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(held))
    return id(held)

ADDRESS = hide()
for _ in range(2):
    gc.collect()
print(why_alive(ctypes.cast(ADDRESS, ctypes.py_object).value[0]["key"]))
"""
    )

    assert [" ".join(line.split()) for line in answer.splitlines()[2:6]] == [
        "C code, or a frame that gc can't see unaccounted GC root",
        "held there list, 1 item suspect",
        "[0] dict, 1 item suspect",
        "['key'] str this object",
    ]


def test_each_pair_of_holder_and_held_comes_once():
    """Also above a holder that leads to the object by several ways, as many as there may be."""
    one = str(12345678)
    top = [((((one,), (one,)),),)]
    for _ in range(5):  # each lets go of one more level
        gc.collect()
    pairs = [(id(holder), held) for holder, held in untracked_holders([top], [id(one)])]

    assert len(pairs) == len(set(pairs))
