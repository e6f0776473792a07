"""``by_refcount=True``: what must die at once, and the cycle that made it wait for the collector."""

import re
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(
    sys.implementation.name != "cpython" or not getattr(sys, "_is_gil_enabled", lambda: True)(),
    reason="this interpreter frees nothing by reference counting alone",
)

TREE = """
import gc
import pytest


class Node:
    def __init__(self, parent=None):
        self.parent = parent
        self.children = []
        if parent is not None:
            parent.children.append(self)


class Thing:
    pass

"""
CYCLE = """
def test_tree(assert_collected):
    root = assert_collected(Node(), by_refcount=True)
    Node(root)
"""

UNDEAD = """
KEPT = []

class Undead(Node):
    def __del__(self):
        KEPT.append(self)

def test_undead(assert_collected):
    Node(assert_collected(Undead()))
"""


@pytest.fixture
def tell(suite):
    """Run a test file with the tree's classes in it; return the run and the report of its first leak."""

    def tell(source, *arguments, uses=""):
        result = suite.run(source, *arguments, uses=uses, prelude=TREE)
        return result, _report(result.outlines)

    return tell


def _report(lines):
    """Return a report without pytest's own lines around it, sizes being those of one Python."""
    if "LEAKED" not in "".join(line[:6] for line in lines):
        return ""
    first = next(index for index, line in enumerate(lines) if line.startswith("LEAKED  "))
    last = next((index for index, line in enumerate(lines) if line.startswith("  Rerun:")), len(lines))
    return re.sub(r"of \d+ objects \(\d+ bytes\)", "of 6 objects (800 bytes)", "\n".join(lines[first:last]).rstrip())


def text(report):
    return textwrap.dedent(report).strip("\n")


