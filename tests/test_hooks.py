"""The extension points: what conftest.py files and other plugins may add, and what happens where one of them raises."""

import pytest

from pytest_leakcheck import KnownHolder
from pytest_leakcheck.extensions import NONE

PENDING = """
    PENDING = []


    class Window:
        def __init__(self, *children):
            self.children = list(children)
            self.title = "Preferences"


    def close(window):
        PENDING.append(window)
    """
"""A toolkit whose windows go when its event loop gets to them."""


@pytest.fixture
def toolkit(suite):
    """Return a suite with a module `toolkit` whose windows go later."""
    suite.write(toolkit=PENDING)
    return suite


CLOSES = """
import toolkit


def test_closes(assert_collected):
    toolkit.close(assert_collected(toolkit.Window()))
"""


def test_drain_lets_pending_work_finish(toolkit):
    """What goes once an event loop has turned is no leak where a hook turns it."""
    toolkit.write(conftest="import toolkit\ndef pytest_leakcheck_drain():\n    toolkit.PENDING.clear()\n")

    result = toolkit.run(CLOSES, prelude="")

    result.assert_outcomes(passed=1)


def test_drain_is_called_only_while_something_lives(toolkit):
    """A passing test never pays for the hook."""
    toolkit.write(conftest="def pytest_leakcheck_drain():\n    print('drained')\n")

    result = toolkit.run(
        "def test_goes(assert_collected):\n    assert_collected(Thing())\n\n\n"
        "def test_stays(assert_collected):\n    keep(assert_collected(Thing()))\n",
        "-s",
    )

    result.assert_outcomes(passed=1, failed=1)
    assert result.stdout.str().count("drained") == 1


def test_drain_is_called_until_the_time_is_over(toolkit):
    """While a verdict waits, pending work goes on between the looks."""
    toolkit.write(
        conftest="""
        import toolkit
        TURNS = []


        def pytest_leakcheck_drain():
            TURNS.append(1)
            if len(TURNS) == 3:
                toolkit.PENDING.clear()
        """
    )

    result = toolkit.run(CLOSES, "-o", "leakcheck_within=60", prelude="")

    result.assert_outcomes(passed=1)
    assert result.duration < 50


@pytest.mark.parametrize("more", [[], ["--leakcheck-repeat=0"]])
def test_drain_precedes_the_verdict_on_what_nobody_registered(toolkit, more):
    """What the census found is given the same chance, so that no test is run again for it."""
    toolkit.write(conftest="import toolkit\ndef pytest_leakcheck_drain():\n    toolkit.PENDING.clear()\n")

    result = toolkit.run(
        "import toolkit\n\n\ndef test_closes():\n    toolkit.close(toolkit.Window())\n", "--leakcheck", "-v", *more
    )

    result.assert_outcomes(passed=1)
    assert not toolkit.lines_of(result, "set aside")
    assert not toolkit.lines_of(result, "second time")


def test_a_second_run_is_drained_as_well(toolkit):
    """What both runs leave to pending work does not count as accumulated."""
    toolkit.write(conftest="import toolkit\ndef pytest_leakcheck_drain():\n    toolkit.PENDING.clear()\n")

    result = toolkit.run(
        "import pytest, toolkit\n\nLATEST = []\n\n\n@pytest.mark.no_leak\n"
        "def test_closes():\n"
        "    if not LATEST:\n        LATEST.append(toolkit.Window())\n    toolkit.close(toolkit.Window())\n",
        "-v",
    )

    result.assert_outcomes(passed=1)
    assert toolkit.lines_of(result, "1 toolkit.Window made once, not again by a second run: initialisation")


