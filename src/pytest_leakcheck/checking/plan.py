"""What a test asks to be checked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """What one test is checked for beside what it registers."""

    instances_of: tuple[type | str, ...] = ()
    """Classes and dotted globs, all of whose new instances must go."""
    is_own: bool = False
    """Whether new instances of the project's own classes are watched."""
    is_strict: bool = False
    """Whether they must go even where they do not accumulate: a bare marker asks for that."""
    may_repeat: bool = True
    """Whether the test may be run again to tell leaks from initialisation."""
    by_refcount: bool = False
    """Whether what is watched must die without the collector."""
    within: float | None = None
    """Seconds to wait for what is watched to die, where nothing else is said; None: as the settings say."""
    is_isolated: bool = False
    """Whether the test is to run in a fresh interpreter."""
    is_skipped: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether only registered objects are watched."""
        return not self.instances_of and not self.is_own