class TestTheReport:
    def test_the_line_that_runs_it_again_asks_for_cycles(self, suite):
        """Where the option does, and no marker."""
        result = suite.run("def test_it():\n    thing = Thing()\n    thing.itself = thing\n", "--leakcheck-cycles")

        result.assert_outcomes(failed=1)
        assert "  Rerun: pytest test_it.py::test_it --leakcheck-cycles" in result.outlines

    def test_it_shows_the_way_round_back_to_where_it_began(self, tell):
        """The cycle is told link by link, with its size, the link to make weak, and the proof."""
        result, report = tell(CYCLE)

        result.assert_outcomes(failed=1)
        assert report == text(
            """
            LEAKED  1 object that should die at once waits for the cycle collector
              test_it.Node  registered suite/test_it.py:19

              test_it.Node  cycle of 6 objects (800 bytes)                      LEAKED
                .children   list, 1 item
                [0]         Node
                .parent     Node, where it began                                make it weak

              Nothing else keeps it: without test_it.Node.children[0].parent it dies at
              once.

              The link .parent leads back to what owns its holder: make it a weak reference
              (weakref.ref behind a property). See: docs, "Cycles".
            """
        )
        result.stdout.fnmatch_lines(["LEAKED test_it.py::test_tree - test_it.Node waits for the cycle collector, he*"])

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="attributes are in a dict of their own from the beginning")
    def test_the_size_is_that_of_before_the_cycle_is_named(self, suite):
        """Naming a link makes a dict of the attributes up to 3.12: none is counted, of no cycle that is told."""
        result = suite.run(
            """
            def test_pair(assert_collected):
                one, other = assert_collected(Thing(), Thing(), by_refcount=True)
                one.other, other.one = other, one
                one.one = one

            def test_tree(assert_collected):
                root = assert_collected(Node(), by_refcount=True)
                assert_collected(Node(root), by_refcount=True)
            """,
            prelude=TREE,
        )

        assert set(re.findall(r"cycle of \d+ objects?", result.stdout.str())) == {
            "cycle of 2 objects",
            "cycle of 4 objects",
        }

    def test_what_hangs_below_a_cycle_is_told_with_the_way_down(self, tell):
        """First the cycle, then the links from there to the object."""
        _, report = tell(
            """
            def test_payload(assert_collected):
                root = Node()
                Node(root).payload = assert_collected(Thing(), by_refcount=True)
            """
        )

        assert report == text(
            """
            LEAKED  1 object that should die at once waits for the cycle collector
              test_it.Thing  registered suite/test_it.py:20

              test_it.Node         cycle of 6 objects (800 bytes)
                .parent            Node                                         make it weak
                .children          list, 1 item
                [0]                Node, where it began
              and from there down
                .payload           Thing                                        LEAKED

              Nothing else keeps it: without test_it.Node.parent it dies at once.

              The link .parent leads back to what owns its holder: make it a weak reference
              (weakref.ref behind a property). See: docs, "Cycles".
            """
        )

    def test_a_second_cycle_is_told_too(self, tell):
        """Cutting one is not enough, and the report says so."""
        _, report = tell(
            """
            def test_twice(assert_collected):
                thing = assert_collected(Thing(), by_refcount=True)
                thing.itself = thing
                thing.again = [thing]
            """
        )

        assert "2 cycles: cutting one is not enough. The other:" in report
        assert ".itself" in report
        assert ".again" in report

    def test_a_finalizer_on_the_cycle_is_mentioned(self, tell):
        """It runs late, which may be what the user sees."""
        _, report = tell(
            """
            class Late(Node):
                def __del__(self):
                    pass

            def test_late(assert_collected):
                Node(assert_collected(Late(), by_refcount=True))
            """
        )

        assert "The __del__ of test_it.Late runs only when the collector comes." in report

    def test_objects_of_one_cycle_are_one_leak(self, tell):
        """What is on the cycle, wherever the way round begins, and what is below it."""
        result, report = tell(
            """
            def test_tree(assert_collected):
                root = Node()
                child = Node(root)
                root.thing = Thing()
                assert_collected(root, child, root.thing, by_refcount=True)
            """
        )

        assert report.startswith("LEAKED  3 objects that should die at once wait for the cycle collector\n")
        assert "  test_it.Node × 2  registered" in report
        assert "  and below it\n  test_it.Thing  registered" in report
        result.stdout.fnmatch_lines(["leakcheck: 3 objects in 1 test checked; 1 leak in 1 test; *"])

    @pytest.mark.parametrize(
        ("source", "weak", "advice"),
        [
            ("thing.name = lambda: thing", "closure variable 'thing' of", "uses the object itself"),
            ("thing.callback = Thing.method.__get__(thing)", ".callback", "a bound method holds its object"),
            ("thing.rest = functools.partial(print, thing)", ".args[0]", "functools.partial keeps its arguments"),
            ("thing.steps = steps(thing); next(thing.steps)", "local 'thing' of generator steps", "run it to its end"),
            ("raised(thing)", "traceback of ValueError: local 'thing' of", "clear error.__traceback__"),
            ("thing.me = {'it': thing}", "['it']", "make one link of the cycle weak"),
            ("thing.part = Thing(); thing.part._owner = thing", "._owner", "the link ._owner leads back"),
        ],
    )
    def test_the_link_to_make_weak_is_marked(self, tell, source, weak, advice):
        """It is the reference back, by its name or by the kind of its holder; the advice tells the cure."""
        _, report = tell(
            f"""
            import functools

            Thing.method = lambda self: None

            def steps(thing):
                yield

            def raised(thing):
                try:
                    raise ValueError
                except ValueError as error:
                    thing.error = error

            def test_cycle(assert_collected):
                thing = assert_collected(Thing(), by_refcount=True)
                {source}
            """
        )

        marked = [line for line in report.split("\n") if line.endswith("make it weak")]
        before = report[: report.index("make it weak")]
        assert marked
        assert weak in before.rsplit("\n", 1)[1] or weak in before.rsplit("\n", 2)[1]
        assert advice in " ".join(report.lower().split())


