"""`no_leak` as a block and `why_alive`, without pytest."""

import os
import sysconfig

import pytest

import leaks
from pytest_leakcheck import no_leak, why_alive

BLOCK = """
import sys, types
from pytest_leakcheck import LeakError, no_leak, why_alive
app = types.ModuleType("app"); sys.modules["app"] = app
class Session: pass
app.OPEN = []
with no_leak(instances_of=Session):
    Session()
with no_leak(instances_of="__main__.Sess*"):
    Session()
try:
    with no_leak(instances_of=[Session]):
        app.OPEN.append(Session())
except LeakError as error:
    assert isinstance(error, AssertionError)
    print(error)
try:
    with no_leak(instances_of=Session):
        app.OPEN.append(Session())
        raise KeyError("mine")
except KeyError:
    print("mine")
print(why_alive(app.OPEN[0]))
"""


def test_a_block_that_leaks_raises_with_the_whole_report():
    """What dies passes, what lives is told with its path, and a block's own error is let through."""
    lines = leaks.run_script(BLOCK).splitlines()

    assert lines[0] == "LEAKED  1 object that should be gone is still alive"
    assert lines[1].split()[0] == "__main__.Session"
    assert [line.split()[0] for line in lines[3:6]] == ["app", ".OPEN", "[0]"]
    assert "Every path goes through app.OPEN[0]: dropping it frees the object." in "\n".join(lines)
    assert "mine" in lines
    assert "ALIVE  __main__.Session" in lines


def test_a_wrong_class_is_an_error_at_once():
    """Neither a class nor a dotted name: TypeError, before the block runs."""
    with pytest.raises(TypeError):
        no_leak(instances_of=3)


def test_what_can_not_be_checked_of_a_block_is_a_warning(monkeypatch):
    """As where nothing is freed by reference counting alone: it says that no more than death was checked."""
    monkeypatch.setitem(sysconfig.get_config_vars(), "Py_GIL_DISABLED", 1)

    with (
        pytest.warns(UserWarning, match="by_refcount was not checked, only that objects die: "),
        no_leak(instances_of="shop.Session", by_refcount=True),
    ):
        pass


def test_why_alive_reads_the_same_in_str_and_repr():
    """So that debuggers and the prompt show it; the values are at hand."""
    answer = why_alive(pytest)

    assert str(answer) == repr(answer)
    assert answer.leak.survivors[0].type_name == "module pytest"


GONE = """
import os, tempfile
from pytest_leakcheck import no_leak
class Session: pass
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
with no_leak(instances_of=Session):
    Session()
print("fine")
"""
FAULTY = """
import warnings
from pytest_leakcheck import no_leak
from pytest_leakcheck.watching import census
def new_objects(self): raise MemoryError
census.Census.new_objects = new_objects
class Session: pass
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    with no_leak(instances_of=Session):
        session = Session()
print(*(each.message for each in told))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no folder that a process is in")
def test_a_block_needs_no_current_folder():
    """It may be gone by then."""
    assert leaks.run_script(GONE) == "fine\n"


def test_a_fault_of_the_check_is_a_warning():
    """What the user's code came to stands."""
    assert leaks.run_script(FAULTY).startswith("no_leak: not checked to its end, by a fault of the check: MemoryError")


def test_a_block_checks_nothing_where_nothing_is_to_be_checked(suite):
    """As the fixture and the marker do not."""
    source = """
    from pytest_leakcheck import no_leak

    def test_it():
        with no_leak(instances_of=Thing):
            keep(Thing())
    """

    suite.run(source).assert_outcomes(failed=1)
    suite.run(source, "--no-leakcheck").assert_outcomes(passed=1)
