"""The end of a run for other plugins: the leaks are shown to them, and what their hooks did wrong is gathered.

For pytest as well, which is spared what many leaks would cost it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_leakcheck.hooking import FAULTS, Hooks
from pytest_leakcheck.model import FoundLeak
from pytest_leakcheck.reporting.sections import looked_up

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_leakcheck.results import Results


class Telling:
    """The hooks of a run that checks tests."""

    def __init__(self, config: pytest.Config, results: Results) -> None:
        self._config = config
        self._results = results

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what went wrong in an xdist worker."""
        output: dict[str, Any] = getattr(node, "workeroutput", None) or {}
        self._config.stash[FAULTS].take_over(output.get("leakcheck_faults", {}))

    def pytest_sessionfinish(self) -> None:
        """Show the leaks to whoever wants to see them, or send the controller what it must know."""
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["leakcheck_faults"] = self._config.stash[FAULTS].found
        elif self._results.tests:
            Hooks(self._config, self._config).report(self._found())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, object, object]:
        """Spare pytest a search through all reports for each test that leaked."""
        with looked_up(terminalreporter):
            return (yield)

    def _found(self) -> tuple[FoundLeak, ...]:
        tests = [(group[0].leak, sorted({each.test for each in group})) for group in self._results.groups()]
        return tuple(FoundLeak(leak, tuple(names)) for leak, names in tests)
