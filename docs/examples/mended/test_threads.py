"""The request deletes its thread-local value, and the thread ends."""

import contextlib
import threading

STATE = threading.local()


class Session:
    def __init__(self, user):
        self.user = user


@contextlib.contextmanager
def logged_in(user):
    STATE.session = Session(user)
    try:
        yield STATE.session
    finally:
        del STATE.session


def keep_alive(session, stop):
    stop.wait()
    return session


def test_session_ends_with_the_request(assert_collected):
    with logged_in("ada") as session:
        assert_collected(session)


def test_session_ends_with_its_thread(assert_collected):
    session = Session("bob")
    assert_collected(session)
    stop = threading.Event()
    thread = threading.Thread(target=keep_alive, args=(session, stop), name="keep-alive", daemon=True)
    thread.start()
    stop.set()
    thread.join()
