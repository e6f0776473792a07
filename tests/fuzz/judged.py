"""Makes the graph of each plan that comes in as a line of JSON, has it judged, and answers what is wrong, a line each.

The judge is the check that stands behind the fixture, the marker and the block; what it finds is held against a model
of the graph, which is known as it was drawn, and each step of a chain against what the interpreter says that one object
refers to. What the searches found is read off where they hand it on, by ids alone, so that nothing here holds what is
judged.
"""

from __future__ import annotations

import atexit
import contextvars
import ctypes
import functools
import gc
import itertools
import sys
import threading
import types
import weakref
from collections import Counter

import brute
import kinds
from answering import answer
from brute import ROOT, Edge, Physical
from kinds import KINDS, Watched

from pytest_leakcheck.checking import grades
from pytest_leakcheck.checking.check import Check, Session
from pytest_leakcheck.checking.plan import Plan
from pytest_leakcheck.explaining import cyclic, explain
from pytest_leakcheck.extensions import NONE
from pytest_leakcheck.heap.nearby import MOST_DISTANCE
from pytest_leakcheck.heap.roots import STDLIB, THIRD_PARTY, UNACCOUNTED, USER, WEAK
from pytest_leakcheck.search.proof import OUTSIDE

NO_SINGLE_LINK = "no single link of it is indispensable"

app = types.ModuleType("app")
third = types.ModuleType("third")
third.__file__ = "/environment/site-packages/third.py"
sys.modules.update(app=app, third=third)
import colorsys as library  # noqa: E402 - any small module of the standard library

exec(  # noqa: S102 - a module of its own
    "import functools, threading\nlocal = threading.local()\n"
    "class Holder: pass\nHolder.__module__ = 'app'\nHolder.__qualname__ = 'Holder'\n"
    "def defaults(*values): pass\nSTAGED = []\n"
    "@functools.lru_cache(maxsize=None)\ndef cached(number): return STAGED.pop()\n",
    vars(app),
)


SETTINGS = types.SimpleNamespace(extensions=NONE, within=None, search_limit=30.0, baseline="")
"""What the check asks of the options, which know pytest: that would make the heap twice as large, and all slower."""


class Said:
    """What the searches handed on, by ids and frozen values."""

    def __init__(self):
        self.told = []
        self.proofs = []
        self.cycles = []
        self.problems = []


said = Said()


def _listen():
    """Note what the searches find, at the places where they hand it on."""
    tell, prove, tell_cycle = explain._tell, explain.proving, cyclic._tell

    def telling(heap, roots, path, *rest, **more):
        told = tell(heap, roots, path, *rest, **more)
        if told is not None:
            said.told.append(told)
        return told

    def proving(graph, path, **options):
        proof = yield from prove(graph, path, **options)
        said.proofs.append((tuple(path), frozenset(options["inherent"]), proof))
        return proof

    def telling_cycle(garbage, cycle):
        around = [*cycle.nodes, cycle.nodes[0], *cycle.below]
        for holder, held in itertools.pairwise(around):
            if not _refers(garbage.objects[holder], held):
                said.problems.append(f"no reference {garbage.objects[holder]!r:.80} to {garbage.objects[held]!r:.80}")
        told = tell_cycle(garbage, cycle)
        said.cycles.append((told.trace, cycle))
        return told

    explain._tell, explain.proving, cyclic._tell = telling, proving, telling_cycle
    before = grades.Grades._before

    def looking(self, info):
        try:
            before(self, info)
        except Exception as error:
            said.problems.append(f"a look before a collection ended with {error!r}")
            raise

    grades.Grades._before = looking
    explain.PROOF_SECONDS = cyclic.MOST_SECONDS = grades.MOST_SECONDS = 60.0  # on a busy machine as well


def _refers(holder, held):
    """Tell whether an object refers to another, by itself or by its ``__dict__``, which is there once it was read."""
    names = [each for each in gc.get_referents(holder) if type(each) is dict]
    return held in map(id, gc.get_referents(holder)) or held in map(id, gc.get_referents(*names))


