"""Beside other plugins, one by one and as they are used together: a small suite, with and without ``--leakcheck``."""

import importlib.util
import json
import re
import sys
import textwrap
from collections import Counter
from xml.etree import ElementTree as ET

import pytest

SUITE = """
import pytest

KEPT = []
LATEST = {}


class Thing:
    pass


def keep(thing):
    KEPT.append(thing)
    return thing


@pytest.fixture
def thing():
    return Thing()


def test_passes(thing):
    assert thing


def test_fails(thing):
    assert not thing


@pytest.mark.skip(reason="not here")
def test_skips(thing):
    pass


@pytest.mark.xfail(reason="issue 1")
def test_xfails(thing):
    assert not thing


@pytest.mark.xfail(reason="issue 2", strict=True)
def test_xfails_as_it_leaks(assert_collected):
    keep(assert_collected(Thing()))


def test_leaks():
    keep(Thing())


def test_leaks_what_it_registered(assert_collected):
    keep(assert_collected(Thing()))


def test_looks_alike():
    LATEST["it"] = Thing()


"""
"""What the others are added to. A test whose name says so leaks: only with ``--leakcheck``, or in any case, if it has
registered what it leaks; fails, skips, or fails as is expected. The rest passes."""

INSTEAD = {"leaks": "failed", "fails": "failed", "skips": "skipped", "xfails": "xfailed", "errors": "error"}


class Both:
    """Runs a suite without and with the check, and compares what came of its tests."""

    def __init__(self, suite):
        self.suite = suite
        self.path = suite.path

    def __call__(self, source, *options, uses, files=None):
        """Return the outputs of the two runs, once all tests have come out as their names say."""
        for name in uses.split():
            needs(name)
        for name, text in (files or {}).items():
            self.suite.write(**{name: text})
        self.write(source)
        return self.one(*options, uses=uses), self.one(*options, "--leakcheck", uses=uses)

    def write(self, source):
        """Write the suite, with `source` added to it."""
        self.suite.write(test_it=SUITE + textwrap.dedent(source))

    def one(self, *options, uses):
        self.path.joinpath("junit.xml").unlink(missing_ok=True)
        result = self.suite.run("", "--junitxml=junit.xml", *options, uses=uses)
        is_on = "--leakcheck" in options
        cases = list(self.cases())
        assert {name: outcome for name, outcome, _ in cases} == {name: expected(name, is_on) for name, _, _ in cases}
        assert cases, result.stdout.str()
        assert_told_once(result, cases, is_on=is_on)
        return result

    def cases(self):
        """Yield each entry of JUnit's file: name, outcome, and properties; of a test that is rerun the last."""
        root = ET.parse(self.path / "junit.xml").getroot()  # noqa: S314 - it is our own
        last = {(case.get("classname"), case.get("name")): case for case in root.iter("testcase")}
        for (_, name), case in last.items():
            tags = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
            assert len(tags) <= 1, f"{name}: {tags}"
            is_xfail = any(child.get("type") == "pytest.xfail" for child in case)
            words = {"failure": "failed", "skipped": "xfailed" if is_xfail else "skipped"}
            yield (
                name,
                words.get(*tags, *tags) if tags else "passed",
                [each.get("name") for each in case.iter("property")],
            )


def expected(name, is_on):
    word = name.removeprefix("test_").partition("_")[0].partition("[")[0]
    is_leak = word == "leaks" and (is_on or "registered" in name)
    return INSTEAD[word] if is_leak or (word in INSTEAD and word != "leaks") else "passed"


def assert_told_once(result, cases, *, is_on):
    """Nothing is doubled, and nothing went wrong in the check or in a hook."""
    leaky = Counter(name for name, _, _ in cases if is_leaky(name, is_on))
    told = Counter(
        line.split(" - ")[0].rpartition("::")[2]
        for line in result.outlines
        if line.startswith("LEAKED ") and "::" in line
    )
    assert told == leaky
    for name, outcome, properties in cases:
        is_known = outcome == "xfailed" and "leaks" in name
        assert properties.count("leakcheck.fingerprint") == (is_leaky(name, is_on) or is_known), name
    wrong = [
        line for line in result.outlines if "by a fault of the plugin" in line or "the hook pytest_leakcheck" in line
    ]
    assert not wrong


