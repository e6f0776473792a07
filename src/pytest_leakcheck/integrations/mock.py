"""unittest.mock: a mock is told by its name, as ``client.orders.post``."""

from __future__ import annotations

from typing import Any
from unittest.mock import NonCallableMock

import pytest

from pytest_leakcheck.runtime import rawtypes


@pytest.hookimpl(trylast=True)
def pytest_leakcheck_describe(obj: Any) -> str | None:
    """Tell a mock's name, or its place below one."""
    if not rawtypes.is_instance(obj, NonCallableMock):
        return None
    name = NonCallableMock._extract_mock_name(obj)  # noqa: SLF001 - only repr() has it too
    return None if name == "mock" else f"named {name!r}"
