"""What --leakcheck and a bare marker take for a leak: what accumulates, over a second run or another test."""

import sys

import pytest

import surroundings
from pytest_leakcheck.checking.evidence import MOST_KEPT
from pytest_leakcheck.runtime.addresses import has_generations

RUNS = """
def count_run(name):
    with open("runs.txt", "a") as file:
        file.write(name + "\\n")
"""


BROKEN_LOOK = """
from pytest_leakcheck.checking import confirm

def drop_doomed(*watches):
    raise RuntimeError("no look for garbage")

confirm.drop_doomed = drop_doomed
"""
BROKEN_SEARCH = """
from pytest_leakcheck.explaining import explain

def find_paths(*args, **kwargs):
    raise RuntimeError("no search")

explain.find_paths = find_paths
"""
NOTING_WAITS = """
from pytest_leakcheck.checking import confirm

patience = confirm.patience

def noted(*args):
    seconds = patience(*args)
    with open("waits.txt", "a") as file:
        file.write(f"{seconds} ")
    return seconds

confirm.patience = noted
"""


def runs_of(suite):
    """Return how often each test that counts its runs was run."""
    names = (suite.path / "runs.txt").read_text("utf-8").split()
    return {name: names.count(name) for name in names}


@pytest.fixture
def check(suite):
    """Return what runs a suite with --leakcheck -v and a helper that counts runs."""
    suite.write(runs=RUNS)

    def run(source="", *arguments, uses=""):
        source = source and "\nfrom runs import count_run\n" + source
        return suite.run(_dedented(source), "--leakcheck", "-v", *arguments, uses=uses)

    return run


def _dedented(source):
    import textwrap  # noqa: PLC0415 - here alone

    head, _, rest = source.partition("count_run\n")
    return f"{head}count_run\n{textwrap.dedent(rest)}" if rest else source


