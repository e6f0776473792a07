"""The fixtures that hand the weak structures to a test; those of `patterns` are loaded where one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_leakcheck.patterns import (
        SmartCache,
        Weakable,
        WeakCallback,
        WeakKeyMetadata,
        WeakProxy,
        WeakSubject,
        WeakTree,
        WeakValueCache,
    )

T = TypeVar("T")


@pytest.fixture
def weak_tree() -> type[WeakTree[Any]]:
    """Return WeakTree(value): tree nodes that keep their children alive, but not their parent."""
    from pytest_leakcheck.patterns import WeakTree  # noqa: PLC0415 - most runs never get here

    return WeakTree


@pytest.fixture
def weak_proxy() -> type[WeakProxy[Any]]:
    """Return WeakProxy(target): a stand-in that raises ReferenceError once its target is gone."""
    from pytest_leakcheck.patterns import WeakProxy  # noqa: PLC0415 - most runs never get here

    return WeakProxy


@pytest.fixture
def weak_callback() -> type[WeakCallback]:
    """Return WeakCallback(target, function, *args, **kwargs): a call when the target dies, which it doesn't prevent."""
    from pytest_leakcheck.patterns import WeakCallback  # noqa: PLC0415 - most runs never get here

    return WeakCallback


@pytest.fixture
def weak_value_cache() -> type[WeakValueCache[Any, Any]]:
    """Return WeakValueCache(factory): a get-or-make cache that forgets what nobody uses any more."""
    from pytest_leakcheck.patterns import WeakValueCache  # noqa: PLC0415 - most runs never get here

    return WeakValueCache


@pytest.fixture
def weak_key_metadata() -> type[WeakKeyMetadata[Any, Any]]:
    """Return WeakKeyMetadata(): a mapping of objects to notes, which go when their objects do."""
    from pytest_leakcheck.patterns import WeakKeyMetadata  # noqa: PLC0415 - most runs never get here

    return WeakKeyMetadata


@pytest.fixture
def weak_subject() -> type[WeakSubject[...]]:
    """Return WeakSubject(): observers, bound methods included, that are notified but not kept alive."""
    from pytest_leakcheck.patterns import WeakSubject  # noqa: PLC0415 - most runs never get here

    return WeakSubject


@pytest.fixture
def weak_smart_cache() -> type[SmartCache[Any, Any]]:
    """Return SmartCache(): a cache that drops an entry, and can tell you, when its object dies."""
    from pytest_leakcheck.patterns import SmartCache  # noqa: PLC0415 - most runs never get here

    return SmartCache


@pytest.fixture(name="weakable")
def weakable_fixture() -> Callable[[T], Weakable[T]]:
    """Return the function weakable, which wraps values that can't be weakly referenced (int, str, list, ...)."""
    from pytest_leakcheck.patterns import weakable  # noqa: PLC0415 - most runs never get here

    return weakable
