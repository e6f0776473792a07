"""A stored exception keeps the frames of its traceback, and they their locals."""

ERRORS = []


class Order:
    def __init__(self, number):
        self.number = number


def ship(order):
    raise RuntimeError(f"order {order.number} has no address")


def try_to_ship(order):
    try:
        ship(order)
    except RuntimeError as error:
        ERRORS.append(error)


def test_refused_order_is_freed(assert_collected):
    order = Order(42)
    assert_collected(order)

    try_to_ship(order)

    assert str(ERRORS[-1]) == "order 42 has no address"
