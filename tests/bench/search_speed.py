"""How long the search for a survivor's holders takes on large heaps, in full collections of the same heap.

    python tests/bench/search_speed.py [--objects 1000000] [--shapes plain,tree] [--rounds 3]

Each shape has a process of its own, which builds about as many objects as asked for and hides one or a hundred among
them. Times are those of the processor, report included, the best of a few rounds, each on a heap that was collected
just before, as a check leaves it; a ratio is a time divided by that of `gc.collect()`. The memory is the most that the
process had after the search, divided by that before. The exit status is 1 if a report does not name a variable that
holds the object.

    plain    each holder on the way has one holder itself
    popular  as plain, but a tenth of the heap's folders refer to one of the holders
    deep     as plain, with a linked list of 200 on the way
    wide     as plain, but 1,000 lists elsewhere in the heap hold the object too
    flat     as plain, but the heap is one long list, not a tree

For the shapes with a hundred objects, all of one heap, the time of one of them asked about alone stands beside that of
all of them asked about at once, each told with its proof.

    many     a hundred objects in one list of a variable
    apart    a hundred objects, each held by a variable of its own
    tree     a hundred objects deep in one tree, each an attribute of its own of a folder
    trees    a hundred objects, each deep in a tree of a variable of its own
    list     a hundred objects, each in a folder of one long list
"""

from __future__ import annotations

import argparse
import gc
import itertools
import platform
import random
import resource
import subprocess
import sys
import time
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from pytest_leakcheck import why_alive
from pytest_leakcheck.explaining.explain import explain
from pytest_leakcheck.model import Survivor
from pytest_leakcheck.render.text import render_alive

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPES = ("plain", "popular", "deep", "wide", "flat")
SHAPES_OF_MANY = ("many", "apart", "tree", "trees", "list")
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


def hide_many(number: int, shape: str) -> list[weakref.ref[Hidden]]:
    """Build a heap of about `number` objects with a hundred in it, in the way of `shape`; return references to them."""
    names = [first + second for first, second in itertools.product("abcdefghij", repeat=2)]
    if shape == "trees":
        hidden = [hide_in_tree(f"DESK_{name}", number // NUMBER_OF_MANY) for name in names]
        return list(map(weakref.ref, hidden))
    folders = fill_archive(number, is_flat=shape == "list")
    hidden = [Hidden() for _ in names]
    if shape == "many":
        DESK["drawers"] = list(map(Drawer, hidden))
    chosen = random.Random(1).sample(folders, NUMBER_OF_MANY)  # noqa: S311 - no secret
    for name, folder, each in zip(names, chosen, hidden, strict=True):
        if shape == "apart":
            globals()[f"DESK_{name}"] = Drawer(each)
        if shape == "tree":
            setattr(folder, f"key_{name}", each)
        if shape == "list":
            folder.entries.append(each)
    return list(map(weakref.ref, hidden))


def hide_in_tree(name: str, number: int) -> Hidden:
    """Put an object deep in a tree of its own, held by a variable of that name."""
    folders, hidden = fill_archive(number, is_flat=False), Hidden()
    globals()[name] = ARCHIVE.pop("root")
    folders[-1].entries.append(hidden)
    return hidden


def hide(folders: list[Folder], shape: str) -> None:
    """Put an object where `DESK` leads to it, in the way of `shape`."""
    hidden = Hidden()
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


def best(function: Callable[[], object], rounds: int) -> float:
    """Return the shortest time that `function` took, in seconds of the processor."""
    taken = []
    for _ in range(rounds):
        gc.collect()
        started = time.process_time()
        function()
        taken.append(time.process_time() - started)
    return min(taken)


def memory() -> int:
    """Return the most memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(shape: str, number: int, rounds: int) -> bool:
    """Print the line of one shape; return whether the report names a variable that holds the object."""
    gc.disable()  # only while the heap is built: each automatic collection would walk all that is there
    hide(fill_archive(number, is_flat=shape == "flat"), shape)
    gc.enable()
    reports: list[str] = []
    why_alive(DESK)  # what is imported on first use is no part of the search
    collection, before = best(gc.collect, 5), memory()
    search = best(lambda: reports.append(str(why_alive(found()))), rounds)
    holders = (".DESK", ".ARCHIVE") if shape in ("popular", "wide") else (".DESK",)
    is_named = any(name in reports[0] for name in holders)
    print(  # noqa: T201
        f"{shape:<8}{len(gc.get_objects()):>12,}{collection:>11.3f} s{search:>9.3f} s{search / collection:>9.1f}"
        f"{memory() / before:>9.2f}{'' if is_named else '  the holder is NOT named'}"
    )
    return is_named


def measure_many(shape: str, number: int, rounds: int) -> bool:
    """Print the line of one shape with a hundred objects; return whether the reports name all variables and proofs."""
    gc.disable()
    hidden = hide_many(number, shape)
    gc.enable()
    why_alive(DESK)
    collection, before = best(gc.collect, 5), memory()
    reports: list[str] = []
    one = best(lambda: report(hidden[NUMBER_OF_MANY // 2 :][:1]), rounds)
    hundred = best(lambda: reports.append(report(hidden)), rounds)
    holder = "ARCHIVE" if shape in ("tree", "list") else "DESK"
    leaks = 1 if shape in ("many", "list") else NUMBER_OF_MANY
    is_told = min(reports[0].count(f".{holder}"), reports[0].count("Every path goes through")) >= leaks
    print(  # noqa: T201
        f"{shape:<8}{len(gc.get_objects()):>12,}{collection:>11.3f} s{one:>9.3f} s{one / collection:>9.2f}"
        f"{hundred:>9.3f} s{hundred / collection:>9.2f}{hundred / one:>9.1f}{memory() / before:>9.2f}"
        f"{'' if is_told else '  some are NOT told'}"
    )
    return is_told


def report(hidden: list[weakref.ref[Hidden]]) -> str:
    """Return what is said of the hidden objects, all of them asked about at once."""
    objects = [reference() for reference in hidden]
    leaks = explain(objects, [Survivor("Hidden", "hidden")] * len(objects))
    return "\n".join(map(render_alive, leaks))


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
    parser.add_argument("--shapes", default=",".join([*SHAPES, *SHAPES_OF_MANY]))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    shapes = args.shapes.split(",")
    if set(shapes) - {*SHAPES, *SHAPES_OF_MANY}:
        parser.error(f"the shapes are {', '.join([*SHAPES, *SHAPES_OF_MANY])}")
    if args.here:
        measured = (measure if shapes[0] in SHAPES else measure_many)(shapes[0], args.objects, args.rounds)
        return 0 if measured else 1
    print(f"Python {platform.python_version()}")  # noqa: T201
    start = f"{'shape':<8}{'objects':>12}{'collection':>13}"
    options = ["--here", "--objects", str(args.objects), "--rounds", str(args.rounds)]
    codes = []
    for known, rest in (
        (SHAPES, f"{'search':>11}{'ratio':>9}{'memory':>9}"),
        (SHAPES_OF_MANY, f"{'one':>11}{'ratio':>9}{'hundred':>11}{'ratio':>9}{'times':>9}{'memory':>9}"),
    ):
        wanted = [shape for shape in shapes if shape in known]
        if wanted:
            print(start + rest, flush=True)  # noqa: T201
        codes += [subprocess.call([sys.executable, __file__, *options, "--shapes", shape]) for shape in wanted]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
