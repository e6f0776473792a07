"""How a leak shows in pytest: the report of the test, the letter, the summary; at the xdist controller as well."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from _pytest._code.code import ReprFileLocation, TerminalRepr

from pytest_leakcheck.model import Report
from pytest_leakcheck.render.text import Style, headline, render

if TYPE_CHECKING:
    from _pytest._io import TerminalWriter

    from pytest_leakcheck.check import Check


class LeakRepr(TerminalRepr):
    """A leak report as pytest's terminal, JUnit file and summary want it."""

    def __init__(self, report: Report, path: str, line: int) -> None:
        self.report = report
        self.reprcrash = ReprFileLocation(path=path, lineno=line, message=headline(report))

    def toterminal(self, tw: TerminalWriter) -> None:
        """Write the report as wide and as colourful as the terminal takes it."""
        encoding = getattr(getattr(tw, "_file", None), "encoding", None) or "utf-8"
        style = Style(min(tw.fullwidth, 100), tw.hasmarkup, "utf" not in encoding.lower())
        for line in render(self.report, style).split("\n"):
            tw.line(line)

    def __str__(self) -> str:
        return render(self.report)


def as_leak_report(report: pytest.TestReport, leak: Report, first: pytest.TestReport | None) -> pytest.TestReport:
    """Make `report` tell of `leak`; `first` is the report that it stands in for, whose times and sections it keeps."""
    path, line, _ = report.location
    report.longrepr = LeakRepr(leak, path, (line or 0) + 1)
    report.leakcheck = leak.to_plain()  # type: ignore[attr-defined]
    if first is not None:
        report.sections = list(first.sections)
    return report


def note_checked(report: pytest.TestReport, check: Check) -> None:
    """Put into `report` what the last line of the run counts, as plain values that cross to xdist's controller."""
    housekeeping = [leak.survivors[0].type_name for leak in check.set_aside]
    report.leakcheck_checked = [check.watch.total, check.gc_seconds, housekeeping]  # type: ignore[attr-defined]


class Reporter:
    """The hooks that tell the user, in the process that has the terminal."""

    def __init__(self, config: pytest.Config) -> None:
        self._started = time.perf_counter()
        self._objects = self._tests = self._leaking = 0
        self._gc_seconds = 0.0
        self._fingerprints: set[str] = set()
        self._set_aside: list[str] = []
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count, and give a report that crossed from a worker its colours back."""
        checked = getattr(report, "leakcheck_checked", None)
        if checked is not None:
            self._tests += 1
            self._objects += checked[0]
            self._gc_seconds += checked[1]
            self._set_aside += [f"{report.nodeid}: {name}" for name in checked[2]]
        plain = getattr(report, "leakcheck", None)
        if plain is not None:
            leak = Report.from_plain(plain)
            self._leaking += 1
            self._fingerprints.update(each.fingerprint for each in leak.leaks)
            if isinstance(report.longrepr, str):
                path, line, _ = report.location
                report.longrepr = LeakRepr(leak, path, (line or 0) + 1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """Show a leak as L and LEAKED, counted as failed; a teardown's error stays one."""
        if not getattr(report, "leakcheck", None) or not report.failed or hasattr(report, "wasxfail"):
            return None
        return ("failed" if report.when == "call" else "error", "L", "LEAKED")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write one line on what was checked."""
        if not self._tests:
            return
        seconds = time.perf_counter() - self._started
        if not self._objects:
            terminalreporter.write_line(
                f"leakcheck: nothing was watched in {_counted(self._tests, 'test')}: no object was registered, and "
                "none of this project's own classes was used (see leakcheck_packages)",
                yellow=True,
            )
            return
        found = f"{_counted(len(self._fingerprints), 'leak')} in {_counted(self._leaking, 'test')}"
        leaks = found if self._leaking else "no leaks"
        terminalreporter.write_line(
            f"leakcheck: {_counted(self._objects, 'object')} in {_counted(self._tests, 'test')} checked; {leaks}; "
            f"gc {self._gc_seconds:.1f} s of {seconds:.1f} s"
        )
        if self._config.getoption("verbose") > 0:
            for line in self._set_aside:
                terminalreporter.write_line(f"leakcheck: set aside, held by pytest's own state: {line}")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
