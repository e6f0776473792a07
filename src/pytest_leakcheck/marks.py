"""What a test's markers ask for, and what is wrong with them, told so that the reader can mend it."""

from __future__ import annotations

import operator
import sys
import types
from typing import TYPE_CHECKING, Any

from pytest_leakcheck import describe
from pytest_leakcheck.checking.plan import Plan
from pytest_leakcheck.remedies import why_no_instance_is_weakable
from pytest_leakcheck.runtime import rawtypes

if TYPE_CHECKING:
    import pytest

    from pytest_leakcheck.options import Options

NO_LEAK = (
    "no_leak(instances_of=..., by_refcount=False, within=None, repeat=True, isolated=False): fail the test if an "
    "object made during it outlives it. instances_of is a class, a dotted name with *, or a list of them; without it,"
    " all new instances of this project's own classes are watched, and the test is run a second time to tell leaks "
    "from what is made only once; repeat=False fails for all. With by_refcount=True they must die without the cycle "
    "collector; within is how many seconds they may take to die. With isolated=True the test runs in a fresh "
    "interpreter."
)
SKIP_LEAKCHECK = "skip_leakcheck(reason): do not check this test for leaks, whatever else asks for it."
_KEYWORDS = ("instances_of", "by_refcount", "within", "repeat", "isolated")
_FLAGS = ("by_refcount", "repeat", "isolated")


def plan_for(item: pytest.Item, options: Options) -> Plan:
    """Return what `item` is to be checked for; its markers are known to be right."""
    marks = [mark for mark in item.iter_markers() if mark.name in _CHECKED]
    if any(mark.name == "skip_leakcheck" for mark in marks):
        return Plan(is_skipped=True)
    if not marks:
        return Plan(is_own=options.is_on, by_refcount=options.cycles)
    asked = [mark.kwargs["instances_of"] for mark in marks if "instances_of" in mark.kwargs]
    # One that names no classes beside one that does may but say how these are to die.
    is_bare = not asked or any(not mark.kwargs for mark in marks)

    def nearest(name: str, otherwise: Any) -> Any:
        return next((mark.kwargs[name] for mark in marks if name in mark.kwargs), otherwise)

    return Plan(
        instances_of=tuple(_resolved_if_possible(target) for value in asked for target in _listed(value)),
        is_own=is_bare or options.is_on,
        is_strict=is_bare,
        may_repeat=nearest("repeat", otherwise=True),
        by_refcount=nearest("by_refcount", otherwise=options.cycles),
        within=nearest("within", otherwise=None),
        is_isolated=nearest("isolated", otherwise=False),
    )


def problem_of(item: pytest.Item) -> str | None:
    """Return what is wrong with the markers of `item`, or None."""
    for mark in item.iter_markers():
        problem = _CHECKED[mark.name](mark) if mark.name in _CHECKED else None
        if problem:
            return problem
    return None


def _problem_of_skip(mark: pytest.Mark) -> str | None:
    given = [*mark.args, *([mark.kwargs["reason"]] if set(mark.kwargs) == {"reason"} else [])]
    if len(given) != 1 or not rawtypes.text_of(given[0]).strip() or set(mark.kwargs) - {"reason"}:
        return 'skip_leakcheck needs a reason, one string: @pytest.mark.skip_leakcheck("why this test may leak")'
    return None


def _problem_of_mark(mark: pytest.Mark) -> str | None:
    if mark.args:
        shown = ", ".join(_spelling(arg) for arg in mark.args)
        right = shown if len(mark.args) == 1 else f"[{shown}]"
        return f"no_leak takes keywords only: write @pytest.mark.no_leak(instances_of={right})"
    unknown = [name for name in mark.kwargs if name not in _KEYWORDS]
    if unknown:
        return f"no_leak has no keyword {unknown[0]!r}; it takes {', '.join(_KEYWORDS)}"
    for flag in _FLAGS:
        if type(mark.kwargs.get(flag, True)) is not bool:  # `isinstance` would ask a lying `__class__`
            return f"no_leak: {flag} is True or False, not {describe.key_text(mark.kwargs[flag])}"
    if problem_of_seconds(mark.kwargs.get("within")):
        return f"no_leak: {problem_of_seconds(mark.kwargs['within'])}"
    try:
        if "instances_of" in mark.kwargs:
            as_targets(mark.kwargs["instances_of"])
    except TypeError as error:
        return str(error)
    return None


def problem_of_seconds(within: object) -> str:
    """Return what is wrong with a ``within``, or the empty string."""
    is_number = rawtypes.is_one_of(type(within), (int, float))
    if within is None or (is_number and 0 <= within < float("inf")):  # type: ignore[operator]
        return ""
    return f"within is a number of seconds (0, 0.5, 10), not {describe.key_text(within)}"