class TestByRepeat:
    def test_what_accumulates_is_a_leak(self, check):
        """A list that every run adds to fails the test; the report tells of the second run's object and its line."""
        result = check("def test_leak(): keep(Thing())\n")

        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                "LEAKED  1 object that should be gone is still alive",
                "  test_it.Thing  made during the test at suite/test_it.py:17",
                "    .KEPT *list, 2 items",
                "    [[]1[]] *Thing *LEAKED",
            ]
        )

    @pytest.mark.parametrize(
        ("source", "why"),
        [
            (
                "test_it(): globals().setdefault('ONLY', Thing())",
                "made once, not again by a second run: initialisation",
            ),
            ("test_it(cache={}): KEPT or keep(Thing())", "made once, not again by a second run: initialisation"),
            ("test_it(): Thing.current = Thing()", "in test_it.Thing.current: replaced by the next"),
            ("test_it(): KEPT[:] = [Thing()]", "in test_it.KEPT: replaced by the next"),
        ],
        ids=["singleton", "warm cache", "slot of a class", "slot of a list"],
    )
    def test_initialisation_and_replaced_slots_pass(self, check, source, why):
        """Under -v a line says which it was."""
        result = check(f"def {source}\n")

        result.assert_outcomes(passed=1)
        (line,) = [line for line in result.outlines if "set aside: test_it.py::test_it: 1 test_it.Thing" in line]
        assert line.endswith(why)
        assert "leakcheck: run a second time: test_it.py::test_it" in result.outlines

    @pytest.mark.parametrize(
        ("source", "bound"),
        [
            ("CACHE = functools.lru_cache(maxsize=8)(id)\ndef test_it(): CACHE(Thing())", "8"),
            ("CACHE = collections.deque(maxlen=5)\ndef test_it(): CACHE.append(Thing())", "5"),
        ],
        ids=["lru_cache", "deque"],
    )
    def test_bounded_caches_pass_with_a_warning_that_says_the_bound(self, check, suite, source, bound):
        """Also without -v, once for each cache however many tests fill it."""
        source = f"import collections, functools\n{source}\ntest_other = test_it\n"
        result = check(source, "-q")

        result.assert_outcomes(passed=2)
        (line,) = suite.lines_of(result, "bounded, not a leak")
        assert line.startswith("leakcheck: test_it.py::test_it: 1 test_it.Thing in test_it.CACHE")
        assert f"at most {bound} " in line

    @pytest.mark.parametrize(
        ("source", "bound"),
        [
            (
                "POOL = queue.Queue(5)\nPOOL.put(0)\ndef test_it(): POOL.get(), POOL.put(Thing())",
                "a queue of at most 5",
            ),
            ("POOL = asyncio.Queue(5)\ndef test_it(): POOL.put_nowait(Thing())", "a queue of at most 5"),
            (
                (
                    "LOG = handlers.MemoryHandler(9)\n"
                    "def test_it(): LOG.handle(logging.makeLogRecord({'levelno': 1, 'thing': Thing()}))"
                ),
                "a handler of at most 9",
            ),
            ("test_it = lambda: Kind(next(NUMBERS))", "the members of an enum"),
        ],
        ids=["queue", "asyncio queue", "memory handler", "flags"],
    )
    def test_what_the_standard_library_bounds_is_told_so(self, check, suite, source, bound):
        """Queues with a size, handlers with a capacity, and what an enum makes of combinations of its members."""
        result = check(
            f"""import asyncio, enum, itertools, logging, queue
from logging import handlers
class Kind(enum.Flag): A, B, C, D, E = 1, 2, 4, 8, 16
NUMBERS = itertools.count(9)
{source}
"""
        )

        result.assert_outcomes(passed=1)
        (line,) = suite.lines_of(result, "bounded, not a leak")
        assert bound in line

    @pytest.mark.parametrize(
        ("cache", "bound"),
        [
            ("class Cache: capacity, data = 40, []", "in test_it.Cache.data: there is a .capacity of 40 beside it"),
            (
                "class Cache:\n    def __init__(self): self.__maxsize, self.data = 40, {}",
                "in test_it.CACHE: there is a ._Cache__maxsize of 40 beside it",
            ),
            (
                "class Cache(dict):\n    def __init__(self): self.max_size, self.data = 40, self",
                "in test_it.CACHE: there is a .max_size of 40 beside it",
            ),
        ],
    )
    def test_a_cache_that_tells_its_size_is_taken_at_its_word(self, check, suite, cache, bound):
        """As those written by hand do; one that has twice as much by now is not."""
        source = f"""
{cache}
CACHE = Cache()
def leak(number):
    for _ in range(number):
        thing = Thing()
        CACHE.data.append(thing) if type(CACHE.data) is list else CACHE.data.setdefault(id(thing), thing)
"""
        few = check(source + "def test_it(): leak(3)")

        few.assert_outcomes(passed=1)
        (line,) = suite.lines_of(few, "bounded, not a leak")
        assert bound in line
        check(source + "def test_it(): leak(81)").assert_outcomes(failed=1)

    def test_of_many_types_in_a_bounded_container_the_first_few_are_told(self, check, suite):
        """The line is for whoever wants to know the limit."""
        result = check(
            """import collections
LATEST = collections.deque(maxlen=40)
KINDS = [type(f"Part{number}", (), {"__module__": __name__}) for number in range(9)]
def test_it(): LATEST.append([kind() for kind in KINDS])
"""
        )

        result.assert_outcomes(passed=1)
        (line,) = suite.lines_of(result, "bounded, not a leak")
        assert "1 test_it.Part0, 1 test_it.Part1, 1 test_it.Part2, 1 test_it.Part3, 5 more in test_it.LATEST" in line

    def test_a_further_run_that_fails_is_no_warning(self, check, suite):
        """The leak is found by then; how often its test may be run is nobody's matter."""
        result = check("def test_it(): assert len(KEPT) < 5 and keep(Thing())\n")

        result.assert_outcomes(failed=1)
        assert suite.lines_of(result, "LEAKED test_it.py::test_it")
        assert not suite.lines_of(result, "it failed")

    def test_a_pool_that_is_full_after_two_runs_is_no_leak(self, check):
        """A further run that adds nothing proves it."""
        result = check("def test_it(): len(KEPT) < 2 and keep(Thing())\n")

        result.assert_outcomes(passed=1)

    def test_each_leak_is_told_with_the_line_that_made_it(self, check, suite):
        """Of objects of one class as well."""
        result = check(
            """
            OTHERS = set()
            def test_it():
                keep(Thing())
                OTHERS.add(Thing())
            """
        )

        result.assert_outcomes(failed=1)
        lines = [line.partition("suite/")[2] for line in suite.lines_of(result, "test_it.Thing  made during")]
        assert sorted(lines) == ["test_it.py:20", "test_it.py:21"]

    def test_a_chain_from_each_to_the_one_before_is_told(self, check, suite):
        """The slot for the latest is not at fault, but what leads on from that."""
        result = check(
            "def test_it(): Thing.latest, Thing.latest.before = (new := Thing()), getattr(Thing, 'latest', None)\n"
        )

        result.assert_outcomes(failed=1)
        assert suite.lines_of(result, "It leads to the one before it by .before, so that each new one keeps all")

    def test_without_v_what_was_set_aside_is_not_told(self, suite):
        """A passing suite's summary is one line."""
        result = suite.run("def test_it(): KEPT[:] = [Thing()]\n", "--leakcheck")

        result.assert_outcomes(passed=1)
        assert len(suite.lines_of(result, "leakcheck:")) == 1

    def test_old_garbage_is_no_leak(self, check):
        """What both runs leave in cycles that young collections do not find."""
        result = check(
            """
            import gc

            def test_it():
                first, second = Thing(), Thing()
                first.other, second.other = second, first
                gc.collect()  # from here on it is old
            """
        )

        result.assert_outcomes(passed=1)

    @pytest.mark.skipif(not hasattr(sys, "getrefcount"), reason="PyPy collects all there is each time")
    def test_what_a_long_test_left_is_collected_before_it_would_be_run_again(self, check, suite):
        """Where a second run takes longer than a full collection, and the garbage of two runs twice the memory."""
        result = check(
            """
            import gc, time

            def test_it():
                count_run("it")
                things = [Thing() for _ in range(20_000)]
                for thing in things:
                    thing.all = things
                gc.collect()  # from here on they are old
                time.sleep(0.3)
            """
        )

        result.assert_outcomes(passed=1)
        assert runs_of(suite) == {"it": 1}

    def test_zero_repeats_wait_for_another_test(self, check, suite):
        """--leakcheck-repeat=0 runs each test once; the second test that leaks in one place fails."""
        result = check(
            """
            def test_first():
                count_run("first")
                keep(Thing())

            def test_second():
                count_run("second")
                keep(Thing())
            """,
            "--leakcheck-repeat=0",
        )

        result.assert_outcomes(passed=1, failed=1)
        assert runs_of(suite) == {"first": 1, "second": 1}
        result.stdout.fnmatch_lines(["*Another one, left there by test_it.py::test_first, is still alive.*"])

    def test_two_repeats_tell_a_slow_start_from_a_leak(self, check, suite):
        """--leakcheck-repeat=12 judges what the thirteenth run adds: a pool that fills up in twelve passes."""
        source = """
        POOL = []

        def test_pool():
            count_run("pool")
            if len(POOL) < 12:
                POOL.append(Thing())

        def test_leak():
            count_run("leak")
            keep(Thing())
        """
        check(source).assert_outcomes(failed=2)
        (suite.path / "runs.txt").unlink()

        check(source, "--leakcheck-repeat=12").assert_outcomes(passed=1, failed=1)

        assert runs_of(suite) == {"pool": 13, "leak": 14}

    def test_attributes_that_are_numbered_are_one_place(self, check):
        """A leak that makes a new name for each object is one all the same."""
        result = check(
            """
            import itertools

            NUMBERS = itertools.count()

            def test_globals(): globals()[f"thing_{next(NUMBERS)}"] = Thing()

            def test_attributes(): setattr(Thing, f"thing_{next(NUMBERS)}", Thing())
            """
        )

        result.assert_outcomes(failed=2)

    def test_without_a_search_growth_is_a_leak_all_the_same(self, check, suite):
        """The report has no trace; what is replaced is held at an unknown place."""
        source = """
        class Other(Thing): pass

        def test_leak(): keep(Thing())
        def test_slot(): Thing.slot = Other()
        """
        suite.write(conftest=BROKEN_SEARCH)
        result = check(source)

        result.assert_outcomes(failed=1, passed=1)
        assert suite.lines_of(result, "chain unavailable: the search ended with")
        assert suite.lines_of(result, "test_slot: 1 test_it.Other in an unknown place: replaced by the next")


