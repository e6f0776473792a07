"""Pictures of leaks: a DOT file each, and an SVG where Graphviz is there."""

import os
import re
import stat

import pytest

from pytest_leakcheck.model import Leak, Link, Proof, Report, Root, Survivor, Trace
from pytest_leakcheck.options import Options
from pytest_leakcheck.render import graph
from pytest_leakcheck.render.graph import draw, file_stem, write_graphs
from pytest_leakcheck.reporting.beside import completed


def link(text, label, *, is_suspect=False):
    return Link(text, label, "attribute", text, is_suspect=is_suspect)


SMALL = Trace(
    Root("shop.registry", "module"),
    (
        link(".LISTENERS", "dict, 2 items"),
        link("['changed']", "list, 3 items", is_suspect=True),
        link("[2]", "Session"),
    ),
    length=5,
)
SMALL_DOT = r"""digraph ObjectGraph {
  node[shape=box, style=filled, fillcolor=white];
  n0[fontcolor=red];
  n0[color="darkgreen", label="shop.registry\nmodule (GC root)", penwidth="3"];
  n0[fillcolor="0,0,1"];
  n0 -> n1 [label=".LISTENERS"];
  n1[label="dict, 2 items"];
  n1[fillcolor="0,0,0.766667"];
  n1 -> n2 [label="['changed']"];
  n2[color="orange", label="list, 3 items", penwidth="3"];
  n2[fillcolor="0,0,0.533333"];
  n2 -> n3 [label="[2]"];
  n3[color="red", label="Session\nLEAKED", penwidth="3"];
  n3[fillcolor="0,0,0.3"];
  n3[fontcolor=white];
}
"""
OTHER = Trace(Root("shop.app", "module"), (link(".current", "Session"),), length=3)
SURVIVOR = Survivor("shop.Session", "made during the test")


def report_of(*leaks):
    return Report(leaks)


class TestDot:
    def test_a_small_leak_in_full(self):
        """Root, suspects and survivor have colours; the edges are the references; nothing is told of our stand-ins."""
        assert draw(SMALL) == SMALL_DOT

    def test_two_holders_meet_in_the_survivor(self):
        """Both paths end at one node."""
        text = draw(SMALL, OTHER)

        (survivor,) = re.findall(r'(n\d+)\[color="red"', text)
        assert len(re.findall(rf"-> {survivor} \[", text)) == 2
        assert text.count('color="darkgreen"') == 2

    def test_hostile_texts_stay_within_their_quotes(self):
        """Quotes, backslashes and newlines of keys and labels are escaped."""
        evil = '"]; evil -> node [label="\\'
        text = draw(Trace(Root(evil, "module"), (link(f"[{evil!r}]", evil), link(".x", "日本\n{|}<b>")), length=3))

        without_strings = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
        assert "evil" not in without_strings
        assert "\\" not in without_strings
        assert "日本" in text

    def test_the_same_leak_is_the_same_text(self):
        """No address is in it."""
        assert draw(SMALL) == draw(SMALL)


class TestFileNames:
    @pytest.mark.parametrize(
        "name",
        [
            "../../etc/passwd",
            "/etc/passwd",
            "..",
            "",
            "test_it.py::test_it[../../x]",
            "test_it.py::test_it[日本]",
            "a\0b\nc",
            "x" * 300,
            "\udcff",
            "CON:",
        ],
    )
    def test_any_test_id_makes_a_plain_name_within_the_folder(self, tmp_path, name):
        """Letters, digits, dots and dashes of ASCII, not too many; another one for another id."""
        stem = file_stem(name)

        assert re.fullmatch(r"[A-Za-z0-9_.-]{1,130}", stem)
        assert not stem.startswith(".")
        assert stem == file_stem(name) != file_stem(name + "!")
        (path,) = write_graphs(report_of(Leak((SURVIVOR,), SMALL)), tmp_path, name)
        assert os.path.dirname(path) == str(tmp_path)  # noqa: PTH120 - a text is what the report shows

    def test_ids_that_differ_in_a_sign_have_files_of_their_own(self):
        """What is taken out of the name is told apart by a few digits."""
        assert file_stem("test_it[a/b]") != file_stem("test_it[a_b]") != file_stem("test_it[a b]")
        assert file_stem("plain-name_1.2") == "plain-name_1.2"


