from shop import pay, visit


def test_pay():
    pay()


def test_pay_again():
    pay()


def test_visit():
    visit()
