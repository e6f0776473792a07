"""A leak that shows only where no earlier test has used the registry."""

import pytest

HANDLERS = {}


class Handler:
    def __init__(self, name):
        self.name = name


def handler(name):
    return HANDLERS.setdefault(name, Handler(name))


def test_handler_has_a_name():
    assert handler("save").name == "save"


@pytest.mark.no_leak(instances_of=Handler)
def test_no_handler_stays():
    handler("save")


@pytest.mark.no_leak(instances_of=Handler, isolated=True)
def test_no_handler_stays_after_first_use():
    handler("save")
