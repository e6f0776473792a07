"""What a run found, for programs: the JSON document and the annotations, made at its end in the terminal's process."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_leakcheck import baseline
from pytest_leakcheck.describe import error_text
from pytest_leakcheck.options import shown
from pytest_leakcheck.render import github, json
from pytest_leakcheck.runtime.files import write
from pytest_leakcheck.runtime.loading import undisturbed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_leakcheck.options import Options
    from pytest_leakcheck.results import Results


def write_json(results: Results, options: Options, *, warnings: Sequence[str], exit_status: int, seconds: float) -> str:
    """Write the document where the options name a file for it; return what is to be told of that, mostly nothing."""
    try:
        with undisturbed():
            plugin = _own_version()
        run = json.Run(
            plugin=plugin,
            pytest=pytest.__version__,
            python=platform.python_version(),
            exit_status=exit_status,
            seconds=seconds,
            root=options.root,
            warnings=tuple(warnings),
            listed=_listed(options),
        )
        write(Path(options.json), json.render(results, run))
    except Exception as error:  # noqa: BLE001 - whatever it is, the tests' outcomes stand, and it is told
        return f"{shown(options.json)} is not written: {error_text(error)}"
    return ""


def annotation_lines(results: Results, options: Options, warnings: Sequence[str]) -> list[str]:
    """Return the lines that tell GitHub what was found; files are told from the top of the repository."""
    return list(github.render(results, warnings, os.environ.get("GITHUB_WORKSPACE") or options.root))


def _own_version() -> str:
    try:
        return metadata.version("pytest-leakcheck")
    except metadata.PackageNotFoundError:  # imported from a folder that nobody installed
        return ""


def _listed(options: Options) -> Mapping[str, baseline.Entry]:
    """Return what the baseline says by now: an update has just written it."""
    try:
        entries = baseline.read(options.baseline, "").entries if options.baseline else ()
    except (OSError, baseline.BaselineError):  # told by those who need it
        entries = ()
    return {entry.fingerprint: entry for entry in entries}
