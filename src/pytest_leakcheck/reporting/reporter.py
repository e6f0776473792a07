"""How a leak shows in pytest: the report of the test, the letter, the summary; at the xdist controller as well."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from _pytest._code.code import ReprFileLocation, TerminalRepr

from pytest_leakcheck.baseline import Sighting
from pytest_leakcheck.describe import clean, counted
from pytest_leakcheck.hooking import FAULTS
from pytest_leakcheck.model import Report
from pytest_leakcheck.options import ALONE, OPTIONS
from pytest_leakcheck.render.text import Style, headline, render
from pytest_leakcheck.reporting.publishing import annotation_lines, write_json
from pytest_leakcheck.reporting.telling import Telling
from pytest_leakcheck.reporting.unmatched import ASKED, OWN, merged
from pytest_leakcheck.results import Pardoned, Results, Spot
from pytest_leakcheck.runtime import clock, interpreter

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from _pytest._io import TerminalWriter

    from pytest_leakcheck.checking.check import Check, Session
    from pytest_leakcheck.results import Outcome

_REPORTER = "leakcheck-reporter"
_PROPERTY = "leakcheck.fingerprint"
_MOST_TEXT = 2_000
"""Characters of a line at the end of the run; what it names may be of any length, and hold anything."""


_TAKEN_IN = frozenset({"leakcheck_checked", "leakcheck_notes", "leakcheck_pardoned"})
"""What reports bring that concerns the end of the run alone."""
_OURS = _TAKEN_IN | {"leakcheck", "leakcheck_beside"}


class LeakRepr(TerminalRepr):
    """A leak report as pytest's terminal, JUnit file and summary want it."""

    def __init__(self, report: Report, path: str, line: int, *, is_verbose: bool) -> None:
        self.report = report
        self._is_verbose = is_verbose
        self.reprcrash = ReprFileLocation(path=path, lineno=line, message=headline(report))

    def toterminal(self, tw: TerminalWriter) -> None:
        """Write the report as wide and as colourful as the terminal takes it."""
        encoding = getattr(getattr(tw, "_file", None), "encoding", None) or "utf-8"
        style = Style(min(tw.fullwidth, 100), tw.hasmarkup, "utf" not in encoding.lower(), self._is_verbose)
        for line in render(self.report, style).split("\n"):
            tw.line(line)

    def __str__(self) -> str:
        return render(self.report)


def as_leak_report(
    report: pytest.TestReport, leak: Report, first: pytest.TestReport | None, *, is_verbose: bool
) -> pytest.TestReport:
    """Make `report` tell of `leak`; `first` is the report that it stands in for, whose times and sections it keeps."""
    path, line, _ = report.location
    report.longrepr = LeakRepr(leak, path, (line or 0) + 1, is_verbose=is_verbose)
    report.leakcheck = leak.to_plain()  # type: ignore[attr-defined]
    if first is not None:
        report.sections = list(first.sections)
    return report


def add_leak_section(report: pytest.TestReport, leak: Report) -> pytest.TestReport:
    """Tell of `leak` beside the error that the teardown ended with of itself."""
    report.sections.append(("leakcheck", render(leak)))
    note_beside(report, leak)
    return report


def note_beside(report: pytest.TestReport, leak: Report) -> None:
    """Put `leak` into a report that tells of it in words already, or has another error to tell of."""
    report.leakcheck_beside = leak.to_plain()  # type: ignore[attr-defined]


def note_fingerprints(report: pytest.TestReport, fingerprints: Iterable[str]) -> None:
    """Give `report` a property for each leak; JUnit's file has those of the report that comes last, the teardown's."""
    known = {value for name, value in report.user_properties if name == _PROPERTY}
    new = (fingerprint for fingerprint in dict.fromkeys(fingerprints) if fingerprint not in known)
    report.user_properties += [(_PROPERTY, fingerprint) for fingerprint in new]


def note_checked(report: pytest.TestReport, check: Check, trouble: str) -> None:
    """Put into `report` what the last lines of the run tell, as plain values that cross to xdist's controller."""
    housekeeping = [leak.survivors[0].type_name for leak in check.set_aside]
    is_idle = check.plan.is_empty and not check.total
    checked = [check.total, check.gc_seconds, housekeeping, is_idle, trouble]
    report.leakcheck_checked = checked  # type: ignore[attr-defined]


def note_found(report: pytest.TestReport, session: Session) -> None:
    """Put into `report` what was found out beside leaks, of this test or of fixtures that ended with it."""
    notes = [list(note) for note in session.take_notes()]
    if notes:
        before = getattr(report, "leakcheck_notes", ())  # of the interpreter that ran the test, where it is isolated
        report.leakcheck_notes = [*before, *notes]  # type: ignore[attr-defined]


