"""What the set-up of a class or module binds there is a fixture in other words: tests share it until it ends."""

import pytest

SHOP = """
class Item:
    pass


class Store:
    def __init__(self):
        self.items = []

    def add(self, item):
        self.items.append(item)


STORE = Store()
"""
UNITTEST = """
import shop, unittest

class TestStore(unittest.TestCase):
    @classmethod
    def setUpClass(cls): cls.store = shop.Store()
    @classmethod
    def tearDownClass(cls): cls.store.items.clear()
"""
XUNIT = """
import shop

class TestStore:
    @classmethod
    def setup_class(cls): cls.store = shop.Store()
"""
ON_REQUEST = """
import pytest, shop

@pytest.fixture(scope="class", autouse=True)
def with_store(request):
    request.cls.store = shop.Store()
    yield
    request.cls.store.items.clear()

class TestStore:
"""
TESTS = """
    def test_first(self):
        self.store.add(shop.Item())
        assert len(self.store.items) == 1
    def test_next(self):
        self.store.add(shop.Item())
        assert len(self.store.items) == 2
    def test_third(self):
        assert len(self.store.items) == 2
"""
MODULE = """
import shop

def setup_module():
    global store
    store = shop.Store()

def fill():
    store.add(shop.Item())

def test_first():
    fill()
    assert len(store.items) == 1

def test_next():
    [fill() for _ in "1"]
    assert len(store.items) == 2
"""


@pytest.fixture
def shop(suite):
    """Return what runs a test module under --leakcheck beside a module ``shop``."""

    def run(source, *arguments):
        suite.write(shop=SHOP)
        return suite.run(source, "--leakcheck", *arguments, prelude="")

    return run


def told(result):
    """Return the lines of leakcheck at the end of a run, without the one that counts."""
    lines = [line for line in result.outlines if line.startswith("leakcheck: ")]
    return [line for line in lines if " checked; " not in line]


@pytest.mark.parametrize("source", [UNITTEST + TESTS, XUNIT + TESTS, ON_REQUEST + TESTS, MODULE])
def test_what_tests_leave_there_may_live_and_is_left_once(shop, source):
    """No test is run again, as the next would find two in the place of one; nothing is told."""
    result = shop(source)

    result.assert_outcomes(passed=result.parseoutcomes()["passed"])
    assert told(result) == []


def test_what_a_fixture_bound_and_leaves_stays_by_design(shop):
    """As what ``setup_class`` set; pytest's docs recommend ``request.cls`` in its stead."""
    result = shop(ON_REQUEST.replace("request.cls.store.items.clear()", "pass") + TESTS)

    result.assert_outcomes(passed=3)
    assert told(result) == []


def test_what_it_leaves_elsewhere_is_told(shop):
    """What the class had is not what the module's list keeps."""
    source = ON_REQUEST.replace("request.cls.store.items.clear()", "shop.STORE.add(request.cls.store.items.pop())")
    result = shop(source + TESTS)

    result.assert_outcomes(passed=3)
    (line,) = told(result)
    assert "1 shop.Item made during test_it.py::TestStore::test_next outlives it, held by shop.STORE" in line


def test_what_something_else_holds_as_well_is_the_tests(shop):
    """A global list keeps what the class's store had for a while."""
    source = XUNIT + (
        "    def test_first(self): self.keep()\n"
        "    def test_next(self): self.keep()\n"
        "    def keep(self):\n"
        "        self.store.add(shop.Item())\n"
        "        shop.STORE.items.append(self.store.items[-1])\n"
    )
    result = shop(source)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["  Another one, left there by test_it.py::TestStore::test_first, is still alive."])


def test_what_a_module_has_under_a_name_is_not_the_set_ups(shop):
    """It was there before, and stays; but tests that share it are run once."""
    source = XUNIT.replace("shop.Store()", "shop.STORE") + TESTS
    result = shop(source)

    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines(["*_ TestStore.test_next _*", "LEAKED  1 object*", "  shop * module *GC root"])


def test_a_test_that_uses_none_of_it_is_run_again(shop):
    """What it leaves elsewhere is told at once."""
    result = shop(XUNIT + "    def test_it(self): shop.STORE.add(shop.Item())\n")

    result.assert_outcomes(failed=1)


@pytest.mark.parametrize(
    "use",
    [
        "    def setup_method(self): self.store.count = 1\n",
        "    @pytest.fixture(autouse=True)\n    def count(self): self.store.count = 1\n",
        "    @property\n    def it(self): return self.store\n    def setup_method(self): self.it.count = 1\n",
        "    @staticmethod\n    def count(): TestStore.store.count = 1\n    def setup_method(self): self.count()\n",
    ],
)
def test_whatever_way_a_test_uses_it(shop, use):
    """A set-up of its own, a fixture, a property or a helper: it is not run again."""
    source = (
        "import pytest\n" + XUNIT + use + "    def test_first(self): shop.STORE.add(shop.Item())\n"
        "    def test_next(self): shop.STORE.add(shop.Item())\n"
    )
    result = shop(source, "-v")

    result.assert_outcomes(passed=1, failed=1)
    assert "run a second time" not in result.stdout.str()


def test_a_fixture_that_is_asked_for_by_name_is_used(shop):
    """Though each test of the module would get it anyway."""
    result = shop(
        """
        import pytest, shop

        @pytest.fixture(scope="module", autouse=True)
        def store():
            yield shop.Store()

        def test_first(store):
            store.add(shop.Item())
            assert len(store.items) == 1

        def test_last(store):
            assert len(store.items) == 1
        """
    )

    result.assert_outcomes(passed=2)
    assert told(result) == []


def test_a_bare_marker_is_stricter(shop):
    """What it finds below the class's store is a leak, and the test is run again for it."""
    result = shop(
        "import pytest\n" + XUNIT + "    @pytest.mark.no_leak\n    def test_it(self): self.store.add(shop.Item())\n"
    )

    result.assert_outcomes(failed=1)
