"""What the tests start: processes that answer in JSON, and the variables of a terminal of 80 columns."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

OTHERS = ("CI", "BUILD_NUMBER", "FORCE_COLOR", "GITHUB_ACTIONS", "GITHUB_WORKSPACE", "PY_COLORS", "TERM_PROGRAM")
"""What changes the output of pytest; on a CI machine, lines of the short summary are not cut at the last column, and
GitHub is told of leaks in lines of its own."""
PATIENCE = 900
"""Seconds after which a process counts as hung: many times what any takes on an idle machine, as the table of leaks has
PyPy compute for two minutes, and two cores may have many such processes to run."""


COUNTING_FULL = """
import gc

def pytest_unconfigure():
    print("full collections:", gc.get_stats()[2]["collections"])
"""
"""A conftest.py for `full_collections`."""


def full_collections(result: pytest.RunResult) -> int:
    """Return how many full collections there were in a run with `COUNTING_FULL`."""
    counted = re.search(r"full collections: (\d+)", result.stdout.str())
    assert counted
    return int(counted[1])


def answers_of(script: str, question: object, *arguments: str) -> Any:
    """Return what a process of its own that runs `script` answers, by the last line it prints, as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", script, *arguments],
        input=json.dumps(question),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def plain(**more: str) -> dict[str, str]:
    """Return this process's variables without those that pytest or its output depends on, and with `more`."""
    return {name: value for name, value in os.environ.items() if not _is_left_out(name)} | {
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",  # a test file written anew within a second would be taken for the old one
        "PYTHONWARNINGS": "",
        **more,
    }


def give(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make them this process's own for the time of a test."""
    kept = plain()
    for name in set(os.environ) - set(kept):
        monkeypatch.delenv(name)
    for name, value in kept.items():
        monkeypatch.setenv(name, value)


def _is_left_out(name: str) -> bool:
    return name in OTHERS or name.startswith("PYTEST_")
