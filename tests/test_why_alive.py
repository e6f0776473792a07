"""`why_alive`, asked by a script."""

import subprocess
import sys

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
