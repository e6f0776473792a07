"""A process that has loaded pytest and forks for each of many runs: to load it is two thirds of what a small one takes.

A fork is as fresh as a new process but for the modules that pytest and the plugin load before any code of a user's, and
the seed of its hashes.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from _pytest.config import default_plugins

PYTEST = (sys.executable, "-mpytest")
"""How the commands begin that it serves."""
IS_POSSIBLE = (
    hasattr(os, "fork") and sys.implementation.name == "cpython" and "COVERAGE_PROCESS_CONFIG" not in os.environ
)
"""Not under coverage, which begins to measure as a process starts."""
_PATH = {name: value for name, value in os.environ.items() if name == "PYTHONPATH"}
"""Where the package is that is tested, be it a copy: a suite's folder, which comes first later, is no part of it."""
_LOADED = ("plugin", "checking.check", "render.text", "running.release")
"""The modules of ours that are loaded: the plugin, and what takes longest of what it loads where it checks."""


class Template:
    """The process, started at its first run; it ends with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._names: dict[str, str] = {}

    def serves(self, command: tuple[str, ...]) -> bool:
        """Tell whether a fork can run a command with the variables there are: Python reads its own at its start."""
        return IS_POSSIBLE and command[:2] == PYTEST and (not self._is_alive or self._names == _names_of_python())

    @property
    def _is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def run(self, arguments: tuple[str, ...], out: IO[str], err: IO[str]) -> Run:
        """Start a run of pytest here and now; `out` and `err` are the files for what it prints."""
        if not self._is_alive:
            self._names = _names_of_python()
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | _PATH,
            )
        assert self._process is not None
        assert self._process.stdin is not None
        job = [arguments, str(Path.cwd()), dict(os.environ), out.name, err.name]
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return Run(self._process)

    def end(self) -> None:
        """End the process, if there is one; a further run starts another."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


class Run:
    """A run, as far as pytester looks at a process of its own."""

    stdin = None

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status, a signal's as `subprocess` has it."""
        if timeout is not None and not select.select([self._process.stdout], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(PYTEST, timeout)
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        return int(answer) if answer else self._process.wait()

    def kill(self) -> None:
        """End it, and the template with it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


def _names_of_python() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("PYTHON") and name != "PYTHONPATH"}


def main() -> None:
    """Fork for each line of the input until there is none, and run pytest in the fork."""
    for name in (*(f"_pytest.{name}" for name in default_plugins), *(f"pytest_leakcheck.{name}" for name in _LOADED)):
        importlib.import_module(name)
    jobs, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    gc.collect()
    for line in jobs:
        child = os.fork()
        if not child:
            jobs.close()
            answers.close()
            run(*json.loads(line))
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)


def run(arguments: list[str], folder: str, variables: dict[str, str], out: str, err: str) -> None:
    """Run pytest as ``python -m pytest`` does in a folder, printing to the ends of two files."""
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:1] = [folder, *filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv[1:] = arguments
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
