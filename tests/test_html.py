"""The page of pytest-html has the report of a leak, and its pictures where they are drawn."""

import base64
import os
import stat

import pytest

LEAKY = """
KEYED = {}

def test_leak(assert_collected):
    KEYED["<script>alert(1)</script>"] = assert_collected(Thing())

def test_fine(): pass
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def graphviz(suite, monkeypatch):
    """Put a stand-in for Graphviz's program onto the path, which draws nothing."""
    folder = suite.path / "bin"
    folder.mkdir()
    dot = folder / "dot"
    dot.write_text(f"#!/bin/sh\nfor last; do :; done\nprintf '%s' '{SVG}' | tee \"${{last%.dot}}.svg\"\n", "utf-8")
    dot.chmod(dot.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["one process", "xdist"])
def test_report_and_picture_are_in_the_page(suite, graphviz, options):  # noqa: ARG001 - it is on the path
    """What names say is text there, and the picture an image, in which no script runs."""
    arguments = ("--html=page.html", "--self-contained-html", "--leakcheck-graph=leaks", *options)
    suite.run(LEAKY, *arguments, uses="html html_fixtures metadata xdist").assert_outcomes(passed=1, failed=1)

    page = (suite.path / "page.html").read_text("utf-8")
    assert "LEAKED  1 object that should be gone is still alive" in page
    assert "<script>alert" not in page
    assert page.count(f"data:image/svg+xml;base64,{base64.b64encode(SVG.encode()).decode()}") == 1


def test_without_pictures_the_report_is_all(suite):
    """So it is where no folder for them is named."""
    suite.run(LEAKY, "--html=page.html", "--self-contained-html", uses="html html_fixtures metadata")

    page = (suite.path / "page.html").read_text("utf-8")
    assert "LEAKED  1 object that should be gone is still alive" in page
    assert "image/svg+xml;base64" not in page
