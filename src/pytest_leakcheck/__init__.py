"""pytest-leakcheck: fails the test that leaks an object, and shows the chain of references that keeps it alive."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_leakcheck.block import no_leak
    from pytest_leakcheck.errors import LeakError
    from pytest_leakcheck.extensions import KnownHolder
    from pytest_leakcheck.model import FoundLeak
    from pytest_leakcheck.why import WhyAlive, why_alive

__all__ = ["FoundLeak", "KnownHolder", "LeakError", "WhyAlive", "no_leak", "why_alive"]

_HOMES = {
    "FoundLeak": "model",
    "KnownHolder": "extensions",
    "LeakError": "errors",
    "WhyAlive": "why",
    "no_leak": "block",
    "why_alive": "why",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use: pytest imports this package in every run, also where nothing is checked."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
