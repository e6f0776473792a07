"""The settings of a run: command line over ini file, read once into one frozen value."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PATIENCE = 1.0
"""Seconds to wait for what another thread or an event loop holds, where nothing is set."""
_HAS_FLOAT_INI = pytest.version_tuple >= (8, 4)

ENTRIES: dict[str, tuple[str, str]] = {
    "leakcheck": ("bool", "Check every test for objects that outlive it, as --leakcheck does."),
    "leakcheck_packages": (
        "args",
        (
            "Packages whose classes are this project's own, wherever they are installed "
            "(default: all below rootdir, environments left out)."
        ),
    ),
    "leakcheck_within": (
        "float" if _HAS_FLOAT_INI else "string",
        (
            "Seconds to wait for watched objects to die "
            "(default: 0, but up to 1 for what another thread or an event loop holds)."
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of a run."""

    is_on: bool = False
    """Check every test."""
    is_off: bool = False
    """Check nothing, explicit registrations included."""
    packages: tuple[str, ...] = ()
    within: float | None = None
    """Seconds to wait for any survivor; None: none, but `DEFAULT_PATIENCE` for what a thread or loop holds."""
    root: str = ""
    """The folder below which classes are the project's own; empty for the current one."""

    def patience(self, *, is_held_elsewhere: bool) -> float:
        """Return how many seconds to wait for a survivor to die."""
        if self.within is not None:
            return self.within
        return DEFAULT_PATIENCE if is_held_elsewhere else 0.0


def add_options(parser: pytest.Parser) -> None:
    """Declare the command line options and ini keys."""
    group = parser.getgroup("leakcheck", "object leaks (pytest-leakcheck)")
    group.addoption(
        "--leakcheck",
        action="store_true",
        help="Fail each test that leaves behind objects of this project's own classes, or values of its fixtures, "
        "and show who holds them.",
    )
    group.addoption(
        "--no-leakcheck",
        action="store_true",
        help="Check nothing: assert_collected and the no_leak marker do nothing either (for debuggers and the like).",
    )
    for name, (kind, text) in ENTRIES.items():
        parser.addini(name, text, type=kind, default=None)  # type: ignore[arg-type]


def read_options(config: pytest.Config) -> Options:
    """Return the settings of this run. Raises pytest.UsageError, one line, where one makes no sense."""
    ini: Mapping[str, Any] = {name: config.getini(name) for name in ENTRIES}
    is_on, is_off = bool(config.getoption("leakcheck")), bool(config.getoption("no_leakcheck"))
    if is_on and is_off:
        raise pytest.UsageError("--leakcheck and --no-leakcheck exclude each other: give one of them")
    return Options(
        is_on=(is_on or bool(ini["leakcheck"])) and not is_off,
        is_off=is_off,
        packages=_packages(ini["leakcheck_packages"] or ()),
        within=_seconds(ini["leakcheck_within"]),
        root=os.fspath(config.rootpath),
    )


def _packages(names: Any) -> tuple[str, ...]:
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            raise pytest.UsageError(f"leakcheck_packages: {name!r} is not a dotted package name (shop, shop.cart)")
    return tuple(names)


def _seconds(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise pytest.UsageError(f"leakcheck_within: {value!r} is not a number of seconds (0, 0.5, 10)")
    return seconds
