"""What reports show of users' data, and that no text of an object's steers what reads them."""

import json
import xml.etree.ElementTree as ET

import pytest

from pytest_leakcheck import describe

TOKEN = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
SECRETS = {
    "a token": repr(TOKEN),
    "a token in a text": repr(f"Bearer {TOKEN[4:30]}"),
    "a digest": repr("d41d8cd98f00b204e9800998ecf8427e"),
    "the number of an account": repr("4111111111111111"),
    "a long text": repr("dear diary, today I have been to the sea and back"),
    "a value of the environment": "os.environ['SHOP_PASSWORD']",
    "bytes": repr(b"\x00" * 20),
    "a token in bytes": repr(b"a1b2c3d4e5f6a7b8"),
    "a token in a tuple": repr(("user", TOKEN)),
}
LENGTHS = (40, 33, 32, 16, 49, 15, 20, 16, 40)
OPTIONS = ("--leakcheck", "--leakcheck-json=leaks.json", "--leakcheck-graph=pictures", "--junitxml=it.xml")


@pytest.fixture
def written(suite):
    """Return a function that returns all that a run wrote, by what it is."""

    def read(result):
        pictures = "\n".join(path.read_text("utf-8") for path in (suite.path / "pictures").glob("*.dot"))
        return {
            "terminal": result.stdout.str(),
            "json": (suite.path / "leaks.json").read_text("utf-8"),
            "xml": (suite.path / "it.xml").read_text("utf-8"),
            "pictures": pictures,
        }

    return read


class TestUsersData:
    def test_keys_that_are_data_are_told_by_kind_and_length(self, suite, written, monkeypatch):
        """Long texts, tokens, and what the environment says, wherever the leak is told."""
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("SHOP_PASSWORD", "correct-horse-b")
        tests = "".join(
            f"def test_{index}(assert_collected): KEPT.append({{{key}: assert_collected(Thing())}})\n"
            for index, key in enumerate(SECRETS.values())
        )
        result = suite.run(f"import os\n{tests}", *OPTIONS)

        result.assert_outcomes(failed=len(SECRETS))
        told = written(result)
        for kind, text in told.items():
            for secret in (TOKEN, TOKEN[4:30], "d41d8cd9", "41111111", "diary", "correct-horse", "x00", "a1b2c3"):
                assert secret not in text, (kind, secret)
        trace = told["terminal"]
        assert [trace.count(f"of length {length}>") > 0 for length in LENGTHS] == [True] * len(LENGTHS)

    def test_attributes_named_by_a_token_are_told_so_too(self, suite, written):
        """Of an object, a module and a class."""
        result = suite.run(
            f"""
            def test_object(assert_collected): setattr(keep(Thing()), {TOKEN!r}, assert_collected(Thing()))
            def test_module(assert_collected): globals()[{TOKEN!r}] = [assert_collected(Thing())]
            def test_class(assert_collected): setattr(Thing, {TOKEN!r}, assert_collected(Thing()))
            """,
            *OPTIONS,
        )

        result.assert_outcomes(failed=3)
        assert not [kind for kind, text in written(result).items() if TOKEN in text]
        assert suite.lines_of(result, ".__dict__[<str of length 40>]")

    def test_a_key_that_no_environment_can_have_is_shown(self):
        """A lone surrogate is not to be written there."""
        assert describe.key_text("\ud800 of names") == r"'\ud800 of names'"

    def test_keys_that_are_names_are_shown(self, suite):
        """Short texts, with a date or a number in them, and values of the environment that are mere words."""
        keys = ["changed", "2025-01-31", "order 17", "shop.session.Session2", "/srv/shop/2024"]
        source = "".join(
            f"def test_{index}(assert_collected): KEPT.append({{{key!r}: assert_collected(Thing())}})\n"
            for index, key in enumerate(keys)
        )
        result = suite.run(source)

        assert all(suite.lines_of(result, f"[{key!r}]") for key in keys)


COMMANDS = """
::error file=a.py::injected
##[error]injected
##vso[task.setvariable variable=x]y
##teamcity[buildStatus status='FAILURE']
]]><script>alert(1)</script>
<![CDATA[
%0A::error::injected
"]; evil -> node [label="
"""


def test_names_are_no_commands_and_no_markup(suite, written, monkeypatch):
    """As keys, names of classes and attributes, reasons and ids of tests, for CI systems, XML, JSON and pictures."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    suite.path.joinpath("pytest.ini").write_text(
        "[pytest]\ndisable_test_id_escaping_and_forfeit_all_rights_to_community_support = true\n"
    )
    result = suite.run(
        f"""
        NAMES = {COMMANDS.strip().splitlines()!r}

        @pytest.mark.parametrize("name", NAMES, ids=NAMES)
        def test_it(assert_collected, name):
            thing = type(name, (), {{"__module__": "builtins"}})()
            setattr(keep(Thing()), name, {{name: assert_collected(thing, reason=name)}})
        """,
        *OPTIONS,
    )

    result.assert_outcomes(failed=8)
    told = written(result)
    start = result.outlines.index(next(line for line in result.outlines if line.startswith("leakcheck: ")))
    reports = "\n".join(result.outlines).split("LEAKED  ")[1:]
    own = [line for report in reports for line in report.split("\n____")[0].splitlines()]
    assert not [
        line
        for line in own
        if line.lstrip().startswith("::error file=a.py") or ("##" in line and "LEAKED test_it.py" not in line)
    ]
    commands = [line for line in result.outlines[start:] if line.lstrip().startswith("::")]
    assert len(commands) == len(json.loads(told["json"])["leaks"]) >= 8
    assert all(line.startswith("::error file=test_it.py,line=") and "##[" not in line for line in commands)
    tree = ET.fromstring(told["xml"])  # noqa: S314 - our own file
    assert not [element for element in tree.iter() if element.tag == "script"]
    assert all(path.parent == suite.path / "pictures" for path in (suite.path / "pictures").rglob("*"))
    assert not [line for line in told["pictures"].splitlines() if line.strip().startswith("evil")]
