"""A receipt goes once it is sent."""

from shop import Receipt, pay


def test_pay(assert_collected):
    pay(assert_collected(Receipt(1)))