class TestKnownPlaces:
    SOURCE = """
    def leak(name):
        count_run(name)
        keep(Thing())

    def test_first(): leak("first")
    def test_second(): leak("second")
    def test_third(): leak("third")
    """

    def test_later_tests_are_told_the_same_leak_without_another_run(self, check, suite):
        """One leak in three tests costs one second run."""
        result = check(self.SOURCE)

        result.assert_outcomes(failed=3)
        assert runs_of(suite) == {"first": MOST_KEPT + 1, "second": 1, "third": 1}
        assert len(suite.lines_of(result, "The same leak as in test_it.py::test_first, held by test_it.KEPT.")) == 2
        assert suite.lines_of(result, "1 leak in 3 tests")

    def test_nor_is_a_test_run_again_for_the_instance_of_its_class_beside_one(self, check, suite):
        """Which is garbage that waits for a full collection, where what it made is known to be bounded."""
        check(
            """
            import collections, unittest

            KEPT = collections.deque(maxlen=200)

            class TestIt(unittest.TestCase):
                def setUp(self):
                    self.me = self.tearDown
                    KEPT.append([Thing()])
                    count_run(self.id())

                def test_a(self): pass
                def test_b(self): pass
                def test_c(self): pass
            """
        )

        assert sorted(runs_of(suite).values()) == [1, 1, 2]

    def test_a_slot_is_known_too(self, check, suite):
        """What was replaced once is no reason to run another test again."""
        check(self.SOURCE.replace("keep(Thing())", "KEPT[:] = [Thing()]")).assert_outcomes(passed=3)

        assert runs_of(suite) == {"first": 2, "second": 1, "third": 1}

    def test_a_slot_near_the_users_modules_is_known_without_a_search(self, check, suite):
        """Without -v nobody is told where it is, so that is all that is looked for; the second run settles the rest."""
        suite.write(conftest=BROKEN_SEARCH)
        result = check(self.SOURCE.replace("keep(Thing())", "KEPT[:] = [Thing()]"), "-q")

        result.assert_outcomes(passed=3)
        assert runs_of(suite) == {"first": 2, "second": 1, "third": 1}

    def test_nor_is_garbage_looked_for_then(self, check, suite):
        """What is found near a module is none."""
        suite.write(conftest=BROKEN_LOOK)
        result = check(self.SOURCE.replace("keep(Thing())", "KEPT[:] = [Thing()]"), "-q")

        result.assert_outcomes(passed=3)
        assert runs_of(suite) == {"first": 2, "second": 1, "third": 1}

    @pytest.mark.skipif(not has_generations(), reason="each collection is a full one")
    def test_what_a_slot_held_before_need_not_be_collected(self, suite):
        """It is no longer there, nor below what is: be it garbage or held elsewhere, nothing piles up there."""
        source = """
        @pytest.mark.parametrize("number", range(30))
        def test_it(number):
            thing = Thing()
            thing.itself = thing
            KEPT[:] = [thing]
        """
        suite.write(conftest=surroundings.COUNTING_FULL)

        def number(*arguments):
            result = suite.run(source, *arguments)
            result.assert_outcomes(passed=30)
            return surroundings.full_collections(result)

        assert number("--leakcheck") <= number() + 5

    def test_a_slot_far_from_them_is_looked_for_once_second_runs_have_cost_as_much(self, check, suite):
        """Then it is known, and no further test is run again for it."""
        result = check(
            """
            @pytest.mark.parametrize("number", range(20))
            def test_slot(number):
                count_run(str(number))
                pytest.console_main.slot = Thing()
            """,
            "-q",
        )

        result.assert_outcomes(passed=20)
        runs = [runs_of(suite)[str(number)] for number in range(20)]
        assert runs == sorted(runs, reverse=True)
        assert 5 <= runs.count(2) <= 16  # fewer where the machine is so busy that a quick test takes 5 ms

    def test_one_object_in_two_known_slots_is_recognised_once(self, check):
        """And the check goes on to its end."""
        result = check(
            """
            class Slots: first = second = None

            def test_first(): Slots.first = Thing()
            def test_second(): Slots.second = Thing()
            def test_both(): Slots.first = Slots.second = Thing()
            """
        )

        result.assert_outcomes(passed=3)
        assert not [line for line in result.outlines if "not checked to its end" in line]

    def test_it_is_looked_for_sooner_where_tests_are_slow(self, check, suite):
        """A tenth of a second costs more than a search does."""
        slow = "__import__('time').sleep(0.1); pytest.console_main.slot = Thing()"
        result = check(self.SOURCE.replace("keep(Thing())", slow), "-q")

        result.assert_outcomes(passed=3)
        assert runs_of(suite) == {"first": 2, "second": 1, "third": 1}

    def test_slots_that_each_test_has_for_itself_are_looked_for_ever_more_rarely(self, suite):
        """To know one of them is of no use to the next test: only the 16th one's and the 64th one's are."""
        suite.write(
            conftest="""
            from pytest_leakcheck.explaining import explain

            find_paths = explain.find_paths

            def counted(*args, **kwargs):
                with open("searches.txt", "a") as file:
                    file.write("1")
                return find_paths(*args, **kwargs)

            explain.find_paths = counted
            """
        )
        result = suite.run(
            """
            @pytest.mark.parametrize("number", range(70))
            def test_slot(number):
                other = type(f"Other{number}", (), {"__module__": __name__})
                setattr(pytest.console_main, f"slot_{number}", [Thing(), other()])
            """,
            "--leakcheck",
        )

        result.assert_outcomes(passed=70)
        assert len((suite.path / "searches.txt").read_text("utf-8")) == 2

    def test_a_slot_that_starts_to_grow_becomes_a_leak(self, check, suite):
        """The first test replaces what is there, a later one adds to it."""
        result = check(
            """
            def test_first(): KEPT[:] = [Thing()]
            def test_second(): KEPT.append(Thing())
            """
        )

        result.assert_outcomes(passed=1, failed=1)
        assert suite.lines_of(result, "test_it.py::test_second LEAKED")

    def test_what_a_thread_runs_is_of_its_leak_in_each_test(self, check, suite):
        """Its target and what is in the variables of what it runs, though its stack has them as well."""
        result = check(
            """
            import threading

            class Worker(threading.Thread): pass

            class Socket:
                def __init__(self):
                    self.server = Thing()
                    self.server.socket = self
                    Worker(target=self.ping, daemon=True).start()

                def ping(self): threading.Event().wait(9)

            @pytest.mark.parametrize("number", range(3))
            def test_starts(number): Socket()
            """
        )

        result.assert_outcomes(failed=3)
        assert len(suite.lines_of(result, "LEAKED  3 objects that should be gone are still alive")) == 3

    def test_slots_by_key_are_slots(self, check):
        """Each key grows once, and is then filled anew; also where its test can't be run again."""
        result = check(
            """
            SLOTS = {}

            @pytest.fixture(scope="module")
            def server(): return object()

            @pytest.mark.parametrize("key", [1, 2, 3, 1])
            def test_slot(key): SLOTS[key] = Thing()

            @pytest.mark.parametrize("key", [4, 4, 4])
            def test_more(key, server): SLOTS[key] = Thing()
            """
        )

        result.assert_outcomes(passed=7)

    def test_a_cache_that_several_tests_warm_is_initialisation(self, check):
        """What one test with a wider fixture left, and another one without, is confirmed by running that again."""
        result = check(
            """
            CACHE = {}

            @pytest.fixture(scope="module")
            def server(): return object()

            def test_first(server): CACHE.setdefault("apple", Thing())
            def test_second(): CACHE.setdefault("pear", Thing())
            def test_third(): CACHE.setdefault("plum", Thing())
            """
        )

        result.assert_outcomes(passed=3)

    @pytest.mark.parametrize(
        ("hold", "leak"),
        [
            ("STATES[self] = self.part", "STATES[thing].thing = thing"),
            ("NAMES[self.part] = self", "thing.part.thing = thing"),
            ("weakref.finalize(self, self.part)", "thing.part.thing = thing"),
            ("REFS[weakref.ref(self, REFS.pop)] = self.part", "thing.part.thing = thing"),
        ],
    )
    def test_what_goes_once_its_key_is_collected_is_not_taken_for_a_known_leak(self, check, hold, leak):
        """The entry of a weak structure looks like that of the leak for as long as garbage waits."""
        result = check(
            f"""import gc, weakref
STATES, NAMES, REFS = weakref.WeakKeyDictionary(), weakref.WeakValueDictionary(), {{}}
class Part:
    __hash__, thing = object.__hash__, None
    def __call__(self): ...
class Whole:
    def __init__(self):
        self.me, self.part = self, Part()
        {hold}
def test_leaks():
    thing = Whole()
    {leak}
def test_leaves_garbage():
    thing = Whole()
    gc.collect()  # it grows old while it is used, as in any longer test
def test_leaks_too():
    thing = Whole()
    gc.collect()
    {leak}
"""
        )

        result.assert_outcomes(passed=1, failed=2)
        result.stdout.fnmatch_lines(["*The same leak as in test_it.py::test_leaks,*"])

    @pytest.mark.skipif(not hasattr(sys, "getrefcount"), reason="PyPy has no callbacks of the collector")
    def test_a_value_that_leads_to_its_key_takes_no_collection(self, check):
        """It never goes by itself, so that a thousand such tests cost no thousand collections."""
        result = check(
            """import gc, weakref
STATES, FULL = weakref.WeakKeyDictionary(), []
gc.callbacks.append(lambda phase, info: FULL.append(phase) if info["generation"] == 2 else None)
def leak():
    thing = Thing()
    STATES[thing] = thing
def test_leaks():
    leak()
def test_leaks_too():
    FULL.clear()
    leak()
def test_none_was_full():
    gc.callbacks.pop()
    assert not FULL
"""
        )

        result.assert_outcomes(passed=1, failed=2)

    def test_what_is_made_once_is_not_taken_for_a_known_leak(self, check, suite):
        """A singleton may be entered into the list that others pile up in: of another type, it is judged by itself."""
        result = check(
            """
            class Other(Thing): one = None

            def leak(): keep(Thing())

            def test_leaks(): leak()

            def test_first_use():
                count_run("first")
                if Other.one is None:
                    Other.one = keep(Other())

            def test_leaks_too():
                count_run("too")
                leak()

            def test_leaks_both():
                count_run("both")
                keep(Other()), leak()
            """
        )

        result.assert_outcomes(passed=1, failed=3)
        assert runs_of(suite) == {"first": 2, "too": 1, "both": 1}

    @pytest.mark.skipif(not hasattr(sys, "getrefcount"), reason="PyPy collects all there is each time")
    def test_what_garbage_has_as_well_is_recognised_once_that_is_told_apart(self, check, suite):
        """An application that is a cycle has what a bounded cache keeps of it: no reason to run each test again."""
        result = check(
            """import functools, gc, time

HEAP = [[] for _ in range(100_000)]  # a look at what is young costs little beside it

class Part: pass
class Style:
    def __init__(self, text): self.text = text

class Filter:
    def __init__(self): self.parts = [Part() for _ in range(5)]

    @functools.lru_cache(1024)
    def style(self, text): return Style(text)

class App:
    def __init__(self):
        self.me, self.filter = self, Filter()
        self.parts, self.style = self.filter.parts[:], self.filter.style("red")

def use_app():
    app = App()
    gc.collect()  # it grows old while it is used, as in any longer test
    time.sleep(0.03)

def test_first():
    count_run("first")
    use_app()

def test_second():
    count_run("second")
    use_app()
"""
        )

        result.assert_outcomes(passed=2)
        assert runs_of(suite) == {"first": 2, "second": 1}

    def test_what_leaks_to_a_thread_is_waited_for_in_vain_three_times(self, suite):
        """A thread may let go in a moment; where it did not in three tests, a thousand more need not wait for it."""
        suite.write(conftest=NOTING_WAITS)
        result = suite.run(
            """
            import threading

            @pytest.mark.parametrize("number", range(5))
            def test_it(number):
                timer = threading.Timer(60, Thing().__repr__)
                timer.daemon = True
                timer.start()
            """,
            "--leakcheck",
        )

        result.assert_outcomes(failed=5)
        assert (suite.path / "waits.txt").read_text("utf-8").split() == ["1.0", "1.0", "1.0", "0.0", "0.0"]

    def test_so_is_what_each_of_several_threads_keeps_until_its_next(self, suite):
        """Some more runs tell that it is none; that the threads let go of it in a moment, no run has told so far."""
        suite.write(conftest=NOTING_WAITS)
        result = suite.run(
            """
            import queue, threading

            CONTEXT = threading.local()

            def work(jobs):
                while True:
                    CONTEXT.jobs = {"latest": jobs.get()}
                    CONTEXT.jobs["latest"].done.set()

            QUEUES = [queue.SimpleQueue() for _ in range(2)]
            for each in QUEUES:
                threading.Thread(target=work, args=(each,), daemon=True).start()

            @pytest.mark.parametrize("number", range(12))
            def test_it(number):
                job, done = Thing(), threading.Event()
                job.done = done
                QUEUES.append(QUEUES.pop(0))
                QUEUES[0].put(job)
                del job
                done.wait()
            """,
            "--leakcheck",
        )

        result.assert_outcomes(passed=12)
        waits = (suite.path / "waits.txt").read_text("utf-8").split()
        assert waits == ["1.0", "1.0", "1.0", *["0.0"] * (len(waits) - 3)]
        assert len(waits) > 3

    def test_a_leak_elsewhere_is_judged_on_its_own(self, check, suite):
        """A test that leaks at a known place and a new one is told both, and run again for the new one."""
        result = check(
            """
            OTHERS = []

            def test_first(): keep(Thing())

            def test_both():
                count_run("both")
                keep(Thing())
                OTHERS.append([Thing()])
            """
        )

        result.assert_outcomes(failed=2)
        assert runs_of(suite) == {"both": MOST_KEPT + 1}
        result.stdout.fnmatch_lines(["*2 objects that should be gone are still alive", "*The same leak as in*"])
        assert suite.lines_of(result, "2 leaks in 2 tests")

    def test_a_registry_that_is_emptied_in_between_is_judged_anew(self, check, suite):
        """Once: what a test puts there after that may be all there is from now on. The leak is known."""
        result = check(
            """
            @pytest.fixture(scope="module", autouse=True)
            def emptied():
                yield

            def test_first(): keep(Thing())
            def test_empties(): KEPT.clear()
            def test_second():
                count_run("second")
                keep(Thing())
            def test_third():
                count_run("third")
                keep(Thing())
            """
        )

        result.assert_outcomes(passed=1, failed=3)
        assert runs_of(suite) == {"second": 2, "third": 1}


