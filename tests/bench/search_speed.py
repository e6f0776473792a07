"""How long the search for a survivor's holders takes on large heaps, in full collections of the same heap.

    python tests/bench/search_speed.py [--objects 1000000] [--shapes plain,deep] [--rounds 3]

Each shape has a process of its own, which builds about as many objects as asked for and hides one among them, held by
a variable of a module. Printed is the time of `why_alive`, report included, divided by that of `gc.collect()`, the best
of a few rounds each, and the most memory that the process had after the search, divided by that before. The exit status
is 1 if a report does not name a variable that holds the object.

    plain    each holder on the way has one holder itself
    popular  as plain, but a tenth of the heap's folders refer to one of the holders
    deep     as plain, with a linked list of 200 on the way
    wide     as plain, but 1,000 lists elsewhere in the heap hold the object too
    flat     as plain, but the heap is one long list, not a tree
    many     a hundred objects in one list, asked about at once
    apart    a hundred objects, each held by a variable of its own, asked about at once
"""

from __future__ import annotations

import argparse
import gc
import platform
import resource
import string
import subprocess
import sys
import time
from collections import deque
from typing import Any

from pytest_leakcheck import why_alive
from pytest_leakcheck.explain import explain, spelled
from pytest_leakcheck.model import Survivor

SHAPES = ("plain", "popular", "deep", "wide", "flat", "many", "apart")
NUMBER_OF_MANY = 100
OBJECTS_OF_A_FOLDER = 4
CHILDREN = 10
ARCHIVE: dict[str, Any] = {}
"""Most of the heap hangs here."""
DESK: dict[str, Any] = {}
"""The way to the hidden object starts here."""


class Folder:
    """A node of the heap: with its list, its dict and a tuple in that, four objects for the collector."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.entries: list[Any] = []
        self.labels: dict[str, Any] = {"entries": (number, self.entries)}


class Drawer:
    """A holder on the way to the hidden object."""

    def __init__(self, content: Any) -> None:
        self.content = content


class Hidden:
    """What is looked for."""


def fill_archive(number: int, *, is_flat: bool) -> list[Folder]:
    """Hang about `number` objects below `ARCHIVE`, in a tree or in one list; return their folders."""
    folders = [Folder(index) for index in range(max(1, number // OBJECTS_OF_A_FOLDER))]
    if is_flat:
        ARCHIVE["all"] = list(folders)
        return folders
    ARCHIVE["root"], waiting = folders[0], deque(folders[:1])
    for start in range(1, len(folders), CHILDREN):
        children = folders[start : start + CHILDREN]
        waiting.popleft().entries.extend(children)
        waiting.extend(children)
    return folders


def hide(folders: list[Folder], shape: str) -> None:
    """Put an object where `DESK` leads to it, in the way of `shape`."""
    hidden = Hidden()
    if shape == "many":
        DESK["drawers"] = [Drawer(Hidden()) for _ in range(NUMBER_OF_MANY)]
        return
    if shape == "apart":
        letters = string.ascii_lowercase
        globals().update({f"DESK_{letters[n // 10]}{letters[n % 10]}": Drawer(Hidden()) for n in range(NUMBER_OF_MANY)})
        return
    content: Any = hidden
    for _ in range(200 if shape == "deep" else 0):
        content = Drawer(content)
    shared = {"open": Drawer(content)}
    DESK["drawers"] = ["a pencil", Drawer(shared)]
    if shape == "popular":
        for folder in folders[-len(folders) // 10 :]:
            folder.labels["shared"] = shared
    if shape == "wide":
        for folder in folders[:1000]:
            folder.entries.append(hidden)


def best(function: Any, rounds: int) -> float:
    """Return the shortest time that `function` took, in seconds."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        function()
        taken.append(time.perf_counter() - started)
    return min(taken)


def measure(shape: str, number: int, rounds: int) -> bool:
    """Print the line of one shape; return whether the report names a variable that holds the object."""
    gc.disable()  # only while the heap is built: each automatic collection would walk all that is there
    hide(fill_archive(number, is_flat=shape == "flat"), shape)
    gc.enable()
    reports: list[str] = []
    why_alive(DESK)  # what is imported on first use is no part of the search
    collection, tracked = best(gc.collect, 5), len(gc.get_objects())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ask = ask_about_all if shape in ("many", "apart") else lambda: str(why_alive(found()))
    search = best(lambda: reports.append(ask()), rounds)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / before
    holders = (".DESK", ".ARCHIVE") if shape in ("popular", "wide") else (".DESK",)
    is_named = any(name in reports[0] for name in holders)
    told = "" if is_named else "  the holder is NOT named"
    times = f"{collection:>11.3f} s{search:>9.3f} s{search / collection:>9.1f}"
    print(f"{shape:<8}{tracked:>12,}{times}{memory:>9.2f}{told}")  # noqa: T201
    return is_named


def ask_about_all() -> str:
    """Return what is said of the hidden objects, all of them asked about at once."""
    objects = [obj for obj in gc.get_objects() if type(obj) is Hidden]
    leaks = explain(objects, [Survivor("Hidden", "hidden")] * len(objects))
    return " ".join(spelled(leak.trace, 0) for leak in leaks if leak.trace)


def found() -> Any:
    """Return the hidden object by the way that leads to it."""
    content = DESK["drawers"][1].content["open"].content
    while isinstance(content, Drawer):
        content = content.content
    return content


def main() -> int:
    """Measure each shape in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    shapes = args.shapes.split(",")
    if set(shapes) - set(SHAPES):
        parser.error(f"the shapes are {', '.join(SHAPES)}")
    if args.here:
        return 0 if measure(shapes[0], args.objects, args.rounds) else 1
    print(f"Python {platform.python_version()}")  # noqa: T201
    header = f"{'shape':<8}{'objects':>12}{'collection':>13}{'search':>11}{'ratio':>9}{'memory':>9}"
    print(header, flush=True)  # noqa: T201
    options = ["--here", "--objects", str(args.objects), "--rounds", str(args.rounds)]
    codes = [subprocess.call([sys.executable, __file__, *options, "--shapes", shape]) for shape in shapes]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
