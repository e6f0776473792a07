"""A process that is started, waited for, and ended in any case; nothing here knows pytest."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_GRACE = 2.0
"""Seconds that a process has to end by itself, once it is asked to."""


def run_to_end(command: Sequence[str], *, folder: Path, environ: Mapping[str, str], output: Path | None) -> int:
    """Run a command without input, and return its exit status; a negative one is the number of a signal.

    What it prints goes into the file `output`, or, where that is None, where this process's own goes. Whatever ends the
    waiting, be it Ctrl-C or a handler that raises, ends the process too, and is raised. Raises OSError where the
    process cannot be started.
    """
    with contextlib.ExitStack() as stack:
        file: Any = stack.enter_context(output.open("wb")) if output is not None else None
        process = subprocess.Popen(  # noqa: S603 - the command is our own
            command, cwd=folder, env=dict(environ), stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
        try:
            return process.wait()
        except KeyboardInterrupt:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)  # Ctrl-C reaches it too, and it tears down what it has set up
            raise
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        if process.poll() is None:
            process.terminate()
            process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        pass
    finally:
        process.kill()  # does nothing to one that is waited for
        process.wait()


def ending(status: int) -> str:
    """Return in words how a process ended."""
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was killed by signal {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal
        return f"was killed by signal {-status}"
