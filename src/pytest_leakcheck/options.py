"""The settings of a run: command line over ini file, read once into one frozen value."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_leakcheck.extensions import NONE, Extensions
from pytest_leakcheck.runtime.clock import SEARCH_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_leakcheck.model import Leak

OPTIONS = pytest.StashKey["Options"]()
"""The settings of a run, on its config."""
_HAS_FLOAT_INI = pytest.version_tuple >= (8, 4)

ALONE = "leakcheck-alone"
"""The name of the plugin that is there where this interpreter was started for one isolated test."""
START_PATH = pytest.StashKey[tuple[str, ...]]()
"""``sys.path`` before ini file and conftest files changed it."""
_NUMBER = "float" if _HAS_FLOAT_INI else "string"

ENTRIES: dict[str, tuple[str, str]] = {
    "leakcheck": ("bool", "Check every test for objects that outlive it, as --leakcheck does."),
    "leakcheck_cycles": ("bool", "Check for reference cycles too, as --leakcheck-cycles does."),
    "leakcheck_packages": (
        "args",
        (
            "Packages whose classes are this project's own, wherever they are installed "
            "(default: all below rootdir, environments left out)."
        ),
    ),
    "leakcheck_watch": (
        "linelist",
        "Classes, by dotted name with *, that --leakcheck watches beside the project's own.",
    ),
    "leakcheck_ignore": (
        "linelist",
        (
            "What --leakcheck passes over, one a line with a # reason: classes (shop.cart.*) or holders "
            "(shop.registry.LISTENERS)."
        ),
    ),
    "leakcheck_within": (
        _NUMBER,
        (
            "Seconds to wait for watched objects to die "
            "(default: 0, but up to 1 for what another thread or an event loop holds)."
        ),
    ),
    "leakcheck_search_limit": (_NUMBER, "Seconds that the search for a survivor's holders may take (default: 30)."),
    "leakcheck_repeat": (_NUMBER, "How often to run a test again, as --leakcheck-repeat does (default: 1)."),
    "leakcheck_graph": (
        "string",
        (
            "Folder for a picture of each leak, as --leakcheck-graph names it; a relative path counts from this file's "
            "folder."
        ),
    ),
    "leakcheck_json": (
        "string",
        "File for all leaks of a run, as --leakcheck-json names it; a relative path counts from this file's folder.",
    ),
    "leakcheck_annotations": (
        "bool",
        "Whether a run on GitHub Actions annotates the lines that leak (default: true).",
    ),
    "leakcheck_baseline": (
        "string",
        "File of known leaks, as --leakcheck-baseline names it; a relative path counts from this file's folder.",
    ),
}


@dataclass(frozen=True, slots=True)
class Ignored:
    """A class or holder that is passed over."""

    name: str
    """A dotted name, ``*`` standing for any text."""
    reason: str


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of a run."""

    is_on: bool = False
    """Check every test."""
    is_off: bool = False
    """Check nothing, explicit registrations included."""
    cycles: bool = False
    """Whether what is watched must die without the cycle collector, where nothing else is said; it turns `is_on` on."""
    packages: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    """Classes watched beside the project's own."""
    ignore: tuple[Ignored, ...] = ()
    within: float | None = None
    """Seconds to wait for any survivor; None: none, but `patience.DEFAULT` for what a thread or loop holds."""
    search_limit: float = SEARCH_SECONDS
    """Seconds that a search may take."""
    repeat: int = 1
    """How often a test is run again to tell leaks from initialisation; 0: not at all."""
    graph: str = ""
    """The folder for pictures; empty for none."""
    json: str = ""
    """The file for all leaks of the run; empty for none, and in an xdist worker."""
    annotations: bool = False
    """Whether the run ends with annotations for GitHub."""
    baseline: str = ""
    """The file of known leaks; empty for none."""
    is_updating: bool = False
    """Whether that file is written at the end of the run."""
    listed: frozenset[str] = frozenset()
    """The fingerprints of the known leaks."""
    is_verbose: bool = False
    """Whether the reader is told where what was set aside is held."""
    root: str = ""
    """The folder below which classes are the project's own; empty for the current one."""
    folder: str = ""
    """The folder that pytest was called in: a test may go to another one."""
    extensions: Extensions = NONE
    """What plugins add."""

    def ignoring_known(self) -> Options:
        """Return the settings with the known holders of plugins among what is ignored."""
        known = tuple(Ignored(known.holder, known.reason) for known in self.extensions.known())
        return replace(self, ignore=self.ignore + known) if known else self

    def pardons(self, leak: Leak) -> bool:
        """Tell whether a leak is a known one, or will be by the end of the run: then it fails no test."""
        return self.is_updating or leak.fingerprint in self.listed


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
    group.addoption(
        "--leakcheck-cycles",
        action="store_true",
        help="As --leakcheck, and fail each test whose objects die by the cycle collector only, and show the cycle.",
    )
    group.addoption(
        "--leakcheck-repeat",
        metavar="N",
        help="Run a test with suspected leaks N times more, to tell leaks from what is made only once (default: 1; 0: "
        "wait for another test to leak in the same place).",
    )
    group.addoption(
        "--leakcheck-graph",
        metavar="DIR",
        help="Write a picture of each leak into DIR: .dot, and .svg where Graphviz is installed.",
    )
    group.addoption(
        "--leakcheck-json",
        metavar="PATH",
        help="Write all leaks of the run into the file PATH, as one JSON document for other programs.",
    )
    group.addoption(
        "--leakcheck-baseline",
        metavar="PATH",
        help="Let the leaks that the file PATH lists pass with a warning; only new ones fail their tests.",
    )
    group.addoption(
        "--leakcheck-update-baseline",
        action="store_true",
        help="Write the leaks of this run into that file, instead of failing their tests, and remove those that no "
        "longer occur.",
    )
    for name, (kind, text) in ENTRIES.items():
        parser.addini(name, text, type=kind, default=None)  # type: ignore[arg-type]


