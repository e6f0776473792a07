"""What belongs to a thread lives as long as the thread."""

import threading

STATE = threading.local()
NEVER = threading.Event()


class Session:
    def __init__(self, user):
        self.user = user


def log_in(user):
    STATE.session = Session(user)
    return STATE.session


def keep_alive(session, stop):
    stop.wait()
    return session


def test_session_ends_with_the_request(assert_collected):
    session = log_in("ada")
    assert_collected(session)


def test_session_ends_with_its_thread(assert_collected):
    session = Session("bob")
    assert_collected(session)
    threading.Thread(target=keep_alive, args=(session, NEVER), name="keep-alive", daemon=True).start()
