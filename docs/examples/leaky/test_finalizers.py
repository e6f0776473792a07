"""Clean-up that holds what it is to clean up after."""

import atexit
import weakref


class TempFolder:
    def __init__(self, path):
        self.path = path
        self.finalizer = weakref.finalize(self, self.remove)

    def remove(self):
        self.path = None


class Metrics:
    def __init__(self):
        self.lines = []
        atexit.register(self.flush)

    def flush(self):
        self.lines.clear()


def test_folder_goes_with_its_object(assert_collected):
    folder = TempFolder("/tmp/build")  # noqa: S108 - never made
    assert_collected(folder)


def test_metrics_are_freed(assert_collected):
    metrics = Metrics()
    assert_collected(metrics)
