"""What plugins may add to a check, as functions: nothing here knows where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class KnownHolder:
    """A holder that is not the user's fault: what only it keeps alive is no leak.

    Raises ValueError for versions without a package.
    """

    holder: str
    """The dotted name that a report's chain starts with, ``*`` standing for any text: ``shop.registry.LISTENERS``."""
    reason: str
    """Why it holds objects, and until when."""
    package: str = ""
    """The distribution that this is about; where that is not installed, the entry does not count."""
    versions: str = ""
    """The versions of it that this is about, as pip takes them (``>=2.0,<2.3``); empty for all."""

    def __post_init__(self) -> None:
        if self.versions and not self.package:
            raise ValueError(f"KnownHolder: versions={self.versions!r} of which package? Give package=")


def _no_work() -> bool:
    return False


def _no_parts(_: object) -> list[object]:
    return []


def no_words(_: object) -> str:
    """Describe nothing."""
    return ""


def _no_holders() -> Sequence[KnownHolder]:
    return ()


@dataclass(frozen=True, slots=True)
class Extensions:
    """The functions that a check calls; none of them raises, and those that nobody gave cost nothing."""

    drain: Callable[[], bool] = _no_work
    """Lets pending work finish; tells whether there may have been some."""
    expand: Callable[[object], list[object]] = _no_parts
    """Returns further objects to watch with one."""
    describe: Callable[[object], str] = no_words
    """Returns a few words on an object, or the empty string."""
    known: Callable[[], Sequence[KnownHolder]] = _no_holders
    """Returns the known holders that apply here."""
    is_off: bool = False
    """Whether nothing is to be checked."""


NONE = Extensions()
_running: list[Extensions] = []
"""Those of the runs of pytest in this process, the innermost last: a block has no other way to them."""


def current() -> Extensions:
    """Return what is there for code that no test's check was made for: that of the run of pytest, if there is one."""
    return _running[-1] if _running else NONE


def enter(extensions: Extensions) -> None:
    """Make `extensions` the current ones, until `leave`."""
    _running.append(extensions)


def leave() -> None:
    """Make those from before the last `enter` the current ones again."""
    _running.pop()