def test_drain_precedes_the_verdict_on_a_wider_scope(toolkit):
    """What outlives a module's fixture is told after pending work had its chance."""
    toolkit.write(conftest="import toolkit\ndef pytest_leakcheck_drain():\n    toolkit.PENDING.clear()\n")

    result = toolkit.run(
        """
        import toolkit

        @pytest.fixture(scope="module")
        def window():
            window = toolkit.Window()
            yield window
            toolkit.close(window)

        def test_shows(window):
            pass
        """,
        "--leakcheck",
    )

    result.assert_outcomes(passed=1)
    assert not toolkit.lines_of(result, "outlives")


EXPANDS = """
import toolkit


def pytest_leakcheck_expand(obj):
    return obj.children if isinstance(obj, toolkit.Window) else ()
"""


def test_expand_watches_what_belongs_to_an_object(toolkit):
    """A child that outlives its window is told, by the line that registered the window."""
    toolkit.write(conftest=EXPANDS)

    result = toolkit.run(
        "import toolkit\n\n\ndef test_window(assert_collected):\n    child = keep(toolkit.Window())\n"
        "    assert_collected(toolkit.Window(child, 3), reason='closed')\n"
    )

    result.assert_outcomes(failed=1)
    assert "toolkit.Window registered suite/test_it.py:20, part of a Window" in " ".join(result.stdout.str().split())
    assert not toolkit.lines_of(result, "raised")


def test_expand_of_two_plugins_unites(toolkit):
    """Every answer counts, and what is registered already keeps its own words."""
    toolkit.write(
        conftest=EXPANDS,
        more="import toolkit\ndef pytest_leakcheck_expand(obj):\n    return [toolkit.PENDING[0], obj]\n",
    )

    result = toolkit.run(
        "import toolkit\n\n\ndef test_window(assert_collected):\n    toolkit.close(Thing())\n"
        "    assert_collected(toolkit.Window(keep(toolkit.Window())))\n",
        *("-p", "more"),
    )

    result.assert_outcomes(failed=1)
    assert toolkit.lines_of(result, "3 objects in 1 test checked; 2 leaks")


def test_expand_takes_no_more_than_it_can_use(suite):
    """An endless answer ends, and a value of parametrize, which cannot die, is passed over."""
    suite.write(
        conftest="""
        import itertools


        class Part:
            pass


        def pytest_leakcheck_expand(obj):
            return itertools.chain([obj.value], (Part() for _ in itertools.count()))
        """
    )

    result = suite.run(
        """
        @pytest.mark.parametrize("value", [Thing()])
        def test_it(assert_collected, value):
            thing = Thing()
            thing.value = value
            assert_collected(thing)
        """
    )

    result.assert_outcomes(passed=1)
    assert suite.lines_of(result, "1,000 objects in 1 test checked")


def test_describe_labels_what_is_on_the_chain(toolkit):
    """A short text stands behind the type of the survivor and of each holder that has one."""
    toolkit.write(
        conftest="""
        import toolkit


        def pytest_leakcheck_describe(obj):
            if isinstance(obj, toolkit.Window):
                return f"titled {obj.title!r}\\x1b[31m"
        """,
        other="def pytest_leakcheck_describe(obj):\n    return 'x' * 1000 if type(obj).__name__ == 'Desk' else ''\n",
    )

    result = toolkit.run(
        """
        import toolkit

        class Desk:
            pass

        def test_window(assert_collected):
            desk = keep(Desk())
            desk.window = assert_collected(toolkit.Window())
        """,
        *("-p", "other"),
    )

    result.assert_outcomes(failed=1)
    assert toolkit.lines_of(result, ".window", r"Window, titled 'Preferences'\x1b[31m", "LEAKED")
    assert f"Desk, {'x' * 30}" in result.stdout.str()
    assert f"{'x' * 60}" not in result.stdout.str().replace("\n", "").replace(" ", "")


def test_describe_labels_all_chains(toolkit):
    """Where an object has several holders, each chain has the labels."""
    toolkit.write(conftest="def pytest_leakcheck_describe(obj):\n    return getattr(obj, 'title', None)\n")

    result = toolkit.run(
        "import toolkit\n\n\ndef test_window(assert_collected):\n"
        "    toolkit.close(keep(assert_collected(toolkit.Window())))\n"
    )

    result.assert_outcomes(failed=1)
    assert len(toolkit.lines_of(result, "[0]", "Window, Preferences")) == 2


