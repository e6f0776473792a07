"""The extension points: hooks that a conftest.py or a plugin may implement.

Every implementation is called by itself. One that raises is told once at the end of the run, by its plugin's name, and
left out; the others are called all the same. Wrappers are not called. What a hook is given lives only because nobody
has let go of it: an implementation must not keep it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_leakcheck.extensions import KnownHolder
    from pytest_leakcheck.model import FoundLeak


@pytest.hookspec
def pytest_leakcheck_drain() -> object:
    """Let pending work finish before a verdict: process events, run what is queued, join what was stopped.

    Called between collections while something watched is still alive, several times if the verdict waits; so never for
    a test that passes. It should end soon and do nothing that a later test could tell. Returning False says that there
    was nothing to do, which spares the collection after it.
    """


@pytest.hookspec
def pytest_leakcheck_expand(obj: object) -> Iterable[object] | None:
    """Return further objects to watch with `obj`, which is being registered: a widget's children, at all depths.

    The answers of all plugins are united, 1,000 objects being taken from each; what can't be weakly referenced is
    passed over.
    """


@pytest.hookspec
def pytest_leakcheck_describe(obj: object) -> str | None:
    """Return a few words on `obj`, for the chain of a report; None where there is nothing to say.

    Asked about the survivor and the holders on its chain, classes, modules and objects of built-in types left out. The
    first plugin that has words is the last one asked; 60 characters are shown, behind the type.
    """


@pytest.hookspec
def pytest_leakcheck_known_holders() -> Iterable[KnownHolder] | None:
    """Return holders that are not the user's fault: what only they keep alive fails no test, and is told under -v."""


@pytest.hookspec
def pytest_leakcheck_report(leaks: Sequence[FoundLeak]) -> object:
    """See the result: called once at the end of a run that checked tests, in the process that has the terminal.

    `leaks` are the different leaks that failed tests, or would have but for ``xfail``, each with these tests; those
    that a baseline lists are not among them. Without any it is empty.
    """
