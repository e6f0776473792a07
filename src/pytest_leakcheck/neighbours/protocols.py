"""Other plugins that run tests themselves, to repeat or to fork them: they are asked before ours runs one."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

from _pytest import runner

if TYPE_CHECKING:
    import pytest


def offer_to_others(own_plugin: object, item: pytest.Function, nextitem: pytest.Item | None) -> object:
    """Ask the plugins that would be asked after ours to run `item`, pytest's own runner left out; return their answer.

    The hook ends at the first answer, so that owning the protocol would otherwise silently end their reruns.
    """
    arguments = {"item": item, "nextitem": nextitem}
    implementations = item.ihook.pytest_runtest_protocol.get_hookimpls()
    mine = next(i for i, impl in enumerate(implementations) if impl.plugin is own_plugin)
    for impl in reversed(implementations[:mine]):
        if _is_left_out(impl) or _has_nothing_to_rerun(impl.function, item):
            continue
        answer = impl.function(*(arguments[name] for name in impl.argnames))
        if answer is not None:
            return answer
    return None


def is_collecting() -> bool:
    """Tell whether the protocol that runs now calls pytest's own phases, so that reports may wait until all are over.

    The plugin flaky puts a function of its own there, which decides on each report at once whether to log it.
    """
    return getattr(runner.call_and_report, "__module__", "") == runner.__name__


def is_of_pytest(plugin: object) -> bool:
    """Tell whether a plugin is one of pytest's own."""
    name = getattr(plugin, "__name__", "") if isinstance(plugin, types.ModuleType) else type(plugin).__module__
    return name.startswith("_pytest.")


def _is_left_out(impl: Any) -> bool:
    is_wrapper = impl.hookwrapper or getattr(impl, "wrapper", False)
    return is_wrapper or getattr(impl.function, "__module__", "") == "_pytest.runner"


def _has_nothing_to_rerun(hook: Any, item: pytest.Function) -> bool:
    """Tell whether this is the plugin flaky and `item` is none of its tests: it runs every test, like pytest itself."""
    plugin = getattr(hook, "__self__", None)
    if type(plugin).__module__ != "flaky.flaky_pytest_plugin" or getattr(plugin, "force_flaky", True):
        return False
    places = (item.obj, item.cls, item.module)
    return item.get_closest_marker("flaky") is None and not any(hasattr(place, "_flaky_max_runs") for place in places)
