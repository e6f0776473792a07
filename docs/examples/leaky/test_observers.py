"""A window subscribes to a signal when it opens, and never unsubscribes."""

SUBSCRIBERS = {"resized": [], "closed": []}


class Window:
    def __init__(self, title):
        self.title = title
        SUBSCRIBERS["resized"].append(self.redraw)

    def redraw(self, size):
        self.size = size

    def close(self):
        self.title = ""


def log_closing_of(window):
    def log():
        return f"{window.title} closed"

    SUBSCRIBERS["closed"].append(log)


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
    """Registers nothing: --leakcheck finds the window by itself."""
    window = Window("Outbox")

    for subscriber in SUBSCRIBERS["resized"]:
        subscriber((80, 24))

    assert window.size == (80, 24)
