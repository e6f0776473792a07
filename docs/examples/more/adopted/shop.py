RECEIPTS = []
VISITS = []


class Receipt: ...


class Visit: ...


def pay():
    RECEIPTS.append(Receipt())


def visit():
    VISITS.append(Visit())
