"""Runs the suite on every interpreter that is found, each in an environment of its own; one line tells of each.

``make matrix``, or ``python tests/matrix.py [OPTION]... [-- ARGUMENT OF PYTEST]...``; ``--help`` tells of the options.
The rows are CPython 3.10 to 3.15, their free-threaded builds and PyPy 3.11 with the newest pytest, the oldest CPython
with the oldest pytest, and the newest CPython but one with the next pytest, if there is a preview of it. With
``--unpack`` the interpreters that Debian has and this machine lacks are unpacked to ``.cache/pythons``. One that is
missing is told and left out. The exit status is 1 if the suite failed anywhere or ran nowhere.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pythons

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".cache" / "matrix"
PYTHONS = ROOT / ".cache" / "pythons"
ENGINE = ("docs", "hostile", "laws", "links", "model", "paths", "patterns", "proof", "render")
"""What knows nothing of pytest: not run again with the oldest one."""
WITHOUT_WHEELS = {"3.13t": ("hypothesis<6.156", "rpds-py<0.28")}
"""What to install in place of newer releases, which are compiled and have no wheel for an interpreter."""
PREVIEW = ("a", "b", "rc", "dev")


@dataclass(frozen=True)
class Row:
    """One interpreter, and what of pytest it runs the suite with."""

    python: str
    pytest: str = "newest"
    left_out: tuple[str, ...] = ()
    """Test files that do not apply, by the word after ``test_``."""

    @property
    def name(self) -> str:
        return self.python if self.pytest == "newest" else f"{self.python}, {self.pytest} pytest"

    @property
    def environment(self) -> Path:
        return FOLDER / f"{self.python}-{self.pytest}"

    @property
    def command(self) -> Path:
        return self.environment / "bin" / "python"

    @property
    def log(self) -> Path:
        return FOLDER / f"{self.environment.name}.log"


ROWS = (
    Row("3.10"),
    Row("3.10", "oldest", ENGINE),
    Row("3.11"),
    Row("3.12"),
    Row("3.13"),
    Row("3.14"),
    Row("3.14", "next"),
    Row("3.15"),
    Row("3.13t"),
    Row("3.14t"),
    Row("3.15t"),
    Row("pypy3.11", left_out=("docs",)),
)


def main() -> int:
    """Run what is asked for; return the exit status."""
    parser = argparse.ArgumentParser(description="Run the suite on every interpreter that is found.")
    parser.add_argument("--unpack", action="store_true", help="unpack Debian's packages of what is missing")
    parser.add_argument("--only", action="append", metavar="NAME", help="3.10, ... or pypy3.11; may be repeated")
    parser.add_argument("--another", action="store_true", help="run the newest CPython found but this, and no other")
    parser.add_argument("--workers", default="2", help="processes that tests run in at once")
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="of pytest, after --; default: the suite")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.only or row.python in options.only]
    if options.unpack:
        _unpack_missing(rows)
    if options.another:
        rows = _another()
        if not rows:
            print("no other interpreter that the suite could run on: LEFT OUT")
            return 0
        print(f"on {rows[0].name} as well: {' '.join(options.arguments)}", flush=True)
    outcomes = [_run(row, ["-n", options.workers, *(options.arguments or _suite(row))]) for row in rows]
    ran = [outcome for outcome in outcomes if outcome is not None]
    if options.another and any(ran):
        print(rows[0].log.read_text(encoding="utf-8", errors="replace"))
    return int(not ran or any(ran))


def _another() -> list[Row]:
    """Return the row of the newest CPython, but the one that runs this, that an environment can be had for, if any."""
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    others = [
        row
        for row in reversed(ROWS)
        if row.pytest == "newest" and row.python[-1].isdigit() and row.python not in (own, "pypy3.11")
    ]
    return list(itertools.islice(filter(_is_there, others), 1))


def _is_there(row: Row) -> bool:
    interpreter = pythons.find(row.python, PYTHONS)
    return interpreter is not None and _is_prepared(row, interpreter)


def _suite(row: Row) -> list[str]:
    return ["tests", *(f"--ignore=tests/test_{word}.py" for word in row.left_out)]


def _unpack_missing(rows: list[Row]) -> None:
    """Unpack what is missing and can be had; what goes wrong is told, and the interpreters stay missing."""
    missing = {row.python for row in rows if pythons.find(row.python, PYTHONS) is None}
    packages = sorted(pythons.PACKAGES[name] for name in missing & pythons.PACKAGES.keys())
    if not packages:
        return
    why = pythons.why_not_unpacked()
    if not why:
        print(f"unpacking {', '.join(packages)}", flush=True)
        try:
            pythons.unpack(packages, PYTHONS)
        except (OSError, subprocess.CalledProcessError) as error:
            why = str(error)
    if why:
        print(f"can't unpack {', '.join(packages)}: {why}", flush=True)


def _run(row: Row, arguments: list[str]) -> int | None:
    """Run the suite and tell how it ended; return whether it failed, or None where it could not be run."""
    interpreter = pythons.find(row.python, PYTHONS)
    if interpreter is None:
        return _tell(row, "not found: LEFT OUT", None)
    if not _is_prepared(row, interpreter):
        return 1
    version = _ask(row, "import pytest; print(pytest.__version__)")
    if row.pytest == "next" and not any(word in version for word in PREVIEW):
        return _tell(row, f"no preview beyond pytest {version}: LEFT OUT", None)
    # For the processes that the tests start, which write no compiled modules.
    subprocess.run([row.command, "-m", "compileall", "-q", "src"], cwd=ROOT, check=False)
    call = [row.command, "-m", "pytest", "-q", *arguments]
    with row.log.open("w", encoding="utf-8") as file:
        status = subprocess.run(call, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    lines = row.log.read_text(encoding="utf-8", errors="replace").splitlines()
    for line in lines:
        if line.startswith(("FAILED tests", "ERROR tests")):
            print(f"    {line}")
    closing = next((line.strip("= ") for line in reversed(lines) if line.strip()), "no output")
    ending = f"  FAILED, see {row.log.relative_to(ROOT)}" if status else ""
    return _tell(
        row,
        f"{_ask(row, 'import platform; print(platform.python_version())')}, pytest {version}: {closing}{ending}",
        status,
    )


def _tell(row: Row, text: str, status: int | None) -> int | None:
    print(f"{row.name:<22} {text}", flush=True)
    return status


def _is_prepared(row: Row, interpreter: Path) -> bool:
    """Make the environment if need be, and tell whether it is there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        _prepare(row, interpreter)
    except subprocess.CalledProcessError:
        _tell(row, f"no environment, see {row.log.relative_to(ROOT)}", None)
        return False
    return True


def _prepare(row: Row, interpreter: Path) -> None:
    """Make the environment, unless it is there as it would be made."""
    stamp = row.environment / "made-of"
    made_of = f"{interpreter} {hashlib.sha256((ROOT / 'pyproject.toml').read_bytes()).hexdigest()}"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == made_of:
        return
    install = [row.command, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    group = "oldest" if row.pytest == "oldest" else "test"
    with row.log.open("w", encoding="utf-8") as file:
        for call in (
            [sys.executable, "-m", "virtualenv", "--quiet", "--clear", "--python", interpreter, row.environment],
            [*install, "--group", group, *WITHOUT_WHEELS.get(row.python, ()), "--editable", "."],
            *([[*install, "--upgrade", "--pre", "pytest"]] if row.pytest == "next" else []),
        ):
            subprocess.run(call, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=True)
    stamp.write_text(made_of, encoding="utf-8")


def _ask(row: Row, code: str) -> str:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        [row.command, "-c", code], capture_output=True, encoding="utf-8", env=environment, check=True
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
