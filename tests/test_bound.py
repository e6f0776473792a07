"""What wider-scoped fixtures and set-ups share with tests is left as it is, and what tests leave there may live."""

import textwrap

import pytest

SHOP = """
class Item:
    pass


class Store:
    def __init__(self):
        self.items = []

    def add(self):
        self.items.append(Item())
        return len(self.items)


class Client:
    def __init__(self, store):
        self.store = store


class Single:
    one = Store()


STORE, REGISTRY, LAST = Store(), [], None
"""
UNITTEST = """
class TestIt(unittest.TestCase):
    @classmethod
    def setUpClass(cls): cls.store = shop.Store()
    @classmethod
    def tearDownClass(cls): cls.store.items.clear()
"""
XUNIT = """
class TestIt:
    @classmethod
    def setup_class(cls): cls.store = shop.Store()
"""
BOTH = """
    def test_1(self): assert self.store.add() == 1
    def test_2(self): assert self.store.add() == 2
"""
USED = """
    def test_1(self):
        shop.LAST = shop.Item()
        {}
    def test_2(self): assert self.store.count == 1
"""
"""A test that leaves a slot filled, and counts below what it shares."""
COUNT = 'self.store.count = getattr(self.store, "count", 0) + 1'
SHARED = {
    "a TestCase": UNITTEST + BOTH,
    "a class": XUNIT + BOTH,
    "a class that its set-up is inherited for": XUNIT + "class TestThat(TestIt):" + BOTH,
    "a class within another": XUNIT.replace("cls.store", "TestIt.store")
    + "    class TestInner:\n"
    + textwrap.indent(BOTH.replace("self.store", "TestIt.store"), "    "),
    "a lazy set-up": """
class Base:
    store = None
    @classmethod
    def setup_class(cls): Base.store = Base.store or shop.Store()
class TestIt(Base):
    def test_1(self): assert self.store.add() == 1
class TestThat(Base):
    def test_2(self): assert self.store.add() == 2
    def test_3(self): assert self.store.add() == 3
""",
    "request.cls": """
@pytest.fixture(scope="class", autouse=True)
def client(request):
    store = shop.Store()
    request.cls.client = shop.Client(store)
    yield
    store.items.clear()
class TestIt:"""
    + BOTH.replace("store", "client.store"),
    "a clean-up of its own": UNITTEST.replace(
        "shop.Store()", "shop.Store(); cls.addClassCleanup(cls.store.items.clear)"
    )
    + BOTH,
    "a module": """
def setup_module():
    global store
    store = shop.Store()
def fill(): return store.add()
def test_1(): assert fill() == 1
def test_2(): assert [fill() for _ in "1"] == [2]
""",
    "a dict": """
class TestIt(unittest.TestCase):
    @classmethod
    def setUpClass(cls): cls.store = {}
    def add(self):
        self.store[len(self.store)] = shop.Item()
        return len(self.store)
    def test_1(self): assert self.add() == 1
    def test_2(self): assert self.add() == 2
""",
    "a number": """
class TestIt(unittest.TestCase):
    @classmethod
    def setUpClass(cls): cls.number = 0
    def test_1(self):
        shop.LAST = shop.Item()
        type(self).number += 1
    def test_2(self): assert self.number == 1
""",
    "a fixture asked for by name": """
@pytest.fixture(scope="module", autouse=True)
def store(): yield shop.Store()
def test_1(store): assert store.add() == 1
def test_2(store): assert store.add() == 2
""",
    "one asked for late": """
@pytest.fixture(scope="session")
def store(): return shop.Store()
@pytest.fixture(params=["store"])
def any_store(request): return request.getfixturevalue(request.param)
def test_1(any_store): assert any_store.add() == 1
def test_2(any_store): assert any_store.add() == 2
""",
    "one that another overrides": """
@pytest.fixture(scope="module", autouse=True)
def store(): return shop.Store()
@pytest.fixture
def item(store): return store.add()
class TestIt:
    @pytest.fixture
    def item(self, item): return item
    def test_1(self, item): assert item == 1
    def test_2(self, item): assert item == 2
""",
    "one that the program has a name for": """
@pytest.fixture(scope="module")
def registry():
    yield shop.REGISTRY
    shop.REGISTRY.clear()
def test_1(registry): registry.append(shop.Item())
def test_2(registry): registry.append(shop.Item())
""",
    "what a set-up put into the program": """
@pytest.fixture(scope="module", autouse=True)
def store():
    shop.LAST = shop.Store()
    yield
    shop.LAST = None
def test_1(): assert shop.LAST.add() == 1
def test_2(): assert shop.LAST.add() == 2
""",
    "what garbage holds as well": XUNIT
    + """
    def boom(self, number):
        assert self.store.add() == number
        raise ValueError
    def test_1(self):
        with pytest.raises(ValueError) as info: self.boom(1)
        gc.collect()
    def test_2(self):
        with pytest.raises(ValueError) as info: self.boom(2)
        gc.collect()
""",
    "used in a set-up": XUNIT
    + f"    def setup_method(self, method): {COUNT}\n"
    + USED.format("").replace("== 1", "== 2"),
    "used in a fixture": XUNIT
    + f"    @pytest.fixture\n    def it(self): {COUNT}\n"
    + USED.format("").replace("test_1(self", "test_1(self, it"),
    "used through a property": XUNIT
    + "    @property\n    def it(self): return self.store\n"
    + USED.format('self.it.count = getattr(self.it, "count", 0) + 1'),
    "used through a cached property": XUNIT
    + "    @functools.cached_property\n    def it(self): return self.store\n"
    + USED.format('self.it.count = getattr(self.it, "count", 0) + 1'),
    "used through a static method": XUNIT
    + '    @staticmethod\n    def it(): TestIt.store.count = getattr(TestIt.store, "count", 0) + 1\n'
    + USED.format("self.it()"),
    "used through a decorated function": """
def decorated(function):
    if not function: never = 1
    def wrapper(self): return function(self) or (lambda: never)
    return wrapper
"""
    + XUNIT
    + USED.format(COUNT).replace("    def test_1", "    @decorated\n    def test_1"),
    "used through a class of the module": """
class Helper:
    def count(self): TestIt.store.count = getattr(TestIt.store, "count", 0) + 1
"""
    + XUNIT
    + USED.format("Helper().count()"),
    "used through a part": """
def setup_module():
    global store
    store = shop.Store()
def setup_function(): pass
def fill(number):
    shop.LAST = shop.Item()
    store.count = getattr(store, "count", 0) + number
test_1 = functools.partial(fill, 1)
def test_2(): assert store.count == 1
""",
    "used through too many functions to look at": XUNIT
    + USED.format("return first_0()")
    + """
def last(): TestIt.store.count = getattr(TestIt.store, "count", 0) + 1
for number in range(600):
    following = "last" if number == 599 else f"first_{number + 1}"
    exec(f"def first_{number}(): return {following}()")
""",
    "a generator of random numbers": """
@pytest.fixture(scope="session", autouse=True)
def seeded(): random.seed(1)
def test_1():
    shop.LAST = shop.Item()
    random.random()
def test_2(): assert random.random() == 0.8474337369372327
""",
}
SHARED["a generator of NumPy's"] = """
import sys, types
class Numbers:
    state = 0
    def get_state(self): return self.state
    def set_state(self, state): self.state = state
NUMBERS = Numbers()
sys.modules["numpy.random"] = module = types.ModuleType("numpy.random")
module.get_state, module.set_state = NUMBERS.get_state, NUMBERS.set_state
def test_1():
    shop.LAST = shop.Item()
    NUMBERS.state += 1
def test_2(): assert NUMBERS.state == 1
"""
HEADER = "import functools, gc, pytest, random, shop, unittest\n"


