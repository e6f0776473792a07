"""What a test's markers ask for, and what is wrong with them, told so that the reader can mend it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pytest_leakcheck import rawtypes
from pytest_leakcheck.check import Plan

if TYPE_CHECKING:
    import pytest

NO_LEAK = (
    "no_leak(instances_of=...): fail the test if an object made during it outlives it. instances_of is a class, a "
    "dotted name with *, or a list of them; without it, all new instances of this project's own classes are watched."
)
SKIP_LEAKCHECK = "skip_leakcheck(reason): do not check this test for leaks, whatever else asks for it."
_KEYWORDS = ("instances_of",)


def plan_for(item: pytest.Item, *, is_on: bool) -> Plan:
    """Return what `item` is to be checked for; its markers are known to be right."""
    if item.get_closest_marker("skip_leakcheck"):
        return Plan(is_skipped=True)
    marks = list(item.iter_markers("no_leak"))
    wanted = [
        target for mark in marks if "instances_of" in mark.kwargs for target in as_targets(mark.kwargs["instances_of"])
    ]
    is_bare = any("instances_of" not in mark.kwargs for mark in marks)
    return Plan(instances_of=tuple(wanted), is_own=is_bare or is_on)


def problem_of(item: pytest.Item) -> str | None:
    """Return what is wrong with the markers of `item`, or None."""
    for mark in item.iter_markers("skip_leakcheck"):
        given = [*mark.args, *([mark.kwargs["reason"]] if set(mark.kwargs) == {"reason"} else [])]
        if len(given) != 1 or not isinstance(given[0], str) or not given[0].strip() or set(mark.kwargs) - {"reason"}:
            return 'skip_leakcheck needs a reason, one string: @pytest.mark.skip_leakcheck("why this test may leak")'
    for mark in item.iter_markers("no_leak"):
        problem = _problem_of_mark(mark)
        if problem:
            return problem
    return None


def _problem_of_mark(mark: pytest.Mark) -> str | None:
    if mark.args:
        shown = ", ".join(_spelling(arg) for arg in mark.args)
        right = shown if len(mark.args) == 1 else f"[{shown}]"
        return f"no_leak takes keywords only: write @pytest.mark.no_leak(instances_of={right})"
    unknown = [name for name in mark.kwargs if name not in _KEYWORDS]
    if unknown:
        return f"no_leak has no keyword {unknown[0]!r}; it takes {', '.join(_KEYWORDS)}"
    try:
        as_targets(mark.kwargs.get("instances_of", ()))
    except TypeError as error:
        return str(error)
    return None


def _spelling(arg: Any) -> str:
    return rawtypes.qualname_of(arg) if rawtypes.is_type(arg) else repr(arg)[:60]


def as_targets(value: Any) -> tuple[type | str, ...]:
    """Return the classes and dotted names that an ``instances_of`` means.

    Raises TypeError, with the remedy, for anything else and for a dotted name that its loaded module lacks.
    """
    many = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
    for target in many:
        if not rawtypes.is_type(target) and not isinstance(target, str):
            raise TypeError(
                f"instances_of takes a class, a dotted name with *, or a list of them, not {repr(target)[:60]} "
                f"(a {type(target).__name__} object)"
            )
        if isinstance(target, str):
            _check_name(target)
    return tuple(many)


def _check_name(name: str) -> None:
    parts = name.split(".")
    if len(parts) < 2 or not all(parts):
        raise TypeError(
            f"instances_of: {name!r} is no dotted name; write the module too: 'shop.cart.{name.strip('.') or 'Cart'}'"
        )
    if any(sign in name for sign in "*?["):
        return
    for cut in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:cut]))
        if module is None:
            continue
        owner: Any = module
        for part in parts[cut:]:
            if not hasattr(owner, part):
                if cut == len(parts) - 1 or ".".join(parts[: cut + 1]) not in sys.modules:
                    raise TypeError(
                        f"instances_of: the module {'.'.join(parts[:cut])} has no {'.'.join(parts[cut:])} (in {name!r})"
                    )
                return
            owner = getattr(owner, part)
        return


VANISHED = (
    "{name} is not collected: pytest takes @pytest.mark.no_leak({kind}) for decorating the class {kind}, and then "
    "calls it with the test. Write @pytest.mark.no_leak(instances_of={kind})"
)


def vanished_test(names: dict[str, Any], is_test_name: Any) -> str | None:
    """Return what to do about a test that a wrong marker turned into an instance of a class, or None."""
    for name, value in names.items():
        kind = type(value)
        if is_test_name(name) and marked_class(kind):
            return VANISHED.format(name=name, kind=rawtypes.qualname_of(kind))
    return None


def marked_class(kind: type) -> bool:
    """Tell whether a class itself bears the marker no_leak."""
    marks = rawtypes.class_dict(kind).get("pytestmark")
    return type(marks) is list and any(getattr(mark, "name", "") == "no_leak" for mark in marks)
