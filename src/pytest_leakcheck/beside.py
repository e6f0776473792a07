"""What goes with a test's report beside the leaks: the line that reruns it, and the pictures."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_leakcheck.describe import error_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_leakcheck.model import Report
    from pytest_leakcheck.options import Options


def completed(report: Report, test: str, options: Options, *, again: Iterable[str] = ()) -> Report:
    """Return `report` with the line that runs the test with that node id again, and with its pictures.

    `again` are the node ids of the tests that show the leak, where that takes others than the one it is told of.
    """
    option = " --leakcheck" if options.is_on else ""
    return replace(
        report,
        rerun=f"pytest {' '.join(shlex.quote(_as_argument(each, options.root)) for each in again or (test,))}{option}",
        pictures=_pictures(report, test, options.graph),
    )


def _as_argument(test: str, root: str) -> str:
    """Return a node id, which starts at rootdir, as an argument that serves in the current folder."""
    path, colons, names = test.partition("::")
    return Path(os.path.relpath(Path(root, path))).as_posix() + colons + names


def _pictures(report: Report, test: str, folder: str) -> tuple[str, ...]:
    if not folder:
        return ()
    from pytest_leakcheck.render.graph import write_graphs  # noqa: PLC0415 - objgraph is needed for this alone

    try:
        return tuple(map(_shown, write_graphs(report, Path(folder), test)))
    except OSError as error:
        return (f"none, as the folder can't be written to ({error_text(error)})",)
    except Exception as error:  # noqa: BLE001 - the verdict stands, whatever a picture of it comes to
        return (f"none ({error_text(error)})",)


def _shown(line: str) -> str:
    """Return a file's path as seen from the current folder, where it lies below it."""
    return line.removeprefix(str(Path.cwd()) + os.sep)
