LISTENERS = []


class Cart:
    def __init__(self):
        self.items = []
        self.price = 0
        LISTENERS.append(self.on_price)

    def add(self, item):
        self.items.append(item)

    def on_price(self, price):
        self.price = price

    def close(self):
        self.items.clear()


def announce(price):
    for listener in LISTENERS:
        listener(price)
