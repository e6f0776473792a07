"""Laws of the rooms, read from their source, and that nothing of ours keeps an object alive."""

import ast
from pathlib import Path

import pytest

import leaks
import pytest_leakcheck
from pytest_leakcheck.runtime import rawtypes

SOURCE = Path(pytest_leakcheck.__file__).parent
SEARCHING = (
    "heap/holders",
    "heap/nearby",
    "heap/passes",
    "heap/positions",
    "heap/retained",
    "heap/roots",
    "heap/writers",
    "search/paths",
    "search/proof",
)
NAMING = (*SEARCHING, "describe", "heap/frames", "heap/links", "heap/places", "runtime/rawtypes")


def _tree(name):
    return ast.parse((SOURCE / f"{name}.py").read_text(encoding="utf-8"))


def _imported(name):
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (alias.name for alias in node.names)


def _called(name):
    calls = [node for node in ast.walk(_tree(name)) if isinstance(node, ast.Call)]
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)}


KNOWING = {
    "heap/below",
    "heap/growth",
    "heap/holders",
    "heap/links",
    "heap/nearby",
    "heap/passes",
    "heap/places",
    "heap/retained",
    "heap/roots",
    "heap/untracked",
    "runtime/addresses",
    "runtime/interpreter",
    "runtime/pace",
    "watching/census",
    "watching/doomed",
    "wider/made",
}
"""The modules that look at the heap, or have the collector do something; `watch` collects through `interpreter`."""


def test_few_modules_know_the_collector():
    """Values, words and graph searches never look at the heap, nor do the rooms that know pytest."""
    names = {path.relative_to(SOURCE).with_suffix("").as_posix() for path in SOURCE.rglob("*.py")}

    assert {name for name in names if "collector" in set(_imported(name))} == KNOWING
    assert {name for name in names if "gc" in set(_imported(name))} == {"runtime/collector"}


ALLOWED = {
    ("heap/nearby", "getattr"),
    ("heap/roots", "str"),
    ("search/paths", "bool"),
    ("search/proof", "str"),
}
"""What is our own, numbers and texts, or the interpreter's."""


@pytest.mark.parametrize("name", SEARCHING)
def test_a_search_calls_nothing_that_may_run_user_code(name):
    """Heap objects are told apart by ``type``, ``is`` and ``id`` alone."""
    forbidden = _called(name) & {
        "repr",
        "str",
        "getattr",
        "hasattr",
        "isinstance",
        "issubclass",
        "hash",
        "bool",
        "vars",
    }

    assert {call for call in forbidden if (name, call) not in ALLOWED} == set()


