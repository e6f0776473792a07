"""Hooks of other plugins that find less than they expect of a test whose verdict is over: no reason to end the run.

By then the values of the test's fixtures are let go of. A hook that raises for want of one is left out, and told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_leakcheck.describe import error_text
from pytest_leakcheck.hooking import FAULTS, plugin_name
from pytest_leakcheck.neighbours.protocols import is_of_pytest

if TYPE_CHECKING:
    import types
    from collections.abc import Iterator

    import pytest

_WHY = "so it was left out; by then, what the test's fixtures gave it is let go of"


def call_hook(item: pytest.Item, name: str, /, **given: Any) -> Any:
    """Return what a hook answers, or, if one of its implementations raises, what those of pytest's own do."""
    try:
        return getattr(item.ihook, name)(**given)
    except Exception as error:  # noqa: BLE001 - whatever a hook does, what leaked is told
        return call_own(item, name, error, **given)


def call_own(item: pytest.Item, name: str, error: Exception, /, **given: Any) -> Any:
    """Return what pytest's own implementations of a hook answer, where `error` is what another one has raised."""
    item.config.stash[FAULTS].note(_raising(item, name, error), f"raised {error_text(error)}, {_WHY}")
    manager = item.config.pluginmanager
    others = [plugin for plugin in manager.get_plugins() if not is_of_pytest(plugin)]
    return manager.subset_hook_caller(name, others)(**given)


def _raising(item: pytest.Item, name: str, error: Exception) -> str:
    """Return the words for the implementation of a hook that an error has come from, as far as its frames tell."""
    codes = set(_codes(error.__traceback__))
    others = (impl for impl in getattr(item.ihook, name).get_hookimpls() if not is_of_pytest(impl.plugin))
    raising = (impl for impl in others if getattr(impl.function, "__code__", None) in codes)
    words = (f"the hook {name} of plugin {plugin_name(item.config, impl)!r}" for impl in raising)
    return next(words, f"the hook {name} of some plugin")


def _codes(tb: types.TracebackType | None) -> Iterator[types.CodeType]:
    while tb is not None:
        yield tb.tb_frame.f_code
        tb = tb.tb_next
