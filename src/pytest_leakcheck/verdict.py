"""When a test is judged and how its report turns: after its own teardown, before that of wider scopes, as one failure.

The judge runs inside pytest's teardown hook, so captured output and logs stay where they belong. Where the protocol is
ours, the passed report of the call is held back until then and made again as a failure if something leaked; where
another plugin runs the protocol (reruns, forks), or the fixture came too late for that, a leak is a teardown error.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.outcomes import OutcomeException
from _pytest.runner import CallInfo, check_interactive_exception, runtestprotocol

from pytest_leakcheck.check import Check, LeakError
from pytest_leakcheck.marks import plan_for
from pytest_leakcheck.release import let_go
from pytest_leakcheck.reporting import as_leak_report, note_checked

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup  # type: ignore[import-not-found] # pytest brings it along there

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager

    from pytest_leakcheck.model import Report
    from pytest_leakcheck.options import Options

OPTIONS = pytest.StashKey["Options"]()
_RUN = pytest.StashKey["Run"]()
_OWNED = pytest.StashKey[bool]()
_JUDGE = "leakcheck-judge"


@dataclass(slots=True)
class Run:
    """One run of one test; a rerun is another."""

    check: Check
    is_owned: bool
    is_clean: bool = True
    """Whether nothing has failed, skipped or raised of itself so far."""
    is_body_over: bool = False
    call: CallInfo[None] | None = None
    report: pytest.TestReport | None = None
    """The passed report of the call, held back until the verdict."""
    leak: Report | None = None
    is_judged: bool = False


def ensure_judge(config: pytest.Config) -> Judge:
    """Return the plugin that judges, registered on first use: without it no hook of ours runs per test."""
    manager = config.pluginmanager
    judge = manager.get_plugin(_JUDGE)
    if judge is None:
        judge = Judge(config.stash[OPTIONS])
        manager.register(judge, _JUDGE)
    return judge


def check_of(item: pytest.Function) -> Check | None:
    """Return the check of the current run of `item`, begun if there is none yet; None where nothing is checked."""
    options = item.config.stash[OPTIONS]
    if options.is_off or item.get_closest_marker("skip_leakcheck"):
        return None
    judge = ensure_judge(item.config)
    run = item.stash.get(_RUN, None) or judge.begin(item)
    return run.check


class Judge:
    """The hooks that run per test, registered only where something is asked for."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def begin(self, item: pytest.Function) -> Run:
        """Start the check of one run of `item`."""
        plan = plan_for(item, is_on=self._options.is_on)
        run = Run(Check(self._options, plan), is_owned=item.stash.get(_OWNED, False))
        item.stash[_RUN] = run
        run.check.start()
        return run

    def is_checked(self, item: pytest.Item) -> bool:
        """Tell whether anything is asked for of `item`."""
        if not isinstance(item, pytest.Function) or self._options.is_off:
            return False
        plan = plan_for(item, is_on=self._options.is_on)
        return not plan.is_skipped and (not plan.is_empty or "assert_collected" in item.fixturenames)

    @pytest.hookimpl
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> object:
        """Run the test with its verdict after teardown, unless another plugin runs it."""
        if not self.is_checked(item):
            return None
        taken = self._offer_to_others(item, nextitem)
        if taken is not None:
            return taken
        item.stash[_OWNED] = True
        try:
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            runtestprotocol(item, log=False, nextitem=nextitem)
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        finally:
            item.stash[_OWNED] = False
        return True

    def _offer_to_others(self, item: pytest.Item, nextitem: pytest.Item | None) -> object:
        """Ask the plugins that would be asked after this one, pytest's own runner left out.

        The hook ends at the first answer, so that owning the protocol would otherwise silently end their reruns.
        """
        arguments = {"item": item, "nextitem": nextitem}
        others = item.ihook.pytest_runtest_protocol.get_hookimpls()
        mine = next(i for i, impl in enumerate(others) if impl.plugin is self)
        for impl in reversed(others[:mine]):
            is_wrapper = impl.hookwrapper or getattr(impl, "wrapper", False)
            if is_wrapper or getattr(impl.function, "__module__", "") == "_pytest.runner":
                continue
            answer = impl.function(*(arguments[name] for name in impl.argnames))
            if answer is not None:
                return answer
        return None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Begin a run: what lives now is not this test's."""
        if self.is_checked(item):
            self.begin(item)  # type: ignore[arg-type]
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note the end of the body: only a report made after it is the test's, those before are subtests'."""
        try:
            return (yield)
        finally:
            run = item.stash.get(_RUN, None)
            if run is not None:
                run.is_body_over = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, object, object]:
        """Leave out what is made for a wider-scoped fixture; note the values made for this test."""
        run = request._pyfuncitem.stash.get(_RUN, None)  # noqa: SLF001 - a wider request has no public way to the test
        if run is None:
            return (yield)
        if fixturedef.scope != "function":
            run.check.pause()
            try:
                return (yield)
            finally:
                run.check.resume()
        value = yield
        run.check.add_fixture_value(value, fixturedef.argname)
        return value

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """Judge between the test's own teardown and that of wider scopes."""
        run = item.stash.get(_RUN, None)
        if run is None:
            return (yield)
        try:
            with _judging_teardown(item, run):
                result = yield
            if not run.is_judged:  # a pytest whose teardown goes another way: later than wished, never unchecked
                _judge(item, run)
            if run.leak is not None and not run.is_owned:
                raise LeakError("objects outlive the test")
            return result
        finally:
            run.check.close()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note failures; dress a leak's report; log what need not wait for the verdict."""
        report = yield
        run = item.stash.get(_RUN, None)
        if run is None:
            if item.stash.get(_OWNED, False):  # the setup failed before the run began
                item.ihook.pytest_runtest_logreport(report=report)
            return report
        if call.when == "call" and run.is_judged:
            return as_leak_report(report, run.leak, run.report) if run.leak else report
        if (
            call.excinfo is not None
            and isinstance(call.excinfo.value, LeakError)
            and call.when == "teardown"
            and run.leak
        ):
            report = as_leak_report(report, run.leak, report)
        elif call.excinfo is not None:
            run.is_clean = False
        if call.when == "teardown":
            note_checked(report, run.check)
            del item.stash[_RUN]
            if run.report is not None:
                item.ihook.pytest_runtest_logreport(report=run.report)
        self._log(item, run, call, report)
        return report

    def _log(self, item: pytest.Item, run: Run, call: CallInfo[None], report: pytest.TestReport) -> None:
        """Log a report at once as pytest would have, but hold back the call's if it is still to be judged."""
        if not run.is_owned or (call.when == "call" and not run.is_body_over):
            return
        if call.when == "call" and run.is_clean:
            run.call, run.report = call, report
        else:
            item.ihook.pytest_runtest_logreport(report=report)


