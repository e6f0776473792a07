from shop import Cart, announce


def test_price_reaches_the_cart():
    cart = Cart()
    announce(42)
    assert cart.price == 42


def test_closed_cart_is_freed(assert_collected):
    cart = Cart()
    assert_collected(cart, reason="closed below")

    cart.add("apple")
    cart.close()

    assert cart.items == []
