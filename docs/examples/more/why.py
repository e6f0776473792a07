"""Ask who keeps an object alive."""

from order import SHIPPED, Order, ship

from pytest_leakcheck import why_alive

ship(Order(42))
print(why_alive(SHIPPED[42][0]))
