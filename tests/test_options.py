"""Where settings come from, and the texts that tell of them."""

import re

import pytest

SOURCE = """
import decimal

def test_own(): keep(Thing())

def test_foreign(): keep(decimal.Context())
"""


class TestSources:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("pytest.ini", "[pytest]\nleakcheck = true\nleakcheck_within = 0.25\nleakcheck_packages = decimal json"),
            (
                "pyproject.toml",
                (
                    "[tool.pytest.ini_options]\nleakcheck = true\nleakcheck_within = '0.25'\n"
                    "leakcheck_packages = ['decimal', 'json']"
                ),
            ),
            ("tox.ini", "[pytest]\nleakcheck = yes\nleakcheck_within = 0.25\nleakcheck_packages =\n  decimal\n  json"),
            pytest.param(
                "pyproject.toml",
                "[tool.pytest]\nleakcheck = true\nleakcheck_within = 0.25\nleakcheck_packages = ['decimal', 'json']",
                marks=pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest 9 brought [tool.pytest]"),
                id="native toml",
            ),
            pytest.param(
                "pytest.toml",
                "[pytest]\nleakcheck = true\nleakcheck_within = 0.25\nleakcheck_packages = ['decimal', 'json']",
                marks=pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest 9 brought pytest.toml"),
                id="pytest.toml",
            ),
        ],
    )
    def test_every_kind_of_ini_file_is_read(self, suite, name, text):
        """Flags, numbers and lists mean the same in all of them."""
        (suite.path / name).write_text(f"{text}\n")
        suite.write(
            conftest="""
            from pytest_leakcheck.options import OPTIONS

            def pytest_report_header(config):
                options = config.stash[OPTIONS]
                return f"read: {options.is_on} {options.within} {options.packages}"
            """
        )

        result = suite.run("def test_it(): pass\n")

        result.stdout.fnmatch_lines(["read: True 0.25 ('decimal', 'json')"])

    @pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest 9 brought [tool.pytest]")
    def test_a_whole_number_is_a_number_of_seconds(self, suite):
        """TOML's 10 needs no point."""
        (suite.path / "pyproject.toml").write_text("[tool.pytest]\nleakcheck_within = 10\n")

        suite.run("def test_it(assert_collected): assert_collected(Thing())\n").assert_outcomes(passed=1)

    def test_a_watched_class_may_have_a_reason(self, suite):
        """As what is ignored may."""
        (suite.path / "pytest.ini").write_text(
            "[pytest]\nleakcheck_watch = argparse.Namespace  # the client's\n", "utf-8"
        )
        result = suite.run("import argparse\ndef test_it(): keep(argparse.Namespace())\n", "--leakcheck")

        result.assert_outcomes(failed=1)

    def test_off_wins(self, suite):
        """Also over what the ini file adds to the command line."""
        (suite.path / "pytest.ini").write_text("[pytest]\naddopts = --leakcheck\n", "utf-8")
        result = suite.run("def test_it(): keep(Thing())\n", "--no-leakcheck")

        result.assert_outcomes(passed=1)

    def test_paths_in_the_ini_file_count_from_its_folder(self, suite, monkeypatch):
        """From wherever pytest is started."""
        (suite.path / "pytest.ini").write_text("[pytest]\nleakcheck_graph = pics\nleakcheck_json = out.json\n", "utf-8")
        suite.write(
            test_it="KEPT = []\nclass Thing: pass\ndef test(assert_collected): KEPT.append(assert_collected(Thing()))\n"
        )
        (suite.path / "below").mkdir()
        monkeypatch.chdir(suite.path / "below")
        suite.run("", "..")

        assert (suite.path / "pics").is_dir()
        assert (suite.path / "out.json").is_file()

    def test_the_command_line_wins(self, suite):
        """--no-leakcheck turns off what the ini file turns on; without an ini value --leakcheck turns on."""
        suite.run(SOURCE).assert_outcomes(passed=2)
        suite.run("", "--leakcheck").assert_outcomes(failed=1, passed=1)
        (suite.path / "pytest.ini").write_text("[pytest]\nleakcheck = true\n")
        suite.run("").assert_outcomes(failed=1, passed=1)
        suite.run("", "--no-leakcheck").assert_outcomes(passed=2)

    def test_strict_config_knows_every_key(self, suite):
        """No key of ours is unknown to pytest."""
        (suite.path / "pytest.ini").write_text(
            "[pytest]\nleakcheck = false\nleakcheck_packages =\nleakcheck_within =\n"
        )

        suite.run("def test_it(): pass\n", "--strict-config", "--strict-markers").assert_outcomes(passed=1)


class TestTexts:
    def test_help_lists_the_options_and_the_ini_keys(self, suite):
        """Each with a sentence, in a group of their own."""
        text = suite.run("", "--help").stdout.str()

        assert "object leaks (pytest-leakcheck):" in text
        words = re.sub(r"\s+", " ", text)
        for told in (
            "--leakcheck Fail each test that leaves behind objects of this project's own classes",
            "--no-leakcheck Check nothing: assert_collected and the no_leak marker do nothing either",
            "leakcheck (bool): Check every test for objects that outlive it, as --leakcheck does.",
            "leakcheck_packages (args): Packages whose classes are this project's own, wherever they are installed",
            "Seconds to wait for watched objects to die (default: 0, but up to 1 for what another thread or an",
        ):
            assert told in words

    def test_the_markers_and_fixtures_are_documented(self, suite):
        """By --markers and --fixtures, what each takes and means."""
        markers = re.sub(r"\s+", " ", suite.run("", "--markers").stdout.str())
        assert "@pytest.mark.no_leak(instances_of=..., by_refcount=False, within=None, repeat=True, " in markers
        assert "@pytest.mark.skip_leakcheck(reason): do not check this test for leaks, whatever else asks" in markers

        fixtures = suite.run("", "--fixtures")
        fixtures.stdout.fnmatch_lines(
            ["assert_collected -- *", "    Register objects that must be gone once the test is over, as in*"]
        )