class TestFiles:
    @pytest.fixture(autouse=True)
    def without_graphviz(self, monkeypatch, tmp_path):
        (tmp_path / "bin").mkdir()
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def program(self, tmp_path, source):
        dot = tmp_path / "bin" / "dot"
        dot.write_text(f"#!/bin/sh\n{source}\n", encoding="utf-8")
        dot.chmod(dot.stat().st_mode | stat.S_IEXEC)

    def test_each_leak_has_a_file(self, tmp_path):
        """Numbered from the second on; one without a trace has none; a second holder is drawn too."""
        independent = Leak((SURVIVOR,), SMALL, proof=Proof("independent", others=(OTHER,)))
        lost = Leak((SURVIVOR,), None, unavailable="no root")

        paths = write_graphs(report_of(independent, lost, Leak((SURVIVOR,), OTHER)), tmp_path / "a" / "b", "test_it")

        assert [os.path.relpath(path, tmp_path) for path in paths] == ["a/b/test_it.dot", "a/b/test_it-3.dot"]
        assert (tmp_path / "a/b/test_it.dot").read_text("utf-8") == draw(SMALL, OTHER)

    def test_graphviz_draws_where_it_is_there(self, tmp_path):
        """The SVG stands beside the DOT file."""
        self.program(tmp_path, 'echo "$@" > "${2#-o}"')

        paths = write_graphs(report_of(Leak((SURVIVOR,), SMALL)), tmp_path, "test_it")

        assert paths == (str(tmp_path / "test_it.dot"), str(tmp_path / "test_it.svg"))
        assert (tmp_path / "test_it.svg").read_text("utf-8").split() == [
            "-Tsvg",
            f"-o{tmp_path / 'test_it.svg'}",
            str(tmp_path / "test_it.dot"),
        ]

    def test_a_graphviz_that_fails_draws_nothing(self, tmp_path, monkeypatch):
        """By its exit code, by not starting, or by taking too long."""
        report = report_of(Leak((SURVIVOR,), SMALL))
        expected = (str(tmp_path / "test_it.dot"),)

        self.program(tmp_path, "exit 3")
        assert write_graphs(report, tmp_path, "test_it") == expected
        (tmp_path / "bin" / "dot").write_text("#!/no/such/interpreter\n", encoding="utf-8")
        assert write_graphs(report, tmp_path, "test_it") == expected
        monkeypatch.setattr(graph, "_DRAW_SECONDS", 0.1)
        self.program(tmp_path, "while :; do :; done")
        assert write_graphs(report, tmp_path, "test_it") == expected

    def test_a_folder_that_cannot_be_written_is_told(self, tmp_path):
        """The report says why there is no picture."""
        (tmp_path / "file").touch()
        report = completed(report_of(Leak((SURVIVOR,), SMALL)), "test_it", Options(graph=str(tmp_path / "file")))

        (text,) = report.pictures
        assert text.startswith("none, as the folder can't be written to (FileExistsError")

    def test_a_drawing_that_fails_is_told(self, tmp_path, monkeypatch):
        """The report stands, whatever objgraph does."""
        monkeypatch.setattr(graph.objgraph, "show_chain", lambda *_, **__: 1 / 0)
        report = completed(report_of(Leak((SURVIVOR,), SMALL)), "test_it", Options(graph=str(tmp_path)))

        assert report.pictures == ("none (ZeroDivisionError: division by zero)",)


class TestRuns:
    SOURCE = """
    @pytest.mark.parametrize("name", ["../../x", "日本", "x" * 300], ids=str)
    def test_leak(assert_collected, name): keep(assert_collected(Thing()))
    """

    def test_the_report_says_where_the_picture_is(self, suite):
        """A file for each test, in the folder that was asked for, below where pytest was started."""
        result = suite.run(self.SOURCE, "--leakcheck-graph=out/pictures")

        result.assert_outcomes(failed=3)
        files = sorted(path.name for path in (suite.path / "out" / "pictures").iterdir())
        assert len(files) == 3 + 3 * bool(suite.lines_of(result, ".svg"))
        assert all(name.startswith("test_it.py-test_leak") for name in files)
        text = "".join(result.outlines).replace(" ", "")
        assert all(f"out/pictures/{name}" in text for name in files)

    def test_the_verdict_stands_without_a_picture(self, suite):
        """A folder that is a file is told in the report."""
        suite.write(taken="")
        result = suite.run(self.SOURCE, "-o", "leakcheck_graph=taken.py")

        result.assert_outcomes(failed=3)
        assert len(suite.lines_of(result, "Picture: none, as the folder can't be written to (FileExistsError")) == 3
