"""Results are plain values that outlive what they tell of."""

import json
from dataclasses import replace

from pytest_leakcheck.model import Leak, Link, Proof, Report, Root, Survivor, Trace, fingerprint

LINKS = (
    Link(".LISTENERS", "dict, 2 items", "module global", ".LISTENERS"),
    Link("[2]", "Session", "list item", "[*]", is_suspect=True),
)
TRACE = Trace(Root("shop.registry", "module"), LINKS, 4)
LEAK = Leak(
    (Survivor("shop.Session", "registered test_cart.py:14", "closed"),),
    TRACE,
    proof=Proof("independent", others=(replace(TRACE, length=5),)),
    also_keeps=(Survivor("shop.Item", "made during the test"),),
)


def test_a_report_comes_back_from_plain_values():
    """What goes through JSON, as to another process, is equal to what went in."""
    report = Report((LEAK, Leak((Survivor("A", "b"),), None, unavailable="no")), rerun="pytest x", waited=1.5)

    assert Report.from_plain(json.loads(json.dumps(report.to_plain()))) == report


def test_a_report_counts_all_survivors():
    """Those that hang below others count too."""
    assert Report((LEAK, LEAK)).count == 4


def test_the_suspects_of_a_trace_are_its_marked_links():
    """In the order of the path."""
    assert TRACE.suspects == LINKS[1:]


def test_one_cause_has_one_fingerprint():
    """An index or a label says nothing of the cause, a name in the code does."""
    other = replace(TRACE, links=(LINKS[0], replace(LINKS[1], text="[7]", label="x")))
    renamed = replace(TRACE, root=Root("shop.cart", "module"))

    assert fingerprint(other, "S") == fingerprint(TRACE, "S") != fingerprint(renamed, "S")
    assert len(fingerprint(None, "S")) == 12


def test_depth_in_a_structure_is_no_cause():
    """The tenth node of a linked list, or of a tree, leaks for the same reason as the second."""

    def of(*patterns):
        links = tuple(Link(pattern, "", "attribute", pattern) for pattern in (".TOP", *patterns, "[*]"))
        return fingerprint(Trace(Root("shop", "module"), links, len(links)), "S")

    assert of(".next") == of(".next", ".next", ".next") != of()
    assert of(".children", "[3]", ".node") == of(*(".children", "[3]", ".node") * 5) != of(".children", ".node")


def test_what_nobody_is_seen_to_hold_is_told_by_its_type():
    """Nothing else is known of its cause."""
    lost = Trace(Root("C code", "unaccounted"), (Link("held there", "", "unaccounted", "held there"),), 1)

    assert fingerprint(lost, "shop.Session") != fingerprint(lost, "shop.Cart")


def test_caches_of_functions_with_one_name_are_two():
    """Their modules tell them apart."""
    link = Link("cached call of get", "Session", "lru_cache", "cached call of get")

    names = ["shop.cart.get", "shop.user.get"]
    assert len({fingerprint(Trace(Root(name, "lru_cache"), (link,), 3), "S") for name in names}) == 2


def test_what_pytest_alone_holds_is_housekeeping():
    """The kind of the root says so."""
    assert replace(LEAK, trace=replace(TRACE, root=Root("x", "pytest itself"))).is_housekeeping
    assert not LEAK.is_housekeeping
    assert not replace(LEAK, trace=None).is_housekeeping
