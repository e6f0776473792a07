"""A wider-scoped fixture from its set-up to its end, and what is watched of what tests leave to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.heap.below import held_alone
from pytest_leakcheck.runtime import rawtypes
from pytest_leakcheck.watching.watch import Watch
from pytest_leakcheck.wider.bound import is_data, tops_of

if TYPE_CHECKING:
    import weakref
    from collections.abc import Iterable, Sequence

    from pytest_leakcheck.watching.watch import Watched
    from pytest_leakcheck.wider.bound import Bound


@dataclass(slots=True)
class Standing:
    """A wider-scoped fixture, from its set-up to its end."""

    definition: Any
    """What pytest knows of the fixture; its value is there until it ends."""
    name: str
    """``module-scoped fixture 'server'``: the words that a trace which starts from it has for a root."""
    place: str
    """Where its function is: ``shop/conftest.py:12``."""
    test: str
    """The test that it was set up for."""
    watch: Watch = field(default_factory=Watch)
    bound: list[Bound] = field(default_factory=list)
    """The names that its set-up bound."""
    made: dict[int, weakref.ref[Any]] = field(default_factory=dict)
    """What its set-up made, by its ids."""
    clears: frozenset[str] | None = None
    """The names of what its teardown clears, once somebody wanted to know."""
    is_disturbed: bool = False
    """Whether a test failed of itself while it stood, whose traceback or unfinished work may hold anything."""

    @property
    def has_ended(self) -> bool:
        """Tell whether its finalizers have run and its value is dropped."""
        return self.definition.cached_result is None

    @property
    def key(self) -> str:
        """What its set-ups have in common, in words: an inherited fixture is one, though pytest defines it anew."""
        return f"{self.name} ({self.place})"

    def tops(self, *, is_used: bool) -> list[Any]:
        """Return what it shares with a test: its value if the test uses that, and what the names stand for."""
        value = self.definition.cached_result[0]
        return [*([value] if is_used and is_data(value) else ()), *tops_of(self.bound)]

    def has_made(self, nodes: Iterable[int]) -> bool:
        """Tell whether its set-up made one of the objects, all alive, with these ids."""
        known = (self.made[node] for node in nodes if node in self.made)
        return any(ref() is not None for ref in known)

    def take(self, watched: Iterable[Watched], test: str) -> None:
        """Watch what a test made, or what keeps the origin that it has."""
        for entry in watched:
            fact = replace(entry.fact, origin=f"made during {test}") if test else entry.fact
            self.watch.watched.append(entry._replace(fact=fact))

    def leaves_more(self, bound: Sequence[Bound]) -> bool:
        """Forget what stays where set-ups have `bound` it, and there alone, by design; tell whether any is left."""
        owners = rawtypes.each_once(each.owner() for each in bound)
        tops = rawtypes.each_once(tops_of(bound))
        if tops:
            self.watch.forget(held_alone(tops, owners, self.watch.nodes().keys()))
        return bool(self.watch)
