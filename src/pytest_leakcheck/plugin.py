"""The pytest plugin: options, markers, fixtures; what runs per test is registered only where something is asked for."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_leakcheck import hookspecs, marks
from pytest_leakcheck.fixtures import assert_collected
from pytest_leakcheck.hooking import add_extensions
from pytest_leakcheck.options import OPTIONS, START_PATH, add_options, read_options
from pytest_leakcheck.running.collecting import refuse_wrong_markers
from pytest_leakcheck.weak_fixtures import (
    weak_callback,
    weak_key_metadata,
    weak_proxy,
    weak_smart_cache,
    weak_subject,
    weak_tree,
    weak_value_cache,
    weakable_fixture,
)

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "assert_collected",
    "weak_callback",
    "weak_key_metadata",
    "weak_proxy",
    "weak_smart_cache",
    "weak_subject",
    "weak_tree",
    "weak_value_cache",
    "weakable_fixture",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the extension points."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Note how the interpreter was started, for those that are started for isolated tests."""
    early_config.stash[START_PATH] = tuple(sys.path)


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings and declare the markers."""
    config.addinivalue_line("markers", marks.NO_LEAK)
    config.addinivalue_line("markers", marks.SKIP_LEAKCHECK)
    options = replace(read_options(config), extensions=add_extensions(config))
    config.stash[OPTIONS] = options
    if options.baseline:
        from pytest_leakcheck.reporting.adoption import Adoption  # noqa: PLC0415 - most runs never get here; it imports much

        config.pluginmanager.register(Adoption(config, options), "leakcheck-adoption")
    if (_is_controller(config) or options.json) and not options.is_off:
        from pytest_leakcheck.reporting.reporter import ensure_reporter  # noqa: PLC0415 - most runs never get here; it imports much

        ensure_reporter(config)


def _is_controller(config: pytest.Config) -> bool:
    """Tell whether xdist's workers run the tests: then what is asked for is known there alone."""
    return bool(getattr(config.option, "tx", None)) and not hasattr(config, "workerinput")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Refuse tests whose markers are wrong, with the remedy."""
    report = yield
    return refuse_wrong_markers(collector, report)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Turn on what runs per test, if any test asks for it."""
    options = config.stash[OPTIONS]
    is_asked = bool(options.json) or any(_asks(item, is_on=options.is_on) for item in items)
    if is_asked and not options.is_off:
        from pytest_leakcheck.running.verdict import ensure_judge  # noqa: PLC0415 - most runs never get here; it imports much

        ensure_judge(config)


def _asks(item: pytest.Item, *, is_on: bool) -> bool:
    return (
        is_on
        or item.get_closest_marker("no_leak") is not None
        or "assert_collected" in getattr(item, "fixturenames", ())
    )
