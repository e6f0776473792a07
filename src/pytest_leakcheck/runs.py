"""One run of one test, on its way to the verdict: what has become of it so far."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_leakcheck.describe import fault_text
from pytest_leakcheck.scopes import Accumulated

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from _pytest.runner import CallInfo

    from pytest_leakcheck.check import Check
    from pytest_leakcheck.model import Report


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
    """The passed report of the call, held back until the verdict, here or by the plugin that runs the protocol."""
    leak: Report | None = None
    """What the report of the call is made again for."""
    late: Report | None = None
    """What came too late for that, or has no such report: an error of the teardown."""
    outlived: Accumulated = field(default_factory=Accumulated)
    """What outlived wider-scoped fixtures that ended while the test was set up."""
    is_judged: bool = False
    """Whether the time of the verdict has come."""
    is_checked: bool = False
    """Whether there was anything to judge by then: a test that failed of itself is not checked."""
    trouble: str = ""
    """What went wrong in the check itself."""
    process: int = field(default_factory=os.getpid)
    """The process that it began in; a test may fork another one, which comes to the same hooks."""
    judged: float = 0.0
    """Seconds that the verdict took, further runs of the test included: no part of its teardown's duration."""

    @contextmanager
    def contained(self) -> Iterator[None]:
        """Note an error of the check as trouble to tell of, and go on: it must not break the user's run."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.trouble = self.trouble or fault_text(error)


RUNS: dict[int, Run] = {}
"""By the ids of their items the runs that are under way; an item's own stash would stay as large as it once was."""
