"""The report as text, whole, from values made by hand."""

from dataclasses import replace

import pytest

from pytest_leakcheck.model import Leak, Link, Proof, Report, Root, Survivor, Trace
from pytest_leakcheck.render.text import Style, headline, render, render_alive

LINKS = (
    Link(".LISTENERS", "dict, 2 items", "module global", ".LISTENERS"),
    Link("['changed']", "list, 3 items", "dict item", "['changed']", is_suspect=True),
    Link("[2]", "bound method Session.on_change", "list item", "[*]", is_suspect=True),
    Link(".__self__", "Session", "bound method", ".__self__"),
)
TRACE = Trace(Root("shop.registry", "module"), LINKS, 6)
SURVIVOR = Survivor("shop.session.Session", "registered test_cart.py:14", "closed")
LEAK = Leak(
    (SURVIVOR,),
    TRACE,
    proof=Proof("dominator", link="shop.registry.LISTENERS['changed'][2]"),
    retained=202,
    retained_bytes=8200,
    advice='Hold it weakly. See: docs, "Observers".',
)


def test_a_whole_report_reads_from_the_verdict_to_the_advice():
    """Verdict, survivor, path with its root on top, proof, advice, rerun; 80 columns, no trailing blanks."""
    text = render(Report((LEAK,), rerun="pytest test_cart.py::test_close"))

    assert text.splitlines() == [
        "LEAKED  1 object that should be gone is still alive",
        '  shop.session.Session  registered test_cart.py:14 ("closed")',
        "",
        "  shop.registry  module                                                  GC root",
        "    .LISTENERS   dict, 2 items",
        "    ['changed']  list, 3 items                                           suspect",
        "    [2]          bound method Session.on_change                          suspect",
        "    .__self__    Session, keeps 202 objects (8.2 kB) alive               LEAKED",
        "",
        "  Every path goes through shop.registry.LISTENERS['changed'][2]: dropping it",
        "  frees the object.",
        "",
        '  Hold it weakly. See: docs, "Observers".',
        "",
        "  Rerun: pytest test_cart.py::test_close",
    ]


def test_of_many_like_references_in_a_row_the_first_ones_and_the_last_are_shown():
    """As of a linked list, and of a tree whose nodes are two references apart; in the proof as well."""
    turns = (Link(".kids", "list, 1 item", "attribute", ".kids"), Link("[0]", "Node", "list item", "[*]"))
    links = (Link(".ROOT", "Node", "attribute", ".ROOT"), *turns * 20, Link(".next", "Node", "attribute", ".next"))
    trace = Trace(Root("app", "module"), links, len(links))
    text = render(Report((replace(LEAK, trace=trace, proof=Proof("dominator", trace.spelled(41))),)))

    assert [" ".join(line.split()) for line in text.splitlines()[3:14]] == [
        "app module GC root",
        ".ROOT Node",
        ".kids list, 1 item",
        "[0] Node",
        ".kids list, 1 item",
        "[0] Node",
        "… 34 more like these",
        ".kids list, 1 item",
        "[0] Node",
        ".next Node, keeps 202 objects (8.2 kB) alive LEAKED",
        "",
    ]
    assert "app.ROOT.kids[0].kids[0] … .kids[0].next" in text.replace("\n  ", " ")


@pytest.mark.parametrize("number", [10, 11])
def test_ten_like_references_are_all_shown(number):
    """A row that says how many there are takes as much room as a few of them."""
    links = (Link(".next", "Node", "attribute", ".next"),) * number
    text = render(Report((replace(LEAK, trace=Trace(Root("app", "module"), links, number), proof=None),)))

    assert ("more like these" in text) == (number > 10)


