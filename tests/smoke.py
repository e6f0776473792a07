"""The built wheel in an environment of its own, with pytest and objgraph alone: it installs whole, and works.

Run by `make wheel` with the Python of that environment; no test file.
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import surroundings

TESTS = """\
SESSIONS = []

class Session: ...

def test_leaky(assert_collected):
    SESSIONS.append(assert_collected(Session(), reason="never kept"))

def test_clean(assert_collected):
    assert_collected(Session())
"""

KEY_LINES = (
    r"^test_smoke\.py L\. ",
    r"^LEAKED  1 object that should be gone is still alive",
    r'^  test_smoke\.Session  registered \S*test_smoke\.py:6 \("never kept"\)$',
    r"^  test_smoke +module +GC root$",
    r"^    \.SESSIONS +list, 1 item",
    r"^    \[0\] +Session +LEAKED",
    r'See:\s+docs, "Observers"\.$',
    r"^LEAKED test_smoke\.py::test_leaky - ",
    r"^=+ 1 failed, 1 passed in ",
)


def main() -> None:
    check_metadata()
    check_run()
    print("smoke: ok")  # noqa: T201 - the result, for a person


def check_metadata() -> None:
    distribution = importlib.metadata.distribution("pytest-leakcheck")
    needed = {re.match(r"[\w-]+", requirement)[0] for requirement in distribution.requires or ()}
    plugins = [(point.name, point.value) for point in distribution.entry_points if point.group == "pytest11"]
    package = importlib.resources.files("pytest_leakcheck")

    assert needed == {"pytest", "pluggy", "objgraph"}, needed
    assert plugins == [("leakcheck", "pytest_leakcheck.plugin")], plugins
    assert package.joinpath("py.typed").is_file()
    assert "Framework :: Pytest" in distribution.metadata.get_all("Classifier")
    assert Path(sys.prefix).resolve() in Path(str(package)).resolve().parents, f"not the wheel: {package}"


def check_run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_smoke.py").write_text(TESTS, "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--leakcheck", "--strict-markers"],
            cwd=folder,
            env={name: value for name, value in surroundings.plain().items() if not name.startswith("PYTHON")},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1, done.stdout + done.stderr
    for line in KEY_LINES:
        assert re.search(line, done.stdout, re.MULTILINE), f"{line} is not in:\n{done.stdout}"


if __name__ == "__main__":
    main()
