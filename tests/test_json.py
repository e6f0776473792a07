"""--leakcheck-json: one document of all leaks of a run, for other programs."""

import json
import os
import textwrap
import threading
from importlib import metadata
from pathlib import Path

import pytest

from pytest_leakcheck.options import Options
from pytest_leakcheck.reporting import publishing
from pytest_leakcheck.results import Results

jsonschema = pytest.importorskip("jsonschema", reason="PyPy has no wheel of a part of it")
SCHEMA = json.loads((Path(__file__).parent.parent / "docs" / "pages" / "leakcheck-1.schema.json").read_text("utf-8"))
LEAKY = """
def test_first(): keep(Thing())
def test_second(): keep(Thing())
def test_fine(): Thing()
"""
ALL_KINDS = """
import collections

OTHERS, LATEST = [], collections.deque(maxlen=3)

class Crash: pass

@pytest.fixture(scope="module")
def server():
    keep(Thing())
    yield Thing()

def test_cyclic(assert_collected):
    thing = assert_collected(Thing(), by_refcount=True)
    thing.self = thing
def test_registered(assert_collected): keep(assert_collected(Thing(), reason="closed"))
def test_own():
    thing = keep(Thing())
    OTHERS.append(thing)
def test_own_again():
    thing = keep(Thing())
    OTHERS.append(thing)
def test_bounded(): LATEST.append(Thing())
def test_now(assert_collected):
    thing = assert_collected(Thing())
    assert_collected.now()
@pytest.mark.xfail
def test_expected(): Thing.more = getattr(Thing, "more", []) + [Thing()]
@pytest.mark.no_leak(instances_of="nowhere.Nothing")
def test_fits_nothing(): pass
def test_block():
    from pytest_leakcheck import no_leak
    with no_leak(instances_of=Thing):
        OTHERS.append([Thing()])
def test_server(server): pass
def test_failing(): assert 0
"""


@pytest.fixture
def written(suite):
    """Return a function that gives the document, checked against the schema that is published."""

    def read(name="leaks.json"):
        document = json.loads((suite.path / name).read_bytes().decode("utf-8"))
        jsonschema.validate(document, SCHEMA, jsonschema.Draft202012Validator)
        return document

    return read


def names(leak):
    return [test["id"].rpartition("::")[2] for test in leak["tests"]]


KEYWORDS = {
    *("$schema", "$id", "$ref", "$defs", "title", "description", "type", "properties", "required", "items", "const"),
    *("additionalProperties", "enum", "pattern", "minimum", "minItems", "anyOf", "oneOf", "format", "maxItems"),
}


def _keywords_of(schema):
    yield from schema
    for key, value in schema.items():
        parts = value.values() if key in ("properties", "$defs") else value if isinstance(value, list) else [value]
        for part in parts:
            if isinstance(part, dict):
                yield from _keywords_of(part)


