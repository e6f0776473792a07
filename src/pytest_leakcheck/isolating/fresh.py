"""A fresh interpreter for one test: what it is handed of the run, how it is waited for, and what its end tells."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_leakcheck.describe import clean, error_text
from pytest_leakcheck.isolating.exchange import Job, read_tail
from pytest_leakcheck.options import START_PATH
from pytest_leakcheck.runtime.process import ending, run_to_end

if TYPE_CHECKING:
    from pathlib import Path

_MOST_OF_LINE = 300
_MOST_LINES = 60
_FRAME_OF_PYTEST = re.compile(r'  File ".*[/\\](_?pytest|pluggy|pytest_leakcheck)[/\\][^"]*", line|  File "<string>"')
_CHOSEN_BY_RUN = ("randomly_seed",)
"""Options that a plugin gives a value of its own, the same for all of a run."""


def run_alone(item: pytest.Function, folder: Path) -> str | int:
    """Run `item` in a fresh interpreter, which writes its answers into `folder`.

    Returns the exit status, or in words what ended the waiting. Ctrl-C, and `pytest.exit` of a plugin, are raised.
    """
    config = item.config
    path = config.stash.get(START_PATH, tuple(sys.path))
    is_captured = config.getoption("capture", default="no") == "fd"
    sys.stdout.flush()  # where the test's output is not captured, it goes on here
    try:
        return run_to_end(
            [sys.executable, *_flags(), "-c", _code(path, _job(item, folder).write(folder / "job"))],
            folder=config.invocation_params.dir,
            environ={name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
            output=folder / "output" if is_captured else None,
        )
    except pytest.exit.Exception:
        raise
    except OSError as error:
        return f"the fresh interpreter could not be started: {error_text(error)}"
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - pytest-timeout raises here, as its kind may
        return clean(str(error), _MOST_OF_LINE)


def _job(item: pytest.Function, folder: Path) -> Job:
    config = item.config
    known = vars(config.option)
    handed = {name: known[name] for name in _CHOSEN_BY_RUN if name in known}
    factory: Any = getattr(config, "_tmp_path_factory", None)  # not there under -p no:tmpdir
    if factory is not None:
        handed["basetemp"] = str(factory.mktemp("leakcheck-isolated"))
    return Job(
        nodeid=item.nodeid,
        target=_target(item),
        arguments=[str(argument) for argument in config.invocation_params.args],
        plugins=[plugin for plugin in config.invocation_params.plugins or () if isinstance(plugin, str)],
        argv=sys.argv,
        handed=handed,
        worker_input=getattr(config, "workerinput", None),
        answers=str(folder / "answers"),
        terminal=str(folder / "terminal"),
    )


def _target(item: pytest.Function) -> str:
    """Return an argument that makes pytest collect little more than `item`; empty where its path reads as another's."""
    path = str(item.path)
    if "[" in path or "::" in path:
        return ""
    names = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    return "::".join([path, *names, item.originalname])


def _flags() -> list[str]:
    """Return the options that this interpreter was started with, as multiprocessing hands them on."""
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # noqa: SLF001
    return flags


def _code(path: tuple[str, ...], job: str) -> str:
    """Return a program for the job in a file. It imports from where this interpreter did at its start."""
    start = f"import sys; sys.path[:] = {list(path)!a}"
    return f"{start}; from pytest_leakcheck.isolating.alone import main; sys.exit(main({job!a}))"


def trouble(end: str | int, folder: Path, *, has_started: bool, has_ended: bool) -> str:
    """Return what to tell where the interpreter did not come to its end in the ordinary way; else empty.

    `has_started` and `has_ended` say whether it told the beginning of the test, and of its teardown.
    """
    tail = [*read_tail(folder / "terminal"), *read_tail(folder / "output")]
    if isinstance(end, str):
        return _with_output(end, tail)
    is_missing = end == pytest.ExitCode.NO_TESTS_COLLECTED or any("not found:" in line for line in tail)
    if not has_started and is_missing:
        text = "the test was not found in the fresh interpreter: its id must be the same in every run"
    elif not has_started:
        text = f"the fresh interpreter {ending(end)} before the test began"
    elif not has_ended or end < 0 or end == pytest.ExitCode.INTERNAL_ERROR:
        text = f"the fresh interpreter of this test {ending(end)}"
    else:
        return ""
    return _with_output(text, tail)


def _with_output(text: str, tail: list[str]) -> str:
    """Add what was printed, without blank lines and the lines of a stack that are pytest's own."""
    shown = [clean(line, _MOST_OF_LINE) for line in tail if line.strip() and not _FRAME_OF_PYTEST.match(line)]
    return "\n".join([text, *(["It printed:"] if shown else []), *(f"  {line}" for line in shown[-_MOST_LINES:])])
