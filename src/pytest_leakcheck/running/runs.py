"""One run of one test, on its way to the verdict: what has become of it so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.describe import fault_text
from pytest_leakcheck.runtime import interpreter
from pytest_leakcheck.wider.scopes import Accumulated

if TYPE_CHECKING:
    import pytest
    from _pytest.runner import CallInfo

    from pytest_leakcheck.checking.check import Check
    from pytest_leakcheck.model import Report


@dataclass(slots=True)
class Run:
    """One run of one test; a rerun is another."""

    check: Check
    hook: Any
    """The hooks as they are in the test's folder, which take a while to find."""
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
    is_let_go: bool = False
    """Whether pytest has let go of what the test's fixtures gave it."""
    is_checked: bool = False
    """Whether there was anything to judge by then: a test that failed of itself is not checked."""
    trouble: str = ""
    """What went wrong in the check itself."""
    process: int = field(default_factory=interpreter.process)
    """The process that it began in; a test may fork another one, which comes to the same hooks."""
    judged: float = 0.0
    """Seconds that the verdict took, further runs of the test included: no part of its teardown's duration."""

    def contained(self) -> _Contained:
        """Note an error of the check as trouble to tell of, and go on: it must not break the user's run."""
        return _Contained(self)


class _Contained:
    """A context as a class: as a generator, which costs three times as much, it would be entered at each fixture."""

    __slots__ = ("_run",)

    def __init__(self, run: Run) -> None:
        self._run = run

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        if not isinstance(error, Exception):
            return False
        self._run.trouble = self._run.trouble or fault_text(error)
        return True


_node_of = id
"""The function itself: a test may put another in its place until its teardown."""


class _Runs:
    """The runs that are under way, by the ids of their items, whose own stash would stay as large as it once was."""

    def __init__(self) -> None:
        self._runs: dict[int, Run] = {}

    def of(self, item: pytest.Item) -> Run | None:
        """Return the run of `item` that is under way, or None."""
        return self._runs.get(_node_of(item))

    def begin(self, item: pytest.Item, run: Run) -> None:
        """Take `run` for that of `item`, in the stead of an earlier one."""
        self._runs[_node_of(item)] = run

    def end(self, item: pytest.Item) -> None:
        """Take none for that of `item`, if there was any."""
        self._runs.pop(_node_of(item), None)


RUNS = _Runs()