class Graph:
    """One graph: the live objects while it is made, their ids, and the model."""

    def __init__(self, plan):
        self.plan = plan
        self.live = []
        self.ids = {}
        self.edges = []
        self.roots = []
        self.callbacks = []
        self.ends = {}
        self.threads = []

    def make(self):
        for number, (name, held) in enumerate(self.plan["nodes"]):
            self.live.append(KINDS[name].make(number, [self.live[each] for each in held]))
            self.ids[id(self.live[number])] = number
            self.edges += [Edge(number, each) for each in held]
            if KINDS[name].is_collected:
                self.edges.append(Edge(number, number))
            if number in self.plan["ages"]:
                gc.collect(number % 2)
        links = {number: self._link(number, *link) for number, link in enumerate(self.plan["links"])}
        for number in self.plan["cuts"]:
            edge = links.get(number)
            cut = KINDS[self.plan["nodes"][edge.holder][0]].cut if edge else None
            if cut is not None and edge.guard is None:
                cut(self.live[edge.holder], number)
                self.edges.remove(edge)
        for number, root in enumerate(self.plan["roots"]):
            self._root(number, *root)

    def _link(self, number, holder, held, guard):
        kind = KINDS[self.plan["nodes"][holder][0]]
        edge = None
        if kind.guarded is not None:
            if not kinds.is_weakable(self.live[guard]):
                return None
            if self.plan["nodes"][holder][0] == "weak keys":  # one value a key
                if any(each.holder == holder and each.guard == guard for each in self.edges):
                    return None
                if not isinstance(self.live[guard], (Watched, types.FunctionType)):
                    return None
            kind.guarded(self.live[holder], self.live[held], self.live[guard])
            edge = Edge(holder, held, guard, self.plan["nodes"][holder][0] == "callbacks")
        elif kind.put is not None and sum(each.holder == holder for each in self.edges) < kind.most:
            kind.put(self.live[holder], number, self.live[held])
            edge = None if kind.is_weak else Edge(holder, held)
        if edge is not None:
            self.edges.append(edge)
        return edge

    def _root(self, number, name, held, guard, is_undone):
        """Have a root hold something, and let go of it again where that is asked for and can be done."""
        edge = Edge(ROOT, held, guard if name == "finalizer" else None)
        hold = {
            "finalizer": self._hold_by_finalizer,
            "context variable": self._hold_in_context,
            "lost": self._hold_by_nothing,
            "thread": self._hold_in_thread,
            "frame": lambda *_: int,
            "exit callback": self._hold_until_exit,
            "cache": self._hold_in_cache,
            "defaults": self._hold_as_default,
        }.get(name)
        undo = _hold_by_name(name, number, self.live[held]) if hold is None else hold(number, held, guard)
        if undo is None or (is_undone and undo is not int):
            (undo or int)()
        else:
            self.edges.append(edge)
            self.roots.append((name, held))

    def _hold_by_finalizer(self, number, held, guard):
        if not kinds.is_weakable(self.live[guard]):
            return None
        made = weakref.finalize(self.live[guard], kinds._do_nothing, self.live[held])
        made.atexit = False
        return made.detach

    def _hold_in_context(self, number, held, guard):
        kinds.OF_ROOTS[number].set(self.live[held])
        return functools.partial(kinds.OF_ROOTS[number].set, None)

    def _hold_by_nothing(self, number, held, guard):
        """Add a reference that nobody has; those to a class are not counted, which is a limit."""
        if isinstance(self.live[held], type):
            return None
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.live[held]))
        return functools.partial(_give_back, id(self.live[held]))

    def _hold_until_exit(self, number, held, guard):
        callback = _Callback(self.live[held])
        self.callbacks.append(id(callback))
        atexit.register(callback)
        return int

    def _hold_in_cache(self, number, held, guard):
        app.STAGED.append(self.live[held])
        app.cached(number)
        return int

    def _hold_as_default(self, number, held, guard):
        app.defaults.__defaults__ = (*(app.defaults.__defaults__ or ()), self.live[held])
        return int

    def _hold_in_thread(self, number, held, guard):
        box = [self.live[held]]
        return self._keep_in_thread(box)

    def _keep_in_thread(self, box):
        started, stop = threading.Event(), threading.Event()

        def run():
            local = box.pop()
            started.set()
            stop.wait()
            del local

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        started.wait()
        self.threads.append((thread, stop))

        def undo():
            stop.set()
            thread.join()
            self.threads.remove((thread, stop))

        return undo

    def let_go(self):
        """Keep nothing but ids; return what running frames are to hold."""
        framed = [self.live[held] for name, held in self.roots if name == "frame"]
        self.live.clear()
        self.ends = brute.deaths(range(len(self.plan["nodes"])), self.edges)
        lasting = {node: number for node, number in self.ids.items() if self.ends[number] != "at once"}
        self.ids = lasting  # by now other objects may be at the addresses of those that died
        return framed

    def undo(self):
        """Drop all roots."""
        for name in [name for name in vars(app) if name.startswith("root")]:
            delattr(app, name)
        for holder in (app.Holder, app.local, third, library):
            for name in [name for name in vars(holder) if name.startswith("root")]:
                delattr(holder, name)
        app.defaults.__defaults__ = None
        app.cached.cache_clear()
        for variable in kinds.OF_ROOTS:
            variable.set(None)
        for thread, stop in self.threads:
            stop.set()
            thread.join()
        atexit._clear()
        weakref.finalize._registry.clear()
        for name, held in self.roots:
            if name == "lost":
                _give_back(next(node for node, number in self.ids.items() if number == held))