def read_options(config: pytest.Config) -> Options:
    """Return the settings of this run. Raises pytest.UsageError, one line, where one makes no sense."""
    ini: Mapping[str, Any] = {name: _ini(config, name) for name in ENTRIES}
    is_on, is_off = bool(config.getoption("leakcheck")), bool(config.getoption("no_leakcheck"))
    is_updating = bool(config.getoption("leakcheck_update_baseline"))
    if is_updating and is_off:
        raise pytest.UsageError("--leakcheck-update-baseline and --no-leakcheck exclude each other: give one of them")
    path = "" if is_off else _path(config, "leakcheck_baseline", ini["leakcheck_baseline"])
    is_told_here = not is_off and not hasattr(config, "workerinput")
    if is_updating and not path:
        raise pytest.UsageError(
            "--leakcheck-update-baseline: no file to write: add --leakcheck-baseline=PATH, or set leakcheck_baseline "
            "in the ini file"
        )
    cycles = bool(config.getoption("leakcheck_cycles") or ini["leakcheck_cycles"])
    search_limit = _seconds("leakcheck_search_limit", ini["leakcheck_search_limit"])
    return Options(
        is_on=(is_on or cycles or bool(ini["leakcheck"])) and not is_off,
        is_off=is_off,
        cycles=cycles,
        packages=_packages(ini["leakcheck_packages"] or ()),
        watch=_watched(ini["leakcheck_watch"] or ()),
        ignore=tuple(_ignored(line) for line in ini["leakcheck_ignore"] or ()),
        within=_seconds("leakcheck_within", ini["leakcheck_within"]),
        search_limit=SEARCH_SECONDS if search_limit is None else search_limit,
        repeat=_times(config.getoption("leakcheck_repeat"), ini["leakcheck_repeat"]),
        graph=_path(config, "leakcheck_graph", ini["leakcheck_graph"]),
        json=_json_path(config, ini["leakcheck_json"]) if is_told_here else "",
        annotations=is_told_here and ini["leakcheck_annotations"] is not False and _is_on_github(),
        baseline=path,
        is_updating=is_updating,
        listed=_listed(config, path, is_updating=is_updating) if path else frozenset(),
        is_verbose=config.getoption("verbose", default=0) > 0,
        root=os.fspath(config.rootpath),
        folder=os.fspath(config.invocation_params.dir),
    )


def _is_on_github() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _json_path(config: pytest.Config, configured: str | None) -> str:
    """Return the file for all leaks. Raises pytest.UsageError where it is plain now that it can't be written."""
    key = "--leakcheck-json" if config.getoption("leakcheck_json") else "leakcheck_json"
    path = _path(config, "leakcheck_json", configured)
    if path and os.path.isdir(path):  # noqa: PTH112 - unlike Path's, it raises for no name
        raise pytest.UsageError(f"{key}: {shown(path)} is a folder; name a file")
    above = next((folder for folder in Path(path).parents if os.path.exists(folder)), None)  # noqa: PTH110 - the same
    if path and above and not above.is_dir():
        raise pytest.UsageError(f"{key}: {shown(path)} can't be written, as {shown(os.fspath(above))} is a file")
    return path


