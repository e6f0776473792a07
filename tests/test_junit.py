"""The file of --junitxml: leaks are failures with the report as their text, and have a property to group them by."""

from xml.etree import ElementTree as ET

import pytest

LEAKY = """
OTHERS = []

def test_first(): keep(Thing())
def test_two(assert_collected):
    keep(Thing())
    OTHERS.append(assert_collected(Thing()))
def test_fine(record_property):
    record_property("mine", 1)
"""


@pytest.fixture
def cases(suite):
    """Return a function that gives the elements of the file by the tests' names."""

    def read():
        root = ET.parse(suite.path / "junit.xml").getroot()  # noqa: S314 - our own file
        return [(case.get("name"), case) for case in root.iter("testcase")]

    return read


def fingerprints(case):
    return [each.get("value") for each in case.iter("property") if each.get("name") == "leakcheck.fingerprint"]


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["one process", "xdist"])
def test_a_leak_is_a_failure_with_its_fingerprints(suite, cases, options):
    """The message is the headline, the text the whole report; a test that does not leak has no such property."""
    result = suite.run(LEAKY, "--leakcheck", "--junitxml=junit.xml", "--leakcheck-json=x.json", *options, uses="xdist")

    result.assert_outcomes(failed=2, passed=1)
    told = dict(cases())
    assert len(told) == 3
    assert fingerprints(told["test_fine"]) == []
    assert [each.get("name") for each in told["test_fine"].iter("property")] == ["mine"]
    first, two = fingerprints(told["test_first"]), fingerprints(told["test_two"])
    assert len(first) == 1
    assert len(set(two)) == len(two) == 2
    assert first[0] in two
    for name in ("test_first", "test_two"):
        (failure,) = told[name].iter("failure")
        assert failure.get("message").startswith(("test_it.Thing is still alive, held by test_it.", "2 objects that"))
        assert failure.text.startswith("LEAKED  ")
        assert failure.text.rstrip().endswith(f"Rerun: pytest test_it.py::{name} --leakcheck")
    assert {part for part in (suite.path / "x.json").read_text("utf-8").split('"') if part in two} == set(two)


def test_a_leak_found_at_once_has_it_too(suite, cases):
    """As has one that a block finds, and one beside an error of the teardown."""
    source = """
    from pytest_leakcheck import no_leak

    def test_now(assert_collected):
        thing = assert_collected(Thing())
        assert_collected.now()

    def test_block():
        with no_leak(instances_of=Thing):
            keep(Thing())

    @pytest.mark.xfail
    def test_expected(): keep(Thing())
    """
    suite.run(source, "--leakcheck", "--junitxml=junit.xml")

    assert {name: len(fingerprints(case)) for name, case in cases()} == {
        "test_now": 1,
        "test_block": 1,
        "test_expected": 1,
    }


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["one process", "xdist"])
def test_a_test_that_is_run_again_has_what_its_last_run_leaked(suite, cases, options):
    """Once, and not at all where the last run was clean."""
    source = """
    RUNS = []

    def test_leak(assert_collected): keep(assert_collected(Thing()))

    def test_once(assert_collected):
        thing = assert_collected(Thing())
        if not RUNS:
            RUNS.append(keep(thing))
    """
    suite.run(source, "--reruns=2", "--junitxml=junit.xml", *options, uses="rerunfailures xdist")

    told = {}
    for name, case in cases():
        told.setdefault(name, []).extend(fingerprints(case))
    assert {name: len(values) for name, values in told.items()} == {"test_leak": 1, "test_once": 0}


def test_control_characters_do_not_spoil_the_file(suite, cases):
    """Keys, reasons and parameters may hold anything."""
    source = r"""
    KEYED = {"\x00\x1b[31m\n\ud800": []}

    @pytest.mark.parametrize("name", ["\x00\x1b", "\ud800"])
    def test_it(name, assert_collected):
        KEYED["\x00\x1b[31m\n\ud800"].append(assert_collected(Thing(), reason="so\n\x00\x1b\udfff"))
    """
    suite.run(source, "--junitxml=junit.xml")

    assert [len(fingerprints(case)) for _, case in cases()] == [1, 1]
