"""Qt, by PySide or PyQt: events and deferred deletes are done before a verdict; children go with their parents.

What a slot of PySide raises is printed, so that the interpreter keeps it as its last error; that is no leak.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_leakcheck.describe import short_type_name
from pytest_leakcheck.extensions import KnownHolder
from pytest_leakcheck.runtime import rawtypes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CORES = ("PySide6.QtCore", "PyQt6.QtCore", "PySide2.QtCore", "PyQt5.QtCore")
_DEFERRED_DELETE = 52
"""QEvent::DeferredDelete, the same number in each version; the bindings differ in how they name it."""


def pytest_leakcheck_drain() -> bool:
    """Process events, then delete what ``deleteLater`` was called for, if there is an application."""
    applications = [app for core in _cores() if (app := core.QCoreApplication.instance()) is not None]
    for app in applications:
        app.processEvents()
        app.sendPostedEvents(None, _DEFERRED_DELETE)
    return bool(applications)


def pytest_leakcheck_expand(obj: Any) -> list[Any]:
    """Return the children of a QObject at all depths, so those of a window."""
    core = _core_of(obj)
    return obj.findChildren(core.QObject) if core is not None and not _is_deleted(core, obj) else []


@pytest.hookimpl(trylast=True)
def pytest_leakcheck_describe(obj: Any) -> str | None:
    """Tell a QObject's name, whose child it is, and whether its part in C++ is deleted."""
    core = _core_of(obj)
    if core is None:
        return None
    if _is_deleted(core, obj):
        return "its C++ object is deleted"
    name, parent = obj.objectName(), obj.parent()
    words = [f"named {name!r}"] if name else []
    return ", ".join(words if parent is None else [*words, f"child of a {short_type_name(type(parent))}"])


def pytest_leakcheck_known_holders() -> list[KnownHolder]:
    """Name where PySide leaves what a slot raises: whoever captures that can't keep the interpreter from keeping it."""
    is_pyside = any(name in sys.modules for name in CORES if name.startswith("PySide"))
    return [KnownHolder("sys.last_*", "a slot raised it, until another error is printed")] if is_pyside else []


def _cores() -> Iterator[Any]:
    return (sys.modules[name] for name in CORES if name in sys.modules)


def _core_of(obj: object) -> Any:
    return next((core for core in _cores() if rawtypes.is_instance(obj, core.QObject)), None)


def _is_deleted(core: Any, obj: object) -> bool:
    package = rawtypes.module_name(core).partition(".")[0]
    if package.startswith("PyQt"):
        is_deleted: Callable[[object], bool] = sys.modules[f"{package}.sip"].isdeleted
        return is_deleted(obj)
    return not sys.modules[package.replace("PySide", "shiboken")].isValid(obj)