class TestWhatFails:
    def test_a_cycle_is_no_leak_where_nobody_asks(self, tell):
        """Without by_refcount the collector may free it."""
        result, _ = tell(CYCLE.replace("by_refcount=True", "by_refcount=False"))

        result.assert_outcomes(passed=1)

    def test_what_dies_at_once_passes(self, tell):
        """No cycle, no leak; and nothing is left of the plugin in the collector."""
        result, _ = tell(
            """
            def test_fine(assert_collected):
                assert_collected(Thing(), by_refcount=True)

            def test_after():
                assert not [each for each in gc.callbacks if "leakcheck" in repr(each)]
            """
        )

        result.assert_outcomes(passed=2)

    def test_what_something_holds_is_an_ordinary_leak(self, tell):
        """It does not wait for the collector: it survives."""
        _, report = tell(
            """
            KEPT = []

            def test_kept(assert_collected):
                KEPT.append(assert_collected(Thing(), by_refcount=True))
            """
        )

        assert report.startswith("LEAKED  1 object that should be gone is still alive\n")

    def test_a_collection_during_the_test_does_not_mask_a_cycle(self, tell):
        """Whatever generation the object is in and is collected, the verdict and the cycle are the same."""
        result, _ = tell(
            """
            ONE, TWO, ALL = (0,), (0, 1), (2,)

            @pytest.mark.parametrize("during", [ONE, (1,), ALL, (2, 2)])
            @pytest.mark.parametrize("before", [(), ONE, TWO, ALL])
            def test_masked(assert_collected, before, during):
                root = assert_collected(Node(), by_refcount=True)
                Node(root)
                for generation in before:
                    gc.collect(generation)
                del root
                for generation in during:
                    gc.collect(generation)
            """
        )

        result.assert_outcomes(failed=16)
        shown = [line for line in result.outlines if line.startswith("    .parent     Node, where it began")]
        assert len(shown) == 16

    def test_an_automatic_collection_does_not_mask_a_cycle(self, tell):
        """The collector comes by itself while the test makes many objects."""
        result, report = tell(
            """
            def test_masked(assert_collected):
                root = assert_collected(Node(), by_refcount=True)
                Node(root)
                del root
                before = gc.get_stats()[0]["collections"]
                kept = [[] for _ in range(50_000)]
                assert gc.get_stats()[0]["collections"] > before
            """
        )

        result.assert_outcomes(failed=1)
        assert ".parent     Node, where it began" in report

    def test_what_dies_at_once_after_a_collection_passes(self, tell):
        """The collector has ended by then."""
        result, report = tell(
            """
            import gc

            def test_fine(assert_collected):
                node = assert_collected(Node(), by_refcount=True)
                gc.collect()
                del node
            """
        )

        result.assert_outcomes(passed=1)
        assert not report

    def test_a_live_cycle_that_the_test_cuts_is_none(self, tell):
        """Collections that come while it is whole find nothing to free."""
        result, _ = tell(
            """
            def test_cut(assert_collected):
                root = assert_collected(Node(), by_refcount=True)
                child = Node(root)
                gc.collect(0)
                gc.collect()
                child.parent = None
            """
        )

        result.assert_outcomes(passed=1)

    def test_the_cycle_of_pytest_raises_is_pytests(self, tell):
        """What only hangs below the exception that pytest keeps passes, and -v tells of it."""
        result, _ = tell(
            """
            def test_raises(assert_collected):
                thing = assert_collected(Thing(), by_refcount=True)
                with pytest.raises(ValueError) as info:
                    raise ValueError(thing)
            """,
            "-v",
        )

        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["leakcheck: set aside, held by pytest's own state: *test_raises: test_it.Thing"])

    def test_a_cycle_of_ones_own_beside_that_of_pytest_fails(self, tell):
        """Pytest's is no excuse for another."""
        _, report = tell(
            """
            def test_raises(assert_collected):
                root = assert_collected(Node(), by_refcount=True)
                Node(root)
                with pytest.raises(ValueError) as info:
                    raise ValueError(root)
            """
        )

        assert "Nothing else keeps it: without test_it.Node.children[0].parent" in report

    def test_what_a_class_of_the_tests_own_has_waits_for_the_collector(self, tell):
        """As each class is on a cycle of its own, whatever generation that is in."""
        _, report = tell(
            """
            def test_local(assert_collected):
                class Local:
                    only = assert_collected(Thing(), by_refcount=True)

                gc.collect()
            """
        )

        assert report.startswith("LEAKED  1 object that should die at once waits for the cycle collector\n")
        assert ".only" in report

    def test_what_is_registered_twice_is_told_once(self, tell):
        """By the line that registered it first."""
        result, report = tell(
            """
            def test_twice(assert_collected):
                root = assert_collected(Node(), by_refcount=True)
                Node(assert_collected(root, by_refcount=True))
            """
        )

        result.assert_outcomes(failed=1)
        assert report.startswith("LEAKED  1 object that should die at once waits for the cycle collector\n")

    def test_it_is_judged_at_once_by_now(self, tell):
        """The error comes at the caller's line, once."""
        result, _ = tell(
            """
            def test_now(assert_collected):
                root = assert_collected(Node(), by_refcount=True)
                Node(root)
                del root
                with pytest.raises(AssertionError, match="waits for the cycle collector"):
                    assert_collected.now()
            """
        )

        result.assert_outcomes(passed=1)

    def test_what_hangs_below_a_cycle_waits_whenever_a_collection_comes(self, suite, tell):
        """Also while the check itself looks at the classes of what is watched."""
        suite.write(
            conftest="""
            import gc
            from pytest_leakcheck.runtime import rawtypes

            def by_id(objects, real=rawtypes.by_id):
                gc.collect()
                return real(objects)

            rawtypes.by_id = by_id
            """
        )
        result, _ = tell(
            """
            def test_payload(assert_collected):
                root = Node()
                Node(root).payload = assert_collected(Thing(), by_refcount=True)
            """
        )

        result.assert_outcomes(failed=1)

    def test_an_object_brought_back_to_life_is_a_survivor(self, tell):
        """Its weak references died when its finalizer ran, and it lives on."""
        _, report = tell(UNDEAD)

        assert report.startswith("LEAKED  1 object that should be gone is still alive\n")
        assert "registered suite/test_it.py:25, brought back to life by its __del__" in " ".join(report.split())
        assert ".KEPT" in report

    def test_so_is_one_that_a_collection_amid_the_verdict_brings_back(self, suite, tell):
        """It comes by itself, once the test is over and before the check's own."""
        suite.write(
            conftest="""
            import gc
            from pytest_leakcheck.checking.check import Check

            gather = Check.gather

            def gather_and_collect(check):
                gather(check)
                gc.collect(0)

            Check.gather = gather_and_collect
            """
        )
        _, report = tell(UNDEAD)

        assert report.startswith("LEAKED  1 object that should be gone is still alive\n")
        assert "brought back to life by its __del__" in " ".join(report.split())

    def test_a_cycle_through_a_module_that_nobody_has_any_more_is_told(self, tell):
        """A module counts for a holder where it is loaded: this one was garbage with the rest of its cycle."""
        _, report = tell(
            """
            import types

            def test_lost(assert_collected):
                lost = types.ModuleType("lost")
                lost.thing = assert_collected(Thing(), by_refcount=True)
                lost.thing.module = lost
                gc.collect()
            """
        )

        assert "could be looked at" not in report
        assert ".module" in report

    @pytest.mark.parametrize("asked", ["by_refcount=True, instances_of=Undead", "by_refcount=True"])
    def test_an_object_on_a_cycle_that_is_brought_back_is_told_once(self, tell, asked):
        """It survives, so nothing waited for the collector, although its weak references died in a collection."""
        result, report = tell(
            f"""
            KEPT = gc.disable() or []

            class Undead:
                def __init__(self):
                    self.me = self

                def __del__(self):
                    KEPT.append(self)

            @pytest.mark.no_leak({asked}, repeat=False)
            def test_undead():
                Undead()
            """
        )

        result.assert_outcomes(failed=1)
        assert report.startswith("LEAKED  1 object that should be gone is still alive\n")
        assert "reference cycle" not in report

    @pytest.mark.parametrize(
        "source",
        [
            "def test(assert_collected, tmp_path, capsys, recwarn): {body}",
            "@pytest.fixture\ndef it(): yield Thing()\ndef test(assert_collected, it): assert_collected(it); {body}",
            "@pytest.mark.parametrize('n', [1, 2])\ndef test(assert_collected, n): {body}",
            "class TestIt:\n    def setup_method(self): self.it = 1\n    def test(self, assert_collected): {body}",
            "def test(assert_collected, monkeypatch): monkeypatch.setattr(gc, 'x', Thing(), raising=False); {body}",
            "import logging\ndef test(assert_collected, caplog):\n    logging.error('%s', Thing()); {body}",
            "def test(assert_collected, request): request.addfinalizer(lambda: None); {body}",
        ],
    )
    def test_nothing_of_pytest_makes_an_object_wait(self, tell, source):
        """Fixtures, parameters, classes and logs leave no cycle of their own around what a test holds."""
        result, report = tell(source.format(body="thing = assert_collected(Thing(), by_refcount=True)"))

        assert not report
        assert result.ret == 0

    def test_hostile_objects_on_a_cycle_are_asked_nothing(self, tell):
        """Neither their own methods nor those of their metaclass."""
        result, report = tell(
            """
            def refuse(name):
                def method(self, *args, **kwargs):
                    raise RuntimeError(name)
                return method

            NAMES = "__eq__ __hash__ __bool__ __repr__ __str__ __getattribute__ __len__ __iter__ __contains__".split()
            BODY = {name: refuse(name) for name in NAMES}
            Meta = type("Meta", (type,), {**BODY, "__instancecheck__": refuse("meta")})

            def test_hostile(assert_collected):
                hostile = Meta("Hostile", (), {**BODY, "__class__": property(refuse("class"))})
                one, two = type.__call__(hostile), Thing()
                names = object.__getattribute__(one, "__dict__")
                names["two"], two.owner = two, one
                assert_collected(two, by_refcount=True)
            """
        )

        result.assert_outcomes(failed=1)
        assert ".owner" in report
        assert "Hostile" in report


