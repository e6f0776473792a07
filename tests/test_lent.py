"""What the set-up of a wider scope puts in the place of a service: what tests leave there is its own until it ends."""

import pytest

SHOP = """
import logging
LOGGER = logging.getLogger("shop")
HOOKS = []
BACKENDS = {}

class Mail: pass
class Gateway:
    def charge(self, mail): pass
gateway = Gateway()

def pay():
    mail = Mail()
    gateway.charge(mail)
    for hook in HOOKS: hook(mail)
    for backend in BACKENDS.values(): backend.sent.append(mail)
    LOGGER.warning("paid", extra={"mail": mail})
"""
FAKES = """
import logging, threading
from contextlib import contextmanager
from unittest import mock
import pytest, shop

class Backend:
    def __init__(self): self.sent = []

class Handler(logging.Handler):
    def __init__(self):
        super().__init__()
        self.got = []
    def emit(self, record): self.got.append(record)

@contextmanager
def a_method_of_a_class():
    with mock.patch.object(shop.Gateway, "charge"): yield

@contextmanager
def a_method_of_an_instance():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop.gateway, "charge", [].append)
        yield

@contextmanager
def an_entry_of_a_registry():
    shop.BACKENDS["mail"] = Backend()
    yield
    del shop.BACKENDS["mail"]

@contextmanager
def a_list_of_its_own():
    got = []
    shop.HOOKS.append(got.append)
    yield
    shop.HOOKS.pop()

@contextmanager
def a_handler():
    handler = Handler()
    shop.LOGGER.addHandler(handler)
    yield
    shop.LOGGER.removeHandler(handler)

class Server(threading.Thread):
    def __init__(self):
        super().__init__()
        self.got, self.over = [], threading.Event()
    def run(self): self.over.wait()

@contextmanager
def a_thread():
    server = Server()
    shop.HOOKS.append(server.got.append)
    server.start()
    yield
    shop.HOOKS.pop()
    server.over.set()
    server.join()
"""
NAMES = [
    "a_method_of_a_class",
    "a_method_of_an_instance",
    "an_entry_of_a_registry",
    "a_list_of_its_own",
    "a_handler",
    "a_thread",
]
FIXTURE = """
import pytest, fakes

@pytest.fixture(scope={scope!r}, autouse=True)
def fake():
    with fakes.{name}():
        yield "ready"
"""
TESTS = "import shop\ndef test_first(): shop.pay()\ndef test_second(): shop.pay()\n"


@pytest.fixture
def shop(suite):
    """Return what runs a suite under --leakcheck with a module ``shop``, fakes for its parts, and further modules."""

    def run(*arguments, **modules):
        suite.write(shop=SHOP, fakes=FAKES, **modules)
        return suite.run("", "--leakcheck", *arguments)

    return run


def told(result):
    """Return the lines of leakcheck at the end of a run, without the one that counts."""
    lines = [line for line in result.outlines if line.startswith("leakcheck: ")]
    return [line for line in lines if " checked; " not in line]


