"""What wider-scoped fixtures lend to tests, as the judgement of a test's survivors needs to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_leakcheck.watching.watch import Watch


class Lending(Protocol):
    """The wider-scoped fixtures that stand while a test is judged."""

    def claim(self, watch: Watch) -> bool:
        """Take over what they may keep of what the test left; tell whether there was any.

        Then the test is not run again, which would leave them more.
        """

    def lender_of(self, nodes: Iterable[int]) -> str:
        """Return the name of a fixture whose set-up made one of the objects, all alive, with these ids; else empty."""

    def lender_of_each(self, nodes: Sequence[int]) -> str:
        """Return the name of the one fixture that is such a lender of each of the objects; else empty."""

    def clearer_of(self, names: Collection[str]) -> str:
        """Return the name of a fixture whose teardown clears what goes by one of `names`; else empty."""

    def stands(self, name: str) -> bool:
        """Tell whether a fixture of that name stands."""
