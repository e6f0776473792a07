"""`why_alive`, asked by a script."""

import subprocess
import sys

import pytest

ALIASED = """
import sys
from pytest_leakcheck import why_alive

class Order:
    pass

ORDERS = [Order()]
sys.modules = {"__another_name__": sys.modules["__main__"], **sys.modules}
print(why_alive(ORDERS[0]))
"""


def answer(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.stdout


CANCELLED = """
import asyncio, gc, weakref
from pytest_leakcheck import why_alive

class Order: ...

REFS, TASKS = [], []

async def work():
    order = Order()
    REFS.append(weakref.ref(order))
    await asyncio.sleep(10)

async def main():
    TASKS.append(asyncio.create_task(work()))
    await asyncio.sleep(0)
    TASKS[0].cancel()
    await asyncio.wait(TASKS)

asyncio.run(main())
gc.collect()
print(why_alive(REFS[0]()))
"""


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="from Python 3.11 on a cancelled task keeps no traceback")
def test_a_cancelled_task_keeps_the_locals_of_its_error():
    """What CPython 3.10 keeps of the error is named as a stored error's traceback is."""
    assert "traceback of CancelledError: local 'order' of work" in answer(CANCELLED)


IMMORTAL = """
from pytest_leakcheck import why_alive

LETTERS = ["a"]
print(why_alive(LETTERS[0]))
"""


@pytest.mark.skipif(
    sys.version_info < (3, 11) or sys.implementation.name != "cpython", reason="nothing is immortal by itself there"
)
def test_what_the_interpreter_itself_keeps_is_told_so():
    """No holder that goes lets go of it."""
    said = " ".join(answer(IMMORTAL).split())

    assert "It is immortal: the interpreter itself keeps it, whoever else refers to it." in said


CAUGHT = """
from pytest_leakcheck import why_alive

def work():
    raise ValueError("no")

try:
    work()
except ValueError as error:
    ERROR = error
print(why_alive(ERROR.__traceback__))
"""


def test_the_traceback_of_a_stored_error_is_named():
    """Where the traceback itself is asked about, no local in it is."""
    assert ".__traceback__  traceback" in answer(CAUGHT)


def test_a_module_is_named_by_its_own_name():
    """A module that is loaded under two names, as multiprocessing does with ``__main__``, goes by its own."""
    assert answer(ALIASED) == (
        "ALIVE  __main__.Order\n"
        "\n"
        "  __main__   module                                                  GC root\n"
        "    .ORDERS  list, 1 item\n"
        "    [0]      Order                                                   this object\n"
        "\n"
        "  Every path goes through __main__.ORDERS[0]: dropping it frees the object. The\n"
        "  object has 1 reference, which was found.\n"
    )