def test_describe_is_asked_about_instances_alone(toolkit):
    """What the report names by itself, dicts, functions and modules, no hook is asked about."""
    toolkit.write(
        conftest="def pytest_leakcheck_describe(obj):\n    return 'asked'\n",
    )

    result = toolkit.run(
        "import toolkit\n\n\ndef test_window(assert_collected):\n"
        "    window = assert_collected(toolkit.Window())\n    keep({'it': (lambda: window)})\n"
    )

    result.assert_outcomes(failed=1)
    assert len(toolkit.lines_of(result, ", asked")) == 1


KNOWN = """
from pytest_leakcheck import KnownHolder


def pytest_leakcheck_known_holders():
    return [KnownHolder("toolkit.PENDING", "the toolkit frees it later", {more})]
"""


@pytest.mark.parametrize("arguments", [["--leakcheck"], ["--leakcheck", "--leakcheck-repeat=0"], []])
def test_leaks_through_known_holders_are_set_aside(toolkit, arguments):
    """Registered or found, what only a known holder keeps fails no test, and is told under -v with the reason."""
    toolkit.write(conftest=KNOWN.format(more=""))
    source = CLOSES if not arguments else CLOSES.replace("(assert_collected)", "()").replace("assert_collected", "")

    result = toolkit.run(source, "-v", *arguments, prelude="")

    result.assert_outcomes(passed=1)
    (line,) = toolkit.lines_of(result, "set aside")
    assert "test_closes: 1 toolkit.Window in toolkit.PENDING: ignored (the toolkit frees it later)" in line


def test_what_only_known_holders_keep_is_no_leak_of_a_block(toolkit):
    """Nor a warning."""
    toolkit.write(conftest=KNOWN.format(more=""))

    result = toolkit.run(
        """
        import toolkit
        from pytest_leakcheck import no_leak


        def test_closes():
            with no_leak(instances_of=toolkit.Window):
                toolkit.close(toolkit.Window())
        """,
        prelude="",
    )

    result.assert_outcomes(passed=1, warnings=0)


def test_a_known_holder_excuses_no_other(toolkit):
    """An object that the user's own list holds as well is a leak."""
    toolkit.write(conftest=KNOWN.format(more=""))

    result = toolkit.run(
        "import toolkit\n\n\ndef test_window(assert_collected):\n"
        "    toolkit.close(keep(assert_collected(toolkit.Window())))\n"
    )

    result.assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("package", "versions", "outcome"),
    [
        ("pluggy", "", "passed"),
        ("pluggy", ">=1.0", "passed"),
        ("pluggy", "<1.0", "failed"),
        ("no-such-package", "", "failed"),
        ("no-such-package", ">=1.0", "failed"),
    ],
)
def test_known_holders_apply_to_versions_of_a_package(toolkit, package, versions, outcome):
    """An entry with a package counts where that is installed in one of the versions."""
    toolkit.write(conftest=KNOWN.format(more=f"{package!r}, {versions!r}"))

    result = toolkit.run(CLOSES, prelude="")

    result.assert_outcomes(**{outcome: 1})


def test_versions_want_a_package():
    """Versions of nothing are a mistake, told where it is made."""
    with pytest.raises(ValueError, match=r"^KnownHolder: versions='<2' of which package\?"):
        KnownHolder("shop.KEPT", "by design", versions="<2")


