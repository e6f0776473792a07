"""What a fresh interpreter does: it runs one test with the settings of the run it belongs to, and tells its reports.

It is started with the same arguments as the run, so that rootdir, ini file, conftest files and plugins are the same;
then options that concern the run as a whole, or write files of it, are taken back.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

import pytest_leakcheck
from pytest_leakcheck.describe import message_of, short_type_name
from pytest_leakcheck.hooking import FAULTS
from pytest_leakcheck.isolating.exchange import Answers, Job
from pytest_leakcheck.options import ALONE
from pytest_leakcheck.reporting.unmatched import ASKED

if TYPE_CHECKING:
    import warnings
    from collections.abc import Generator

_TAKEN_BACK: dict[str, Any] = {
    "cacheclear": False,
    "cov_source": [],
    "dist": "no",
    "distload": False,
    "durations": None,
    "failedfirst": False,
    "htmlpath": None,
    "json_report": False,
    "lf": False,
    "log_file": os.devnull,
    "looponfail": False,
    "maxfail": 0,
    "maxprocesses": None,
    "newfirst": False,
    "no_header": True,
    "numprocesses": None,
    "pastebin": None,
    "pyargs": False,
    "report_log": None,
    "stepwise": False,
    "stepwise_skip": False,
    "tx": [],
    "xmlpath": None,
}
"""Values for options that belong to the run as a whole: which tests, in which processes, reported into which files."""
_OF_THE_RUN = ("lfplugin", "nfplugin", "stepwiseplugin", "leakcheck-adoption")
"""Plugins that write down at the end what came of all tests."""


def main(path: str) -> int:
    """Run the test of the job in a file; return pytest's exit status."""
    job = Job.read(path)
    sys.argv[:] = job.argv
    # pytest warns of plugins that are imported before it can rewrite their asserts, unless they say that it need not.
    pytest_leakcheck.__doc__ = f"{pytest_leakcheck.__doc__} PYTEST_DONT_REWRITE"
    with contextlib.suppress(AttributeError):  # Windows has no such signals
        # Where a test hangs and is ended, this tells where it stood.
        faulthandler.register(signal.SIGTERM, file=os.dup(2), all_threads=True, chain=True)
    return int(pytest.main(job.arguments, plugins=[*job.plugins, Alone(job)]))


class Alone:
    """The hooks that take one test out of the suite, and tell of it."""

    __name__ = ALONE

    def __init__(self, job: Job) -> None:
        self._job = job
        self._answers = Answers(job.answers)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> Generator[None, object, object]:
        """Change options before plugins act on them."""
        _change(early_config.known_args_namespace, _TAKEN_BACK)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_parse(self) -> Generator[None, pytest.Config, pytest.Config]:
        """Change options, and have the one test collected."""
        config = yield
        _change(config.option, {**_TAKEN_BACK, **self._job.handed})
        if self._job.target:
            config.args = [self._job.target]
        if self._job.worker_input is not None:
            worker: Any = config
            worker.workerinput, worker.workeroutput = self._job.worker_input, {}
        return config

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Let nobody write what the run itself will, nor to its terminal."""
        self._config = config
        manager = config.pluginmanager
        for name in _OF_THE_RUN:
            if manager.has_plugin(name):
                manager.unregister(name=name)
        if manager.has_plugin("terminalreporter"):
            terminal: Any = config.get_terminal_writer()
            file = open(self._job.terminal, "w", buffering=1, encoding="utf-8")  # noqa: SIM115,PTH123 - open to the end
            terminal._file = file  # noqa: SLF001 - no public way

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """Leave the one test, whatever else the options say: the run has selected it."""
        wanted = [item for item in items if item.nodeid == self._job.nodeid]
        if not wanted:
            terminal = config.get_terminal_writer()
            terminal.line()
            for item in items:
                terminal.line(f"not the test: {item.nodeid}")
        items[:] = wanted
        result = yield
        items[:] = wanted
        return result

    def pytest_runtest_logstart(self) -> None:
        """Tell that the test begins."""
        self._answers.tell("started")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Tell the error that ends a phase, for plugins that repeat tests by it."""
        report = yield
        if call.excinfo is not None and report.failed:
            error = call.excinfo.value
            self._answers.tell("raised", [call.when, short_type_name(type(error)), message_of(error)])
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell a report."""
        config = self._config
        self._answers.tell("report", config.hook.pytest_report_to_serializable(config=config, report=report))

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str) -> None:
        """Tell a warning of the test; those of the collection are the run's own."""
        if when == "runtest":
            kind = warning_message.category
            told = {"module": kind.__module__, "category": kind.__name__, "text": str(warning_message.message)}
            place = {"filename": warning_message.filename, "lineno": warning_message.lineno}
            self._answers.tell("warning", {**told, **place})

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Tell that the test asked for the end of the run."""
        error = excinfo.value
        if isinstance(error, pytest.exit.Exception):
            self._answers.tell("exit", [str(error.msg), error.returncode])
        else:
            self._answers.tell("interrupted")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Tell what hooks did wrong, which names were asked for, and whether they fit something."""
        self._answers.tell("faults", self._config.stash[FAULTS].found)
        output = getattr(self._config, "workeroutput", {})
        self._answers.tell("asked", output.get("leakcheck_asked") or self._config.stash.get(ASKED, {}))


def _change(options: Any, values: dict[str, Any]) -> None:
    """Give options that are there other values."""
    for name, value in values.items():
        if hasattr(options, name):
            setattr(options, name, value)
