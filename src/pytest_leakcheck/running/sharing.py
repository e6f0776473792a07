"""What a test shares with others, which a second run would change: why it is not run again."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

import pytest

from pytest_leakcheck.neighbours.bystanders import is_steady
from pytest_leakcheck.neighbours.timeouts import why_no_further_run
from pytest_leakcheck.runtime import rawtypes
from pytest_leakcheck.wider.bound import is_data, used_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_leakcheck.wider.bound import Bound


def why_not_repeatable(
    item: pytest.Function, seconds: float, *, bound: Sequence[Bound] = (), is_asked_for: bool = False
) -> str:
    """Return why a second run of `item`, whose first call took `seconds`, might do harm; empty where it does not.

    `bound` are the names that set-ups of wider scopes have bound. Where the run is asked for by hand, that what tests
    share sees the test twice is no reason.
    """
    if item.config.getoption("trace", default=False):
        return "--trace is on"
    if "teardown_exact" not in vars(item.session._setupstate):  # noqa: SLF001 - set for as long as the gap lasts
        return "this pytest tears tests down in another way"
    if getattr(item.obj, "is_hypothesis_test", False):
        return "hypothesis runs it many times already"
    wide = [] if is_asked_for else wider_fixtures(item)
    if wide:
        return f"it uses the {wide[0].scope}-scoped fixture {wide[0].argname!r}"
    shared = "" if is_asked_for else used_name(bound, _functions_of(item), owners_of(item))
    if shared:
        return f"it uses {shared!r}, which a set-up of a wider scope bound"
    return why_no_further_run(item, seconds)


def owners_of(item: pytest.Item) -> list[Any]:
    """Return the classes that a test has its attributes from, those around its own, and its module."""
    classes = [node.obj for node in item.listchain() if isinstance(node, pytest.Class)]
    module = getattr(item, "module", None)
    kinds = [each for kind in classes if rawtypes.is_type(kind) for each in rawtypes.mro_of(kind)]
    return [*rawtypes.by_id(kinds).values(), *([module] if rawtypes.is_module(module) else ())]


def _definitions(item: pytest.Function) -> dict[str, tuple[Any, ...]]:
    """Return the fixtures that a test gets, by name, each with those that it overrides, the innermost last."""
    known: dict[str, Any] = item._fixtureinfo.name2fixturedefs  # noqa: SLF001 - no public way to a test's fixtures
    late: dict[str, Any] = item._request._fixture_defs  # noqa: SLF001 - the same; what `getfixturevalue` was asked for
    found = {name: tuple(known[name]) for name in item.fixturenames if name in known}
    return {**{name: (each,) for name, each in late.items()}, **found}


def _own_definitions(item: pytest.Function) -> list[Any]:
    """Return the fixtures that are set up for a test alone, with those that they override, and may call."""
    return [each for definitions in _definitions(item).values() for each in definitions if each.scope == "function"]


def _functions_of(item: pytest.Function) -> list[Any]:
    """Return the functions of a test and of the fixtures that are set up for it alone."""
    return [item.obj, *(each.func for each in _own_definitions(item))]


def wider_fixtures(item: pytest.Function) -> list[Any]:
    """Return the wider-scoped fixtures that the test or its fixtures ask for by name and that may change by a run.

    Not those that are there for each test, and are asked for to be there before, where their values hold nothing.
    """
    manager: Any = item.session._fixturemanager  # noqa: SLF001 - no public way to a test's fixtures
    asked: tuple[str, ...] = item._fixtureinfo.argnames  # noqa: SLF001 - the same
    node: Any = item if pytest.version_tuple >= (8, 1) else item.nodeid
    by_themselves = set(manager._getautousenames(node))  # noqa: SLF001 - the same
    late = _definitions(item).keys() - set(item.fixturenames)
    named = {*asked, *late, *(name for each in _own_definitions(item) for name in each.argnames)}
    return [
        definitions[-1]
        for name, definitions in _definitions(item).items()
        if definitions[-1].scope != "function"
        and (name not in by_themselves or (name in named and _has_data(definitions[-1])))
        and not _is_of_pytest(definitions[-1].func)
        and not is_steady(name, definitions)
    ]


def _has_data(definition: Any) -> bool:
    return definition.cached_result is not None and is_data(definition.cached_result[0])


def _is_of_pytest(function: object) -> bool:
    return type(function) is types.FunctionType and rawtypes.text_of(function.__module__).startswith("_pytest.")