@contextmanager
def _judging_teardown(item: pytest.Item, run: Run) -> Iterator[None]:
    """Tear down in two steps while this lasts: the item alone, then, judged, what the next item does not need."""
    state = item.session._setupstate  # noqa: SLF001 - no public hook lies between a test's teardown and its module's
    real: Callable[[pytest.Item | None], None] | None = getattr(state, "teardown_exact", None)
    if real is None:
        yield
        return

    def teardown_exact(nextitem: Any) -> None:
        errors: list[BaseException] = []
        _attempt(lambda: real(item.parent), errors)  # type: ignore[arg-type]
        if errors:
            run.is_clean = False
        _judge(item, run)
        if item.session.shouldfail or item.session.shouldstop:
            nextitem = None
        _attempt(lambda: real(nextitem), errors)
        _raise(errors)

    state.teardown_exact = teardown_exact  # type: ignore[method-assign]
    try:
        yield
    finally:
        del state.teardown_exact


def _attempt(function: Callable[[], None], errors: list[BaseException]) -> None:
    try:
        function()
    except (Exception, OutcomeException) as error:  # noqa: BLE001 - what pytest itself takes for a teardown's error
        errors.append(error)


def _raise(errors: list[BaseException]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup("errors during test teardown", errors[::-1])


def _judge(item: pytest.Item, run: Run) -> None:
    """Reach the verdict; log a leak before the wider teardown, which goes further where the run is to stop."""
    run.is_judged = True
    if run.is_clean and run.is_body_over:
        let_go(item)
        run.leak = run.check.judge()
    if run.leak is not None and run.report is not None and run.call is not None:
        call = _leak_call(run, run.call)
        report = item.ihook.pytest_runtest_makereport(item=item, call=call)
        run.report = run.call = None
        with _capture_suspended(item.config):
            item.ihook.pytest_runtest_logreport(report=report)
            if check_interactive_exception(call, report):
                item.ihook.pytest_exception_interact(node=item, call=call, report=report)


def _capture_suspended(config: pytest.Config) -> AbstractContextManager[None]:
    """Let what the terminal prints through: the verdict falls inside the teardown, whose output is captured."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    return capture.global_and_fixture_disabled() if capture else nullcontext()


def _leak_call(run: Run, first: CallInfo[None]) -> CallInfo[None]:
    """Return the call again, with the times of the first, as one that raises `LeakError`."""
    survivors = run.check.survivors() if run.is_owned else []

    def leaked(survivors: list[Any]) -> None:
        raise LeakError(f"{len(survivors)} objects outlive the test; see `survivors`")

    call = CallInfo.from_call(lambda: leaked(survivors), when="call")
    call.start, call.stop, call.duration = first.start, first.stop, first.duration
    return call
