"""What pytest itself keeps of a test until long after its teardown, let go of before the verdict."""

from __future__ import annotations

import types
from typing import Any

import pytest
from _pytest.logging import caplog_records_key


def parametrize_values(item: pytest.Item) -> tuple[Any, ...]:
    """Return the values of parametrize that `item` runs with, which pytest keeps for the whole session."""
    callspec: Any = getattr(item, "callspec", None)
    return tuple(callspec.params.values()) if callspec else ()


def instance_of(item: pytest.Item) -> Any:
    """Return the instance that pytest has made of the class of `item` by now, or None."""
    made: Any = vars(item).get("_instance")
    method = vars(item).get("_obj")  # all that there is up to pytest 8.1
    return method.__self__ if made is None and type(method) is types.MethodType else made


def let_go(item: pytest.Item) -> None:
    """Drop the fixture values, the instance of a plain test class and the log records that pytest keeps.

    All of them are dead weight after the item's teardown; pytest drops values and records itself a moment later,
    and keeps the instance for the whole session (pytest #11374).
    """
    funcargs: dict[str, Any] | None = getattr(item, "funcargs", None)
    if funcargs:
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