@pytest.mark.parametrize("repeat", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_what_a_fake_got_is_no_leak_of_the_tests(shop, name, repeat):
    """Whatever the fake was put into, and in whichever way tests are judged; nothing is told once it is gone."""
    result = shop(
        f"--leakcheck-repeat={repeat}",
        conftest="import fakes\n" + FIXTURE.format(scope="session", name=name),
        test_it=TESTS,
    )

    result.assert_outcomes(passed=2)
    assert not told(result)


@pytest.mark.parametrize("name", NAMES[:2])
def test_nor_that_of_a_set_up_of_a_class(shop, name):
    """By unittest, whose fixture is pytest's own."""
    result = shop(
        test_it=f"""
        import unittest, fakes, shop

        class TestIt(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                fake = fakes.{name}()
                fake.__enter__()
                cls.addClassCleanup(fake.__exit__, None, None, None)
            def test_first(self): shop.pay()
            def test_second(self): shop.pay()
        """
    )

    result.assert_outcomes(passed=2)
    assert not told(result)


def test_it_costs_a_second_run_once(shop):
    """Then the place is known for as long as the fixture stands."""
    result = shop(
        "-v", conftest="import fakes\n" + FIXTURE.format(scope="session", name="a_list_of_its_own"), test_it=TESTS
    )

    assert len([line for line in result.outlines if "run a second time" in line]) == 1


def test_what_tests_leave_beside_it_is_theirs(shop):
    """In the same module, in a list that was there before."""
    result = shop(
        conftest="import fakes\n" + FIXTURE.format(scope="session", name="a_handler"),
        test_it="import shop\ndef test_it(): shop.HOOKS.append(shop.Mail().__repr__)\n",
    )

    result.assert_outcomes(failed=1)


POOLS = """
import queue, threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

class Job:
    def __init__(self): self.done = threading.Event()
    def run(self): self.done.set()

class Pool:
    def __init__(self):
        self.jobs = queue.Queue()
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(2)]
        for thread in self.threads: thread.start()
    def work(self):
        done = []
        while (job := self.jobs.get()) is not None:
            done.append(job)
            job.run()
    def submit(self, job):
        self.jobs.put(job)
        assert job.done.wait(30)
    def stop(self):
        for _ in self.threads: self.jobs.put(None)
        for thread in self.threads: thread.join()

@contextmanager
def started_at_once():
    pool = Pool()
    yield pool
    pool.stop()

class Lazy(Pool):
    def __init__(self): self.pool = None
    def submit(self, job):
        self.pool = self.pool or Pool()
        self.pool.submit(job)
    def stop(self): self.pool.stop()

@contextmanager
def started_by_a_test():
    pool = Lazy()
    yield pool
    pool.stop()
"""
WORKING = """
import pytest, pools

@pytest.fixture(scope={scope!r})
def pool():
    with pools.{name}() as pool:
        yield pool

@pytest.mark.parametrize("n", range(4))
def test_it(pool, n): pool.submit(pools.Job())
"""


@pytest.mark.parametrize("name", ["started_at_once", "started_by_a_test"])
def test_what_a_thread_of_its_own_has_in_a_variable_is_the_fixtures(suite, name):
    """Whether the set-up started it, or a test had the fixture do so: it ends with the fixture."""
    suite.write(pools=POOLS, test_it=WORKING.format(scope="module", name=name))
    result = suite.run("", "--leakcheck")

    result.assert_outcomes(passed=4)
    assert not told(result)


LOCAL = """
import threading
import pools

LOCAL = threading.local()

class Connection: pass

class Query(pools.Job):
    def run(self):
        LOCAL.connection = Connection()
        super().run()
"""
FRESH = """
import pytest, pools, local

@pytest.fixture(scope="module")
def pool():
    pool, over = [], pools.threading.Event()
    yield pool, over
    over.set()

def query(pool):  # each time in a thread that is new
    threads, over = pool
    done = pools.threading.Event()

    def work():
        local.Query().run()
        done.set()
        over.wait(30)

    threads.append(pools.threading.Thread(target=work, daemon=True))
    threads[-1].start()
    assert done.wait(30)
"""


@pytest.mark.parametrize(
    ("first", "outcomes"),
    [
        ("", {"passed": 3}),
        (
            "over = pools.threading.Event()\npools.threading.Thread(target=over.wait, daemon=True).start()\n",
            {"failed": 2},
        ),
    ],
    ids=["its threads alone", "others as well"],
)
def test_what_its_threads_have_in_a_thread_local_is_the_fixtures(suite, first, outcomes):
    """As a pool's connections: where no other thread runs that might have it."""
    suite.write(
        pools=POOLS,
        local=LOCAL,
        test_it=FRESH + first + "".join(f"def test_{name}(pool): query(pool)\n" for name in "abc"),
    )
    result = suite.run("", "--leakcheck")

    result.assert_outcomes(**{"passed": 1, **outcomes})


def test_what_another_thread_has_is_the_tests(suite):
    """Though a fixture with a thread stands: it is judged with them, as one for each thread."""
    suite.write(
        pools=POOLS,
        test_it=WORKING.format(scope="module", name="started_at_once")
        + "POOL = pools.Pool()\n"
        + "".join(f"def test_{name}(pool): POOL.submit(pools.Job())\n" for name in ("other", "more")),
    )
    result = suite.run("", "--leakcheck", "-v")

    result.assert_outcomes(passed=6)
    (aside,) = suite.lines_of(result, "leakcheck: set aside: test_it.py::test_other")
    assert aside.endswith(": a leak if another test leaves one there")


def test_what_is_left_there_once_it_has_ended_is_the_tests(shop):
    """Where the end of the fixture leaves the fake in its place."""
    result = shop(
        "-v",
        conftest="""
        import pytest, fakes, shop

        @pytest.fixture(scope="module")
        def fake(): shop.BACKENDS["mail"] = fakes.Backend()
        """,
        test_a="import shop\ndef test_it(fake): shop.pay()\n",
        test_b="import shop\ndef test_it(): shop.pay()\n",
    )

    result.assert_outcomes(passed=1, failed=1)
    assert any("module-scoped fixture 'fake'" in line for line in told(result))


def test_what_a_module_has_that_the_set_up_loads_is_not_the_set_ups(shop):
    """Its globals are the program's, whoever imports it first."""
    result = shop(
        conftest="""
        import pytest

        @pytest.fixture(scope="session", autouse=True)
        def app():
            import shop
            return "ready"
        """,
        test_it="def test_it():\n    import shop\n    shop.HOOKS.append(shop.Mail().__repr__)\n",
    )

    result.assert_outcomes(failed=1)
