"""What a run and the fresh interpreter of an isolated test tell each other: a job one way, answers in a file the other.

The answers are lines of JSON, each written at once: what was told before a crash is there after it.
"""

from __future__ import annotations

import ast
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """One test to run alone, and the settings of the run that it belongs to."""

    nodeid: str
    target: str
    """What pytest is to collect; empty: all that the run itself collects."""
    arguments: list[str]
    """Those that the run was started with."""
    plugins: list[str]
    argv: list[str]
    handed: dict[str, Any]
    """Values of options that the run itself chose."""
    worker_input: dict[str, Any] | None
    """What xdist's controller told its worker; None where the run is no worker."""
    answers: str
    """The file for answers."""
    terminal: str
    """The file for what pytest writes to the terminal."""

    def write(self, path: Path) -> str:
        """Write the job into a file, as a command line holds no more than some 100,000 characters; return its path."""
        path.write_text(ascii(asdict(self)), "ascii")
        return str(path)

    @classmethod
    def read(cls, path: str) -> Job:
        """Return the job that is in a file."""
        return cls(**ast.literal_eval(Path(path).read_text("ascii")))


class Answers:
    """Writes answers into a file.

    The functions that it needs are kept by itself: tests put others into their modules. Between two answers no file
    is open: tests count those.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._open, self._write, self._close = os.open, os.write, os.close
        self._flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._dumps = json.dumps

    def tell(self, kind: str, value: Any = None) -> None:
        """Write one answer; an object in it becomes its text, as in a JUnit file, or is left out where it has none."""
        line = self._text([kind, value])
        file = self._open(self._path, self._flags, 0o600)
        try:
            self._write(file, line.encode() + b"\n")
        finally:
            self._close(file)

    def _text(self, value: list[Any]) -> str:
        kind, told = value
        if type(told) is dict:
            told = {name: part for name, part in told.items() if self._is_plain(part)}
        return self._dumps([kind, told], default=str)

    def _is_plain(self, part: Any) -> bool:
        try:
            self._dumps(part, default=str)
        except Exception:  # noqa: BLE001 - a key, a cycle, or whatever an object's own code raises
            return False
        return True


def read_answers(path: Path) -> list[tuple[str, Any]]:
    """Return the answers so far, each with its kind; one that a crash cut short is left out."""
    if not path.exists():
        return []
    *lines, _ = path.read_text("utf-8").split("\n")
    return [(kind, value) for kind, value in map(json.loads, lines)]


def read_tail(path: Path, lines: int = 200) -> list[str]:
    """Return the last lines of a file of text, whatever bytes are in it."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 200 * lines))
        text = file.read().decode("utf-8", "backslashreplace")
    return [line.rstrip() for line in text.splitlines()][-lines:]
