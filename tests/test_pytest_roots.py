"""What a trace starts with where pytest is the holder: the first line tells the kind, the last one the object."""

import pytest

import leaks

HOLDERS = """
import logging
import warnings
import weakref

import pytest
from pytest_leakcheck import why_alive


class Thing: ...


class Remark(UserWarning):
    def __init__(self, thing):
        super().__init__("remark")
        self.thing = thing


def tell(name, ref):
    lines = str(why_alive(ref())).splitlines()[2:]
    trace = lines[: lines.index("")] if "" in lines else lines
    print(f"{name}: {' '.join(' '.join(trace[:2]).split())} ... {trace[-1].strip()}")


@pytest.mark.parametrize("thing", [Thing()])
def test_parametrize(thing):
    ref = weakref.ref(thing)
    del thing
    tell("parametrize", ref)


def test_log():
    thing = Thing()
    ref = weakref.ref(thing)
    logging.getLogger("app").warning("saw %s", thing)
    del thing
    tell("log", ref)


def test_warning():
    thing = Thing()
    ref = weakref.ref(thing)
    warnings.warn(Remark(thing))
    del thing
    tell("warning", ref)


@pytest.fixture(scope="module")
def box():
    return []


def test_fixture(box):
    thing = Thing()
    ref = weakref.ref(thing)
    box.append(thing)
    del thing, box
    tell("fixture", ref)


@pytest.fixture
def value():
    return Thing()


def test_value(value):
    ref = weakref.ref(value)
    del value
    tell("value", ref)


class TestMethods:
    def test_instance(self):
        thing = Thing()
        ref = weakref.ref(thing)
        self.thing = thing
        del thing, self
        tell("instance", ref)
"""


@pytest.fixture
def told(pytester):
    pytester.makepyfile(HOLDERS)
    result = pytester.runpytest_subprocess("-s", "-q", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=6, warnings=1)
    return dict(line.split(": ", 1) for line in map(str.strip, result.outlines) if " ... " in line)


def test_a_trace_from_pytest_names_what_pytest_keeps(told):
    """A parametrize value, a log record, a recorded warning, a fixture's value, a wider fixture and a test instance."""
    starts = {name.lstrip("."): line.partition(" ... ")[0] for name, line in told.items()}

    assert "pytest itself, a parametrize value GC root" in starts["parametrize"]
    assert "pytest itself, a log record GC root" in starts["log"]
    assert starts["warning"].startswith("recorded warning pytest itself, a recorded warning GC root")
    assert starts["fixture"].startswith("module-scoped fixture 'box' fixture GC root")
    assert "pytest itself, a fixture's value GC root" in starts["value"]
    assert "pytest itself GC root" in starts["instance"]


def test_a_trace_from_pytest_ends_at_the_object(told):
    """The last line is the object that was asked about."""
    assert len(told) == 6
    for line in told.values():
        assert line.endswith("this object")


A_LIAR = """
def leak(thing):
    global kept
    kind = type("FixtureDef", (), {"__module__": "_pytest.fixtures"})
    holder = kind()
    holder.thing = thing
    kept = [[[[[[[[holder]]]]]]]]
"""


def test_a_class_that_says_that_it_is_pytests_is_not_believed():
    """What an object of it holds is a leak, however far from a module: pytest's own classes are in pytest's modules."""
    told = leaks.run_leaks({"it": A_LIAR})["it"]

    assert told["trace"][0] == "app | module"


PROGRAM = """
class Thing: ...

class Box:
    def __init__(self): self.things = []
    def add(self): self.things.append(Thing())

class Backend:
    opened = []
    def __init__(self): self.opened.append(self)

KEPT, BOX = [], Box()

def keep(): KEPT.append(Thing())
"""


@pytest.mark.parametrize("value", ["app", "app.Backend", "app.keep", "app.BOX", "app.BOX.add"])
def test_what_the_program_has_is_no_parametrize_value_of_pytests_alone(suite, value):
    """A class, a function, a module, an object of one and its method: what is left there is left in the program."""
    suite.write(app=PROGRAM)
    use = {"app": "value.keep()", "app.BOX": "value.add()"}.get(value, "value()")
    result = suite.run(
        f"""
        import app

        @pytest.mark.parametrize("value", [{value}])
        def test_it(value): {use}

        @pytest.mark.parametrize("value", [(app.Box(),)])
        def test_its_own(value): value[0].add()
        """,
        "--leakcheck",
    )

    result.assert_outcomes(failed=1, passed=1)
    assert suite.lines_of(result, "1 leak in 1 test")
