"""A test that runs in a fresh interpreter: its three phases here are one run there, and its reports come from there.

Whoever runs the test, be it this plugin or one that repeats tests, does so by hooks of the item. While it is run, the
hooks that set it up, call it and tear it down are others: the first starts the interpreter and waits, and all of them
give out what it told. Only skip and xfail marks are evaluated here, so that a test that is skipped starts no
interpreter, and what earlier tests have set up and later ones do not need is torn down here.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.logging import caplog_records_key
from _pytest.runner import runtestprotocol

from pytest_leakcheck.hooking import FAULTS
from pytest_leakcheck.isolating.exchange import read_answers
from pytest_leakcheck.isolating.fresh import run_alone, trouble
from pytest_leakcheck.neighbours.protocols import is_of_pytest, offer_to_others
from pytest_leakcheck.reporting.reporter import note_found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_leakcheck.checking.check import Session

_NEEDS_TERMINAL = {
    "usepdb": "--pdb",
    "trace": "--trace",
    "setuponly": "--setup-only",
    "setupplan": "--setup-plan",
    "setupshow": "--setup-show",
}
"""Options that show or ask while the test runs."""


def why_here(config: pytest.Config) -> str:
    """Return the option because of which isolated tests run in this interpreter; empty for none."""
    return next((name for option, name in _NEEDS_TERMINAL.items() if config.getoption(option, default=False)), "")


def run_isolated(judge: object, item: pytest.Function, nextitem: pytest.Item | None, session: Session) -> list[Any]:
    """Run `item` in a fresh interpreter, as often as other plugins want it; return what was asked for there by name."""
    hooks = _Hooks(judge, item, session)
    with hooks.in_place():
        if offer_to_others(judge, item, nextitem) is None:
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            runtestprotocol(item, nextitem=nextitem)
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return hooks.asked


@dataclass(slots=True)
class _Outcome:
    """What a fresh interpreter told of its test."""

    reports: dict[str, pytest.TestReport] = field(default_factory=dict)
    """By phase the report on the test itself."""
    others: dict[str, list[pytest.TestReport]] = field(default_factory=dict)
    """By phase the reports on parts of it: subtests."""
    raised: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By phase the type's name and the text of the error that ended it."""
    trouble: BaseException | None = None
    """What this process has to raise: the interpreter ended before it had told all."""

    def phase_of_trouble(self, *, has_started: bool) -> str:
        """Return the first phase that nothing was told of."""
        setup = self.reports.get("setup")
        if setup is None:
            return "setup" if has_started else "call"
        return "call" if setup.passed and "call" not in self.reports else "teardown"


class _Supplier:
    """The plugin that makes a report by handing out one that is there."""

    report: pytest.TestReport | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self) -> pytest.TestReport | None:
        """Return the report, or leave it to the others where there is none."""
        return self.report