def is_leaky(name, is_on):
    return name.startswith("test_leaks") and expected(name, is_on) == "failed"


MODULES = {
    "benchmark": "pytest_benchmark",
    "cov": "pytest_cov",
    "django": "pytest_django",
    "forked": "pytest_forked",
    "html": "pytest_html",
    "html_fixtures": "pytest_html",
    "memray": "pytest_memray",
    "metadata": "pytest_metadata",
    "mock": "pytest_mock",
    "pyleak": "pyleak",
    "qt": "pytestqt",
    "randomly": "pytest_randomly",
    "rerunfailures": "pytest_rerunfailures",
    "sugar": "pytest_sugar",
    "timeout": "pytest_timeout",
    "asyncio": "pytest_asyncio",
    "trio": "pytest_trio",
}


def needs(name):
    """Skip where a plugin is not installed."""
    if name == "subtests" and pytest.version_tuple >= (9,):
        return
    module = MODULES.get(name, "pytest_subtests" if name == "subtests" else name)
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed here: make integrations")


@pytest.fixture
def both(suite, monkeypatch):
    """Return a way to run a suite twice."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    return Both(suite)


LONGER = pytest.mark.skipif(
    importlib.util.find_spec("pytest_cov") is None, reason="the suite has the like in other files: make integrations"
)
"""Runs for the time when all plugins are there; the suite that everyone runs goes without."""


class TestRunners:
    @pytest.mark.parametrize(
        "options",
        [
            ("-n2",),
            pytest.param(("-n3", "--dist=loadscope", "--maxprocesses=2"), marks=LONGER),
            pytest.param(("-n2", "--dist=worksteal"), marks=LONGER),
        ],
        ids=lambda options: options[-1],
    )
    def test_xdist(self, both, options):
        """Each worker checks its own tests, and the line at the end sums them up."""
        _, result = both("", *options, uses="xdist")

        assert both.suite.lines_of(result, "leakcheck: 4 objects in 5 tests checked; 1 leak in 3 tests")

    @pytest.mark.parametrize("limit", [4, pytest.param(0, marks=LONGER)])
    def test_xdist_where_a_worker_crashes(self, both, limit):
        """Its test is an error, and those of the others are judged; the worker that comes after it starts afresh."""
        source = """
        def test_errors_as_the_worker_dies():
            import os
            keep(Thing())
            os._exit(3)

        @pytest.mark.parametrize("n", range(6))
        def test_more(n, thing): pass
        """
        both(source, "-n2", f"--max-worker-restart={limit}", uses="xdist")

    def test_rerunfailures(self, both):
        """What fails and what leaks is run again, as often as each other; what is expected to leak is not."""
        plain, result = both("", "--reruns=2", uses="rerunfailures")

        assert (plain.parseoutcomes()["rerun"], result.parseoutcomes()["rerun"]) == (4, 6)

    def test_flaky(self, both):
        """Tests that it does not repeat are judged as ever."""
        needs("flaky")
        both("", "--no-flaky-report", uses="flaky")

    @pytest.mark.skipif(pytest.version_tuple >= (9, 1), reason="pytest-forked fails by itself on pytest 9.1 and newer")
    def test_forked(self, both):
        """Each test is judged in its own process, where nothing can recur."""
        both("", "--forked", uses="forked")

    @LONGER
    def test_timeout(self, both):
        """By both of its methods; the time of a verdict is no part of a test's."""
        source = """
        @pytest.mark.timeout(0.3)
        def test_fails_at_its_limit():
            import time
            time.sleep(5)

        def test_waits(assert_collected):
            import threading, time
            thing = assert_collected(Thing(), within=3)
            threading.Thread(target=lambda kept: time.sleep(1.2), args=(thing,)).start()

        @pytest.mark.timeout(0.5, method="thread")
        def test_waits_by_a_thread(assert_collected):
            test_waits(assert_collected)
        """
        both(source, "--timeout=1", "--timeout-method=signal", uses="timeout")

    def test_subtests(self, both):
        """A test is judged once, after all of its subtests, which are reported as without the plugin."""
        source = """
        def test_many(subtests):
            for n in range(3):
                with subtests.test(n=n):
                    LATEST["it"] = Thing()
        """
        plain, result = both(source, uses="subtests")

        assert plain.parseoutcomes().get("subtests passed") == result.parseoutcomes().get("subtests passed")