def ensure_reporter(config: pytest.Config) -> None:
    """Register the plugin that tells the user, unless it is there, or this interpreter is that of an isolated test."""
    if not any(config.pluginmanager.has_plugin(name) for name in (_REPORTER, ALONE)):
        results = Results()
        config.pluginmanager.register(Reporter(config, results), _REPORTER)
        config.pluginmanager.register(Telling(config, results), "leakcheck-telling")


class Reporter:
    """The hooks that tell the user, in the process that has the terminal."""

    def __init__(self, config: pytest.Config, results: Results) -> None:
        self._started = clock.now()
        self._results = results
        self._set_aside: list[str] = []
        self._notes: dict[str, dict[str, None]] = {}
        """The texts of each kind, in the order they came, each once: every process warns of what several set up."""
        self._repeated: dict[str, list[str]] = {}
        """For each process that runs tests those that were run again so far."""
        self._failed: list[str] = []
        """The tests that failed, and not by leaks, after others had been run again."""
        self._before: list[str] = []
        """The tests that had been run again when the first of them did."""
        self._reruns: set[str] = set()
        """The tests whose latest run is one that is repeated."""
        self._asked: list[dict[str, tuple[int, bool]]] = []
        self._config = config
        self._options = config.stash[OPTIONS]
        self._unwritten = ""
        """Why there is no document, where there should be one."""
        self._process = interpreter.process()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, object, object]:
        """Take in what a report tells, and then out of it: pytest keeps each report to the end of the run."""
        self._take_in(report)
        result = yield
        for name in _TAKEN_IN & vars(report).keys():
            delattr(report, name)
        return result

    def _take_in(self, report: pytest.TestReport) -> None:
        """Count, and give a report that crossed from a worker its colours back."""
        self._strip(report)
        if report.passed and _OURS.isdisjoint(vars(report)):
            return
        checked = getattr(report, "leakcheck_checked", None)
        repeated = self._repeated.setdefault(getattr(report, "worker_id", ""), [])
        for kind, text in getattr(report, "leakcheck_notes", ()):
            self._note(repeated, kind, text, self._spot(report) if text.startswith(report.nodeid) else Spot())
        if checked is not None:
            self._count(report.nodeid, *checked)
        for known in getattr(report, "leakcheck_pardoned", ()):
            self._results.pardoned.append(Pardoned(report.nodeid, self._spot(report), Sighting(*known)))
        plain = getattr(report, "leakcheck", None)
        is_suspicious = plain is None and report.failed and len(repeated) > 0
        if is_suspicious and not str(report.longrepr).startswith("[XPASS(strict)]"):
            self._before = self._before or repeated[:]
            self._failed.append(report.nodeid)
        for each in (plain, getattr(report, "leakcheck_beside", None)):
            if each is not None:
                self._results.add(report.nodeid, _outcome(report), self._spot(report), Report.from_plain(each))
        if plain is not None and isinstance(report.longrepr, str):
            path, line, _ = report.location
            leak = Report.from_plain(plain)
            report.longrepr = LeakRepr(leak, path, (line or 0) + 1, is_verbose=self._options.is_verbose)

    def _strip(self, report: pytest.TestReport) -> None:
        """Take the properties from a run that is repeated: JUnit's file has an entry for it, which counts as passed."""
        if report.when == "setup":  # the report of a teardown before may have been left out
            self._reruns.discard(report.nodeid)
        if str(report.outcome) == "rerun":
            self._reruns.add(report.nodeid)
        if self._reruns and report.nodeid in self._reruns:
            report.user_properties = [pair for pair in report.user_properties if pair[0] != _PROPERTY]

    def _spot(self, report: pytest.TestReport) -> Spot:
        path, line, _ = report.location
        return Spot(os.path.join(self._options.root, path), (line or 0) + 1)  # noqa: PTH118 - a text, many times

    def _note(self, repeated: list[str], kind: str, text: str, spot: Spot) -> None:
        self._notes.setdefault(kind, {})[text] = None
        if kind == "repeated":
            repeated.append(text)
        elif kind == "warning":
            self._results.warnings.setdefault(text, spot)

    def _count(self, nodeid: str, *checked: Any) -> None:
        objects, gc_seconds, set_aside, is_idle, trouble = checked
        results = self._results
        results.tests += 1
        results.objects += objects
        results.gc_seconds += gc_seconds
        results.idle += is_idle
        self._set_aside += [f"{nodeid}: {name}" for name in set_aside]
        if trouble:
            results.troubles.append((nodeid, trouble))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what an xdist worker asked for."""
        output: dict[str, Any] = getattr(node, "workeroutput", None) or {}
        self._asked.append(output.get("leakcheck_asked", {}))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> Generator[None, object, object]:
        """Write all that was found into a file, once other plugins have told what they know, and before the summary."""
        result = yield
        if self._options.json and self._is_at_home and not self._config.getoption("collectonly", default=False):
            self._unwritten = write_json(
                self._results,
                self._options,
                warnings=[clean(line, _MOST_TEXT) for line in self._warnings()],
                exit_status=int(exitstatus),
                seconds=clock.now() - self._started,
            )
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """Show a leak as L and LEAKED, counted as failed; a teardown's error stays one."""
        if not getattr(report, "leakcheck", None) or not report.failed or hasattr(report, "wasxfail"):
            return None
        return ("failed" if report.when == "call" else "error", "L", "LEAKED")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write one line on what was checked, a yellow one on each thing that was not as asked for, and annotations."""
        if not self._is_at_home:
            return
        results = self._results
        if results.idle < results.tests:
            terminalreporter.write_line(self._last_line())
        if self._options.is_verbose:
            for line in self._set_aside:
                terminalreporter.write_line(
                    clean(f"leakcheck: set aside, held by pytest's own state: {line}", _MOST_TEXT)
                )
            for line in self._notes.get("aside", ()):
                _write(terminalreporter, f"leakcheck: set aside: {line}")
            for line in self._notes.get("repeated", ()):
                _write(terminalreporter, f"leakcheck: run a second time: {line}")
        for line in (*self._warnings(), *self._failures()):
            _write(terminalreporter, f"leakcheck: {line}", yellow=True)
        if self._options.annotations:
            for line in annotation_lines(results, self._options, [*self._warnings()]):
                terminalreporter.write_line(line)

    @property
    def _is_at_home(self) -> bool:
        """Whether this is the process that was started, and not one that a test forked and did not end."""
        return interpreter.process() == self._process

    def _last_line(self) -> str:
        results = self._results
        tests, objects = counted(results.tests, "test"), counted(results.objects, "object")
        checked = f"{objects} in {tests}" if results.objects else tests
        kind = "new leak" if results.pardoned else "leak"
        found = f"{counted(len(results.groups()), kind)} in {counted(results.leaking, 'test')}"
        seconds = clock.now() - self._started
        return (
            f"leakcheck: {checked} checked; {found if results.occurrences else f'no {kind}s'}; "
            f"gc {results.gc_seconds:.1f} s of {seconds:.1f} s"
        )

    def _warnings(self) -> Iterator[str]:
        results = self._results
        if results.tests and results.idle == results.tests:
            yield f"nothing was watched in {counted(results.tests, 'test')}: no object was registered"
        asked = merged(self._config.stash.get(ASKED, {}), *self._asked)
        for name, (number, is_found) in sorted(asked.items()):
            if not is_found:
                yield _nothing_fits(name, number)
        yield from self._notes.get("warning", ())
        yield from self._config.stash[FAULTS].lines()
        if self._failed:
            yield _suspicion(self._failed, self._before)

    def _failures(self) -> Iterator[str]:
        befallen: dict[str, list[str]] = {}
        for test, text in self._results.troubles:
            befallen.setdefault(text, []).append(test)
        for text, (first, *others) in befallen.items():
            summary = f"{first} and {counted(len(others), 'test')} more" if others else first
            for test in (first, *others) if self._options.is_verbose else (summary,):
                yield f"not checked to its end, by a fault of the plugin or of what came in between: {test}: {text}"
        if self._unwritten:
            yield self._unwritten


def _outcome(report: pytest.TestReport) -> Outcome:
    if hasattr(report, "wasxfail"):
        return "expected"
    if not report.failed:
        return "rerun"
    return "failed" if report.when == "call" else "error"


def _write(terminalreporter: Any, line: str, *, yellow: bool = False) -> None:
    terminalreporter.write_line(clean(line, _MOST_TEXT), yellow=yellow)


def _suspicion(failed: list[str], repeated: list[str]) -> str:
    """Return what to try where tests failed after others, whose second runs may have left something to them."""
    tests, they = failed[0], "it passes"
    further = len(set(failed)) - 1
    if further:
        tests, they = f"{tests} and {counted(further, 'further test')}", "they pass"
    rest = f" and {len(repeated) - 3} more" if len(repeated) > 3 else ""
    return (
        f"{tests} failed after tests that were run a second time ({', '.join(repeated[-3:])}{rest}); "
        f"if {they} with --leakcheck-repeat=0, a second run left something behind"
    )


def _nothing_fits(name: str, number: int) -> str:
    tests = counted(number, "test")
    if name == OWN:
        return f"no loaded class is this project's own, so {tests} watched none of its objects: set leakcheck_packages"
    return f"instances_of {name!r} never matched any object's class in {tests}"
