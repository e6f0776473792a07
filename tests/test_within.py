"""``within=`` and ``leakcheck_within``: how long survivors may take to die."""

import re

import pytest

SOON = """
import threading
import time


def held_for(seconds, thing):
    def hold():
        time.sleep(seconds)
        del held[:]

    held = [thing]
    del thing
    threading.Thread(target=hold).start()


"""
REGISTERED = """
def test_soon(assert_collected):
    held_for({seconds}, assert_collected(Thing(){asked}))
"""


def test_what_dies_in_time_passes(suite):
    """The plugin looks again and again until it does."""
    result = suite.run(SOON + REGISTERED.format(seconds=1.3, asked=", within=20"))

    result.assert_outcomes(passed=1)


def test_what_does_not_fails_and_the_report_says_how_long_it_waited(suite):
    """A time of one's own may be shorter than the default of what a thread holds."""
    result = suite.run(SOON + REGISTERED.format(seconds=3, asked=", within=0.2"))

    result.assert_outcomes(failed=1)
    (said,) = suite.lines_of(result, "LEAKED  1 object that should be gone is still alive after")
    assert 0.2 <= float(re.search(r"after (\d+\.\d) s of waiting", said)[1]) < 3


def test_zero_is_no_time_at_all(suite):
    """Not even the second that a thread's own gets otherwise."""
    result = suite.run(SOON + REGISTERED.format(seconds=3, asked=", within=0"))

    result.assert_outcomes(failed=1)


FROZEN = """
import sys
import time


@pytest.fixture(autouse=True, scope="module")
def frozen():
    # As freezegun does: what modules have of the clock is replaced under each name, and tells one moment.
    for name in ("monotonic", "perf_counter", "time"):
        real = getattr(time, name)
        for module in list(sys.modules.values()):
            for key, value in list(vars(module).items()):
                if value is real:
                    setattr(module, key, lambda: 5.0)


"""


def test_a_stopped_clock_stops_no_wait(suite):
    """A fixture that freezes time for a module does so for the checks of its tests, too."""
    asked = "assert_collected(keep(Thing()), within=0.2)"
    result = suite.run(FROZEN + f"def test_frozen(assert_collected):\n    {asked}\n")

    result.assert_outcomes(failed=1)
    assert suite.lines_of(result, "LEAKED  1 object that should be gone is still alive after 0.")


def test_nobody_waits_once_all_are_dead(suite):
    """A time to wait costs a passing test nothing."""
    result = suite.run(
        """
        import time

        @pytest.fixture(autouse=True, scope="module")
        def quick():
            started = time.monotonic()
            yield
            assert time.monotonic() - started < 20

        @pytest.mark.parametrize("number", range(5))
        def test_quick(assert_collected, number):
            assert_collected(Thing(), within=30)
        """
    )

    result.assert_outcomes(passed=5)


@pytest.mark.parametrize(
    "marker", ["instances_of=Thing, within=20", "within=20", "within=20, repeat=False", "instances_of=Thing"]
)
def test_a_marker_gives_all_that_it_watches_the_time(suite, marker):
    """The instances of classes, and the project's own; the default is a second."""
    seconds = 1.3 if "within" in marker else 0.4
    result = suite.run(SOON + f"@pytest.mark.no_leak({marker})\ndef test_soon():\n    held_for({seconds}, Thing())\n")

    result.assert_outcomes(passed=1)


def test_the_suites_own_objects_get_a_second_too(suite):
    """What a thread of a test lets go of in a moment is no leak."""
    result = suite.run(SOON + "def test_soon():\n    held_for(0.4, Thing())\n", "--leakcheck", "-v")

    result.assert_outcomes(passed=1)


def test_a_block_waits_at_its_end(suite):
    """As long as it is told to."""
    result = suite.run(
        SOON
        + """
from pytest_leakcheck import no_leak

def test_soon():
    with no_leak(instances_of=Thing, within=20):
        held_for(1.3, Thing())
"""
    )

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("value", ["-1", "'soon'", "float('inf')", "float('nan')", "True"])
def test_a_wrong_time_is_told_at_once(suite, value):
    """By the fixture and the block at their line, by the marker when the test is collected."""
    result = suite.run(
        f"""
        from pytest_leakcheck import no_leak

        def test_fixture(assert_collected):
            with pytest.raises(TypeError, match="assert_collected: within is a number of seconds"):
                assert_collected(Thing(), within={value})

        def test_block():
            with pytest.raises(TypeError, match="no_leak: within is a number of seconds"):
                no_leak(within={value})
        """
    )
    marked = suite.run(f"@pytest.mark.no_leak(within={value})\ndef test(): pass\n")

    result.assert_outcomes(passed=2)
    marked.assert_outcomes(errors=1)
    marked.stdout.fnmatch_lines(["*: no_leak: within is a number of seconds (0, 0.5, 10), not *"])