def test_the_schema_is_one():
    """A misspelt keyword would check nothing, so there are none but these."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    assert set(_keywords_of(SCHEMA)) <= KEYWORDS


def test_a_document_that_lacks_something_does_not_fit(suite, written):
    """Nor does one with more than the schema has."""
    suite.run(LEAKY, "--leakcheck", "--leakcheck-json=leaks.json")
    document = written()
    del document["leaks"][0]["trace"]["links"][0]["text"]

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA, jsonschema.Draft202012Validator)


class TestContent:
    def test_a_leak_is_told_once_with_its_tests(self, suite, written):
        """The trace, what is proved and advised, and the survivors of each test."""
        suite.run(LEAKY, "--leakcheck", "--leakcheck-json=leaks.json").assert_outcomes(failed=2, passed=1)

        document = written()
        (leak,) = document["leaks"]
        assert leak["holder"] == "test_it.KEPT[*]"
        assert [link["text"] for link in leak["trace"]["links"]] == [".KEPT", "[1]"]
        assert leak["trace"]["root"] == {"name": "test_it", "kind": "module", "detail": ""}
        assert leak["proof"]["link"] == "test_it.KEPT[1]"
        assert leak["accounting"] == "The object has 1 reference, which was found."
        assert leak["advice"].startswith("A list keeps it")
        assert [(test["id"], test["outcome"], test["file"], test["line"], test["rerun"]) for test in leak["tests"]] == [
            (f"test_it.py::test_{name}", "failed", "test_it.py", line, f"pytest test_it.py::test_{name} --leakcheck")
            for name, line in (("first", 16), ("second", 17))
        ]
        assert leak["tests"][0]["survivors"] == [
            {
                "type": "test_it.Thing",
                "count": 1,
                "origin": "made during the test",
                "reason": "",
                "file": "test_it.py",
                "line": 16,
            }
        ]
        run = document["run"]
        assert (run["tests"], run["leaks"], run["leaking_tests"], run["exit_status"]) == (3, 1, 2, 1)
        assert run["versions"]["pytest"] == pytest.__version__

    @pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["one process", "xdist"])
    def test_whatever_a_run_shows_is_told(self, suite, written, workers):
        """By hand and found, at the end, at once and in a block, failing or expected; and what is no leak."""
        suite.run(ALL_KINDS, "--leakcheck", "--leakcheck-json=leaks.json", *workers, uses="xdist")

        document = written()
        told = {name: test["outcome"] for leak in document["leaks"] for name, test in zip(names(leak), leak["tests"])}  # noqa: B905
        assert told == {
            "test_registered": "failed",
            "test_cyclic": "failed",
            "test_own": "failed",
            "test_own_again": "failed",
            "test_now": "failed",
            "test_block": "failed",
            "test_expected": "expected",
        }
        warnings = "\n".join(document["warnings"])
        for words in (
            "a deque of at most 3 items, so it is bounded",
            "'server'",
            "'nowhere.Nothing' never matched any",
        ):
            assert words in warnings
        assert document["known"] == document["troubles"] == []

    def test_what_a_baseline_pardons_is_told_apart(self, suite, written):
        """With the reason that stands there; what is new is a leak."""
        baseline = suite.path / "known.txt"
        options = ("--leakcheck", "--leakcheck-baseline=known.txt")
        suite.run(LEAKY, *options, "--leakcheck-update-baseline", "--leakcheck-json=leaks.json")
        (known,) = written()["known"]
        assert known["reason"] == "TODO: why it may stay"
        baseline.write_text(baseline.read_text("utf-8").replace("TODO: why it may stay", "by design"), "utf-8")

        suite.run(
            LEAKY + "def test_new(): Thing.slots = getattr(Thing, 'slots', []) + [Thing()]\n",
            *options,
            "--leakcheck-json=leaks.json",
        )

        document = written()
        assert [names(leak) for leak in document["leaks"]] == [["test_new"]]
        assert document["known"] == [
            {**known, "reason": "by design", "tests": ["test_it.py::test_first", "test_it.py::test_second"]}
        ]
        assert (known["types"], known["holder"], known["file"]) == (["test_it.Thing"], "test_it.KEPT[*]", "test_it.py")

    def test_a_baseline_that_goes_meanwhile_gives_no_reasons(self, suite, written):
        """The leaks that it listed are told all the same."""
        options = ("--leakcheck", "--leakcheck-baseline=known.txt", "--leakcheck-json=leaks.json")
        suite.run(LEAKY, *options, "--leakcheck-update-baseline")
        suite.run(LEAKY + "def test_removes(): __import__('os').remove('known.txt')\n", *options)

        (known,) = written()["known"]
        assert (known["reason"], known["first_seen"]) == ("", None)

    def test_each_run_of_a_test_is_told(self, suite, written):
        """Where pytest-rerunfailures repeats it."""
        source = "def test_leak(assert_collected): keep(assert_collected(Thing()))\n"
        suite.run(source, "--reruns=1", "--leakcheck-json=leaks.json", uses="rerunfailures")

        (leak,) = written()["leaks"]
        assert [test["outcome"] for test in leak["tests"]] == ["rerun", "failed"]

    def test_a_leak_beside_an_error_of_the_teardown_is_told(self, suite, written):
        """Though the report's own text is that error."""
        source = """
        @pytest.fixture(scope="module")
        def broken():
            yield
            assert 0

        def test_leak(request, assert_collected):
            request.getfixturevalue("broken")
            keep(assert_collected(Thing()))
        """
        suite.run(source, "--reruns=0", "--leakcheck-json=leaks.json", uses="rerunfailures")

        (leak,) = written()["leaks"]
        assert names(leak) == ["test_leak"]

    def test_texts_of_any_kind_make_a_valid_document(self, suite, written):
        """Keys and names with control characters and lone surrogates, a number of things, an odd parameter."""
        source = r"""
        KEYED = {"\x00\x1b[31m\n\ud800": []}

        Odd = type("Od\x07d", (), {})

        @pytest.mark.parametrize("name", ["\ud800\x00", "ü"])
        def test_it(name, assert_collected):
            KEYED["\x00\x1b[31m\n\ud800"].append(assert_collected(Odd(), reason="so\n\x00\udfff"))

        def test_now(assert_collected):
            thing = assert_collected(Odd(), reason="so\n\x00\udfff")
            assert_collected.now()
        """
        suite.run(source, "--leakcheck", "--leakcheck-json=leaks.json")

        assert len(written()["leaks"]) == 2

    def test_a_fault_of_the_plugin_is_told(self, suite, written):
        """With the test that it concerns."""
        suite.write(
            conftest="from pytest_leakcheck.checking import check\ncheck.Check.judge = lambda *_, **__: 1 / 0\n"
        )
        suite.run(LEAKY, "--leakcheck", "--leakcheck-json=leaks.json")

        troubles = written()["troubles"]
        assert [trouble["test"] for trouble in troubles] == [
            f"test_it.py::test_{name}" for name in ("first", "second", "fine")
        ]
        assert troubles[0]["text"].startswith("ZeroDivisionError")

    def test_a_run_without_leaks_has_a_document_too(self, suite, written):
        """So a program need not guess what a missing file means."""
        suite.run("def test_it(): pass\n", "--leakcheck-json=leaks.json").assert_outcomes(passed=1)

        document = written()
        assert document["leaks"] == []
        assert document["run"]["tests"] == 0

    def test_a_plugin_that_nobody_installed_has_no_version(self, tmp_path, monkeypatch):
        """As where its folder is but on the path."""
        monkeypatch.setattr(metadata, "version", lambda name: metadata.distribution(f"no {name}").version)
        file = tmp_path / "leaks.json"

        told = publishing.write_json(Results(), Options(json=str(file)), warnings=[], exit_status=0, seconds=0)

        assert told == ""
        assert json.loads(file.read_text("utf-8"))["run"]["versions"]["pytest-leakcheck"] == ""

    def test_a_run_that_is_interrupted_tells_so_far(self, suite, written):
        """The exit status says that it is not the whole."""
        suite.run(LEAKY + "def test_stop(): raise KeyboardInterrupt\n", "--leakcheck", "--leakcheck-json=leaks.json")

        document = written()
        assert len(document["leaks"]) == 1
        assert document["run"]["exit_status"] == pytest.ExitCode.INTERRUPTED


