"""A mock that stands in for a whole session keeps the arguments of every call."""

from unittest import mock

MAILER = mock.Mock(name="mailer")


class Invitation:
    def __init__(self, guest):
        self.guest = guest


def invite(guest):
    invitation = Invitation(guest)
    MAILER.send(invitation)
    return invitation


def test_sent_invitation_is_freed(assert_collected):
    invitation = assert_collected(invite("Ada"))

    assert MAILER.send.call_args.args == (invitation,)