@pytest.fixture
def shop(suite):
    """Return what runs a test module under --leakcheck beside a module ``shop``."""

    def run(source, *arguments, **files):
        suite.write(shop=SHOP, **files)
        return suite.run(HEADER + source, "--leakcheck", *arguments, prelude="")

    return run


def told(result):
    """Return the lines of leakcheck at the end of a run, without the one that counts."""
    lines = [line for line in result.outlines if line.startswith("leakcheck: ")]
    return [line for line in lines if " checked; " not in line]


@pytest.mark.parametrize("name", SHARED)
def test_nothing_is_left_twice_or_told(shop, name):
    """Tests come out as without a check, and what they leave there is no leak."""
    result = shop(SHARED[name])

    assert result.ret == 0
    assert told(result) == []


LEAKS = {
    "what the program has a name for": XUNIT.replace("shop.Store()", "shop.STORE") + BOTH,
    "what a class has": XUNIT.replace("shop.Store()", "shop.Single.one") + BOTH,
    "what took the place of what was bound": XUNIT
    + BOTH.replace("assert self.store", "TestIt.store = shop.STORE; assert self.store"),
    "what is reached through a name of the program": XUNIT.replace("shop.Store()", "shop.Client(shop.STORE)")
    + BOTH.replace("self.store", "self.store.store"),
}


