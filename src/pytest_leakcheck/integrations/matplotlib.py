"""matplotlib: pyplot keeps each figure until it is closed."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from pytest_leakcheck.runtime import rawtypes


@pytest.hookimpl(trylast=True)
def pytest_leakcheck_describe(obj: Any) -> str | None:
    """Tell of what pyplot keeps a figure by how to end that."""
    manager = sys.modules["matplotlib.backend_bases"].FigureManagerBase
    return f"there until plt.close({obj.num!r})" if rawtypes.is_instance(obj, manager) else None
