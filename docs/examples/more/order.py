"""A program whose shipped orders are never freed."""

SHIPPED = {}


class Order:
    def __init__(self, number):
        self.number = number


def ship(order):
    SHIPPED[order.number] = [order]


def main():
    order = Order(42)
    ship(order)
    return order.number


if __name__ == "__main__":
    main()