REPORTS = """
def pytest_leakcheck_report(leaks):
    print("\\ntold", type(leaks).__name__)
    for found in leaks:
        print(f"told {found.leak.trace.root.name} {found.leak.fingerprint} of {', '.join(found.tests)}")
"""
TWICE = """
@pytest.mark.parametrize("number", [1, 2])
def test_keeps(assert_collected, number):
    keep(assert_collected(Thing()))


def test_other(assert_collected):
    Thing.latest = assert_collected(Thing())


def test_good(assert_collected):
    assert_collected(Thing())
"""


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]])
def test_report_tells_the_leaks_of_the_run(suite, arguments):
    """Once, in the process with the terminal, each leak with the tests that showed it."""
    suite.write(conftest=REPORTS)

    result = suite.run(TWICE, *arguments, uses="xdist")

    result.assert_outcomes(failed=3, passed=1)
    assert suite.lines_of(result, "told ") == [
        "told tuple",
        "told test_it 65d5d1ca5a70 of test_it.py::test_keeps[1], test_it.py::test_keeps[2]",
        "told test_it.Thing 6441855756da of test_it.py::test_other",
    ]


def test_report_is_called_where_nothing_leaked(suite):
    """Then there are no leaks to see."""
    suite.write(conftest=REPORTS)

    result = suite.run("def test_good(assert_collected):\n    assert_collected(Thing())\n")

    assert suite.lines_of(result, "told ") == ["told tuple"]


RAISES = {
    "drain": "()",
    "expand": "(obj)",
    "describe": "(obj)",
    "known_holders": "()",
    "report": "(leaks)",
}


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["here", "xdist"])
@pytest.mark.parametrize("name", RAISES)
def test_a_hook_that_raises_is_told_once(suite, name, arguments):
    """The run goes on as without it; a yellow line names the hook, the plugin and the error."""
    suite.write(broken=f"def pytest_leakcheck_{name}{RAISES[name]}:\n    raise ValueError('not mine')\n")

    result = suite.run(TWICE, "-p", "broken", *arguments, uses="xdist")

    result.assert_outcomes(failed=3, passed=1)
    hook = f"the hook pytest_leakcheck_{name} of plugin 'broken'"
    assert suite.lines_of(result, "raised") == [f"leakcheck: {hook} raised ValueError: not mine, so it was left out"]
    assert not suite.lines_of(result, "by a fault of the plugin")


@pytest.mark.parametrize("name", RAISES)
def test_other_plugins_are_asked_where_one_raises(suite, name):
    """Whatever their order."""
    works = f"def pytest_leakcheck_{name}{RAISES[name]}:\n    print('answered')\n"
    suite.write(
        first=works,
        broken=f"def pytest_leakcheck_{name}{RAISES[name]}:\n    import pytest\n    pytest.skip('no')\n",
        last=works,
    )

    result = suite.run(
        "def test_keeps(assert_collected):\n    keep(assert_collected(Thing()))\n",
        *("-s", "-p", "first", "-p", "broken", "-p", "last"),
    )

    result.assert_outcomes(failed=1)
    assert result.stdout.str().count("answered") == 2
    assert suite.lines_of(result, "plugin 'broken' raised Skipped: no")


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("expand", "3", "TypeError: 'int' object is not iterable"),
        ("describe", "3", "TypeError: describe returned int, not str"),
        ("known_holders", "['toolkit.PENDING']", "TypeError: known_holders returned str, not KnownHolder"),
        (
            "known_holders",
            "[__import__('pytest_leakcheck').KnownHolder('x', 'y', 'pluggy', 'new')]",
            "InvalidSpecifier: Invalid specifier: 'new'",
        ),
    ],
)
def test_a_wrong_answer_is_told_as_an_error(suite, name, answer, words):
    """So that a typing error in a hook is seen at once."""
    suite.write(conftest=f"def pytest_leakcheck_{name}{RAISES[name]}:\n    return {answer}\n")

    result = suite.run("def test_keeps(assert_collected):\n    keep(assert_collected(Thing()))\n")

    result.assert_outcomes(failed=1)
    assert suite.lines_of(result, f"hook pytest_leakcheck_{name} of plugin 'conftest.py' raised {words}")


