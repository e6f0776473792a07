"""The signal refers to its subscribers weakly: closed or not, a window goes when nobody uses it."""

import weakref

from pytest_leakcheck.patterns import WeakSubject

RESIZED = WeakSubject()
CLOSED = []


class Window:
    def __init__(self, title):
        self.title = title
        RESIZED.attach(self.redraw)

    def redraw(self, size):
        self.size = size

    def close(self):
        self.title = ""


def log_closing_of(window):
    seen = weakref.ref(window)

    def log():
        window = seen()
        return f"{window.title} closed" if window else "a window closed"

    CLOSED.append(log)


def test_closed_window_is_freed(assert_collected):
    window = Window("Inbox")
    assert_collected(window, reason="closed at the end of the test")
    window.close()


def test_logging_does_not_keep_the_window(assert_collected):
    class Dialog:
        title = "Really?"

    dialog = Dialog()
    assert_collected(dialog)
    log_closing_of(dialog)


def test_resizing():
    """Registers nothing: --leakcheck watches the window by itself."""
    window = Window("Outbox")

    RESIZED.notify((80, 24))

    assert window.size == (80, 24)