@pytest.mark.parametrize("name", LEAKS)
def test_what_was_there_before_the_set_up_is_not_its_own(shop, name):
    """Tests that share it are run once, so the second of them tells the leak."""
    result = shop(LEAKS[name])

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["  Another one, left there by test_it.py::TestIt::test_1, is still alive."])


ALONE = "    def test_it(self): shop.STORE.add()\n"
NO_REASONS = {
    "it uses none of it": XUNIT + ALONE,
    "it reads a number": XUNIT.replace("shop.Store()", "7")
    + "    def test_it(self): shop.STORE.add(); self.store + 1\n",
    "the name is another's": "def setup_module():\n    import test_other\n    test_other.add = []\n"
    "def test_it(): shop.STORE.add()\n",
    "each test has a copy": """
class TestData: pass
TestData.__module__ = "django.test.testcases"
class TestIt:
    @classmethod
    def setup_class(cls): cls.store = TestData()
    def test_it(self):
        self.store
        shop.STORE.add()
""",
    "a fixture is named for its order alone": """
@pytest.fixture(scope="session", autouse=True)
def logs(): pass
@pytest.fixture(autouse=True)
def context(logs): pass
def test_it(): shop.STORE.add()
""",
}


@pytest.mark.parametrize("name", NO_REASONS)
def test_a_test_that_shares_nothing_is_run_again(shop, name):
    """So its leak is told at once, though it is the only one."""
    shop(NO_REASONS[name], test_other="").assert_outcomes(failed=1)


def test_what_the_program_keeps_as_well_is_told_as_the_set_up_ends(shop):
    """Until then it may live; the line names the test that made it."""
    result = shop(
        XUNIT + "    def test_it(self):\n        self.store.add()\n        shop.REGISTRY.extend(self.store.items)\n"
    )

    result.assert_outcomes(passed=1)
    (line,) = told(result)
    assert line == (
        "leakcheck: class-scoped set-up of TestIt (test_it.py::TestIt): 1 shop.Item made during "
        "test_it.py::TestIt::test_it outlives it, held by shop.REGISTRY; a leak if another set-up leaves more there"
    )


def test_what_a_set_up_bound_and_leaves_stays_by_design(shop):
    """As what ``setup_class`` set; pytest's docs recommend ``request.cls`` in its stead."""
    result = shop(SHARED["request.cls"].replace("store.items.clear()", "pass"))

    result.assert_outcomes(passed=2)
    assert told(result) == []


def test_but_not_what_the_program_has_as_well(shop):
    """It is the fixture that left it there."""
    result = shop(SHARED["request.cls"].replace("yield", "shop.REGISTRY.append(store)\n    yield"))

    result.assert_outcomes(passed=2)
    (line,) = told(result)
    assert "class-scoped fixture 'client' (suite/test_it.py:3): 1 shop.Store made during its set-up outlives it" in line


def test_a_bare_marker_is_stricter(shop):
    """What it finds below the class's store is a leak, and the test is run again for it."""
    result = shop(XUNIT + "    @pytest.mark.no_leak\n    def test_it(self): self.store.add()\n")

    result.assert_outcomes(failed=1)


def test_a_fault_in_what_is_noted_breaks_nothing(shop):
    """It is told at the end."""
    result = shop(
        XUNIT + BOTH,
        conftest="""
        from pytest_leakcheck.wider import bound
        def broken(*_): raise RuntimeError("no names")
        bound.Names.bound = broken
        """,
    )

    assert "RuntimeError: no names" in result.stdout.str()
