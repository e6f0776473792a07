"""Leaks that are known, and tests that are not to be checked."""

import pytest

SESSIONS = []


class Session:
    def __init__(self):
        SESSIONS.append(self)


@pytest.mark.xfail(reason="sessions are never removed, see issue 7", strict=True)
def test_session_ends(assert_collected):
    assert_collected(Session())


@pytest.mark.skip_leakcheck("fills the registry on purpose")
def test_many_sessions():
    before = len(SESSIONS)

    for _ in range(100):
        Session()

    assert len(SESSIONS) == before + 100
