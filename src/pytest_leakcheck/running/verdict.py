"""When a test is judged and how its report turns: after its own teardown, before that of wider scopes, as one failure.

The judge runs inside pytest's teardown hook, so captured output and logs stay where they belong. Where the protocol is
ours, the passed report of the call is held back until then and made again as a failure if something leaked. Where
another plugin runs the protocol and collects the reports of all phases before it logs any (reruns, forks), the report
is turned in its hands; where it logs them one by one, or the fixture came too late, a leak is a teardown error.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import CallInfo, runtestprotocol
from _pytest.skipping import xfailed_key

from pytest_leakcheck.checking.check import Check, Session
from pytest_leakcheck.describe import fault_text
from pytest_leakcheck.errors import LeakError
from pytest_leakcheck.hooking import FAULTS, extensions_of
from pytest_leakcheck.marks import plan_for
from pytest_leakcheck.model import Report
from pytest_leakcheck.neighbours.bystanders import is_kept
from pytest_leakcheck.neighbours.guarded import call_own
from pytest_leakcheck.neighbours.protocols import is_collecting, offer_to_others
from pytest_leakcheck.neighbours.timeouts import Timeouts, suspended
from pytest_leakcheck.options import ALONE, OPTIONS
from pytest_leakcheck.reporting.adoption import note_pardoned
from pytest_leakcheck.reporting.beside import completed, printable
from pytest_leakcheck.reporting.reporter import (
    ensure_reporter,
    note_beside,
    note_checked,
    note_found,
)
from pytest_leakcheck.reporting.unmatched import ASKED, Asked, merged
from pytest_leakcheck.running.judging import reach
from pytest_leakcheck.running.release import instance_of, let_go
from pytest_leakcheck.running.repeat import REPEATING
from pytest_leakcheck.running.runs import RUNS, Run
from pytest_leakcheck.running.sharing import owners_of
from pytest_leakcheck.running.teardown import Steps, ending_scopes
from pytest_leakcheck.running.turning import (
    give_told,
    is_failed_otherwise,
    is_strict,
    leak_report,
    note_told,
    raise_leak,
    strictness_put_off,
    survivors_of,
    teardown_leak_report,
    tell,
    turn,
)
from pytest_leakcheck.runtime import clock, interpreter
from pytest_leakcheck.runtime.loading import undisturbed
from pytest_leakcheck.wider.scopes import Accumulated, Scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from pytest_leakcheck.checking.plan import Plan
    from pytest_leakcheck.options import Options

_JUDGE = "leakcheck-judge"


def ensure_judge(config: pytest.Config) -> Judge:
    """Return the plugin that judges, registered on first use: without it no hook of ours runs per test."""
    manager = config.pluginmanager
    judge = manager.get_plugin(_JUDGE)
    if judge is None:
        judge = Judge(config.stash[OPTIONS], is_alone=manager.has_plugin(ALONE))
        manager.register(judge, _JUDGE)
        manager.register(Timeouts(), "leakcheck-timeouts")
        ensure_reporter(config)
    return judge


def check_of(item: pytest.Function) -> Check | None:
    """Return the check of the current run of `item`, begun if there is none yet; None where nothing is checked."""
    options = item.config.stash[OPTIONS]
    if options.is_off or item.get_closest_marker("skip_leakcheck"):
        return None
    judge = ensure_judge(item.config)
    run = RUNS.of(item) or judge.begin(item, plan_for(item, options))
    return run.check


class Judge:
    """The hooks that run per test, registered only where something is asked for."""

    def __init__(self, options: Options, *, is_alone: bool) -> None:
        self._options = options
        self._is_alone = is_alone
        self._asked = Asked(options)
        self._asked_elsewhere: list[dict[str, tuple[int, bool]]] = []
        """What the interpreters of isolated tests asked for."""
        self._session = Session(options)
        self._scopes = Scopes(self._session)
        self._path: Path | None = None
        """The file of the latest test."""
        self._options_there = options
        self._latest: Run | None = None
        self._owned: pytest.Item | None = None
        """The item whose protocol is ours, while it runs."""
        self._planned: Plan | None = None
        """What that is checked for."""
        self._has_strayed = False
        """Whether this process was forked by a test, and runs on as if it were the one that was started."""

    def begin(self, item: pytest.Item, plan: Plan) -> Run:
        """Start the check of one run of `item`."""
        check = Check(self._session, plan, item.nodeid, options=self._options_for(item))
        run = Run(check, item.ihook, is_owned=self._owned is item)
        RUNS.begin(item, run)
        self._latest = run
        run.check.is_expected = lambda: _is_expected_to_fail(item)
        with run.contained():
            run.check.start()
            run.check.add_instance(instance_of(item))
        return run

    def _options_for(self, item: pytest.Item) -> Options:
        """Return the options with what plugins add to the check of `item`; all tests of a file have the same ones."""
        if item.path != self._path:
            self._path = item.path
            self._options_there = replace(self._options, extensions=extensions_of(item.config, item))
        return self._options_there

    def plan(self, item: pytest.Item) -> Plan | None:
        """Return what `item` is to be checked for, or None where nothing is asked for."""
        if not isinstance(item, pytest.Function) or self._options.is_off or self._has_strayed:
            return None
        plan = plan_for(item, self._options)
        is_asked = not plan.is_skipped and (not plan.is_empty or "assert_collected" in item.fixturenames)
        return plan if is_asked else None

    @pytest.hookimpl
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> object:
        """Run the test with its verdict after teardown, unless another plugin runs it."""
        plan = self.plan(item)
        if plan is None:
            return None
        if plan.is_isolated and not self._is_alone:
            with undisturbed():
                from pytest_leakcheck.isolating.isolated import run_isolated, why_here  # noqa: PLC0415 - few suites have such tests

            reason = why_here(item.config)
            if not reason:
                self._asked_elsewhere += run_isolated(self, item, nextitem, self._session)  # type: ignore[arg-type]
                return True
            self._session.ledger.warn(f"tests marked isolated=True ran in this interpreter, because of {reason}")
        # Where this is the interpreter of an isolated test, the other plugins were asked where that was started.
        taken = None if self._is_alone else offer_to_others(self, item, nextitem)  # type: ignore[arg-type]
        if taken is not None:
            return taken
        self._owned, self._planned = item, plan
        try:
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            runtestprotocol(item, log=False, nextitem=nextitem)
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        finally:
            self._owned = None
            _end_interrupted(item)
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Note what fitted no class; end a check that was interrupted in another plugin's protocol."""
        if self._latest is not None:
            self._latest.check.close()
        for item in session.items:
            RUNS.end(item)
        asked = merged(self._summary(session), *self._asked_elsewhere)
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["leakcheck_asked"] = asked
        else:
            session.config.stash[ASKED] = asked
        return (yield)

    def _summary(self, session: pytest.Session) -> dict[str, tuple[int, bool]]:
        try:
            return self._asked.summary(session, self._session.own)
        except Exception as error:  # noqa: BLE001 - the outcomes of the tests stand
            session.config.stash[FAULTS].note("whether names fitted classes", f"can't be told: {fault_text(error)}")
            return {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Begin a run: what lives now is not this test's."""
        __tracebackhide__ = True
        plan = self._planned if self._owned is item else self.plan(item)
        if item.stash.get(REPEATING, False):
            plan = None
        if plan is not None:
            self.begin(item, plan)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note when the body begins, and its end: only a report made after it is the test's, not those of subtests."""
        __tracebackhide__ = True
        run = RUNS.of(item)
        if run is not None:
            run.check.end_set_up()
        try:
            return (yield)
        finally:
            run = RUNS.of(item)
            if run is not None:
                run.is_body_over = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, object, object]:
        """Count what is made for a wider-scoped fixture apart; note the values made for this test."""
        __tracebackhide__ = True
        item = request._pyfuncitem  # noqa: SLF001 - a wider request has no public way to the test
        run = RUNS.of(item)
        if fixturedef.scope != "function":
            with self._setting_up_wider(fixturedef, item, run):
                return (yield)
        if run is None:
            return (yield)
        value = yield
        with run.contained():
            if not is_kept(value):
                run.check.add_fixture_value(value, fixturedef.argname)
        return value

    @contextmanager
    def _setting_up_wider(self, definition: Any, item: pytest.Item, run: Run | None) -> Iterator[None]:
        owners = partial(owners_of, item)
        if run is None:
            with self._scopes.setting_up(definition, item.nodeid, owners, is_checked=False):
                yield
            return
        run.outlived |= self._scopes.end()  # one that is set up with another parameter ended a moment ago
        with run.contained():
            run.check.pause()
        try:
            with self._scopes.setting_up(definition, item.nodeid, owners, is_checked=True):
                yield
        finally:
            with run.contained():
                run.check.resume()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """Judge between the test's own teardown and that of wider scopes, and after each of these."""
        __tracebackhide__ = True
        run = RUNS.of(item)
        if item.stash.get(REPEATING, False) or (run is None and not self._scopes.has_watched):
            return (yield)
        with self._judging_teardown(item, run):
            if run is None:
                return (yield)
            try:
                result = yield
                if not run.is_judged:  # a pytest whose teardown goes another way: later than wished, never unchecked
                    with suspended(item):
                        self._judge(item, run)
                        self._tell_outlived(item, run, self._scopes.end())
                if run.late is not None:
                    raise_leak(survivors_of(item, run))
                return result
            finally:
                run.check.close()

    @contextmanager
    def _judging_teardown(self, item: pytest.Item, run: Run | None) -> Iterator[None]:
        """Tear down in steps while this lasts: the item alone, then, judged, what the next item does not need."""
        state = item.session._setupstate  # noqa: SLF001 - no public hook lies between a test's teardown and its module's
        real: Callable[[pytest.Item | None], None] | None = getattr(state, "teardown_exact", None)
        if real is None:
            yield
            return

        def teardown_exact(nextitem: Any) -> None:
            __tracebackhide__ = True
            steps = Steps(real)
            is_well = steps.down_to(item.parent)
            if not is_well:
                self._scopes.disturb()
            if run is not None:
                run.is_clean &= is_well
                with suspended(item):
                    self._judge(item, run)
            self._end_wider(item, run, nextitem, steps)
            steps.finish()

        state.teardown_exact = teardown_exact  # type: ignore[method-assign]
        try:
            yield
        finally:
            del state.teardown_exact

    def _judge(self, item: pytest.Item, run: Run) -> None:
        self._has_strayed |= run.process != interpreter.process()
        if self._has_strayed:
            run.is_judged = True
            return
        reach(item, run, self._scopes)
        self._scopes.take_over(run.check.entrusted, item.nodeid)

    def _end_wider(self, item: pytest.Item, run: Run | None, nextitem: pytest.Item | None, steps: Steps) -> None:
        """Tear down what the next item does not need, or all there is where the run is to stop."""
        while True:
            target = None if _is_stopping(item) else nextitem
            found = Accumulated()
            for node in ending_scopes(item, target) if self._scopes.has_watched else ():
                is_well = steps.down_to(node.parent)
                started = clock.now()
                withheld = let_go(item)  # the values of fixtures that have ended by now among them
                with suspended(item):
                    found |= self._scopes.end(
                        is_broken=not is_well, is_last=node.parent is None, may_fail=run is not None
                    )
                withheld.give_back(item)
                if run is not None:
                    run.is_let_go = True
                    run.judged += clock.now() - started
            steps.down_to(target)
            if run is not None:
                self._tell_outlived(item, run, run.outlived | found)
            if target is None or not _is_stopping(item):
                return

    def _tell_outlived(self, item: pytest.Item, run: Run, found: Accumulated) -> None:
        """Report what outlived fixtures as the failure of the test that they ended with."""
        if not found.leaks:
            return
        run.outlived = Accumulated()
        unlisted = run.check.unpardoned(Report(found.leaks))
        if unlisted is None:
            return
        report = completed(unlisted, item.nodeid, run.check.options, again=found.tests)
        self._scopes.note_told(is_seen=tell(item, run, report))

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note which leaks are shown: of those of a test that other plugins run, some never are."""
        if self._latest is not None and report is self._latest.report:
            self._latest.report = None  # it is out, and can't be turned any more
        plain = getattr(report, "leakcheck", None)
        if plain is not None and report.failed:
            self._session.retell(report.nodeid, {leak.fingerprint for leak in Report.from_plain(plain).leaks})

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note failures; dress a leak's report; log what need not wait for the verdict."""
        run = RUNS.of(item)
        if run is not None and call.when == "teardown":
            call.duration = max(0.0, call.duration - run.judged)
        try:
            with strictness_put_off(item) if run is not None and _is_awaited(run, call) else nullcontext():
                report = yield
        except Exception as error:
            if run is None or not run.is_let_go:
                raise
            report = call_own(item, "pytest_runtest_makereport", error, item=item, call=call)
        return self._reported(item, run, call, report)

    def _reported(
        self, item: pytest.Item, run: Run | None, call: CallInfo[None], report: pytest.TestReport
    ) -> pytest.TestReport:
        """Return a report as it is to be told, and log what is to be logged here."""
        if call.when == "call" and run is not None and run.is_judged:
            return leak_report(item, report, run.leak, run.report) if run.leak else report
        self._note(item, call, report)
        if run is None:
            give_told(item, call, report)
            if self._owned is item:  # the setup failed before the run began
                item.ihook.pytest_runtest_logreport(report=report)
            return report
        if call.when == "teardown" and run.late is not None:
            report = teardown_leak_report(item, run.late, call, report)
        elif call.excinfo is not None or is_failed_otherwise(item, report):
            run.is_clean = False
        give_told(item, call, report)
        if call.when == "teardown":
            self._end_run(item, run, report)
        self._log(run, call, report)
        return report

    def _end_run(self, item: pytest.Item, run: Run, report: pytest.TestReport) -> None:
        """Put what the run told into the report of its teardown; let out the report of a call that leaked nothing."""
        if not run.is_owned and run.call is not None and run.report is not None and is_strict(item):
            turn(item, run, run.call, run.report)
        note_pardoned(report, run.check.pardoned)
        if run.is_checked:
            note_checked(report, run.check, run.trouble or run.check.fault)
            self._asked.note(run.check.plan)
        RUNS.end(item)
        if run.is_owned and run.report is not None:
            run.hook.pytest_runtest_logreport(report=run.report)

    def _note(self, item: pytest.Item, call: CallInfo[None], report: pytest.TestReport) -> None:
        """Note what concerns the whole run: that a test failed of itself, what it told, what was found by its end."""
        error = call.excinfo.value if call.excinfo is not None else None
        if error is not None and not isinstance(error, (LeakError, pytest.skip.Exception)):
            self._scopes.disturb()
        if type(error) is LeakError and error.report is not None:
            note_beside(report, printable(error.report))
            note_told(item, error.report)
        if call.when == "teardown":
            note_found(report, self._session)

    def _log(self, run: Run, call: CallInfo[None], report: pytest.TestReport) -> None:
        """Log a report at once as pytest would have, but hold back the call's if it is still to be judged."""
        if not run.is_owned:
            if _is_awaited(run, call):
                run.call, run.report = call, report
            run.is_body_over |= call.when == "call"  # a check begun in the body was too late for the hook that tells
            return
        if call.when == "call" and not run.is_body_over:
            return
        if call.when == "call" and run.is_clean:
            run.call, run.report = call, report
        else:
            run.hook.pytest_runtest_logreport(report=report)


def _is_expected_to_fail(item: pytest.Item) -> bool:
    """Tell whether a mark says so; at the time of a verdict, pytest has evaluated it."""
    is_heeded = not item.config.getoption("runxfail", default=False)
    return is_heeded and item.stash.get(xfailed_key, None) is not None


def _is_awaited(run: Run, call: CallInfo[None]) -> bool:
    """Tell whether the report of `call` is in another plugin's hands until the verdict."""
    is_of_body = call.when == "call" and run.is_body_over and not run.is_judged
    return is_of_body and not run.is_owned and run.is_clean and call.excinfo is None and is_collecting()


def _is_stopping(item: pytest.Item) -> bool:
    return bool(item.session.shouldfail or item.session.shouldstop)


def _end_interrupted(item: pytest.Item) -> None:
    """Close a run that Ctrl-C or pytest.exit ended before its teardown did, and log what was held back."""
    run = RUNS.of(item)
    if run is None:
        return
    RUNS.end(item)
    run.check.close()
    if run.report is not None:
        run.hook.pytest_runtest_logreport(report=run.report)