class TestLoops:
    def test_asyncio(self, both):
        """Tests that share a loop are run a second time as those with one of their own."""
        source = """
        import asyncio
        import contextlib
        import pytest_asyncio

        shared = pytest.mark.asyncio(loop_scope="session")

        @pytest_asyncio.fixture
        async def made():
            yield Thing()

        @pytest.mark.asyncio
        async def test_own_loop(made, assert_collected):
            assert_collected(made)
            async with asyncio.timeout(1) if hasattr(asyncio, "timeout") else contextlib.AsyncExitStack():
                await asyncio.sleep(0)

        @shared
        async def test_shared_loop(made):
            task = asyncio.create_task(asyncio.sleep(3600, made))
            await asyncio.sleep(0)
            task.cancel()

        @shared
        async def test_leaks_in_a_shared_loop(made):
            class Other(Thing): pass
            OTHERS.append([Other()])

        OTHERS = []
        """
        if pytest.version_tuple < (8, 2):
            pytest.skip("pytest-asyncio knows loop_scope for pytest 8.2 and newer")
        ini = ("-o", "asyncio_default_fixture_loop_scope=function")
        both(source, *ini, uses="asyncio")

    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_anyio(self, both, backend):
        """A runner that lasts for a module keeps nothing of a test."""
        if backend == "trio":
            needs("trio")
        source = f"""
        import anyio

        @pytest.fixture(scope="module")
        def anyio_backend():
            return {backend!r}

        @pytest.fixture(scope="module")
        async def connection():
            yield object()

        @pytest.fixture
        async def made(connection):
            yield Thing()

        @pytest.mark.anyio
        async def test_with_fixture(made, assert_collected):
            assert_collected(made, Thing())
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep, 0)

        @pytest.mark.anyio
        async def test_cancelled(assert_collected):
            thing = assert_collected(Thing())
            with anyio.move_on_after(0.01):
                await anyio.sleep_forever()

        @pytest.mark.anyio
        async def test_asked_within(assert_collected):
            thing = assert_collected(Thing())
            with pytest.raises(AssertionError):
                assert_collected.now()

        OTHERS = []

        @pytest.mark.anyio
        async def test_leaks_in_a_task(anyio_backend):
            OTHERS.append([Thing()])
        """
        both(source, uses="anyio")

    def test_trio(self, both):
        """Neither the nursery nor the clock of a test outlives it."""
        source = """
        import trio

        @pytest.fixture
        async def served(nursery):
            async def serve(task_status=trio.TASK_STATUS_IGNORED):
                task_status.started(Thing())
                await trio.sleep_forever()
            return await nursery.start(serve)

        @pytest.mark.trio
        async def test_served(served, nursery, assert_collected):
            assert_collected(served, nursery)

        @pytest.mark.trio
        async def test_clock(autojump_clock, assert_collected):
            assert_collected(autojump_clock)
            await trio.sleep(30)

        @pytest.mark.trio
        async def test_thread(assert_collected):
            thing = assert_collected(Thing())
            await trio.to_thread.run_sync(lambda: thing)

        @pytest.mark.trio
        async def test_fails_in_a_nursery():
            async with trio.open_nursery():
                thing = Thing()
                raise ValueError

        @pytest.mark.trio
        async def test_leaks_in_a_task(served):
            OTHERS.append([served])

        OTHERS = []
        """
        both(source, uses="trio")

    def test_qt(self, both):
        """Windows are judged after qtbot has closed them; that a slot raised, and what it raised, is no leak."""
        needs("PySide6")
        source = """
        from PySide6 import QtCore, QtWidgets

        class Window(QtWidgets.QWidget):
            done = QtCore.Signal()

            def __init__(self):
                super().__init__()
                self.button = QtWidgets.QPushButton("go", self)
                self.button.clicked.connect(self.done)

            def fail(self):
                raise ValueError

        @pytest.fixture
        def window(qtbot):
            window = Window()
            qtbot.addWidget(window)
            window.show()
            return window

        def test_signal(window, qtbot, assert_collected):
            assert_collected(window)
            with qtbot.waitSignal(window.done, timeout=3000):
                qtbot.mouseClick(window.button, QtCore.Qt.LeftButton)

        def test_captured(window, qtbot, assert_collected):
            assert_collected(window)
            with qtbot.captureExceptions() as caught:
                QtCore.QTimer.singleShot(0, window.fail)
                qtbot.wait(20)
            assert len(caught) == 1

        def test_fails_by_a_slot(window, qtbot):
            QtCore.QTimer.singleShot(0, window.fail)
            qtbot.wait(20)

        OTHERS = []

        def test_leaks_a_window(window):
            OTHERS.append([window])
        """
        both(source, "-o", "qt_api=pyside6", uses="qt")