_CHECKED = {"skip_leakcheck": _problem_of_skip, "no_leak": _problem_of_mark}


def _spelling(arg: Any) -> str:
    return rawtypes.qualname_of(arg) if rawtypes.is_type(arg) else describe.key_text(arg)


def as_targets(value: Any) -> tuple[type | str, ...]:
    """Return the classes that an ``instances_of`` means, and the dotted names that lead to no loaded class yet.

    Raises TypeError, with the remedy, for anything else and for a dotted name that its loaded module lacks.
    """
    __tracebackhide__ = True
    many = _listed(value)
    if not many:
        raise TypeError("instances_of is empty: name a class, or leave it out to watch this project's own classes")
    return tuple(map(_as_target, many))


def _listed(value: Any) -> list[Any]:
    for kind in (list, tuple, set, frozenset):
        if rawtypes.is_instance(value, kind):
            return rawtypes.listed(kind.__iter__(value))
    return [value]


def _as_target(target: object) -> type | str:
    __tracebackhide__ = True
    found = _resolved(rawtypes.text_of(target)) if rawtypes.is_instance(target, str) else target
    if type(found) is str:
        return found
    if not rawtypes.is_type(found):
        raise TypeError(
            f"instances_of takes a class, a dotted name with *, or a list of them, not {describe.key_text(target)} "
            f"(a {describe.short_type_name(type(target))} object)"
        )
    problem = why_no_instance_is_weakable(found)
    if problem:
        raise TypeError(f"instances_of: {problem}")
    return found


def _resolved_if_possible(target: type | str) -> type | str:
    """Return the class that a name leads to by now; a module loaded since the collection may lack it, and is told."""
    try:
        return target if rawtypes.is_type(target) else _resolved(rawtypes.text_of(target))
    except TypeError:
        return target


def _resolved(name: str) -> type | str:
    """Return the class that a dotted name leads to; the name where it has a ``*`` or its module is not loaded yet."""
    __tracebackhide__ = True
    parts = name.split(".")
    if len(parts) < 2 or not all(parts):
        raise TypeError(
            f"instances_of: {name!r} is no dotted name; write the module too: 'shop.cart.{name.strip('.') or 'Cart'}'"
        )
    if any(sign in name for sign in "*?[<"):
        return name
    for cut in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:cut]))
        if module is not None:
            return _member(module, parts, cut)
    return name


def _member(module: Any, parts: list[str], cut: int) -> type | str:
    """Return the class that the parts from `cut` on lead to, from a loaded module."""
    __tracebackhide__ = True
    name, place = ".".join(parts), ".".join(parts[:cut])
    try:
        found = operator.attrgetter(".".join(parts[cut:]))(module)
    except Exception:  # noqa: BLE001 - a module's own __getattr__ may raise anything
        is_package = (
            rawtypes.is_module(module) and rawtypes.item_of(rawtypes.module_dict(module), "__path__") is not None
        )
        if is_package and cut < len(parts) - 1:
            return name  # of a submodule that is not loaded yet
        raise TypeError(f"instances_of: the module {place} has no {'.'.join(parts[cut:])} (in {name!r})") from None
    if rawtypes.is_type(found):
        return found
    if rawtypes.is_module(found):
        raise TypeError(f"instances_of: {name!r} is a module; write '{name}.*' for all of its classes")
    raise TypeError(f"instances_of: {name!r} is not a class but a {describe.short_type_name(type(found))}")


VANISHED = (
    "{name} is not collected: pytest takes @pytest.mark.no_leak({what}) for decorating {what}, and then calls {what} "
    "with the test. Write @pytest.mark.no_leak(instances_of={right})"
)


def vanished(name: str, what: Any) -> str:
    """Return what to do about a test that went because no_leak was given the class or function `what` alone."""
    if rawtypes.is_type(what):
        return VANISHED.format(name=name, what=rawtypes.qualname_of(what), right=rawtypes.qualname_of(what))
    return VANISHED.format(name=name, what=rawtypes.text_of(what.__qualname__), right="TheClass")


def is_marked(what: Any) -> bool:
    """Tell whether a class or function itself bears the marker no_leak."""
    marks = None
    if rawtypes.is_type(what):
        marks = rawtypes.item_of(rawtypes.class_dict(what), "pytestmark")
    elif type(what) is types.FunctionType:
        marks = rawtypes.attribute(what, "pytestmark")
    return type(marks) is list and any(_name_of(mark) == "no_leak" for mark in marks)


def _name_of(mark: object) -> str:
    """Return the name of a mark, or of the one in a decorator that makes it; whatever else is listed has none."""
    made = rawtypes.attribute(mark, "mark")
    return rawtypes.text_of(rawtypes.attribute(mark if made is None else made, "name"))
