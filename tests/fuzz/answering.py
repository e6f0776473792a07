"""The end of the process that tries plans: a plan comes in as a line of JSON, what is wrong with it goes out as one."""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 60
"""A plan that takes longer ends the process."""
MOST_FRAMES = 8


def answer(judge: Callable[[Any], list[str]]) -> None:
    """Answer each line with what `judge` says is wrong, until there are no more; one given as an argument is shown."""
    if len(sys.argv) > 1:
        print("\n".join(_problems(judge, sys.argv[1])) or "nothing is wrong")
        return
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - what is tried may print
    for line in sys.stdin:
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        answers.write(json.dumps(_problems(judge, line)) + "\n")
        answers.flush()
        gc.collect()
        faulthandler.cancel_dump_traceback_later()


def _problems(judge: Callable[[Any], list[str]], line: str) -> list[str]:
    try:
        return judge(json.loads(line))
    except BaseException as error:
        frames = "".join(traceback.format_tb(error.__traceback__)[-MOST_FRAMES:])
        return [f"{type(error).__name__}\n{frames}{str(error)[:300]!a}"]
