"""Draws plans with hypothesis and has a process of its own try each; prints what came of them, as one line of JSON.

The heap of this process is never looked at: hypothesis has its own plans. The process that tries them is started again
where it ends, which counts as a failure of the plan that it had.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import plans
from hypothesis import HealthCheck, Phase, given, seed, settings

SUBJECTS = {
    "graphs": (plans.graphs, "judged.py"),
    "hostile": (plans.hostile, "hostility.py"),
    "texts": (plans.texts, "texts.py"),
}
SHRINK_SECONDS = 60.0
"""How long a smaller example is looked for."""


class Enough(KeyboardInterrupt):
    """The time for shrinking is over."""


class Trier:
    """The process that tries plans."""

    def __init__(self, script: str) -> None:
        self._call = [sys.executable, "-W", "ignore", str(Path(__file__).with_name(script))]
        self._process: subprocess.Popen[str] | None = None

    def problems_of(self, plan: Any) -> list[str]:
        """Return what went wrong with a plan."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", bufsize=1
            )
        try:
            self._process.stdin.write(json.dumps(plan) + "\n")
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self._process.wait()
            self.end()
            return [f"the process ended with {code}"]
        problems: list[str] = json.loads(line)
        return problems

    def end(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


def drive(subject: str, number: int, count: int) -> dict[str, Any]:
    """Try `count` plans drawn from the seed `number`; return how many there were, and the smallest that failed."""
    strategy, script = SUBJECTS[subject]
    trier = Trier(script)
    found: dict[str, Any] = {"tried": 0, "plan": None, "problems": []}
    until = [float("inf")]

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(strategy())
    def attempt(plan: Any) -> None:
        found["tried"] += found["plan"] is None
        problems = trier.problems_of(plan)
        if problems:
            until[0] = min(until[0], time.monotonic() + SHRINK_SECONDS)
            if found["plan"] is None or len(json.dumps(plan)) <= len(json.dumps(found["plan"])):
                found.update(plan=plan, problems=problems)
        if time.monotonic() > until[0]:
            raise Enough
        assert not problems, problems

    try:
        attempt()
    except (AssertionError, Enough):
        pass
    except Exception as error:
        found["problems"] += [f"{type(error).__name__}: {error}"]
    finally:
        trier.end()
    return found


if __name__ == "__main__":
    print(json.dumps(drive(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