class TestByRecurrence:
    SOURCE = """
    @pytest.fixture(scope="module")
    def server(): return object()

    def leak(name):
        count_run(name)
        keep(Thing())

    def test_first(server): leak("first")
    def test_second(server): leak("second")
    def test_third(server): leak("third")
    """

    def test_the_second_test_fails_and_names_the_first(self, check, suite):
        """A test with a module-scoped fixture is not run again; a third one is told the same leak."""
        result = check(self.SOURCE)

        result.assert_outcomes(passed=1, failed=2)
        assert set(runs_of(suite).values()) == {1}
        assert suite.lines_of(result, "test_it.py::test_first PASSED")
        assert len(suite.lines_of(result, "Another one, left there by test_it.py::test_first, is still alive.")) == 1
        assert len(suite.lines_of(result, "The same leak as in test_it.py::test_second")) == 1
        assert suite.lines_of(result, "  Rerun: pytest test_it.py::test_first test_it.py::test_second --leakcheck")

    MANY = """
    CACHE, OTHER = {}, {}

    @pytest.fixture(scope="module")
    def server(): return object()

    @pytest.mark.parametrize("name", [f"page {number}" for number in range(30)])
    def test_warms(server, name): CACHE[name], OTHER[name] = Thing(), Thing()
    """

    def test_a_cache_that_many_tests_warm_is_searched_for_a_few_of_them(self, check, suite):
        """From then on it is known as a whole, and costs what is new in it."""
        suite.write(
            conftest="""
            import pytest_leakcheck.explaining.explain
            real = pytest_leakcheck.explaining.explain.find_paths

            def find_paths(*args, **kwargs):
                print("\\nsearched")
                return real(*args, **kwargs)

            pytest_leakcheck.explaining.explain.find_paths = find_paths
            """
        )
        result = check(self.MANY, "-s")

        result.assert_outcomes(passed=30)
        assert result.outlines.count("searched") == 8

    def test_a_test_that_may_be_run_again_tells_of_a_leak_beside_it(self, check):
        """In the same cache, and one after it that may not."""
        result = check(
            self.MANY
            + """
    def test_leaks(): CACHE[len(CACHE)] = Thing()
    def test_leaks_too(server): CACHE[len(CACHE)] = Thing()
    """
        )

        result.assert_outcomes(passed=30, failed=2)

    def test_a_registry_that_was_emptied_and_filled_anew_is_no_leak_any_more(self, check):
        """Though what it had before waits for the collector."""
        result = check(
            """
            def cycle():
                thing = Thing()
                thing.itself = thing
                return thing

            def test_first(): keep(cycle())
            def test_second(): KEPT.clear(), keep(cycle())
            def test_third(): KEPT.clear(), keep(cycle())
            """
        )

        result.assert_outcomes(passed=2, failed=1)

    def test_a_tuple_that_is_made_anew_with_one_more_is_one_place(self, check):
        """Wherever in it the new one is."""
        result = check(
            """
            @pytest.fixture(scope="module")
            def server(): return object()

            def leak():
                global KEPT
                KEPT = (*KEPT, Thing())

            def test_first(server): leak()
            def test_second(server): leak()
            """
        )

        result.assert_outcomes(passed=1, failed=1)

    def test_a_test_that_may_be_run_again_tells_of_what_takes_no_weak_reference(self, check):
        """Though one before it, which may not, has left another one there."""
        result = check(
            """
            class Slotted: __slots__ = ("value",)

            @pytest.fixture(scope="module")
            def server(): return object()

            def test_first(server): keep(Slotted())
            def test_second(): keep(Slotted())
            """
        )

        result.assert_outcomes(passed=1, failed=1)

    def test_a_single_one_is_told_under_v(self, check, suite):
        """The line says what would make it a leak."""
        result = check(self.SOURCE, "-k", "first")

        result.assert_outcomes(passed=1)
        (line,) = suite.lines_of(result, "set aside: test_it.py::test_first: 1 test_it.Thing in test_it.KEPT: ")
        assert line.endswith("a leak if another test leaves one there")

    def test_nothing_recurs_while_the_first_is_gone(self, check):
        """A slot filled anew by each test, and a registry emptied in between, are no leak."""
        result = check(self.SOURCE.replace("keep(Thing())", "KEPT[:] = [Thing()]"))

        result.assert_outcomes(passed=3)

    def test_bounded_ones_never_become_a_leak(self, check, suite):
        """The warning says the bound, once."""
        result = check(
            self.SOURCE.replace("keep(Thing())", "CACHE.append(Thing())").replace(
                "def leak", "import collections\n    CACHE = collections.deque(maxlen=2)\n    def leak"
            )
        )

        result.assert_outcomes(passed=3)
        assert len(suite.lines_of(result, "at most 2 ", "bounded, not a leak")) == 1

    def test_what_starts_at_no_name_is_known_by_its_fingerprint(self, check, suite):
        """As the list of a context variable, to which no module's name leads."""
        result = check(
            """
            import contextvars

            contextvars.ContextVar("things").set([])

            @pytest.fixture(scope="module")
            def server(): return object()

            def leak():
                (things,) = [value for key, value in contextvars.copy_context().items() if key.name == "things"]
                things.append(Thing())

            def test_first(server): leak()
            def test_second(server): leak()
            def test_third(server): leak()
            """
        )

        result.assert_outcomes(passed=1, failed=2)
        assert suite.lines_of(result, "Another one, left there by test_it.py::test_first")

    def test_what_no_search_finds_a_holder_of_does_not_recur(self, check, suite):
        """Nothing tells that it is of one cause, or what is ignored."""
        source = """
        @pytest.fixture(scope="module")
        def server(): return object()

        def test_first(server): keep(Thing())
        def test_second(server): keep(Thing())
        """
        suite.write(conftest=BROKEN_SEARCH)
        result = check(source, "-o", "leakcheck_ignore=shop.KEPT")

        result.assert_outcomes(passed=2)

    def test_what_has_no_visible_holder_does_not_recur(self, check):
        """Two tests whose survivors nobody is seen to hold may have two causes: neither fails."""
        result = check(
            """
            import ctypes

            @pytest.fixture(scope="module")
            def server(): return object()

            def test_first(server): ctypes.pythonapi.Py_IncRef(ctypes.py_object(Thing()))
            def test_second(server): keep(Thing())
            """
        )

        result.assert_outcomes(passed=2)


