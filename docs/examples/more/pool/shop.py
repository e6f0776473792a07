import time
from concurrent.futures import ThreadPoolExecutor

POOL = ThreadPoolExecutor(1)


class Receipt:
    def __init__(self, number):
        self.number = number


def send(receipt):
    time.sleep(1.5)


def pay(receipt):
    POOL.submit(send, receipt)
