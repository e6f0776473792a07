"""The fixtures that hand the weak structures to a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from .cache import WeakValueCache
from .callback import WeakCallback
from .metadata import WeakKeyMetadata
from .observer import WeakSubject
from .proxy import WeakProxy
from .smart_cache import SmartCache
from .tree import WeakTree
from .weakable import Weakable, weakable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@pytest.fixture
def weak_tree() -> type[WeakTree[Any]]:
    """Return WeakTree(value): tree nodes that keep their children alive, but not their parent."""
    return WeakTree


@pytest.fixture
def weak_proxy() -> type[WeakProxy[Any]]:
    """Return WeakProxy(target): a stand-in that raises ReferenceError once its target is gone."""
    return WeakProxy


@pytest.fixture
def weak_callback() -> type[WeakCallback]:
    """Return WeakCallback(target, function, *args, **kwargs): a call when the target dies, which it doesn't prevent."""
    return WeakCallback


@pytest.fixture
def weak_value_cache() -> type[WeakValueCache[Any, Any]]:
    """Return WeakValueCache(factory): a get-or-make cache that forgets what nobody uses any more."""
    return WeakValueCache


@pytest.fixture
def weak_key_metadata() -> type[WeakKeyMetadata[Any, Any]]:
    """Return WeakKeyMetadata(): a mapping of objects to notes, which go when their objects do."""
    return WeakKeyMetadata


@pytest.fixture
def weak_subject() -> type[WeakSubject[...]]:
    """Return WeakSubject(): observers, bound methods included, that are notified but not kept alive."""
    return WeakSubject


@pytest.fixture
def weak_smart_cache() -> type[SmartCache[Any, Any]]:
    """Return SmartCache(): a cache that drops an entry, and can tell you, when its object dies."""
    return SmartCache


@pytest.fixture(name="weakable")
def weakable_fixture() -> Callable[[T], Weakable[T]]:
    """Return the function weakable, which wraps values that can't be weakly referenced (int, str, list, ...)."""
    return weakable