class TestInstances:
    """The instance that pytest makes of a test's class, for each test anew, as it collects them."""

    SOURCE = """
    import unittest

    class TestIt(BASE):
        def test_it(self):
            self.thing = Thing()
            KEPT.append(self.changed)

        def changed(self): pass

    @pytest.fixture(scope="module")
    def server(): return object()

    @pytest.mark.usefixtures("server")
    class TestRecurring(BASE):
        def test_first(self):
            self.thing = Thing()
            KEPT.append(self.changed)

        test_second = test_first

        def changed(self): pass
    """

    @pytest.mark.parametrize("base", ["object", "unittest.TestCase"])
    def test_one_that_leads_to_a_survivor_accumulates_with_it(self, check, base):
        """A listener that is a method of the test keeps all that the test keeps on `self`."""
        result = check(self.SOURCE.replace("BASE", base), "-k", "TestIt")

        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                "LEAKED  2 objects that should be gone are still alive",
                "  test_it.TestIt  made during the test",
                "  test_it.Thing   made during the test at suite/test_it.py:22",
                "    [[]1[]] *bound method TestIt.changed *suspect",
                "    .__self__ *TestIt, keeps * LEAKED",
            ]
        )

    @pytest.mark.parametrize("base", ["object", "unittest.TestCase"])
    def test_it_recurs_with_it(self, check, base):
        """Where a second run might do harm, the second test tells."""
        result = check(self.SOURCE.replace("BASE", base), "-k", "TestRecurring")

        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(["LEAKED  2 objects that should be gone are still alive"])

    def test_one_that_only_the_collector_frees_costs_no_second_run(self, check):
        """It is older than the test, so that no young collection frees it."""
        result = check("class TestIt:\n    def test_it(self): self.cycle = [self]\n")

        result.assert_outcomes(passed=1)
        assert not [line for line in result.outlines if "run a second time" in line]


