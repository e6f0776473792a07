"""A baseline in a run of pytest: what of it occurs, what is gone, and its update; at the xdist controller as well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_leakcheck import baseline
from pytest_leakcheck.describe import clean, counted, error_text
from pytest_leakcheck.model import Report
from pytest_leakcheck.options import shown
from pytest_leakcheck.runtime import interpreter

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from pytest_leakcheck.model import Leak
    from pytest_leakcheck.options import Options


_MOST_TEXT = 5_000


def note_pardoned(report: pytest.TestReport, leaks: Sequence[Leak]) -> None:
    """Put into `report` what a baseline lists of a test's leaks, as plain values that cross to xdist's controller."""
    if leaks:
        sightings = [list(baseline.sighting(leak)) for leak in leaks]
        report.leakcheck_pardoned = sightings  # type: ignore[attr-defined]


class Adoption:
    """The hooks of a run with a baseline."""

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self._config = config
        self._options = options
        self._name = shown(options.baseline)
        self._seen = baseline.Seen()
        self._is_part = not hasattr(config, "workerinput") and not _takes_all(config)
        """Whether some of the suite's tests were left out."""
        self._lines: list[str] = []
        self._process = interpreter.process()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker what is listed: it reads no file of its own."""
        node.workerinput["leakcheck_listed"] = sorted(self._options.listed)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, None, None]:
        """Note whether tests are left out, by whatever plugin and option."""
        before = len(items)
        yield
        self._is_part |= len(items) < before

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note that tests could not be collected."""
        self._is_part |= report.failed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what leaked, and which tests would have told."""
        seen, test = self._seen, report.nodeid
        seen.ran.add(test)
        for sighting in getattr(report, "leakcheck_pardoned", ()):
            seen.add(test, baseline.Sighting(*sighting))
        plain = getattr(report, "leakcheck", None)
        if plain is not None:
            seen.add_others(test, Report.from_plain(plain).leaks)
        checked = getattr(report, "leakcheck_checked", None)
        if checked is not None:
            *_, trouble = checked
            seen.end(test, [text for kind, text in getattr(report, "leakcheck_notes", ()) if kind == "pending"])
            if self._options.is_on and not trouble:
                seen.checked.add(test)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over whether an xdist worker was given all tests."""
        output: dict[str, Any] = getattr(node, "workeroutput", None) or {}
        self._is_part |= output.get("leakcheck_is_part", True)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Compare what occurred with the file, or write it."""
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["leakcheck_is_part"] = self._is_part
            return
        if interpreter.process() != self._process:  # one that a test forked and did not end
            return
        has_ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        is_stopped = bool(session.shouldstop or session.shouldfail)
        self._seen.is_whole = has_ended and not is_stopped and not self._is_part
        self._lines += self._update() if self._options.is_updating else self._compare()

    def _compare(self) -> Iterator[str]:
        """Yield a line on each listed leak that occurred, and on each that no longer does."""
        try:
            entries = baseline.read(self._options.baseline, self._name).entries
        except (OSError, baseline.BaselineError):  # changed or removed while the tests ran
            entries = ()
        known = {entry.fingerprint: entry for entry in entries}
        for fingerprint, tests in sorted(self._seen.tests.items(), key=lambda item: (-len(item[1]), item[0])):
            entry = known.get(fingerprint)
            why = f" ({entry.reason or 'no reason given'}; since {entry.first_seen})" if entry else ""
            held = (entry and entry.held) or self._seen.words(fingerprint)
            yield f"known leak {fingerprint} in {counted(len(tests), 'test')}: {held}{why}"
        for entry in entries:
            if baseline.is_gone(entry, self._seen):
                held = f": {entry.held}" if entry.held else ""
                yield (
                    f"{self._name} lists {entry.fingerprint}, which no longer occurs{held} "
                    "(--leakcheck-update-baseline removes it)"
                )

    def _update(self) -> Iterator[str]:
        if self._config.getoption("collectonly", default=False):
            return
        if not self._seen.checked and not self._seen.tests:
            yield f"{self._name} is not written: no test was checked (add --leakcheck)"
            return
        try:
            change = baseline.update(self._options.baseline, self._name, self._seen)
        except OSError as error:
            yield f"{self._name} is not written: {error_text(error)}"
        except baseline.BaselineError as error:
            yield f"{self._name} is not written: {error}"
        else:
            yield (
                f"{self._name} lists {counted(change.new + change.kept, 'leak')}: "
                f"{change.new} new, {change.kept} kept, {change.removed} removed"
            )

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write what was found out, in yellow, below the line that counts."""
        for line in self._lines:
            terminalreporter.write_line(clean(f"leakcheck: {line}", _MOST_TEXT), yellow=True)


def _takes_all(config: pytest.Config) -> bool:
    """Tell whether the arguments leave no part of the suite out."""
    if any(config.getoption(name, default=False) for name in ("lf", "stepwise", "ignore", "ignore_glob")):
        return False
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        return True
    here, root = config.invocation_params.dir, config.rootpath
    given = [Path(here, arg).resolve() for arg in config.args if "::" not in arg]
    wanted = [Path(root, path).resolve() for path in config.getini("testpaths") or ["."]]
    return all(any(path == folder or folder in path.parents for folder in given) for path in wanted)
