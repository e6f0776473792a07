"""What the trace of a leak tells of its holder."""

import pytest

from pytest_leakcheck.checking.held import is_held_by, known_in, may_live, names_on, where
from pytest_leakcheck.extensions import KnownHolder
from pytest_leakcheck.model import Leak, Link, Proof, Root, Survivor, Trace


def _trace(name, *texts, kind="module"):
    links = tuple(Link(text, "dict, 1 item", "attribute", text) for text in texts)
    return Trace(Root(name, kind), links, len(links) + 1)


def _leak(trace, *others):
    proof = Proof("independent", others=others) if others else None
    return Leak((Survivor("shop.Session", "made during the test"),), trace, proof=proof)


CART = _leak(_trace("shop.cart", ".LISTENERS", "['closed']", "bound method", ".items"))


@pytest.mark.parametrize(
    ("name", "is_holder"),
    [
        ("shop.cart", True),
        ("shop.cart.LISTENERS", True),
        ("shop.cart.LISTENERS['closed']", True),
        ("shop.cart.LISTENERS['closed'].items", True),
        ("shop.*.items", True),
        ("shop.cart.L?STENERS*", True),
        ("shop.cart.LISTENER", False),
        ("shop.car", False),
        ("shop.*.item", False),
        ("cart.LISTENERS", False),
        ("shop.till", False),
    ],
)
def test_a_name_holds_what_it_leads_to(name, is_holder):
    """A whole one, or a pattern of all of it; what can't be typed is left out."""
    assert is_held_by(CART, name) is is_holder


def test_what_has_no_trace_is_held_by_none():
    """Whatever would match it."""
    assert is_held_by(_leak(None), "*") is False


def test_a_known_holder_is_told_where_it_is_the_only_one():
    """Of several known ones the first is; another that is not known keeps the object as well."""
    known = [KnownHolder("shop.till", "a"), KnownHolder("shop.cart", "b"), KnownHolder("shop.cart.LISTENERS", "c")]
    till, stock = _trace("shop.till", ".open"), _trace("shop.stock", ".all")

    assert known_in(CART, known) is known[1]
    assert known_in(CART, known[:1]) is None
    assert known_in(_leak(stock), known) is None
    assert known_in(_leak(stock, till), known) is None
    assert known_in(_leak(CART.trace, till), known) is known[1]
    assert known_in(_leak(CART.trace, till, stock), known) is None


@pytest.mark.parametrize(("kind", "may"), [("fixture", True), ("pytest itself", True), ("module", False)])
def test_what_a_fixture_or_pytest_holds_may_live(kind, may):
    """They let go of it later."""
    assert may_live(_leak(_trace("it", ".x", kind=kind))) is may


def test_what_nobody_is_known_to_hold_may_not():
    """Nothing speaks for it."""
    assert may_live(_leak(None)) is False


def test_names_are_those_of_attributes_and_globals():
    """Of a cache, the function's as well."""
    assert names_on(CART.trace) == ["LISTENERS", "items"]
    assert names_on(_trace("shop.cart.price", "[0]", ".items", kind="lru_cache")) == ["price", "items"]


@pytest.mark.parametrize(
    ("leak", "words"),
    [
        (CART, "shop.cart.LISTENERS"),
        (_leak(_trace("shop", "['cart']", ".items")), "shop['cart']"),
        (_leak(_trace("shop.price", "argument", ".items")), "shop.price"),
        (_leak(_trace("shop")), "an unknown place"),
        (_leak(None), "an unknown place"),
    ],
)
def test_a_place_is_told_by_its_first_name(leak, words):
    """As far as it has one."""
    assert where(leak) == words