class TestMeasuring:
    @pytest.mark.parametrize("core", ["ctrace", "pytrace", "sysmon"])
    def test_cov(self, both, core, monkeypatch):
        """The same lines and branches are covered, whichever way they are traced."""
        if core == "sysmon" and sys.version_info < (3, 12):
            pytest.skip("sys.monitoring came with Python 3.12")
        monkeypatch.setenv("COVERAGE_CORE", core)
        branch = [] if core == "sysmon" and sys.version_info < (3, 14) else ["--cov-branch"]  # it has none before
        source = """
        KNOWN = {}

        def pay(card):
            if card in KNOWN:
                return KNOWN[card]
            KNOWN[card] = 1
            return 1
        """
        test = """
        import shop

        OTHERS = []

        def test_leaks_and_pays():
            OTHERS.append([Thing()])
            assert shop.pay("card") == 1

        def test_other_file_is_covered_later():
            import later
            LATEST["it"] = Thing()
            assert later.ship(1) == 1
        """
        options = ("--cov=shop", "--cov=later", *branch, "--cov-report=json:cov.json")
        needs("cov")
        both.suite.write(shop=source, later="def ship(order):\n    return order\n")
        both.write(test)

        covered = []
        for more in ((), ("--leakcheck",)):
            both.one(*options, *more, uses="cov")
            covered.append(json.loads((both.path / "cov.json").read_text("utf-8"))["files"])

        assert covered[0] == covered[1]
        assert covered[0]["shop.py"]["missing_lines"] == [6]
        assert covered[0]["later.py"]["missing_lines"] == []

    def test_benchmark(self, both):
        """Each is measured once and told once, and its fixture, which the plugin keeps for its table, is no suspect."""
        source = """
        def test_measured(benchmark, assert_collected):
            benchmark.pedantic(lambda thing: None, args=(assert_collected(Thing()),), rounds=3)

        OTHERS = []

        def test_leaks_as_it_is_measured(benchmark):
            benchmark.pedantic(lambda: OTHERS.append([Thing()]), rounds=3)
            assert benchmark.stats.stats.rounds == 3
        """
        both(source, uses="benchmark")
        measured = []
        for more in ((), ("--leakcheck",)):
            both.one("--benchmark-json=measured.json", *more, uses="benchmark")
            found = json.loads((both.path / "measured.json").read_text("utf-8"))["benchmarks"]
            measured.append([(each["name"], each["stats"]["rounds"]) for each in found])

        assert measured == [[("test_measured", 3), ("test_leaks_as_it_is_measured", 3)]] * 2

    def test_memray(self, both):
        """It tells of the first run alone, and a test that it fails is none of ours to judge."""
        source = """
        @pytest.mark.limit_memory("100 KB")
        def test_fails_as_it_takes_too_much():
            keep(bytearray(3_000_000) and Thing())

        OTHERS = []

        def test_leaks_much():
            OTHERS.append([Thing(), bytearray(3_000_000)])
        """
        options = ("--memray", "--memray-bin-path=dumps", "--most-allocations=0")
        both.write(source)
        needs("memray")
        told, dumps = [], []
        for more in ((), ("--leakcheck",)):
            result = both.one(*options, *more, uses="memray")
            result.stdout.fnmatch_lines(["Test was limited to 100.0KiB but allocated 2.9MiB*"])
            measured = re.findall(r"results for \S+::(\S+)[^$]*?allocated: (2.9MiB|)", result.stdout.str())
            told.append(sorted(name for name, size in measured if size))
            dumps.append(len(list((both.path / "dumps").glob("*.bin"))) - sum(dumps))

        assert told == [["test_fails_as_it_takes_too_much", "test_leaks_much"]] * 2
        assert dumps[0] == dumps[1]

    def test_html(self, both):
        """Each test has one row, and that of a leak has its report."""
        rows = []
        needs("html")
        both.write("")
        for more in ((), ("--leakcheck",)):
            both.one("--html=page.html", "--self-contained-html", *more, uses="html html_fixtures metadata")
            page = (both.path / "page.html").read_text("utf-8")
            blob = re.search(r'data-jsonblob="([^"]*)"', page).group(1)
            tests = json.loads(blob.replace("&#34;", '"').replace("&amp;", "&"))["tests"]
            rows.append({name.rpartition("::")[2]: [row["result"] for row in each] for name, each in tests.items()})

        assert rows[1] == {**rows[0], "test_leaks": ["Failed"]}
        assert page.count("LEAKED  1 object") == 3  # one of them was expected

    def test_sugar(self, both):
        """Its line for each failure is there once."""
        plain, result = both("", uses="sugar")

        assert (plain.parseoutcomes()["failed"], result.parseoutcomes()["failed"]) == (2, 3)

    def test_pyleak(self, both):
        """Its marker no_leaks and ours, no_leak, do not get in each other's way."""
        source = """
        import asyncio

        @pytest.mark.no_leaks
        @pytest.mark.asyncio
        async def test_fails_by_its_task():
            thing = Thing()
            asyncio.create_task(asyncio.sleep(3, thing))

        @pytest.mark.no_leaks
        @pytest.mark.no_leak(instances_of=Thing)
        @pytest.mark.asyncio
        async def test_leaves_no_task():
            Thing()

        @pytest.mark.no_leaks("threads")
        def test_leaks_no_thread_but_a_thing(assert_collected):
            OTHERS.append([Thing()])

        OTHERS = []
        """
        both(source, "-o", "asyncio_default_fixture_loop_scope=function", uses="pyleak asyncio")


