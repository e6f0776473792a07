"""A small program with windows and sessions."""

import threading
import weakref

SHOWN = weakref.WeakSet()


class Window:
    def __init__(self):
        SHOWN.add(self)
        self.buttons = [Button(self) for _ in range(3)]

    def close(self):
        SHOWN.discard(self)


class Button:
    def __init__(self, window):
        self._window = weakref.ref(window)


class Session:
    def __init__(self, user):
        self.user = user


def log_in(user):
    return Session(user)


def save_later(session):
    threading.Timer(0.1, print, ["saved", session.user, session]).start()