class TestWhatCantBeAskedFor:
    def test_that_a_class_die_at_once_is_an_error_that_says_why(self, tell):
        """It is on cycles of its own, as on that with its __mro__, which nobody can cut."""
        result, _ = tell(
            """
            def test_it(assert_collected):
                class Local: pass
                assert_collected(Thing(), Local, by_refcount=True)

            def test_without(assert_collected):
                class Local: pass
                assert_collected(Local)
            """
        )

        result.assert_outcomes(failed=1, passed=1)
        told = (
            "E       ValueError: assert_collected: by_refcount=True can't hold for a class, here Local: each is on "
            "cycles of its own (its __mro__ among them), which only the collector frees. Leave by_refcount out for it."
        )
        assert [line for line in result.outlines if line.startswith("E  ")] == [told]

    def test_nor_is_it_asked_of_a_class_where_a_marker_asks_it_of_all(self, tell):
        """It must be gone, by whatever means."""
        result, _ = tell(
            """
            @pytest.mark.no_leak(by_refcount=True)
            def test_it(assert_collected):
                class Local: pass
                assert_collected(Local)
            """
        )

        result.assert_outcomes(passed=1)


class TestWhereItIsAskedFor:
    def test_by_marker_for_the_instances_of_classes(self, tell):
        """Every instance that is made must die at once."""
        _, report = tell(
            """
            @pytest.mark.no_leak(instances_of=Node, by_refcount=True)
            def test_tree():
                Node(Node())
                Node()
            """
        )

        assert report.startswith("LEAKED  2 objects that should die at once wait for the cycle collector\n")

    def test_by_a_bare_marker_for_the_projects_own_classes(self, tell):
        """The test need not name them."""
        _, report = tell(
            """
            @pytest.mark.no_leak(by_refcount=True)
            def test_tree():
                Node(Node())
            """
        )

        assert report.startswith("LEAKED  2 objects that should die at once wait for the cycle collector\n")

    def test_by_marker_for_what_is_registered(self, tell):
        """The nearest marker counts where the fixture is not told."""
        result, _ = tell(
            """
            pytestmark = pytest.mark.no_leak(instances_of=Thing, by_refcount=True)

            def test_tree(assert_collected):
                Node(assert_collected(Node()))

            @pytest.mark.no_leak(by_refcount=False)
            def test_other(assert_collected):
                Node(assert_collected(Node()))
            """
        )

        result.assert_outcomes(failed=1, passed=1)

    def test_by_block(self, tell):
        """It raises at the end of the block."""
        result, _ = tell(
            """
            from pytest_leakcheck import no_leak

            def test_tree():
                with pytest.raises(AssertionError, match="waits? for the cycle collector"):
                    with no_leak(instances_of=Node, by_refcount=True):
                        Node(Node())
                with no_leak(instances_of=Node, by_refcount=True):
                    Node()
            """
        )

        result.assert_outcomes(passed=1)

    @pytest.mark.parametrize("how", [("--leakcheck-cycles",), ("-o", "leakcheck_cycles=true")])
    def test_for_a_whole_suite(self, tell, how):
        """Every test is checked; one cycle is told once, by the first test that leaves it, and each such test fails."""
        result, _ = tell(
            """
            def test_one():
                Node(Node())

            def test_two():
                Node(Node())
                gc.collect()

            def test_fine():
                Node()
            """,
            *how,
        )

        result.assert_outcomes(failed=2, passed=1)
        result.stdout.fnmatch_lines(
            [
                "  The same leak as in test_it.py::test_one, held by the cycle*",
                "leakcheck: * 1 leak in 2 tests; *",
            ]
        )

    def test_an_expected_failure_is_one(self, tell):
        """Xfail serves a cycle that stays for now."""
        result, _ = tell("@pytest.mark.xfail(strict=True)" + CYCLE)

        result.assert_outcomes(xfailed=1)

    def test_one_that_was_expected_is_told_in_full_by_the_next_test(self, tell):
        """Nobody saw the report of the expected failure; that of another leak stands."""
        result, _ = tell(
            """
            def test_other():
                thing = Thing()
                thing.itself = thing

            @pytest.mark.xfail(strict=True)
            def test_known():
                Node(Node())

            def test_next():
                Node(Node())

            def test_last():
                test_other()
            """,
            "--leakcheck-cycles",
        )

        result.assert_outcomes(xfailed=1, failed=3)
        assert ".parent     Node, where it began" in result.stdout.str()
        assert "  The same leak as in test_it.py::test_other, held by the cycle" in result.stdout.str()

    def test_for_the_value_of_a_fixture(self, tell):
        """Of whatever class it is, where the test asks it of all that it makes."""
        result, report = tell(
            """
            from concurrent.futures import Future

            @pytest.fixture
            def future():
                future = Future()
                future.itself = future
                return future

            @pytest.mark.no_leak(by_refcount=True)
            def test_it(future):
                pass
            """
        )

        result.assert_outcomes(failed=1)
        assert "concurrent.futures._base.Future  value of the fixture 'future'" in report
        assert ".itself" in report

    @pytest.mark.parametrize("why", ["PyPy", "free-threaded"])
    def test_where_nothing_is_freed_at_once_the_check_is_left_out_with_the_reason(self, suite, why):
        """The object must die all the same, by whatever means; a yellow line says that no more was checked."""
        fakes = {
            "PyPy": "sys.implementation.name = 'pypy'",
            "free-threaded": "sysconfig.get_config_vars()['Py_GIL_DISABLED'] = 1",
        }
        suite.write(
            conftest=f"import sys, sysconfig\nfrom pytest_leakcheck.checking import grades\n"
            f"def pytest_runtest_setup():\n    {fakes[why]}\n"
            "def pytest_sessionfinish():\n    sys.implementation.name = 'cpython'\n"
        )
        result = suite.run(CYCLE, prelude=TREE)

        result.assert_outcomes(passed=1)
        reasons = {"PyPy": "pypy has no reference counting", "free-threaded": "a free-threaded build defers reference*"}
        result.stdout.fnmatch_lines([f"leakcheck: by_refcount was not checked, only that objects die: {reasons[why]}"])

    @pytest.mark.parametrize("value", ["1", "'yes'", "None"])
    def test_a_wrong_value_in_a_marker_is_an_error_of_that_test(self, tell, value):
        """It says what is allowed."""
        result, _ = tell(f"@pytest.mark.no_leak(instances_of=Node, by_refcount={value})\ndef test(): pass\n")

        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines([f"*no_leak: by_refcount is True or False, not {value}"])
