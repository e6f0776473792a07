"""Checks that projects write by hand, and the lines that stand for them: both tell the same."""

import shutil
from pathlib import Path

import pytest

IDIOMS = Path(__file__).parent.parent / "docs" / "examples" / "more" / "idioms"
LEAKY = """
import threading

SHOWN = []
SESSIONS = []


class Window:
    def __init__(self):
        self.owner = self
        SHOWN.append(self)

    def close(self):
        pass


class Session:
    def __init__(self, user):
        self.user = user


class Login:
    def __init__(self):
        self.owner = self


def log_in(user):
    Login()
    session = Session(user)
    SESSIONS.append(session)
    return session


def save_later(session):
    SESSIONS.append(session)
"""
"""The program of the examples, with a leak in each part."""


@pytest.fixture
def idioms(suite):
    """Return a suite that has the examples."""
    shutil.copytree(IDIOMS, suite.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return suite


def test_all_pass_where_nothing_leaks(idioms):
    """What was written by hand, and the line in its stead."""
    result = idioms.run("", "-W", "error")

    assert set(result.parseoutcomes()) == {"passed"}


def test_all_tell_a_leak(idioms):
    """Neither misses what the other finds; a fixture's assertion is an error beside a test that passed."""
    idioms.write(desk=LEAKY)

    result = idioms.run("", "--tb=no")

    result.assert_outcomes(failed=8, errors=2, passed=2)
