"""What pytest itself keeps of a test until long after its teardown, let go of before the verdict."""

from __future__ import annotations

import types
from pathlib import PosixPath, WindowsPath
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.logging import caplog_records_key

from pytest_leakcheck.heap.below import held_alone
from pytest_leakcheck.runtime import rawtypes

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_leakcheck.watching.watch import Watch


def parametrize_values(item: pytest.Item) -> tuple[Any, ...]:
    """Return the values of parametrize that `item` runs with, which pytest keeps for the whole session."""
    callspec: Any = getattr(item, "callspec", None)
    return tuple(callspec.params.values()) if callspec else ()


def forget_carried(item: pytest.Item, watch: Watch) -> None:
    """Forget what other plugins have put on `item`, or into its stash, and nothing else has: it lives with that."""
    nodes = watch.nodes().keys()
    holders = [vars(item), getattr(item.stash, "_storage", {})]
    values = [value for holder in holders for _, value in rawtypes.items_of(holder) if id(value) in nodes]
    if values:
        watch.forget(held_alone(values, holders, nodes))


def instance_of(item: pytest.Item) -> Any:
    """Return the instance that pytest has made of the class of `item` by now, or None."""
    made: Any = vars(item).get("_instance")
    method = vars(item).get("_obj")  # all that there is up to pytest 8.1
    return method.__self__ if made is None and type(method) is types.MethodType else made


class Withheld:
    """What an item had until the verdict, as far as it may be given back: no object is kept alive by this."""

    def __init__(self, values: dict[str, Callable[[], Any]]) -> None:
        self._values = values

    def give_back(self, item: pytest.Item) -> None:
        """Have `item` find again those values of fixtures that live: hooks that make reports may ask for them."""
        funcargs: dict[str, Any] | None = getattr(item, "funcargs", None)
        if funcargs is not None:
            living = ((name, value_of()) for name, value_of in self._values.items())
            funcargs.update({name: value for name, value in living if value is not None})


def holds_more_than_texts(item: pytest.Item) -> bool:
    """Tell whether pytest's own state of `item` leads to anything that may hold an object of the user's."""
    values = (getattr(item, "funcargs", None) or {}).values()
    instance = instance_of(item)
    own = None if instance is None else rawtypes.instance_dict(instance)
    attributes = () if own is None else (value for _, value in rawtypes.items_of(own))
    return not all(map(_is_text, (*values, *attributes))) or _has_records(item)


def _is_text(value: Any) -> bool:
    """Tell whether a value is a text, a number or a path: it is watched by nobody, and leads to nothing that is."""
    return rawtypes.is_one_of(type(value), _TEXTS)


_TEXTS = (str, bytes, int, float, complex, bool, type(None), PosixPath, WindowsPath)


def _has_records(item: pytest.Item) -> bool:
    return any(item.stash.get(caplog_records_key, {}).values())


def _fixtures_of(item: pytest.Item) -> dict[str, Any]:
    known: dict[str, Any] = getattr(getattr(item, "_request", None), "_fixture_defs", {})
    return known


def _reader(value: Any, definition: Any) -> Callable[[], Any] | None:
    """Return what reads the value of a fixture, if it lives on; None where that would keep it alive."""
    if definition is not None and definition.scope != "function":
        return lambda: definition.cached_result and definition.cached_result[0]
    if _is_text(value):
        return lambda: value
    return rawtypes.weak_reference(value)


def let_go(item: pytest.Item) -> Withheld:
    """Drop the fixture values, the instance of a plain test class and the log records that pytest keeps.

    All of them are dead weight after the item's teardown; pytest drops values and records itself a moment later,
    and keeps the instance for the whole session (pytest #11374).
    """
    funcargs: dict[str, Any] = getattr(item, "funcargs", None) or {}
    fixtures = _fixtures_of(item)
    readers = {name: _reader(value, fixtures.get(name)) for name, value in funcargs.items()}
    funcargs.clear()
    if isinstance(item.parent, pytest.Class):
        # Deleted, not None: a rerun makes them anew where they are missing.
        for name in ("_instance", "_obj"):
            if item.__dict__.get(name) is not None:
                del item.__dict__[name]
    for records in item.stash.get(caplog_records_key, {}).values():
        records.clear()
    logging_plugin = item.config.pluginmanager.get_plugin("logging-plugin")
    for handler in ("caplog_handler", "report_handler"):
        getattr(getattr(logging_plugin, handler, None), "records", []).clear()
    return Withheld({name: reader for name, reader in readers.items() if reader is not None})
