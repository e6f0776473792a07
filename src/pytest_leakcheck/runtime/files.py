"""Files that the plugin writes at the end of a run."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

try:
    import fcntl
except ModuleNotFoundError:  # pragma: only on Windows
    fcntl = None  # type: ignore[assignment]

from pytest_leakcheck.runtime import clock, interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_SECONDS, _NAP = 10.0, 0.02
"""How long to wait for another process, and between two looks."""


def write(path: Path, text: str) -> None:
    """Write a file so that others see the old text or the new one, whoever else writes at the same time.

    Its folder is made if need be; a symbolic link stays one. Raises OSError where it can't be written; then it is as it
    was. What is there and is no file, as a pipe, is written to and not replaced.
    """
    if path.exists() and not path.is_file():
        path.write_text(text, "utf-8", "backslashreplace")
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{interpreter.process()}.tmp")
    try:
        with beside.open("x", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
        if path.exists():
            shutil.copymode(path, beside)
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


@contextlib.contextmanager
def updating(path: Path) -> Iterator[None]:
    """Keep other processes that do the same from a file for as long as this lasts: from reading it until it is written.

    Its folder is made if need be, and locked, so that nothing is left beside the file. Raises OSError where the folder
    can't be had. Limits: on Windows, on file systems without locks, and where another process takes longer than ten
    seconds, there is no lock.
    """
    folder = Path(os.path.realpath(path)).parent
    folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        _lock(file)
        yield
    finally:
        os.close(file)  # which unlocks


def _lock(file: int) -> None:
    end = clock.now() + _MOST_SECONDS
    while not _is_settled(file) and clock.now() < end:
        clock.sleep(_NAP)


def _is_settled(file: int) -> bool:
    """Lock a folder; tell whether that is done, or can't be."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
