"""What the tests of the plugin share: a plain environment, and a run of pytest in a process of its own."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import textwrap
from pathlib import Path

import pytest

import lacking
import surroundings
import template

ENTRY_POINTS = {
    "cov": "pytest_cov",
    "forked": "pytest_forked",
    "hypothesis": "hypothesispytest",
    "mock": "pytest_mock",
    "qt": "pytest-qt",
}
"""The plugins that pytest knows by another name than their tests give."""

PRELUDE = """
import pytest

KEPT = []


class Thing:
    pass


def keep(thing):
    KEPT.append(thing)
    return thing

"""
"""What most generated test files start with; its last line is the twelfth."""


TEMPLATE = template.Template()


class Suite:
    """A suite of tests in a folder of its own, run by the installed plugin in a process of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.mkdir("suite")
        self._start = pytester.popen
        pytester.popen = self._popen

    def write(self, **files: str) -> None:
        """Write files named ``name.py``, without the prelude."""
        for name, source in files.items():
            (self.path / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")

    def run(self, source: str = "", *arguments: str, uses: str = "", prelude: str = PRELUDE) -> pytest.RunResult:
        """Write `source`, if any, after the prelude into ``test_it.py``, and run all there is.

        `uses` names the plugins that are loaded beside ours, blank between them.
        """
        if source:
            (self.path / "test_it.py").write_text(prelude + textwrap.dedent(source), encoding="utf-8")
        with _loading_none():
            return self.pytester.runpytest_subprocess(*_loaded(uses), *arguments, timeout=surroundings.PATIENCE)

    def _popen(self, command, stdout, stderr, stdin=None, **more):
        """Start a run for pytester, in a fork where that will do."""
        if stdin is self.pytester.CLOSE_STDIN and TEMPLATE.serves(command):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("PYTHONPATH", str(Path.cwd()), prepend=os.pathsep)
                return TEMPLATE.run(command[2:], stdout, stderr)
        return self._start(command, stdout=stdout, stderr=stderr, stdin=stdin, **more)

    def take_lines(self, name: str) -> list[str]:
        """Return the lines that tests wrote into a file of the suite since the last call, and remove it."""
        path = self.path / name
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def debug(self, commands: str, *arguments: str) -> pytest.RunResult:
        """Run what is written under the debugger, and give it `commands`."""
        call = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *_loaded(""), *arguments]
        with _loading_none():
            return self.pytester.run(*call, stdin=commands.encode(), timeout=surroundings.PATIENCE)

    @staticmethod
    def lines_of(result: pytest.RunResult, *words: str) -> list[str]:
        """Return the lines of the output that have all of `words`."""
        return [line for line in result.outlines if all(word in line for word in words)]


@contextlib.contextmanager
def _loading_none():
    """Let pytest load no plugin by itself: to look through all that are installed takes it a quarter of its start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        yield


def _loaded(uses: str) -> list[str]:
    names = ["leakcheck", *(ENTRY_POINTS.get(name, name) for name in uses.split())]
    return [part for name in names for part in ("-p", name)]


@pytest.fixture
def suite(pytester, monkeypatch):
    """Return a suite to write and run in the folder ``suite``; text comes without colours and 80 columns wide."""
    surroundings.give(monkeypatch)
    suite = Suite(pytester)
    monkeypatch.chdir(suite.path)
    return suite


@pytest.fixture(autouse=True)
def _no_test_hangs():
    """End the process, with what each thread does, where a test takes longer than those it started may."""
    faulthandler.dump_traceback_later(surroundings.PATIENCE + 60, exit=True, file=sys.__stderr__)
    yield
    faulthandler.cancel_dump_traceback_later()


def pytest_unconfigure():
    """End the process that forks."""
    TEMPLATE.end()


def pytest_collection_modifyitems(items):
    """Leave out what this interpreter has not got the means for, and say why."""
    for item in items:
        reason = lacking.why(item.nodeid)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))
