"""On GitHub Actions, the end of a run annotates the lines that leak."""

import os
import re
import textwrap

import pytest

from pytest_leakcheck.baseline import Sighting
from pytest_leakcheck.model import Leak, Link, Report, Root, Survivor, Trace
from pytest_leakcheck.render import github
from pytest_leakcheck.results import Pardoned, Results, Spot

LEAKY = """
def test_first(): keep(Thing())
def test_second(): keep(Thing())
def test_fine(): Thing()
"""


@pytest.fixture
def on_github(suite, monkeypatch):
    """Return the suite as it runs in a workflow."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(suite.path))
    return suite


def commands(result):
    """Return the lines that GitHub reads, and no others."""
    return [line for line in result.outlines if line.lstrip("\x1b[0123456789m").startswith("::")]


class TestRuns:
    def test_each_leak_annotates_the_line_that_made_it(self, on_github):
        """One error for all of its tests, the last thing that is written of leaks."""
        result = on_github.run(LEAKY, "--leakcheck", "--color=yes")

        assert commands(result) == [
            (
                "::error file=test_it.py,line=16,title=Leak of test_it.Thing::1 test_it.Thing outlives "
                "test_it.py::test_first and 1 more test%0AHeld by test_it.KEPT[*]%0AA list keeps it: remove it when "
                'done, or keep weak references in the list. See: docs, "Observers".%0ARerun: pytest '
                "test_it.py::test_first --leakcheck"
            )
        ]

    def test_what_waits_for_the_collector_is_said_to(self, on_github):
        """It does not outlive its test."""
        source = """
        def test_it(assert_collected):
            thing = assert_collected(Thing(), by_refcount=True)
            thing.self = thing
        """
        (line,) = commands(on_github.run(source))

        assert "::1 test_it.Thing waited for the cycle collector in test_it.py::test_it%0A" in line

    def test_a_registered_object_annotates_the_registering_line(self, on_github):
        """The test's own line is not of interest then."""
        result = on_github.run(
            """
            def test_it(assert_collected):
                thing = Thing()
                keep(assert_collected(thing))
            """
        )

        (line,) = commands(result)
        assert line.startswith("::error file=test_it.py,line=18,title=")

    def test_what_has_no_line_annotates_the_test(self, on_github):
        """As where a leak is told without a second run."""
        source = "@pytest.mark.no_leak(instances_of=Thing)\ndef test_it():\n    x = 1\n    keep(Thing())\n"
        (line,) = commands(on_github.run(source))

        assert line.startswith("::error file=test_it.py,line=15,title=")

    def test_files_are_told_from_the_top_of_the_repository(self, on_github, monkeypatch):
        """Which may be above pytest's root directory; without it, that one counts."""
        monkeypatch.setenv("GITHUB_WORKSPACE", str(on_github.path.parent))
        (on_github.path / "pytest.ini").write_text("[pytest]\n")
        (line,) = commands(on_github.run(LEAKY, "--leakcheck"))
        assert line.startswith("::error file=suite/test_it.py,line=16,")

        monkeypatch.delenv("GITHUB_WORKSPACE")
        (line,) = commands(on_github.run("", "--leakcheck"))
        assert line.startswith("::error file=test_it.py,line=16,")

    def test_the_terminals_process_alone_writes_them(self, on_github):
        """Under xdist, once for all workers."""
        source = "@pytest.mark.parametrize('n', 'abcdef')\ndef test_it(n): keep(Thing())\n"
        (line,) = commands(on_github.run(source, "--leakcheck", "-n2", uses="xdist"))

        assert "and 5 more tests" in line

    def test_what_fails_no_test_is_a_warning(self, on_github):
        """What a baseline lists, what is bounded, what outlives a fixture; an expected failure is none of these."""
        source = """
        import collections
        LATEST = collections.deque(maxlen=3)

        @pytest.fixture(scope="module")
        def server():
            keep(Thing())

        def test_known(): Thing.more = getattr(Thing, "more", []) + [Thing()]
        """
        options = ("--leakcheck", "--leakcheck-baseline=known.txt")
        on_github.run(source, *options, "--leakcheck-update-baseline")
        more = """
        def test_bounded(): LATEST.append(Thing())
        def test_server(server): pass
        @pytest.mark.xfail
        def test_expected(): OTHERS.append([Thing()])
        OTHERS = []
        """
        lines = commands(on_github.run(textwrap.dedent(source) + textwrap.dedent(more), *options))

        assert len(lines) == 3
        assert all(line.startswith("::warning ") for line in lines)
        known, bounded, fixture = lines
        assert re.fullmatch(
            r"::warning file=test_it.py,line=23,title=Known leak of test_it.Thing::The baseline lists \w{12}: "
            r"test_it.Thing in test_it.py::test_known%0AHeld by test_it.Thing.more\[\*\]",
            known,
        )
        assert bounded.startswith("::warning file=test_it.py,line=25,title=Leak check::test_it.py::test_bounded: 1 ")
        assert fixture.startswith("::warning title=Leak check::module-scoped fixture 'server' (")

    def test_the_last_of_several_runs_counts(self, on_github):
        """A test that leaks at its first run alone is no error."""
        source = """
        RUNS = []

        def test_once(assert_collected):
            thing = assert_collected(Thing())
            if not RUNS:
                RUNS.append(keep(thing))
        """
        result = on_github.run(source, "--reruns=1", uses="rerunfailures")

        assert result.ret == 0
        assert commands(result) == []

    @pytest.mark.parametrize(
        ("variable", "setting"), [("true", "false"), ("false", "true"), ("", "true")], ids=["ini", "elsewhere", "empty"]
    )
    def test_they_can_be_turned_off(self, on_github, monkeypatch, variable, setting):
        """By the ini file; outside GitHub there are none."""
        monkeypatch.setenv("GITHUB_ACTIONS", variable)

        assert commands(on_github.run(LEAKY, "--leakcheck", "-o", f"leakcheck_annotations={setting}")) == []

    def test_a_run_without_leaks_has_none(self, on_github):
        """Nothing is written that GitHub would take for a command."""
        assert commands(on_github.run("def test_it(): keep(Thing())\n")) == []
        assert commands(on_github.run("def test_it(): pass\n", "--leakcheck")) == []