class TestHelpers:
    def test_mock(self, both):
        """A mock that its fixture has made keeps nothing once the test is over."""
        source = """
        class Client:
            def send(self, thing): pass

        CLIENT = Client()

        def test_patch(mocker, assert_collected):
            sent = mocker.patch.object(CLIENT, "send")
            CLIENT.send(assert_collected(Thing()))
            sent.assert_called_once()

        def test_spy(mocker, assert_collected):
            mocker.spy(CLIENT, "send")
            CLIENT.send(assert_collected(Thing()))

        @pytest.mark.parametrize("n", range(2))
        def test_patch_for_all(session_mocker, n):
            CLIENT.send(Thing())

        @pytest.fixture
        def stub(mocker):
            return mocker.stub()

        def test_stub(stub, assert_collected):
            assert_collected(stub)(assert_collected(Thing()))

        OTHERS = []

        def test_leaks_a_mock(stub):
            stub(Thing())
            OTHERS.append([stub])
        """
        both(source, uses="mock")

    def test_hypothesis(self, both):
        """A test is judged after all of its examples, which are as many as without the check."""
        source = """
        from hypothesis import Phase, given, settings, strategies

        few = settings(max_examples=5, database=None, deadline=None, derandomize=True, phases=[Phase.generate])

        @few
        @given(strategies.integers())
        def test_drawn(number):
            Thing().number = number
            with open("examples.txt", "a") as examples:
                examples.write("drawn\\n")

        @few
        @given(strategies.integers())
        def test_fails_for_all(number):
            assert Thing() is number
        """
        needs("hypothesis")
        both(source, "--hypothesis-show-statistics", uses="hypothesis")

        assert both.suite.take_lines("examples.txt") == ["drawn"] * 10

    @pytest.mark.parametrize("options", [(), ("-n2",)], ids=["alone", "xdist"])
    def test_randomly(self, both, options):
        """With one seed, tests come in the same order and draw the same numbers, second runs or not."""
        source = """
        import random

        @pytest.fixture(autouse=True)
        def drawn(request):
            with open("drawn.txt", "a") as file:
                file.write(f"{request.node.name} {random.random()}\\n")

        def test_draws(): LATEST["it"] = random.random()
        """
        drawn = []
        needs("randomly")
        both.write(source)
        for more in ((), ("--leakcheck",)):
            both.one(
                "-p", "randomly", "-p", "no:cacheprovider", "--randomly-seed=7", *options, *more, uses="randomly xdist"
            )
            lines = both.suite.take_lines("drawn.txt")
            drawn.append(sorted(set(lines)) if options else list(dict.fromkeys(lines)))

        assert drawn[0] == drawn[1]