class TestBareMarker:
    def test_replaced_slots_fail_initialisation_passes(self, suite):
        """The test is run again in any case, --leakcheck-repeat=0 or not."""
        source = """
        from runs import count_run

        @pytest.mark.no_leak
        def test_slot():
            count_run("slot")
            KEPT[:] = [Thing()]

        @pytest.mark.no_leak
        def test_bounded(recent=__import__("collections").deque(maxlen=3)):
            count_run("bounded")
            recent.append(Thing())

        @pytest.mark.no_leak
        def test_once():
            count_run("once")
            globals().setdefault("ONLY", Thing())
        """
        suite.write(runs=RUNS)
        for option in ("--leakcheck-repeat=1", "--leakcheck-repeat=0"):
            result = suite.run(source, option)

            result.assert_outcomes(failed=2, passed=1)
            assert runs_of(suite) == {"slot": 3, "bounded": 3, "once": 2}
            (suite.path / "runs.txt").unlink()

    def test_without_a_repeat_every_survivor_fails(self, suite):
        """repeat=False runs the test once."""
        suite.write(runs=RUNS)
        result = suite.run(
            """
            from runs import count_run

            @pytest.mark.no_leak(repeat=False)
            def test_once():
                count_run("once")
                globals().setdefault("ONLY", Thing())
            """
        )

        result.assert_outcomes(failed=1)
        assert runs_of(suite) == {"once": 1}

    def test_known_places_are_told_in_full(self, suite):
        """A marker's test does not rely on what other tests found."""
        result = suite.run(
            """
            def test_first(): keep(Thing())

            @pytest.mark.no_leak
            def test_second(): keep(Thing())
            """,
            "--leakcheck",
        )

        result.assert_outcomes(failed=2)
        assert len(suite.lines_of(result, ".KEPT ", "list")) == 2

    def test_what_a_second_run_that_fails_would_leave_is_not_guessed(self, suite):
        """A lazy singleton passes with a warning, as nothing tells it from a leak."""
        result = suite.run(
            """
            @pytest.mark.no_leak
            def test_it():
                assert "ONLY" not in globals()
                globals()["ONLY"] = Thing()
            """
        )

        result.assert_outcomes(passed=1)
        assert suite.lines_of(result, "leakcheck: test_it.py::test_it: run a second time", "it failed")


