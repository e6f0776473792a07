"""What is known of other libraries, told through the hooks alone: a module each, for libraries that are imported."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from pytest_leakcheck.runtime.loading import undisturbed

if TYPE_CHECKING:
    import pytest

INTEGRATIONS = {
    "anyio": ("anyio._backends._asyncio", "anyio._backends._trio"),
    "asyncio": ("asyncio",),
    "matplotlib": ("matplotlib.backend_bases",),
    "mock": ("unittest.mock",),
    "qt": ("PySide6.QtCore", "PyQt6.QtCore", "PySide2.QtCore", "PyQt5.QtCore"),
}
"""For each integration the modules that it is for: it is on where one of them is imported, and imports none itself."""


def register_loaded(manager: pytest.PytestPluginManager) -> None:
    """Turn on the integrations of the libraries that are imported by now; ``-p no:leakcheck-qt`` turns one off."""
    for name, libraries in INTEGRATIONS.items():
        plugin = f"leakcheck-{name}"
        is_wanted = any(library in sys.modules for library in libraries)
        if is_wanted and not manager.has_plugin(plugin) and not manager.is_blocked(plugin):
            with undisturbed():
                module = importlib.import_module(f"{__name__}.{name}")
            manager.register(module, plugin)
