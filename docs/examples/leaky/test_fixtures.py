"""A fixture that outlives the test collects what the tests hand to it."""

import pytest


class Message:
    def __init__(self, text):
        self.text = text


@pytest.fixture(scope="module")
def outbox():
    return []


def test_sent_message_is_freed(assert_collected, outbox):
    message = Message("hello")
    assert_collected(message)

    outbox.append(message)

    assert outbox[-1].text == "hello"