def test_under_importlib_mode_a_modules_own_name_comes_before_that_of_a_test(suite):
    """Such a test module is loaded before what it imports."""
    (suite.path / "pytest.ini").write_text("[pytest]\npythonpath = .\n", "utf-8")
    suite.write(shop="KEPT = []\nclass Thing: pass\ndef leak(): KEPT.append(Thing())\n")
    (suite.path / "tests").mkdir()
    (suite.path / "tests" / "test_it.py").write_text("from shop import KEPT, leak\ntest_it = leak\n", "utf-8")
    result = suite.run("", "--leakcheck", "--import-mode=importlib")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  shop *module *GC root", "    .KEPT *"])


class TestBlame:
    def test_what_lived_before_is_nobodys(self, check):
        """Objects of the module, of wider fixtures and of other tests are not blamed on the test that touches them."""
        result = check(
            """
            OLD = Thing()

            @pytest.fixture(scope="module", autouse=True)
            def shared():
                keep(Thing())
                yield keep(Thing())

            @pytest.fixture(scope="class")
            def late(): return keep(Thing())

            def test_moves(shared): keep(OLD)
            def test_touches(shared): shared.other = OLD
            def test_asks(late): late.other = OLD
            def test_passes(): Thing()
            """
        )

        result.assert_outcomes(passed=4)

    def test_what_a_test_left_is_not_blamed_on_a_later_one(self, check, suite):
        """Neither what was set aside nor what leaked fails tests that do nothing."""
        result = check(
            """
            def test_leaks(): keep(Thing())
            def test_fills(): Thing.slot = Thing()
            def test_moves(): keep(Thing.slot)
            def test_empty(): pass
            """
        )

        result.assert_outcomes(failed=1, passed=3)
        assert suite.lines_of(result, "test_it.py::test_leaks LEAKED")

    def test_what_the_second_run_left_is_not_blamed_on_the_next_test(self, check):
        """It is old by then."""
        result = check(
            """
            def test_leaks(): keep([Thing() for _ in range(300)])
            def test_empty(): pass
            """
        )

        result.assert_outcomes(failed=1, passed=1)


