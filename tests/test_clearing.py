"""What the teardown of a wider-scoped fixture clears, tests may leave there until then."""

import types

import pytest

REGISTRY = """
    import contextlib, functools

    class Thing: pass

    class Registry:
        def __init__(self): self.things, self.others = [], []
        def forget(self): self.things = []

    ITEMS, OTHERS, TABLE, MINE = [], [], {}, Registry()

    @functools.cache
    def cached(number): return Thing()

    @contextlib.contextmanager
    def running():
        try: yield
        finally: ITEMS.clear()

    class Scope:
        def __enter__(self): return self
        def __exit__(self, *error): ITEMS.clear()

    def reset():
        ITEMS.clear()
        _reset_table()

    def _reset_table():
        for key in list(TABLE): del TABLE[key]
"""
MODULE = "@pytest.fixture(scope='module', autouse=True)\n"
CLEARING = {
    "the list itself": (MODULE + "def clean():\n    yield\n    reg.ITEMS.clear()", "reg.ITEMS"),
    "by a slice": (MODULE + "def clean():\n    yield\n    reg.ITEMS[:] = []", "reg.ITEMS"),
    "by a new list": (MODULE + "def clean():\n    yield\n    reg.ITEMS = []", "reg.ITEMS"),
    "in a function": (MODULE + "def clean():\n    yield\n    reg.reset()", "reg.ITEMS"),
    "in a method": (MODULE + "def clean():\n    yield\n    reg.MINE.forget()", "reg.MINE.things"),
    "by a finalizer": (
        MODULE + "def clean(request):\n    request.addfinalizer(lambda: reg.ITEMS.clear())",
        "reg.ITEMS",
    ),
    "by teardown_module": ("def teardown_module(): reg.ITEMS.clear()", "reg.ITEMS"),
}

if hasattr(types.CodeType, "co_exceptiontable"):  # CPython 3.11+: without it nothing tells what a with statement spans
    CLEARING["by what is called for a with statement"] = (
        MODULE + "def clean():\n    with reg.running(): yield",
        "reg.ITEMS",
    )
    CLEARING["by a class for a with statement"] = (
        MODULE + "def clean():\n    with reg.Scope() as scope: yield scope",
        "reg.ITEMS",
    )


@pytest.fixture
def outcome(suite):
    """Run three tests that leave things in a registry that was there before, and return what that comes to."""

    def outcome(source, place):
        suite.write(reg=REGISTRY)
        lines = [f"def test_{name}(): {place}.append(reg.Thing())" for name in "abc"]
        return suite.run("import reg\n\n" + source + "\n\n" + "\n".join(lines) + "\n", "--leakcheck")

    return outcome


@pytest.mark.parametrize("how", CLEARING)
def test_what_a_teardown_clears_is_no_leak_of_its_tests(outcome, how):
    """However it does so, in code that can be read."""
    result = outcome(*CLEARING[how])

    result.assert_outcomes(passed=3)
    assert [line for line in result.outlines if line.startswith("leakcheck: ")][1:] == []


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("", "reg.ITEMS"),
        (MODULE + "def clean():\n    yield\n    reg.ITEMS.clear()", "reg.OTHERS"),
        (MODULE + "def clean():\n    reg.ITEMS.clear()\n    yield", "reg.ITEMS"),
        (MODULE + "def clean():\n    with reg.running(): pass\n    yield", "reg.ITEMS"),
        (MODULE + "def clean():\n    with reg.contextlib.suppress(KeyError): yield", "reg.ITEMS"),
        (MODULE + "def clean():\n    reg.ITEMS.clear()", "reg.ITEMS"),
        (MODULE + "def clean():\n    yield\n    assert reg.ITEMS", "reg.ITEMS"),
        (MODULE + "def clean():\n    yield\n    reg.MINE.forget()", "reg.MINE.others"),
    ],
    ids=[
        "none",
        "another list",
        "at its beginning",
        "a with statement that has ended",
        "a with statement of somebody else's",
        "only there",
        "looking at it",
        "another attribute",
    ],
)
def test_what_none_clears_is_a_leak(outcome, source, place):
    """A teardown that does something else does not excuse it."""
    outcome(source, place).assert_outcomes(failed=3)


def test_a_table_and_a_cache_are_cleared_as_well(suite):
    """By the keys of the one, by the other's own method; here by a class of unittest's."""
    suite.write(reg=REGISTRY)
    result = suite.run(
        """
        import unittest

        import reg

        class TestIt(unittest.TestCase):
            @classmethod
            def tearDownClass(cls):
                reg.reset()
                reg.cached.cache_clear()

            def test_a(self): reg.TABLE[len(reg.TABLE)] = reg.Thing()
            def test_b(self): reg.TABLE[len(reg.TABLE)] = reg.Thing()
            def test_c(self): reg.cached(reg.cached.cache_info().currsize)
            def test_d(self): reg.cached(reg.cached.cache_info().currsize)
        """,
        "--leakcheck",
    )

    result.assert_outcomes(passed=4)


@pytest.mark.parametrize(("cleared", "outcomes"), [("ITEMS", {"passed": 2}), ("OTHERS", {"failed": 2})])
def test_so_is_what_a_set_up_of_a_class_has_cleared_at_the_end(suite, cleared, outcomes):
    """By a cleanup that it registers; of another list that says nothing."""
    suite.write(reg=REGISTRY)
    result = suite.run(
        f"""
        import unittest

        import reg

        class TestIt(unittest.TestCase):
            @classmethod
            def setUpClass(cls): cls.addClassCleanup(reg.{cleared}.clear)
            def test_a(self): reg.ITEMS.append(reg.Thing())
            def test_b(self): reg.ITEMS.append(reg.Thing())
        """,
        "--leakcheck",
    )

    result.assert_outcomes(**outcomes)


def test_what_outlives_its_clearing_is_told_at_the_end_of_the_fixture(suite):
    """As what a fixture leaves is: a warning that names it."""
    suite.write(reg=REGISTRY)
    result = suite.run(
        "import reg\n\n" + MODULE + "def clean():\n    yield\n    reg.ITEMS[1:] = []\n\n"
        "def test_a(): reg.ITEMS.append(reg.Thing())\n",
        "--leakcheck",
    )

    result.assert_outcomes(passed=1)
    told = "1 reg.Thing made during test_it.py::test_a outlives it, held by reg.ITEMS; a leak if another set-up leaves"
    assert suite.lines_of(result, "leakcheck: module-scoped fixture 'clean'", told)