def test_the_id_of_a_test_is_whole_however_long_it_is():
    """So it can be copied, and none of its colons starts a line."""
    test = f"test_{'x' * 60}.py::test_first_with_a_rather_long_name"

    assert f"  {test}," in render(Report((replace(LEAK, seen_in=test),))).splitlines()


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("length", [10, 50, 300])
def test_lines_keep_to_the_width(width, length):
    """Names of any length are wrapped, never cut, and no line is longer than asked for."""
    name = " ".join(["n" * 9] * (length // 10))
    links = (Link(f"local {name!r} of f", name, "local variable", "x", is_suspect=True), *LINKS)
    text = render(Report((replace(LEAK, trace=Trace(Root(name, "module", name), links, 9)),)), Style(width))

    assert max(map(len, text.splitlines())) <= width
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_colours_come_only_when_asked_for():
    """Without colours there is no escape code; with them the text is the same beneath."""
    plain, coloured = render(Report((LEAK,))), render(Report((LEAK,)), Style(has_colour=True))

    assert "\x1b" not in plain
    assert "\x1b[1;31mLEAKED\x1b[0m" in coloured


def test_ascii_has_a_likeness_for_each_sign():
    """Arrows and signs of times have one, letters become escapes."""
    survivors = (Survivor("Größe", "x"),) * 2
    leak = replace(LEAK, survivors=survivors, proof=Proof("dominator", link="a → b"))
    text = render(Report((leak,)), Style(is_ascii=True))

    assert text.isascii()
    assert "a > b" in text
    assert "Gr\\xf6\\xdfe x 2" in text


def test_survivors_alike_are_counted_and_many_are_cut():
    """One row for each type and origin, at most five rows."""
    alike = render(Report((replace(LEAK, survivors=(SURVIVOR,) * 1200),)))
    many = render(Report((replace(LEAK, survivors=tuple(Survivor(f"T{n}", "x") for n in range(9))),)))

    assert "shop.session.Session × 1,200  registered" in alike
    assert "LEAKED  1,200 objects that should be gone are still alive" in alike
    assert "  and 4 more, kept by the same cause" in many.splitlines()


def test_what_hangs_below_is_told_apart():
    """Further survivors that the first keeps alive have no path of their own."""
    text = render(Report((replace(LEAK, also_keeps=(Survivor("shop.Item", "made during the test"),)),)))

    assert "  also keeps alive\n  shop.Item  made during the test" in text


def test_independent_holders_are_both_shown():
    """The second path follows the first."""
    other = Trace(Root("app", "module"), LINKS[:1], 3)
    text = render(Report((replace(LEAK, proof=Proof("independent", others=(other,))),)))

    assert "2 independent holders: dropping one is not enough. The other:" in text
    assert text.count("GC root") == 2


def test_further_holders_are_counted_and_shown_with_v():
    """Three holders: two are shown, and where to see the third is told; with -v all three are."""
    others = (Trace(Root("app", "module"), LINKS[:1], 3), Trace(Root("web", "module"), LINKS[:1], 3))
    report = Report((replace(LEAK, proof=Proof("independent", others=others, is_all=False)),))
    short, full = render(report, Style()), render(report, Style(is_verbose=True))

    assert "At least 3 independent holders: dropping one is not enough. The second:" in short
    assert "  1 more: run with -v to see it." in short.splitlines()
    assert short.count("GC root") == 2
    assert "  The third:" in full.splitlines()
    assert full.count("GC root") == 3


def test_what_is_not_proved_says_why():
    """And what is not known at all says nothing."""
    unproven = render(Report((replace(LEAK, proof=Proof("unproven", reason="it was stopped")),)))
    silent = render(Report((replace(LEAK, proof=None),)))

    assert "Not proven that there is no other path: it was stopped." in unproven
    assert "path" not in silent


def test_a_leak_without_a_path_is_a_leak():
    """The reason stands where the path would."""
    leak = replace(LEAK, trace=None, unavailable="the search was stopped", proof=None)

    assert "  chain unavailable: the search was stopped" in render(Report((leak,)))


def test_the_time_waited_is_told():
    """Where the verdict came after a wait."""
    assert render(Report((LEAK,), waited=1.25)).startswith(
        "LEAKED  1 object that should be gone is still alive after 1.2 s of waiting"
    )


def test_several_causes_stand_apart():
    """A blank line between them, one verdict for all."""
    text = render(Report((LEAK, LEAK)))

    assert text.count("LEAKED  2 objects") == 1
    assert "\n\n  shop.session.Session" in text


@pytest.mark.parametrize(
    ("size", "words"), [(70, "70 bytes"), (8200, "8.2 kB"), (250_000, "250 kB"), (3e6, "3.0 MB"), (4e9, "4.0 GB")]
)
def test_sizes_are_short(size, words):
    """Two or three digits and a unit."""
    assert f"({words})" in render(Report((replace(LEAK, retained_bytes=int(size)),)))


def test_the_headline_names_object_and_holder():
    """One object by its holder, more by their number and causes."""
    assert headline(Report((LEAK,))) == "shop.session.Session is still alive, held by shop.registry.LISTENERS"
    assert headline(Report((LEAK, LEAK))) == "2 objects that should be gone are still alive (2 causes)"


def test_alive_is_no_verdict():
    """`why_alive` shows the same path for an object that may well live."""
    text = render_alive(replace(LEAK, accounting="The object has 1 reference, which was found."))

    assert text.startswith("ALIVE  shop.session.Session\n")
    assert "this object" in text
    assert text.endswith("frees the object. The object has 1 reference, which was found.")
