"""A check of a block of code, without pytest."""

from pytest_leakcheck import LeakError, no_leak

HISTORY = []


class Query:
    def __init__(self, text):
        self.text = text


def search(text):
    HISTORY.append(Query(text))


try:
    with no_leak(instances_of=Query):
        search("weak references")
except LeakError as error:
    print(error)
