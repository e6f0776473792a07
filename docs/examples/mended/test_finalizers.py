"""Clean-up gets what it needs, and not the object itself."""

import weakref


def remove(path):
    """Remove a folder."""


def flush(lines):
    lines.clear()


class TempFolder:
    def __init__(self, path):
        self.path = path
        self.finalizer = weakref.finalize(self, remove, path)


class Metrics:
    def __init__(self):
        self.lines = []
        weakref.finalize(self, flush, self.lines)


def test_folder_goes_with_its_object(assert_collected):
    folder = TempFolder("/tmp/build")  # noqa: S108 - never made
    assert_collected(folder)


def test_metrics_are_freed(assert_collected):
    metrics = Metrics()
    assert_collected(metrics)