class TestIgnored:
    def test_holders_that_are_ignored_are_passed_over_with_their_reason(self, check, suite):
        """By name, with what hangs below; -v tells of each with its reason, if there is one."""
        suite.write(shop="KEPT, OTHERS = {'all': []}, []")
        suite.path.joinpath("pytest.ini").write_text(
            "[pytest]\nleakcheck_ignore =\n    shop.KEPT  # by design\n    test_it.K*\n", encoding="utf-8"
        )
        result = check(
            """
            import shop

            def test_ignored(): shop.KEPT["all"].append(Thing())
            def test_by_glob(): keep(Thing())
            def test_other(): shop.OTHERS.append(Thing())
            """
        )

        result.assert_outcomes(passed=2, failed=1)
        assert suite.lines_of(result, "test_ignored: 1 test_it.Thing in shop.KEPT: ignored (by design)")
        assert suite.lines_of(result, "test_by_glob: 1 test_it.Thing in test_it.K*: ignored")
        assert suite.lines_of(result, "test_it.py::test_other LEAKED")

    def test_what_has_no_visible_holder_is_not_ignored(self, check, suite):
        """No name fits it."""
        suite.path.joinpath("pytest.ini").write_text("[pytest]\nleakcheck_ignore = test_it.*\n", encoding="utf-8")
        result = check(
            """
            import ctypes

            def test_it(): ctypes.pythonapi.Py_IncRef(ctypes.py_object(Thing()))
            """
        )

        result.assert_outcomes(passed=1)  # the class itself is ignored by that name
        suite.path.joinpath("pytest.ini").write_text("[pytest]\nleakcheck_ignore = shop.*\n", encoding="utf-8")
        check().assert_outcomes(failed=1)


class TestAcrossProcesses:
    def test_notes_cross_from_workers(self, suite):
        """-v and the warnings say the same under xdist."""
        result = suite.run(
            """
            import collections

            RECENT = collections.deque(maxlen=2)

            def test_slot(): KEPT[:] = [Thing()]
            def test_bounded(): RECENT.append(Thing())
            """,
            "--leakcheck",
            "-v",
            "-n1",
            uses="xdist",
        )

        result.assert_outcomes(passed=2)
        assert suite.lines_of(result, "set aside: test_it.py::test_slot", "replaced by the next")
        assert suite.lines_of(result, "test_bounded", "at most 2 ", "bounded, not a leak")
        assert suite.lines_of(result, "leakcheck: run a second time: test_it.py::test_slot")

    def test_a_failure_after_second_runs_names_them(self, suite):
        """With the first test that failed, how many more did, and what tells whether they are the cause."""
        source = """
        def test_a(): KEPT[:] = [Thing()]
        def test_b(): Thing.b = Thing()
        def test_c(): Thing.c = Thing()
        def test_d(): Thing.d = Thing()
        def test_fails(): assert 0
        def test_fails_too(): assert 0
        """
        result = suite.run(source, "--leakcheck")

        result.assert_outcomes(passed=4, failed=2)
        (line,) = suite.lines_of(result, "run a second time")
        assert line == (
            "leakcheck: test_it.py::test_fails and 1 further test failed after tests that were run a second time "
            "(test_it.py::test_b, test_it.py::test_c, test_it.py::test_d and 1 more); "
            "if they pass with --leakcheck-repeat=0, a second run left something behind"
        )
