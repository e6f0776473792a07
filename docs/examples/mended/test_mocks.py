"""A mock is made for one test, and goes with it."""

from unittest import mock

import pytest


class Invitation:
    def __init__(self, guest):
        self.guest = guest


@pytest.fixture
def mailer():
    return mock.Mock(name="mailer")


def invite(guest, mailer):
    invitation = Invitation(guest)
    mailer.send(invitation)
    return invitation


def test_sent_invitation_is_freed(assert_collected, mailer):
    invitation = assert_collected(invite("Ada", mailer))

    assert mailer.send.call_args.args == (invitation,)