class _Callback:
    """What is registered with atexit: its own reference to what it holds."""

    __slots__ = ("held",)

    def __init__(self, held):
        self.held = held

    def __call__(self):
        pass


def _give_back(node):
    ctypes.pythonapi.Py_DecRef(ctypes.cast(node, ctypes.py_object))


def _hold_by_name(name, number, obj):
    holder = {
        "global": app,
        "class attribute": app.Holder,
        "thread-local": app.local,
        "third party": third,
        "library": library,
    }
    setattr(holder[name], f"root{number}", obj)
    return functools.partial(delattr, holder[name], f"root{number}")


def named():
    """Return the ids of what has a name of its own to begin a chain with."""
    return set(map(id, (app, app.Holder, third, library, weakref.finalize)))


OUTER = ("frame", "thread", "lost")
"""Roots that are no objects on the heap."""
_STOPS = (type, types.ModuleType, types.CodeType, types.BuiltinFunctionType, str, int, float, bytes, weakref.ref)


def walk(graph):
    """Walk forwards from the roots of a graph; return what refers to what, and the objects met, by id."""
    found, objects = Physical(), {}
    shared = {id(vars(module)) for module in list(sys.modules.values()) if isinstance(module, types.ModuleType)}
    starts = [
        (USER, 2, vars(app)),
        (THIRD_PARTY, 2, vars(third)),
        (STDLIB, 2, vars(library)),
        (STDLIB, 3, weakref.finalize),
    ]
    trees = [each for each in gc.get_referents(contextvars.copy_context()) if type(each).__name__.startswith("hamt")]
    starts += [(STDLIB, 1, tree) for tree in trees]
    by_number = {number: node for node, number in graph.ids.items()}
    outer = [(UNACCOUNTED if name == "lost" else WEAK, by_number[held]) for name, held in graph.roots if name in OUTER]
    for rank, distance, node in [*((rank, 2, node) for rank, node in outer), *_of_atexit(graph.callbacks)]:
        starts.append((rank, distance, ctypes.cast(node, ctypes.py_object).value))
    for rank, distance, obj in starts:
        found.sources.append((rank, distance, id(obj)))
    waiting = [start[2] for start in starts]
    del starts[:], trees[:]
    while waiting:
        obj = waiting.pop()
        if id(obj) in objects:
            continue
        objects[id(obj)] = obj
        if type(obj) is contextvars.Context:
            found.contexts.append((WEAK, 1, id(obj)))
        referents = [each for each in gc.get_referents(obj) if _is_followed(each, graph.ids, shared)]
        found.edges[id(obj)] = Counter(map(id, referents))
        waiting += referents
        del referents
    return found, objects


def _of_atexit(callbacks):
    """Return what atexit begins with: its callbacks, or, from CPython 3.14 on, the list of tuples that they are in."""
    if sys.version_info < (3, 14) or not callbacks:
        return [(STDLIB, 2, callback) for callback in callbacks]
    is_entry = {id(entry) for entry in gc.get_objects() if type(entry) is tuple and entry and id(entry[0]) in callbacks}
    lists = (each for each in gc.get_objects() if type(each) is list and any(id(entry) in is_entry for entry in each))
    return [(STDLIB, 1, id(each)) for each in lists]


def _is_followed(obj, ids, shared):
    if id(obj) in ids or obj is app.Holder:
        return True
    if id(obj) in shared or (type(obj) is types.FunctionType and obj is not app.defaults):
        return False
    return not isinstance(obj, _STOPS) or (type(obj) is weakref.ref and obj.__callback__ is not None)


