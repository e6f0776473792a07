"""The error that a leak is raised as, where one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_leakcheck.model import Report


class LeakError(AssertionError):
    """Objects that should be gone are still alive; the text is the report."""

    __module__ = "pytest_leakcheck"
    report: Report | None = None
    """What was found, where the text tells it."""