class TestText:
    def test_what_steers_github_is_escaped(self, tmp_path):
        """Signs and ends of lines; a colon or comma in a property only, as GitHub takes it."""
        links = (Link("['100%,\\n:']", "x", "dict item", "['100%,\n:\r']"),)
        leak = Leak(
            (Survivor("a.B", "c", file=str(tmp_path / "50%,a:b.py"), line=3),), Trace(Root("m", "module"), links, 2)
        )
        results = Results()
        results.add("t.py::test[a,b:c%\r\n::error::x]", "failed", Spot(), Report((leak,)))

        assert list(github.render(results, ["a\nb: 5%"], str(tmp_path))) == [
            (
                "::error file=50%25%2Ca%3Ab.py,line=3,title=Leak of a.B::1 a.B outlives "
                "t.py::test[a,b:c%25\\r\\n::error::x]%0AHeld by m['100%25,\\n:\\r']"
            ),
            "::warning title=Leak check::a\\nb: 5%25",
        ]

    def test_a_file_outside_the_repository_is_not_named(self, tmp_path):
        """GitHub could not show it: the test's line stands in for it, or none does."""
        (tmp_path / "repo").mkdir()
        sighting = Sighting("0" * 12, ["a.B", "a.C"], "m.x", os.fspath(tmp_path / "site-packages" / "a.py"), 3)
        results = Results()
        results.pardoned += [Pardoned("t.py::a", Spot(os.fspath(tmp_path / "repo" / "t.py"), 7), sighting)]
        text = "title=Known leak of a.B::The baseline lists 000000000000: a.B, a.C in t.py::a%0AHeld by m.x"

        assert list(github.render(results, [], os.fspath(tmp_path / "repo"))) == [f"::warning file=t.py,line=7,{text}"]
        assert list(github.render(results, [], os.fspath(tmp_path / "other"))) == [f"::warning {text}"]