def test_an_error_of_a_hook_keeps_nothing_alive(suite):
    """The frames in its traceback go with it, though the hook has kept the error."""
    suite.write(
        conftest="""
        ERRORS = []


        def pytest_leakcheck_expand(obj):
            error = ValueError("no")
            ERRORS.append(error)
            raise error
        """
    )

    result = suite.run("def test_goes(assert_collected):\n    assert_collected(Thing())\n")

    result.assert_outcomes(passed=1)
    assert suite.lines_of(result, "raised ValueError: no")


def test_a_wrapper_is_told_not_called(suite):
    """The implementations are called one by one, so that there is nothing to wrap."""
    suite.write(
        conftest="""
        import pytest


        @pytest.hookimpl(wrapper=True)
        def pytest_leakcheck_drain():
            return (yield)
        """
    )

    result = suite.run("def test_keeps(assert_collected):\n    keep(assert_collected(Thing()))\n")

    result.assert_outcomes(failed=1)
    assert suite.lines_of(result, "hook pytest_leakcheck_drain of plugin 'conftest.py' is a wrapper, which is not")


def test_a_conftest_serves_its_own_folder(suite):
    """Tests elsewhere are judged without it."""
    for folder in ("with", "without"):
        (suite.path / folder).mkdir()
        (suite.path / folder / f"test_{folder}.py").write_text(
            "KEPT = []\nclass Thing: pass\n"
            "def test_keeps(assert_collected):\n    KEPT.append(assert_collected(Thing()))\n"
        )
    (suite.path / "with" / "conftest.py").write_text(
        "import sys\ndef pytest_leakcheck_drain():\n    sys.modules['test_with'].KEPT.clear()\n"
        "    sys.modules['test_without'].KEPT.clear()\n"
    )

    result = suite.run()

    result.assert_outcomes(passed=1, failed=1)
    assert suite.lines_of(result, "LEAKED without/test_without.py::test_keeps")


def test_an_isolated_test_has_the_hooks(toolkit):
    """In an interpreter of its own, what it leaves is drained, and a hook that raises is told by the run."""
    toolkit.write(
        conftest="import toolkit\ndef pytest_leakcheck_drain():\n    toolkit.PENDING.clear()\n",
        broken="def pytest_leakcheck_drain():\n    raise ValueError('not mine')\n",
    )

    result = toolkit.run(
        "import toolkit\n\n\n@pytest.mark.no_leak(isolated=True)\ndef test_closes(assert_collected):\n"
        "    toolkit.close(assert_collected(toolkit.Window()))\n",
        *("-p", "broken"),
    )

    result.assert_outcomes(passed=1)
    assert toolkit.lines_of(result, "plugin 'broken' raised ValueError: not mine, so it was left out")


def test_a_block_in_a_test_has_the_hooks(toolkit):
    """`with no_leak():` drains and describes as the fixture does, while pytest runs."""
    toolkit.write(
        conftest="import toolkit\ndef pytest_leakcheck_drain():\n    toolkit.PENDING.clear()\n"
        "def pytest_leakcheck_describe(obj):\n    return getattr(obj, 'title', None)\n"
    )

    result = toolkit.run(
        """
        import toolkit
        from pytest_leakcheck import LeakError, no_leak, why_alive

        def test_block():
            with no_leak(instances_of=toolkit.Window):
                toolkit.close(toolkit.Window())
            with pytest.raises(LeakError, match="Window, Preferences"), no_leak(instances_of=toolkit.Window):
                keep(toolkit.Window())
            assert "Window, Preferences" in str(why_alive(KEPT[0]))
        """
    )

    result.assert_outcomes(passed=1)


def test_where_nobody_gives_anything_nothing_is_added():
    """As outside of pytest."""
    obj = object()

    assert (NONE.drain(), NONE.expand(obj), NONE.describe(obj), NONE.known()) == (False, [], "", ())
