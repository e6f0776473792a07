"""What a random graph is made of, as plain values that hypothesis draws and shrinks."""

from __future__ import annotations

from hypothesis import strategies as st
from kinds import FIXED, KINDS, MOST_FIXED, MOST_LINKS, MOST_NODES, WATCHED

ROOTS = (
    *("global", "class attribute", "thread-local", "third party", "library", "defaults", "finalizer"),
    *("context variable", "lost", "thread", "frame", "exit callback", "cache"),
)


@st.composite
def graphs(draw):
    """Return a graph: nodes, each of a kind, what holds what, what is held by a root, and what is dropped again."""
    names = draw(
        st.lists(st.one_of(st.sampled_from(WATCHED), st.sampled_from(sorted(KINDS))), min_size=1, max_size=MOST_NODES)
    )
    nodes = [[name, _fixed(draw, name, number)] for number, name in enumerate(names)]
    number = st.integers(0, len(nodes) - 1)
    links = draw(st.lists(st.tuples(number, number, number), max_size=MOST_LINKS - 4))
    roots = draw(st.lists(st.tuples(st.sampled_from(ROOTS), number, number, st.booleans()), max_size=4))
    cuts = draw(st.sets(st.integers(0, max(0, len(links) - 1)), max_size=4))
    ages = draw(st.sets(number, max_size=2))
    return {"nodes": nodes, "links": links, "roots": roots, "cuts": sorted(cuts), "ages": sorted(ages)}


def _fixed(draw, name, number):
    if name not in FIXED or not number:
        return []
    return draw(st.lists(st.integers(0, number - 1), min_size=1, max_size=MOST_FIXED.get(name, 3)))


def hostile():
    """Return a hostile object: what it is like, what holds it, and what else is there."""
    import hostility  # noqa: PLC0415 - it imports much

    return st.fixed_dictionaries(
        {
            "survivor": st.fixed_dictionaries(
                {
                    "base": st.sampled_from(sorted(hostility.BASES)),
                    "finalizer": st.sampled_from(["none", *sorted(hostility.FINALIZERS)]),
                    "lie": st.sampled_from(["none", *hostility.LIES]),
                    "name": st.sampled_from(["none", *hostility.NAMES]),
                    "module": st.sampled_from(["none", *hostility.NAMES]),
                    "metaclass": st.sampled_from(["none", *hostility.METACLASSES]),
                }
            ),
            "cases": st.lists(st.sampled_from(hostility.USED), min_size=1, max_size=4),
            "beside": st.lists(st.sampled_from(hostility.USED), max_size=2, unique=True),
            "is_held": st.integers(0, 3).map(bool),
            "is_cyclic": st.booleans(),
            "is_named": st.booleans(),
            "by_refcount": st.booleans(),
            "manner": st.sampled_from(sorted(hostility.MANNERS)),
        }
    )


def texts():
    """Return a marker, settings or a baseline, most of them wrong."""
    from texts import KEYWORDS, NAMES, PATHS, TEXTS, VALUES  # noqa: PLC0415 - it imports pytest

    value = st.sampled_from(VALUES)
    marker = st.fixed_dictionaries(
        {
            "kind": st.just("marker"),
            "name": st.sampled_from(["no_leak", "no_leak", "skip_leakcheck"]),
            "where": st.sampled_from(["function", "class", "module"]),
            "args": st.lists(value, max_size=1) | st.lists(value, max_size=3),
            "kwargs": st.dictionaries(st.sampled_from(KEYWORDS[:5]) | st.sampled_from(KEYWORDS), value, max_size=3),
            "is_on": st.booleans(),
        }
    )
    paths = ("leakcheck_graph", "leakcheck_json", "leakcheck_baseline")
    text = st.sampled_from(TEXTS) | st.text(max_size=12)
    plain = st.dictionaries(st.sampled_from(sorted({*NAMES} - {*paths, "leakcheck_within", "leakcheck_repeat"})), text)
    numbers = st.dictionaries(st.sampled_from(["leakcheck_within", "leakcheck_repeat"]), st.sampled_from(TEXTS))
    files = st.dictionaries(st.sampled_from(paths), st.sampled_from(PATHS))
    values = st.builds(
        lambda *each: {key: value for part in each for key, value in part.items()}, plain, numbers, files
    )
    options = st.lists(
        st.sampled_from(
            [
                *("--leakcheck", "--no-leakcheck", "--leakcheck-cycles", "--leakcheck-update-baseline"),
                *("--leakcheck-repeat=0", "--leakcheck-repeat=x", "--leakcheck-repeat=", "--leakcheck-repeat=1e3"),
                *(
                    "--leakcheck-json=folder",
                    "--leakcheck-graph=file",
                    "--leakcheck-baseline=file",
                    "--collect-only",
                    "-q",
                ),
            ]
        ),
        max_size=3,
    )
    settings = st.fixed_dictionaries(
        {
            "kind": st.just("settings"),
            "ini": values,
            "given": values,
            "options": options.map(lambda each: ["--leakcheck", *each]),
        }
    )
    change = st.tuples(
        st.sampled_from(["insert", "bytes", "delete", "twice"]), st.integers(0, 400), st.integers(0, 40), text
    )
    baseline = st.fixed_dictionaries(
        {
            "kind": st.just("baseline"),
            "changes": st.lists(change, max_size=4),
            "is_run": st.integers(0, 3).map(lambda number: not number),
            "options": st.sampled_from([[], ["--leakcheck-update-baseline"]]),
        }
    )
    return marker | settings | baseline
