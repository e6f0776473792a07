"""How a test is run again, as the judgement of its survivors needs to know: nothing here knows pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytest_leakcheck.watching.watch import Watch


class Again(Protocol):
    """Runs a test once more, set-up and teardown included."""

    @property
    def seconds(self) -> float:
        """How long the body of the first run took."""

    def __call__(self, *, is_traced: bool = False, is_told: bool = True) -> Watch | None:
        """Return what it left of the project's own classes, or None if it failed.

        With `is_traced`, the lines that made the objects are told; that makes its first seconds slower. A failure of
        such a run, or of one with `is_told` off, is no warning.
        """