SHOP = {
    "settings": """
    SECRET_KEY = "x"
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "orders"]
    MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
    ROOT_URLCONF = "orders.urls"
    DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
    RATE = 1
    """,
    "orders/__init__": "",
    "orders/urls": """
    from django.http import HttpResponse
    from django.urls import path
    from orders.models import Order

    urlpatterns = [path("", lambda request: HttpResponse(str(Order.objects.count())))]
    """,
    "orders/models": """
    from django.db import models

    class Order(models.Model):
        name = models.CharField(max_length=10)

    class Line(models.Model):
        order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    """,
}
DJANGO = """
from django.core import mail
from django.db import transaction
from django.db.models.signals import post_save
from django.test import TestCase
from orders.models import Line, Order

@pytest.mark.django_db
def test_model(assert_collected):
    order = assert_collected(Order.objects.create(name="a"))
    Line.objects.create(order=order)
    assert len(order.lines.all()) == 1

@pytest.mark.django_db(transaction=True)
def test_transaction(assert_collected):
    assert_collected(Order.objects.create(name="a"))

def test_client(client, db, assert_collected):
    assert assert_collected(assert_collected(client).get("/")).content == b"0"

def test_settings(settings, assert_collected):
    settings.RATE = assert_collected(Thing())

@pytest.mark.parametrize("n", range(2))
def test_mail(mailoutbox, n):
    mail.send_mail("a", "b", "c@d.e", ["f@g.h"])
    mailoutbox[0].thing = Thing()

def test_commit(db, django_capture_on_commit_callbacks, assert_collected):
    thing = assert_collected(Thing())
    with django_capture_on_commit_callbacks(execute=True):
        transaction.on_commit(lambda: thing)

def test_queries(db, django_assert_num_queries):
    with django_assert_num_queries(1):
        Order.objects.count()

@pytest.mark.django_db
@pytest.mark.parametrize("n", range(2))
def test_leaks_an_order(n):
    assert Order.objects.count() == 0
    keep(Order.objects.create(name="a"))

def test_leaks_a_receiver(db):
    thing = Thing()
    def receive(**_): return thing
    post_save.connect(receive, weak=False)

class TestOrders(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.order = Order.objects.create(name="s")

    def test_class_data(self):
        self.thing = Thing()
        assert Order.objects.get() == self.order

    def test_leaks_in_a_test_case(self):
        OTHERS.append([Order.objects.create(name="t")])

OTHERS = []
"""


class TestTogether:
    @pytest.mark.parametrize("options", [(), ("-n2",)], ids=["alone", "xdist"])
    def test_django(self, both, options):
        """What its fixtures set up for the session is none of a test's; each test finds an empty database."""
        needs("django")
        (both.path / "orders").mkdir()
        both(DJANGO, "--ds=settings", *options, uses="django xdist", files=SHOP)

    def test_xdist_reruns_and_cov(self, both):
        """As large suites have them."""
        plain, result = both("", "-n2", "--reruns=1", "--cov=.", "--cov-branch", uses="xdist rerunfailures cov")

        assert (plain.parseoutcomes()["rerun"], result.parseoutcomes()["rerun"]) == (2, 3)

    @LONGER
    def test_asyncio_and_timeout(self, both):
        """A coroutine that takes too long fails, whose loop holds nothing of the others."""
        source = """
        import asyncio

        @pytest.mark.asyncio
        async def test_in_time(assert_collected):
            await asyncio.sleep(0, assert_collected(Thing()))

        @pytest.mark.asyncio
        @pytest.mark.timeout(0.3)
        async def test_fails_at_its_limit(thing):
            await asyncio.sleep(5, thing)

        @pytest.mark.asyncio
        async def test_leaks_in_time():
            OTHERS.append([Thing()])

        OTHERS = []
        """
        ini = ("-o", "asyncio_default_fixture_loop_scope=function")
        both(source, "--timeout=20", *ini, uses="asyncio timeout")

    def test_all_that_get_on_with_each_other(self, both):
        """Loaded at once, most of them idle."""
        uses = (
            "xdist rerunfailures asyncio anyio timeout cov randomly mock hypothesis html html_fixtures metadata sugar"
        )
        both("def test_stub(mocker, assert_collected): mocker.stub()(assert_collected(Thing()))\n", "-n2", uses=uses)
