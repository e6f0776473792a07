"""What goes with a test's report beside the leaks: the line that reruns it, and the pictures."""

from __future__ import annotations

import functools
import os
import shlex
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.describe import clean, error_text
from pytest_leakcheck.model import Proof, Report, Trace
from pytest_leakcheck.options import shown
from pytest_leakcheck.runtime.loading import undisturbed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_leakcheck.options import Options


_MOST_OF_TEST = 500
"""The longest node id, in characters, that the line to run a test again has."""
_MOST_TEXT = 5_000


def completed(report: Report, test: str, options: Options, *, again: Iterable[str] = ()) -> Report:
    """Return `report` with the line that runs the test with that node id again, and with its pictures.

    `again` are the node ids of the tests that show the leak, where that takes others than the one it is told of.
    """
    return printable(
        replace(
            report,
            rerun=_rerun(again or (*_first(report), test), options),
            pictures=_pictures(report, test, options.graph),
        )
    )


def _first(report: Report) -> list[str]:
    """Return the tests that must have left something before, for a leak to be one that recurs."""
    return list(dict.fromkeys(leak.beside for leak in report.leaks if leak.beside))


def _rerun(tests: Iterable[str], options: Options) -> str:
    """Return the line that runs `tests` again from the folder that pytest was called in."""
    option = " --leakcheck-cycles" if options.cycles else " --leakcheck" if options.is_on else ""
    return f"pytest {' '.join(shlex.quote(_as_argument(each, options)) for each in tests)}{option}"


def printable(report: Report) -> Report:
    """Return `report` with each text in it fit for any terminal, file and process: ids of tests may hold anything."""
    told: Report = _printable(report)
    return told


def _printable(value: Any) -> Any:
    if type(value) is str:
        return clean(value, _MOST_TEXT)
    if type(value) is tuple:
        return tuple(map(_printable, value))
    if isinstance(value, (Trace, Proof)):
        return _printable_part(value)
    return _printable_fields(value) if is_dataclass(value) else value


def _printable_fields(value: Any) -> Any:
    return type(value)(*(_printable(getattr(value, each.name)) for each in fields(value)))


@functools.lru_cache(maxsize=256)
def _printable_part(value: Trace | Proof) -> Any:
    """Return the same of what a thousand tests with one leak have in common, which share it."""
    return _printable_fields(value)


def _as_argument(test: str, options: Options) -> str:
    """Return a node id, which starts at rootdir, as an argument that serves in the folder that pytest was called in."""
    if len(test) > _MOST_OF_TEST or not test.isprintable():
        test = test.partition("[")[0]  # an id of parametrize: the line runs the others with it
    path, colons, names = test.partition("::")
    return _from_here(path, options.root, options.folder) + colons + names


@functools.lru_cache(maxsize=64)
def _from_here(path: str, root: str, here: str) -> str:
    return Path(os.path.relpath(Path(root, path), here)).as_posix()


def _pictures(report: Report, test: str, folder: str) -> tuple[str, ...]:
    if not folder:
        return ()
    try:
        with undisturbed():
            from pytest_leakcheck.render.graph import write_graphs  # noqa: PLC0415 - objgraph is needed for this alone
        return tuple(map(shown, write_graphs(report, Path(folder), test)))
    except OSError as error:
        return (f"none, as the folder can't be written to ({error_text(error)})",)
    except Exception as error:  # noqa: BLE001 - the verdict stands, whatever a picture of it comes to
        return (f"none ({error_text(error)})",)