class TestPath:
    def test_the_command_line_counts_from_the_current_folder(self, suite, written, monkeypatch):
        """And folders that are missing are made; nothing else is left there."""
        suite.run(LEAKY)
        (suite.path / "below").mkdir()
        monkeypatch.chdir(suite.path / "below")

        suite.run("", "..", "--leakcheck", "--leakcheck-json=a/b/leaks.json")

        assert written("below/a/b/leaks.json")["leaks"]
        assert [path.name for path in (suite.path / "below/a/b").iterdir()] == ["leaks.json"]

    def test_the_ini_file_counts_from_its_own_folder(self, suite, written, monkeypatch):
        """The command line wins."""
        (suite.path / "pytest.ini").write_text("[pytest]\nleakcheck = true\nleakcheck_json = all/leaks.json\n", "utf-8")
        suite.run(LEAKY)
        (suite.path / "all" / "leaks.json").unlink()
        monkeypatch.chdir(suite.path / "all")

        suite.run("", "..")
        assert written("all/leaks.json")["leaks"]

        suite.run("", "..", "--leakcheck-json=../other.json")
        assert written("other.json")["leaks"]

    def test_what_can_not_be_written_is_told_at_once(self, suite):
        """In one line, before any test runs."""
        (suite.path / "folder").mkdir()
        (suite.path / "file").write_text("")
        (suite.path / "pytest.ini").write_text("[pytest]\nleakcheck_json = folder\n", "utf-8")

        for arguments, message in (
            (["--leakcheck-json=folder"], "--leakcheck-json: folder is a folder; name a file"),
            ([], "leakcheck_json: folder is a folder; name a file"),
            (["--leakcheck-json=file/x/y.json"], "--leakcheck-json: file/x/y.json can't be written, as file is a file"),
        ):
            result = suite.run(LEAKY, *arguments)
            assert result.ret == pytest.ExitCode.USAGE_ERROR
            assert f"ERROR: {message}" in result.errlines
            assert not suite.lines_of(result, "Traceback")

    @pytest.mark.parametrize("name", ["x" * 300, "leaks.json"])
    def test_what_fails_at_the_end_is_told_in_yellow(self, suite, name):
        """The exit status is that of the tests, and what was there stays."""
        (suite.path / "leaks.json").write_text("old")
        suite.write(
            conftest="""
            import pathlib

            def replace(self, target): raise OSError("no space left")

            pathlib.Path.replace = replace
            """
        )
        result = suite.run("def test_it(): pass\n", "--leakcheck", f"--leakcheck-json={name}", "--color=yes")

        assert result.ret == 0
        (line,) = suite.lines_of(result, "is not written")
        assert line.startswith(f"\x1b[33mleakcheck: {name} is not written: OSError: ")
        assert not suite.lines_of(result, "Traceback")
        assert [path.name for path in suite.path.iterdir() if "leaks" in path.name] == ["leaks.json"]
        assert (suite.path / "leaks.json").read_text() == "old"

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_what_is_no_file_is_written_to(self, suite):
        """A pipe or a device is not replaced by a file."""
        pipe = suite.path / "pipe"
        os.mkfifo(pipe)
        read = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_text("utf-8")), daemon=True)
        reader.start()

        suite.run("def test_it(): pass\n", "--leakcheck-json=pipe").assert_outcomes(passed=1)

        reader.join(10)
        jsonschema.validate(json.loads(read[0]), SCHEMA, jsonschema.Draft202012Validator)
        assert pipe.is_fifo()

    @pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symbolic links")
    def test_a_symbolic_link_stays_one(self, suite, written):
        """The file that it leads to is written."""
        (suite.path / "leaks.json").symlink_to("real.json")
        suite.run("def test_it(): pass\n", "--leakcheck-json=leaks.json").assert_outcomes(passed=1)

        assert (suite.path / "leaks.json").is_symlink()
        assert written("real.json") == written()

    @pytest.mark.parametrize("option", ["--no-leakcheck", "--collect-only"])
    def test_a_run_that_checks_nothing_writes_nothing(self, suite, option):
        """It has nothing to tell."""
        suite.run(LEAKY, option, "--leakcheck-json=leaks.json")

        assert not (suite.path / "leaks.json").exists()

    def test_only_the_process_that_was_started_writes(self, suite, written):
        """Under xdist all workers' leaks are in one document."""
        source = "@pytest.mark.parametrize('n', 'abcdef')\ndef test_it(n): keep(Thing())\n"
        suite.run(textwrap.dedent(source), "--leakcheck", "--leakcheck-json=leaks.json", "-n2", uses="xdist")

        (leak,) = written()["leaks"]
        assert sorted(names(leak)) == [f"test_it[{n}]" for n in "abcdef"]
        assert written()["run"]["tests"] == 6
