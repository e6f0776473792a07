"""The fixture has the scope of the test, and goes with it."""

import pytest


class Message:
    def __init__(self, text):
        self.text = text


@pytest.fixture
def outbox():
    return []


def test_sent_message_is_freed(assert_collected, outbox):
    message = Message("hello")
    assert_collected(message)

    outbox.append(message)

    assert outbox[-1].text == "hello"