def judge(plan):
    """Return what is wrong with the verdict on one graph; nothing where all is right."""
    said.__init__()
    graph = Graph(plan)
    try:
        check = Check(Session(SETTINGS), Plan(instances_of=(Watched,), by_refcount=True))
        check.start()
        graph.make()
        return _with_frames(graph.let_go(), check, graph)
    finally:
        graph.undo()


def _with_frames(framed, check, graph):
    """Call the judge from as many running functions as there are objects to be held by one."""
    if framed:
        local = framed.pop()
        problems = _with_frames(framed, check, graph)
        del local
        return problems
    return _judge(check, graph)


def _judge(check, graph):
    before, objects = walk(graph)
    objects.clear()
    try:
        report = check.judge()
    finally:
        check.close()
    after, objects = walk(graph)
    problems = [*said.problems, *Comparison(graph, report, before, after, objects).problems()]
    objects.clear()
    return problems


class Comparison:
    """A report beside what is known of its graph."""

    def __init__(self, graph, report, before, after, objects):
        self.graph, self.before, self.after, self.objects = graph, before, after, objects
        self.leaks = report.leaks if report else ()
        self.ends = graph.ends
        self.classes = {
            f"kinds.{kinds.CLASSES[name][number].__name__}": number
            for number, (name, _) in enumerate(graph.plan["nodes"])
            if name in kinds.CLASSES
        }

    def problems(self):
        """Return all that differs, a line each."""
        problems = [*self._walked(), *self._verdicts()]
        for leak in self.leaks:
            problems += self._of_survivor(leak) if leak.grade == "survives" else self._of_cycle(leak)
        for told in said.told:
            problems += self._of_path(told)
        for proof in said.proofs:
            problems += self._of_proof(*proof)
        return problems

    def _walked(self):
        """Tell where the model and the interpreter differ: that would be a fault of the model."""
        walked = {number for node, number in self.graph.ids.items() if node in self.before.edges}
        known = {number for number, end in self.ends.items() if end == "survives"}
        lasting = [edge for edge in self.graph.edges if self.ends.get(edge.guard) != "at once"]
        reached = brute.reachable(lasting, ROOT)
        if walked & set(self.ends) != reached:
            yield f"MODEL: reached are {sorted(reached)}, by the interpreter {sorted(walked)}"
        if not known <= walked:
            yield f"MODEL: surviving are {sorted(known)}, by the interpreter {sorted(walked)}"

    def _verdicts(self):
        for grade, words in (("survives", "survives"), ("collected", "collected")):
            told = Counter(
                self.classes.get(fact.type_name, fact.type_name)
                for leak in self.leaks
                if leak.grade == grade
                for fact in (*leak.survivors, *leak.also_keeps)
            )
            known = Counter(number for number in self.classes.values() if self.ends[number] == words)
            if told != known:
                yield f"{words}: {sorted(known.elements())}, told are {sorted(map(str, told.elements()))}"

    def _of_survivor(self, leak):
        trace = leak.trace
        if trace is None:
            yield f"no trace: {leak.unavailable}"
            return
        told = next(each for each in said.told if each.trace is trace)
        target = self.classes[leak.survivors[0].type_name]
        if self.graph.ids.get(told.nodes[-1]) != target:
            yield f"the chain of {target} ends at {self.graph.ids.get(told.nodes[-1])}"
            return
        below = set()
        for fact in leak.survivors:
            below |= brute.reachable(self.graph.edges, self.classes[fact.type_name])
        for fact in leak.also_keeps:
            if self.classes[fact.type_name] not in below:
                yield f"{fact.type_name} does not hang below {[each.type_name for each in leak.survivors]}"
        rank, node = self._rank(trace), told.nodes[-1]
        shortest = self._distance(rank, node, is_context=trace.root.name == "a context")
        if shortest is None or trace.length > shortest:
            yield f"{target}: {trace.length} objects long from {trace.root}, where {shortest} are enough"
        nearest = self.before.distances(USER).get(node)
        if rank != USER and nearest is not None and nearest - 2 <= MOST_DISTANCE:
            yield f"{target}: told from {trace.root}, not from the user's own code, {nearest - 2} references away"
        if leak.proof is None:
            yield f"{target}: nothing proved"

    def _distance(self, rank, node, *, is_context):
        """Return the length of a shortest path; the longer one where a first look at it gave it a ``__dict__``."""
        found = [each.distances(rank, is_context=is_context).get(node) for each in (self.before, self.after)]
        return None if None in found else max(found)

    def _rank(self, trace):
        root = trace.root
        if root.kind in ("running frame", "thread") or root.name == "a context":
            return WEAK
        if root.kind == "unaccounted":
            return UNACCOUNTED
        if root.name.startswith("app"):
            return USER
        return THIRD_PARTY if root.name.startswith("third") else STDLIB

    def _is_unprovable(self):
        return any(name == "lost" for name, _ in self.graph.roots)

    def _of_path(self, told):
        """Tell what is no reference on a path, or not under the name that is told, and a beginning that is no root."""
        nodes = told.nodes
        if any(node not in self.objects and node != id(app) for node in nodes[2:]):
            yield f"{told.trace}: not all of it is reached"
            return
        for holder, held in itertools.pairwise(nodes):
            if holder in self.objects and held not in self.after.edges[holder]:
                yield f"{told.trace}: no reference from {self.objects[holder]!r:.80} to {self.objects[held]!r:.80}"
        sources = {node for _, _, node in (*self.after.sources, *self.after.contexts)}
        if nodes[0] not in {*sources, *named()}:
            yield f"{told.trace}: begins at no root"
        for number, (link, end) in enumerate(zip(told.trace.links, told.ends, strict=True)):
            holder = self.objects.get(nodes[told.ends[number - 1] if number else told.rooted])
            if holder is None or end == 0 or not link.text.startswith((".", "[")):
                continue
            try:
                found = eval(f"holder{link.text}", {"holder": holder})  # noqa: S307 - what a reader may type
            except SyntaxError:
                continue
            except Exception as error:
                yield f"{told.trace}: {link.text} raises {error!r}"
                continue
            if found is not self.objects.get(nodes[end]) and found != self.objects.get(nodes[end]):
                yield f"{told.trace}: {link.text} is {found!r:.80}"
            del found
        holder = None

    def _of_proof(self, path, inherent, proof):
        """Tell where a proof is wrong by trying: a link that is not the one, or one that is and was not found."""
        target = path[-1]
        links = [(0 if holder == OUTSIDE else holder, held) for holder, held in itertools.pairwise(path)]
        shown = " → ".join(str(self.graph.ids.get(node, "·")) for node in path)
        needed = [
            place
            for place, link in enumerate(links, 1)
            if place not in inherent and not self.after.is_reached(target, without=link)
        ]
        if proof.edge is not None and proof.edge not in needed:
            yield f"{shown}: said to depend on link {proof.edge}, does on {needed}"
        if proof.edge is None and needed and not proof.reason and not self.after.contexts:
            yield f"{shown}: said to have two holders, depends on {needed}"
        if proof.reason and not (self._is_unprovable() or (not needed and proof.reason == NO_SINGLE_LINK)):
            yield f"{shown}: {proof.reason}, depends on {needed}"
        if proof.second:
            sources = {node for _, _, node in (*self.after.sources, *self.after.contexts)}
            if proof.second[0] not in {OUTSIDE, *named(), *sources}:
                yield f"{shown}: the second path begins at no root"
            for holder, held in itertools.pairwise(proof.second):
                if holder in self.objects and not _refers(self.objects[holder], held):
                    yield f"{shown}: no reference on the second path"

    def _of_cycle(self, leak):
        target = self.classes[leak.survivors[0].type_name]
        if leak.trace is None:
            if not self._is_let_go(target):
                yield f"{target}: no cycle told: {leak.unavailable}"
            return
        cycle = next(cycle for trace, cycle in said.cycles if trace is leak.trace)
        edges = [edge for edge in self.graph.edges if edge.holder != ROOT]
        around = [self.graph.ids.get(node, "·") for node in cycle.nodes]
        if target in brute.reachable(edges, target):
            if target not in around:
                yield f"{target} is on a cycle, but not on the one told: {around}"
        elif self.graph.ids.get(cycle.below[-1] if cycle.below else 0) != target:
            yield f"{target} is told below {around} by {[self.graph.ids.get(node, '·') for node in cycle.below]}"

    def _is_let_go(self, target):
        """Tell whether something that a collection frees holds a number as long as it lives: that is no cycle."""
        return any(edge.guard is not None and self.ends[edge.guard] == "collected" for edge in self.graph.edges)


if __name__ == "__main__":
    _listen()
    gc.collect()
    gc.disable()
    answer(judge)
