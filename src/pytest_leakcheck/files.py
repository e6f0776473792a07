"""Files that the plugin writes at the end of a run."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path


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
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
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
