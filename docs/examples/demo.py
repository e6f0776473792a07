"""Run `pytest --leakcheck` over the examples; exit 0 only if exactly the tests in leaky/ leaked and all others passed.

It must be run by a Python that has pytest and pytest-leakcheck, in any folder; `make demo` does so.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

EXAMPLES = Path(__file__).parent


def main() -> int:
    print("$ cd docs/examples && pytest --leakcheck", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "junit.xml")
        command = [sys.executable, "-m", "pytest", "--leakcheck", "-p", "no:cacheprovider", f"--junit-xml={results}"]
        subprocess.run(command, cwd=EXAMPLES, check=False)  # noqa: S603 - the examples beside this file
        outcomes = read(results) if results.exists() else {}

    surprises = [f"{test}: {outcome}" for test, outcome in outcomes.items() if outcome != expected(test)]
    counts = [sum(outcome == wanted for outcome in outcomes.values()) for wanted in ("leaked", "passed")]
    if surprises or not all(counts):
        print("demo: NOT as intended:", *surprises or ["no results"], sep="\n  ")
        return 1
    print(f"demo: as intended, the {counts[0]} tests in leaky/ leaked and the {counts[1]} tests in mended/ passed")
    return 0


def expected(test: str) -> str:
    return "leaked" if test.startswith("leaky.") else "passed"


def read(results: Path) -> dict[str, str]:
    """Return what became of each test: passed, leaked, or what else."""
    outcomes = {}
    for case in ET.parse(results).iter("testcase"):  # noqa: S314 - written by the pytest above
        told = [part for part in case if part.tag in ("failure", "error", "skipped")]
        is_leak = [part.tag for part in told] == ["failure"] and (told[0].text or "").startswith("LEAKED")
        name = f"{case.get('classname')}.{case.get('name')}"
        outcomes[name] = "leaked" if is_leak else told[0].tag if told else "passed"
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
