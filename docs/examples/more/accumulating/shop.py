import functools
from collections import deque

RECEIPTS = []
LATEST = deque(maxlen=3)


class Settings: ...


class Client:
    current = None


class Offer:
    __slots__ = ("__weakref__", "price")

    def __init__(self, price):
        self.price = price


class Receipt:
    __slots__ = ("__weakref__", "total")

    def __init__(self, total):
        self.total = total


@functools.cache
def settings():
    return Settings()


def log_in():
    Client.current = Client()
    return Client.current


def look_at(price):
    LATEST.append(Offer(price))


def pay(total):
    receipt = Receipt(total)
    RECEIPTS.append(receipt)
    return receipt
