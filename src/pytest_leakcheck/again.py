"""How a test may be run again, as the judgement of its survivors needs to know: nothing here knows pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from pytest_leakcheck.watch import Watch


class Run(Protocol):
    """One more run of a test, set-up and teardown included."""

    def __call__(self, *, is_traced: bool) -> Watch | None:
        """Return what it left of the project's own classes, or None if it failed.

        With `is_traced`, the lines that made the objects are told.
        """


class Again(NamedTuple):
    """How a test may be run again."""

    run: Run
    is_quick: bool
    """Whether it is so short that tracing, which makes it many times slower, costs next to nothing."""
