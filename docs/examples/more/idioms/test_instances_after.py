"""The same by a marker for the module."""

import pytest
from desk import Session, log_in

pytestmark = pytest.mark.no_leak(instances_of=Session)


def test_log_in():
    assert log_in("ada").user == "ada"