def _path(config: pytest.Config, name: str, configured: str | None) -> str:
    """Return what path an option gives: as seen from where pytest was started, or from the ini file with it."""
    file = _name(config, name, configured)
    ini = None if config.getoption(name) else config.inipath
    folder = ini.parent if ini else config.invocation_params.dir
    return os.fspath(folder / file) if file else ""


def _name(config: pytest.Config, name: str, configured: str | None) -> str:
    """Return what an option gives, or else the ini file. Raises pytest.UsageError where no file can be called that."""
    given: str | None = config.getoption(name)
    file = given or configured or ""
    if not _may_be_a_file(file):
        key = f"--{name.replace('_', '-')}" if given else name
        raise pytest.UsageError(f"{key}: {file!a} can't be the name of a file")
    return file


def _may_be_a_file(name: str) -> bool:
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeError:
        return False


def _listed(config: pytest.Config, path: str, *, is_updating: bool) -> frozenset[str]:
    """Return the fingerprints that a file lists, or that xdist's controller read from it."""
    sent: list[str] | None = getattr(config, "workerinput", {}).get("leakcheck_listed")
    if sent is not None:
        return frozenset(sent)
    from pytest_leakcheck import baseline  # noqa: PLC0415 - most runs never get here

    name = shown(path)
    try:
        known = baseline.read(path, name)
    except FileNotFoundError:
        if is_updating:
            return frozenset()
        raise pytest.UsageError(
            f"--leakcheck-baseline: there is no file {name}; "
            f"pytest --leakcheck --leakcheck-baseline={name} --leakcheck-update-baseline writes it"
        ) from None
    except baseline.BaselineError as error:
        raise pytest.UsageError(str(error)) from None
    return frozenset(entry.fingerprint for entry in known.entries)


def shown(path: str) -> str:
    """Return a path as seen from the current folder, where it lies below it."""
    try:
        return path.removeprefix(os.path.join(os.getcwd(), ""))  # noqa: PTH109,PTH118 - a prefix, to end in a separator
    except FileNotFoundError:  # a test removed the current folder
        return path


def _ini(config: pytest.Config, name: str) -> Any:
    """Return what pytest makes of an ini value, or the text of one that should be a number and is none."""
    try:
        return config.getini(name)
    except (TypeError, ValueError, pytest.UsageError) as error:  # a UsageError from pytest 9.1 on
        if str(error).startswith("could not convert string to float"):
            return str(error).rpartition(": ")[2].strip("'")
        raise pytest.UsageError(str(error) if name in str(error) else f"{name}: {error}") from None


def _packages(names: Any) -> tuple[str, ...]:
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            raise pytest.UsageError(f"leakcheck_packages: {name!r} is not a dotted package name (shop, shop.cart)")
    return tuple(names)


def _watched(lines: Any) -> tuple[str, ...]:
    names = [line.partition("#")[0].strip() for line in lines]
    for name in names:
        if "." not in name.strip("."):
            raise pytest.UsageError(f"leakcheck_watch: {name!r} is not the dotted name of a class (shop.cart.Cart)")
    return tuple(names)


def _ignored(line: str) -> Ignored:
    name, _, reason = (part.strip() for part in line.partition("#"))
    if not name or " " in name:
        raise pytest.UsageError(
            f"leakcheck_ignore: {line!r} is not a dotted name with a reason (shop.registry.LISTENERS  # by design)"
        )
    return Ignored(name, reason)


def _seconds(key: str, value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise pytest.UsageError(f"{key}: {str(value)!r} is not a number of seconds (0, 0.5, 10)")
    return seconds


def _times(given: str | None, configured: Any) -> int:
    key, value = ("--leakcheck-repeat", given) if given is not None else ("leakcheck_repeat", configured)
    if value is None or value == "":
        return 1
    try:
        times = float(value)
    except ValueError:
        times = -1.0
    if not 0 <= times < float("inf") or times != int(times):
        raise pytest.UsageError(f"{key}: {str(value)!r} is not a number of times (0, 1, 2)")
    return int(times)
