"""A console adds its handler to a logger, and never takes it off."""

import logging

LOG = logging.getLogger("orders")


class Console(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []
        LOG.addHandler(self)

    def emit(self, record):
        self.lines.append(record.getMessage())

    def close(self):
        self.lines.clear()
        super().close()


def test_closed_console_is_freed(assert_collected):
    console = assert_collected(Console())

    LOG.warning("order 42 has no address")
    assert console.lines == ["order 42 has no address"]

    console.close()