class _Hooks:
    """The hooks of an item, some of them replaced."""

    def __init__(self, judge: object, item: pytest.Function, session: Session) -> None:
        self.asked: list[Any] = []
        self._judge = judge
        self._item = item
        self._session = session
        self._real = item.ihook
        self._manager = item.config.pluginmanager
        self._supplier = _Supplier()
        self._runners = [plugin for plugin in _runners_of(item) if plugin is not judge]
        self._outcome = _Outcome()
        self._phase_of_trouble = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Have these take the place of the item's hooks while this lasts."""
        session, path = self._item.session, self._item.path
        real = session.gethookproxy
        session.gethookproxy = lambda other: self if other == path else real(other)  # type: ignore[method-assign,assignment,return-value]
        self._manager.register(self._supplier)
        try:
            yield
        finally:
            self._manager.unregister(self._supplier)
            del session.gethookproxy

    def pytest_runtest_setup(self, *, item: pytest.Item) -> None:
        """Run the test, unless a mark says that it is not to be run."""
        self._outcome = _Outcome()
        item.stash[caplog_records_key] = {}  # pytest's own set-up makes it, and its teardown wants it
        self._only("pytest_runtest_setup", [self._manager.get_plugin("skipping")])(item=item)
        self._run()
        self._conclude("setup")

    def pytest_runtest_call(self, *, item: pytest.Item) -> None:  # noqa: ARG002 - called by keyword
        """Give out what the call came to."""
        self._conclude("call")

    def pytest_runtest_teardown(self, *, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Tear down what earlier tests left standing and the next item does not need."""
        own = [plugin for plugin in self._manager.get_plugins() if is_of_pytest(plugin)]
        self._only("pytest_runtest_teardown", [*own, self._judge])(item=item, nextitem=nextitem)
        self._conclude("teardown")

    def pytest_exception_interact(self, **_: object) -> None:
        """Do nothing: there is nothing here to interact with."""

    def pytest_runtest_makereport(self, *, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """Return the report from there, or, on what happened here, one of pytest's making."""
        told = self._outcome.reports.get(call.when)
        happened_here = call.excinfo is not None and not isinstance(call.excinfo.value, _Told)
        self._supplier.report = None if happened_here else told
        kept = [*self._runners, self._supplier]
        if self._supplier.report is None:
            kept += [plugin for plugin in self._manager.get_plugins() if is_of_pytest(plugin)]
        report: pytest.TestReport = self._only("pytest_runtest_makereport", kept)(item=item, call=call)
        if report is told:
            captured = item._report_sections  # noqa: SLF001 - no public way to what was printed here
            report.sections += [(f"Captured {name} {when}", text) for when, name, text in captured]
        elif told is not None:
            _add(report, told)
        if call.when == "teardown":
            note_found(report, self._session)
        return report

    def _only(self, hook: str, plugins: list[Any]) -> Any:
        """Return a hook that calls these plugins alone."""
        wanted = set(map(id, plugins))
        others = [plugin for plugin in self._manager.get_plugins() if id(plugin) not in wanted]
        return self._manager.subset_hook_caller(hook, others)

    def _conclude(self, phase: str) -> None:
        """Log what was told of parts of the test, and raise what ended the phase."""
        __tracebackhide__ = True
        outcome = self._outcome
        for part in outcome.others.get(phase, ()):
            self._real.pytest_runtest_logreport(report=part)
        if outcome.trouble is not None and phase == self._phase_of_trouble:
            raise outcome.trouble
        report = outcome.reports.get(phase)
        if report is None or report.passed:
            return
        if report.skipped:
            raise type("Skipped", (_Told, pytest.skip.Exception), {})
        name, text = outcome.raised.get(phase, ("Failed", ""))
        raise type(name, (_Told,), {})(text)

    def _run(self) -> None:
        """Start the interpreter, and take in what it tells; Ctrl-C, and what plugins raise to end the run, end it."""
        with tempfile.TemporaryDirectory(prefix="leakcheck-") as name:
            folder = Path(name)
            self._take_in(folder, run_alone(self._item, folder))

    def _take_in(self, folder: Path, end: str | int) -> None:
        outcome, config, has_started = self._outcome, self._item.config, False
        for kind, value in read_answers(folder / "answers"):
            if kind == "started":
                has_started = True
            elif kind == "report":
                self._take_report(value)
            elif kind == "raised":
                outcome.raised[value[0]] = (value[1], value[2])
            elif kind == "warning":
                config.hook.pytest_warning_recorded.call_historic(kwargs=_warning(value, self._item))
            elif kind == "faults":
                config.stash[FAULTS].take_over(value)
            elif kind == "asked":
                self.asked.append({name: tuple(counts) for name, counts in value.items()})
            elif kind == "interrupted":
                outcome.trouble = KeyboardInterrupt()
            else:
                outcome.trouble = pytest.exit.Exception(*value)
        self._phase_of_trouble = outcome.phase_of_trouble(has_started=has_started)
        if outcome.trouble is None:
            text = trouble(end, folder, has_started=has_started, has_ended="teardown" in outcome.reports)
            outcome.trouble = pytest.fail.Exception(text, pytrace=False) if text else None

    def _take_report(self, plain: dict[str, Any]) -> None:
        for name in ("location", "longrepr"):
            if isinstance(plain.get(name), list):
                plain[name] = tuple(plain[name])
        for name in ("sections", "user_properties"):
            plain[name] = [tuple(pair) for pair in plain.get(name, ())]
        report = self._item.config.hook.pytest_report_from_serializable(config=self._item.config, data=plain)
        if type(report) is pytest.TestReport:
            self._outcome.reports[report.when or ""] = report
        else:
            self._outcome.others.setdefault(report.when, []).append(report)


class _Told(Exception):  # noqa: N818 - its subclasses have the names of the errors that were told
    """The test failed in the fresh interpreter; what repeats tests looks for an error."""


def _runners_of(item: pytest.Item) -> list[Any]:
    """Return the plugins that run tests themselves: they note in further hooks what they go by."""
    implementations = item.ihook.pytest_runtest_protocol.get_hookimpls()
    own = [impl for impl in implementations if not (impl.hookwrapper or impl.wrapper)]
    return [impl.plugin for impl in own if not is_of_pytest(impl.plugin)]


def _add(report: pytest.TestReport, told: pytest.TestReport) -> None:
    """Add to the report on what went wrong here what was told of the same phase."""
    report.sections[:0] = told.sections
    report.user_properties = told.user_properties
    if told.failed:
        report.sections.append(("Error in the fresh interpreter", told.longreprtext))
    for name, value in vars(told).items():
        if name.startswith("leakcheck_"):
            setattr(report, name, value)


def _warning(told: dict[str, Any], item: pytest.Item) -> dict[str, Any]:
    """Return the arguments of the hook for a warning; its class is looked for among what is imported here."""
    kind = getattr(sys.modules.get(told["module"]), told["category"], None)
    is_known = isinstance(kind, type) and issubclass(kind, Warning)
    message = warnings.WarningMessage(
        told["text"] if is_known else f"{told['category']}: {told['text']}",
        kind if is_known else Warning,  # type: ignore[arg-type]
        told["filename"],
        told["lineno"],
    )
    return {"warning_message": message, "nodeid": item.nodeid, "when": "runtest", "location": None}