@pytest.mark.parametrize("name", [*NAMING, "heap/growth"])
def test_types_are_compared_by_identity(name):
    """``type(x) == …``, ``type(x) in …`` and ``… in mro_of(x)`` would ask the metaclass of a user's class."""
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.In | ast.NotIn) for op in node.ops):
            called = [part.func for part in (node.left, *node.comparators) if isinstance(part, ast.Call)]
            names = {getattr(function, "id", getattr(function, "attr", "")) for function in called}

            assert names.isdisjoint({"type", "mro_of"}), ast.unparse(node)


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.stem)
def test_nothing_is_counted_by_asking_whether_it_is_a_mapping(path):
    """``Counter(values)`` asks the metaclass of each mapping class of a user's; `rawtypes.counts_of` does not."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]

    assert [ast.unparse(call) for call in calls if call.args and getattr(call.func, "id", "") == "Counter"] == []


OWN_TABLES = {
    *(
        "climb.young",
        "_finalizers",
        "counts",
        "dict",
        "found",
        "fresh",
        "index",
        "kinds",
        "met",
        "modules",
        "outside",
        "starts",
        "state.anchors",
        "state.holds",
        "threads",
        "waiting",
        "wanted",
        "words",
    ),
    *(
        "wave",
        "rawtypes.counts_of(held)",
        "rawtypes.counts_of(names)",
        "_ENVIRONMENT._data",
        "wanted",
        "_NOT_TYPABLE",
        "_SIZED",
        "context",
        "sys._current_frames()",
        "threading._active",
    ),
}
"""Dicts of ours by their names in the source, and what the interpreter itself makes; `dict` is the type."""


@pytest.mark.parametrize("name", NAMING)
def test_a_users_dict_is_never_asked_by_its_own_methods(name):
    """``names.get(…)`` runs a subclass's code, and any look-up by hash a key's: `rawtypes.item_of` runs neither."""
    asked = {
        ast.unparse(node.func.value)
        for function in ast.walk(_tree(name))
        if isinstance(function, ast.FunctionDef) and function.name not in ("item_of", "items_of")
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in ("get", "items", "keys", "values", "pop", "setdefault")
    }

    assert {table for table in asked if not table.startswith("self.")} - OWN_TABLES == set()


@pytest.mark.parametrize("name", [*NAMING, "running/collecting", "marks"])
def test_what_was_found_is_never_asked_whether_it_is_true(name):
    """``attribute(obj, …) or {}`` would ask the ``__bool__`` of whatever is there: it is compared with None."""
    for node in ast.walk(_tree(name)):
        tested = (
            node.values if isinstance(node, ast.BoolOp) else [node.test] if isinstance(node, ast.If | ast.IfExp) else []
        )
        called = {getattr(part.func, "attr", "") for part in tested if isinstance(part, ast.Call)}

        assert called.isdisjoint({"attribute", "c_attribute", "instance_dict", "item_of", "loaded"}), ast.unparse(node)


class Changing:
    """A dict that another thread changes while it is walked for the first time, as the interpreter tells it."""

    def __init__(self):
        self.walks = 0

    def items(self):
        return self

    def __iter__(self):
        self.walks += 1
        if self.walks == 1:
            raise RuntimeError("dictionary changed size during iteration")
        return iter([("name", 1)])


def test_a_dict_that_changes_meanwhile_is_walked_again():
    """Names are looked for without a copy of the dict, and in a copy where that fails."""
    assert rawtypes.item_of(Changing(), "name") == 1


def test_names_in_a_class_are_found_as_those_in_a_dict():
    """What a class has is no dict but a view of one."""
    assert rawtypes.Names().item_of(vars(Changing), "items") is Changing.items


KEPT = """
import gc, sys, types, weakref
import pytest_leakcheck
from pytest_leakcheck.explaining import explain as room
from pytest_leakcheck.model import Survivor
app = types.ModuleType("app"); sys.modules["app"] = app
class Thing: pass
def made():
    app.KEPT = {"a": [Thing()]}
    return weakref.ref(app.KEPT["a"][0])
def explained(ref): room.explain([ref()], [Survivor("Thing", "")])
def asked(ref): str(pytest_leakcheck.why_alive(ref()))
def blocked(ref):
    try:
        with pytest_leakcheck.no_leak(instances_of=Thing): app.KEPT["b"] = Thing()
    except pytest_leakcheck.LeakError as error: assert "LEAKED" in str(error)
    else: raise SystemExit("not raised")
def broken(ref):
    real, room.name_links = room.name_links, lambda *_: 1 / 0
    try: leak = room.explain([ref()], [Survivor("Thing", "")])[0]
    finally: room.name_links = real
    assert leak.unavailable == "the search ended with ZeroDivisionError: division by zero", leak
for look in (explained, asked, blocked, broken):
    gc.disable()
    ref = made()
    look(ref)
    app.KEPT.clear()
    gc.collect()
    assert ref() is None, look
"""


def test_nothing_of_ours_keeps_an_object_alive():
    """After a report, a block, and an error inside the search, the object dies as soon as its holder lets go."""
    leaks.run_script(KEPT)


FROZEN = """
import gc, sys, types
from pytest_leakcheck import why_alive
class Thing: pass
app = types.ModuleType("app"); sys.modules["app"] = app
app.KEPT = [Thing()]
gc.collect(); gc.freeze()
print(why_alive(app.KEPT[0]))
"""


def test_holders_hidden_by_freeze_are_found_near_the_users_modules():
    """``gc.freeze`` takes holders out of the collector's sight; those near a module are found from above."""
    text = leaks.run_script(FROZEN)

    assert ".KEPT" in text
    assert "[0]" in text


DEEP = """
import gc, sys, types
from pytest_leakcheck import why_alive
class Thing: pass
app = types.ModuleType("app"); sys.modules["app"] = app
held = [Thing()]
found = [held[0]]
for _ in range(12): held = [held]
app.KEPT = held; del held
gc.collect(); gc.freeze()
print(why_alive(found.pop()))
"""


def test_a_report_says_that_frozen_holders_are_not_seen():
    """Where a holder deeper down is hidden by ``gc.freeze``, the report names that as one that may be."""
    assert "gc.freeze" in leaks.run_script(DEEP)
