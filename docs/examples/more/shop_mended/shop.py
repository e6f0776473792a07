import weakref

LISTENERS = []


class Cart:
    def __init__(self):
        self.items = []
        self.price = 0
        LISTENERS.append(weakref.WeakMethod(self.on_price))

    def add(self, item):
        self.items.append(item)

    def on_price(self, price):
        self.price = price

    def close(self):
        self.items.clear()


def announce(price):
    for reference in list(LISTENERS):
        listener = reference()
        if listener is None:
            LISTENERS.remove(reference)
        else:
            listener(price)
