"""What is known of plugins that run no tests themselves: what a second run would change in theirs, and what not."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.runtime.rawtypes import module_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

_STEADY = {
    "anyio.pytest_plugin": ("anyio_backend", "free_tcp_port_factory", "free_udp_port_factory"),
    "pytest_asyncio.plugin": (
        "event_loop_policy",
        "_asyncio_loop_factory",
        "_class_scoped_runner",
        "_module_scoped_runner",
        "_package_scoped_runner",
        "_session_scoped_runner",
    ),
    "pytest_django.fixtures": (
        "django_db_createdb",
        "django_db_keepdb",
        "django_db_modify_db_settings",
        "django_db_modify_db_settings_parallel_suffix",
        "django_db_modify_db_settings_tox_suffix",
        "django_db_modify_db_settings_xdist_suffix",
        "django_db_setup",
        "django_db_use_migrations",
        "live_server",
    ),
    "pytest_django.plugin": ("django_db_blocker", "django_test_environment"),
    "pytestqt.plugin": ("qapp", "qapp_args", "qapp_cls"),
    "xdist.plugin": ("testrun_uid", "worker_id"),
}
"""The wider-scoped fixtures of plugins, by the modules that define them, in which tests leave nothing behind: what they
start, tests share, and what a test does there the plugin itself undoes at the end of each test, or the test must."""
_KEPT = frozenset({"pytest_benchmark.fixture"})
"""Modules of plugins that keep the values of their function-scoped fixtures to the end of the run, for their tables."""
_WATCHERS = ("memray_manager", "_cov_contexts")
"""Plugins, by the names that they are registered under, that note which test runs: to measure it, by its last run."""
_tell_again: Callable[[], None] = getattr(getattr(sys, "monitoring", None), "restart_events", lambda: None)
"""3.12+: coverage may be told of each line once, so that it would never be told again of those taken out."""
_OURS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")  # noqa: PTH118, PTH120 - a prefix with a separator


def is_steady(name: str, definitions: tuple[Any, ...]) -> bool:
    """Tell whether a second run leaves a wider-scoped fixture as it is, though tests ask for it by name.

    `definitions` are those under that name, the innermost last: that a project overrides a plugin's, as their docs tell
    it to, does not make another fixture of it.
    """
    modules = (text_of(getattr(definition.func, "__module__", "")) for definition in definitions)
    return any(name in _STEADY.get(module, ()) for module in modules)


def is_kept(value: object) -> bool:
    """Tell whether `value` is of a fixture whose plugin keeps it to the end of the run, so that it is no suspect."""
    return module_of(type(value)) in _KEPT


@contextmanager
def uncounted(config: pytest.Config) -> Iterator[None]:
    """Have a further run leave what pytest-benchmark and coverage have measured as it is."""
    with _uncovered(), _unmeasured(config):
        yield


@contextmanager
def _unmeasured(config: pytest.Config) -> Iterator[None]:
    measured: Any = getattr(getattr(config, "_benchmarksession", None), "benchmarks", None)
    before = list(measured) if type(measured) is list else []
    try:
        yield
    finally:
        if type(measured) is list:
            measured[:] = before


@contextmanager
def _uncovered() -> Iterator[None]:
    """Take out of the lines and branches that coverage has seen those which it sees now, our own left out.

    A cache that the first run filled would else be covered as one that is found full.
    """
    covered = _covered()
    before = {file: set(seen) for file, seen in covered.items()}
    try:
        yield
    finally:
        for file, seen in list(covered.items()):
            # What makes the second run is seen then alone. Whose own coverage this is about takes the place of ours.
            if not file.startswith(_OURS):  # pragma: only where another coverage measures
                seen.intersection_update(before.get(file, ()))
        if covered:  # pragma: skipped only where nothing measures
            _tell_again()


def _covered() -> dict[str, set[Any]]:
    """Return the sets that coverage notes lines or branches in, for each file; without any where it is not at work."""
    current: Any = getattr(getattr(sys.modules.get("coverage"), "Coverage", None), "current", None)
    data: Any = getattr(getattr(current and current(), "_collector", None), "data", None)
    return data if type(data) is dict and all(type(seen) is set for seen in data.values()) else {}


def unwatched(config: pytest.Config, hook: Any, name: str) -> Any:
    """Return the hook of that name among those of `hook`, without the plugins that a further run is not to concern."""
    manager = config.pluginmanager
    watchers = [plugin for each in _WATCHERS if (plugin := manager.get_plugin(each)) is not None]
    if not watchers:
        return getattr(hook, name)
    return manager.subset_hook_caller(name, [*getattr(hook, "remove_mods", ()), *watchers])
