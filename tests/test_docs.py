"""The pages show what the files in docs/examples do; `python tests/test_docs.py --update` writes anew what they show.

A block of a page is filled by the comment on the line before it, or by its first line:

- ``<!-- source: leaky/test_caches.py::thumbnail, Picture -->``: the file, or these functions and classes of it
- ``<!-- report: test_invoice_is_freed -->``: the report on that test of ``leaky/``
- ``<!-- picture: leaky/test_caches.py::test_invoice_is_freed -->``: the graph of that test's leak, in the DOT language
- ``console``: its first line is the command, run in ``docs/examples``; the rest is what it prints. After
  ``<!-- files: more/readme/test_window.py -->`` it is run in an empty folder with copies of these files
"""

from __future__ import annotations

import ast
import configparser
import functools
import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import surroundings
from pytest_leakcheck import options, patterns
from pytest_leakcheck.explaining import advice
from pytest_leakcheck.fixtures import AssertCollected

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "docs" / "examples"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "pages").glob("*.md"))]
BLOCK = re.compile(r"(?:^<!-- (\w+): ([^\n]+) -->\n\n?)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OTHER_PLUGINS = ("anyio", "asyncio", "cacheprovider", "flaky", "rerunfailures")
is_shown = pytest.mark.skipif(
    pytest.version_tuple < (9,) or sys.version_info < (3, 11),
    reason="the pages show the output of pytest 9, and of Python 3.11, where an instance has no dict to count",
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    kind: str
    """The word before the colon of the comment, or the empty string."""
    argument: str
    language: str
    body: str

    def expected(self) -> str:
        """Return what the block should show; its own body where nothing says otherwise."""
        if self.kind == "source":
            return source(self.argument)
        if self.kind == "report":
            return reports()[self.argument]
        if self.kind == "picture":
            return picture(self.argument)
        if self.language == "console":
            command = self.body.partition("\n")[0]
            files = self.argument if self.kind == "files" else ""
            return f"{command}\n{run(command.removeprefix('$ '), files)}"
        return self.body


def blocks(page):
    return [
        Block(kind or "", argument or "", *rest) for kind, argument, *rest in BLOCK.findall(page.read_text("utf-8"))
    ]


def source(argument):
    """Return a file without its docstring, or the parts of it that are named."""
    path, _, names = argument.partition("::")
    text = (EXAMPLES / path).read_text("utf-8")
    if not path.endswith(".py"):
        return text
    lines = text.splitlines()
    body = ast.parse(text).body
    if not names:
        starts_with_docstring = isinstance(body[0], ast.Expr)
        return "\n".join(lines[body[0].end_lineno :] if starts_with_docstring else lines).strip() + "\n"
    parts = [part for name in names.split(", ") for part in body if name in names_of(part)]
    assert len(parts) == len(names.split(", ")), f"not all of {names} are in {path}"
    shown = [lines[first_line(part) - 1 : part.end_lineno] for part in parts]
    text = "\n".join(shown[0])
    for before, part, part_lines in zip(parts, parts[1:], shown[1:], strict=False):
        are_assignments = isinstance(before, ast.Assign) and isinstance(part, ast.Assign)
        text += ("\n" if are_assignments else "\n\n\n") + "\n".join(part_lines)
    return text + "\n"


def names_of(part):
    targets = part.targets if isinstance(part, ast.Assign) else []
    return [getattr(part, "name", ""), *(target.id for target in targets if isinstance(target, ast.Name))]


def first_line(part):
    return min([part.lineno, *(decorator.lineno for decorator in getattr(part, "decorator_list", ()))])


@functools.cache
def run(command, files=""):
    """Return what a command prints, in the folder of the examples or in one of its own with copies of `files`."""
    python, *arguments = shlex.split(command)
    assert python in ("python", "pytest"), f"no way to run {command!r}"
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder, Path(files.split()[0]).parent.name) if files else EXAMPLES
        there.mkdir(exist_ok=True)
        for file in files.split():
            shutil.copy(EXAMPLES / file, there)
        done = subprocess.run(
            [sys.executable, *(["-m", "pytest"] if python == "pytest" else []), *arguments],
            cwd=there,
            env=environment(),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        text = done.stdout + done.stderr
        for path in (str(there.resolve()), str(there)):
            text = text.replace(path + os.sep, "")
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def environment():
    """Return the surroundings of a user who has pytest and this plugin, and a terminal of 80 columns."""
    without = " ".join(f"-p no:{name}" for name in OTHER_PLUGINS)
    return surroundings.plain(
        PYTEST_ADDOPTS=f"--no-header {without}", PYTHONDONTWRITEBYTECODE="1", PYTHONIOENCODING="utf-8"
    )


@functools.cache
def reports():
    """Return the report on each test of leaky/ by the test's name."""
    text = run("pytest leaky")
    failures = text.partition("= FAILURES =")[2].partition("leakcheck: ")[0]
    parts = re.split(r"^_+ (\w+) _+$", failures, flags=re.MULTILINE)
    alone = (re.split(r"^-+ Captured ", part, flags=re.MULTILINE)[0].strip("\n") + "\n" for part in parts[2::2])
    return dict(zip(parts[1::2], alone, strict=True))


@functools.cache
def picture(test):
    """Return what is drawn of the leak of a test."""
    with tempfile.TemporaryDirectory() as folder:
        run(f"pytest {test} --leakcheck-graph={folder}")
        (file,) = Path(folder).glob("*.dot")
        return file.read_text("utf-8")


def generalised(text):
    """Return a text without what differs from run to run or between Pythons: seconds, sizes, addresses, widths."""
    text = re.sub(r"\b\d+\.\d+ ?s\b", "… s", text)
    text = re.sub(r"0x[0-9a-f]+", "0x…", text)
    text = re.sub(r"\(\d[\d.,]* (bytes|[kM]B)\)", "(… bytes)", text)
    text = re.sub(r"\(\d[\d.,]*( +LEAKED)$", r"(…\1", text, flags=re.MULTILINE)
    if " -m pdb " in text:  # up to CPython 3.12, pdb has a copy of the locals, and that is one more reference
        text = re.sub(r"has \d references, \w+ found", "has … references, … found", text)
    text = re.sub(r"(?<=\S) {2,}", "  ", text)
    return re.sub(r"={3,}", "===", text)


def updated(page):
    """Return the text of a page with every block as it should be; what differs in seconds alone stays as it is."""

    def fill(match):
        kind, argument, language, body = match.groups()
        should = Block(kind or "", argument or "", language, body).expected()
        if generalised(should) == generalised(body):
            should = body
        return match.group()[: match.start(4) - match.start()] + should + "```"

    return BLOCK.sub(fill, page.read_text("utf-8"))


def update():
    for page in PAGES:
        text = updated(page)
        if text != page.read_text("utf-8"):
            page.write_text(text, "utf-8")
            print(f"updated {page.relative_to(ROOT)}")  # noqa: T201 - run as a script


def named(pairs):
    return [pytest.param(*pair, id=f"{pair[0].stem}-{number}") for number, pair in enumerate(pairs)]


FILLED = [(page, block) for page in PAGES for block in blocks(page) if block.kind or block.language == "console"]
PYTHON = [(page, block) for page in PAGES for block in blocks(page) if block.language == "python" and not block.kind]
SETTINGS = [(page, block) for page in PAGES for block in blocks(page) if block.language in ("ini", "toml")]


@is_shown
@pytest.mark.parametrize(("page", "block"), named(FILLED))
def test_shown_block_is_what_the_files_give(page, block):
    """If this fails after a wanted change: python tests/test_docs.py --update."""
    assert generalised(block.body) == generalised(block.expected()), f"{page.name} is out of date"


def test_python_in_a_page_runs():
    """Code that no file shows is at least free of errors up to its last line."""
    for page, block in PYTHON:
        exec(compile(block.body, page.name, "exec"), {"__name__": "page"})  # noqa: S102 - our own pages


@pytest.mark.parametrize(("page", "block"), named(SETTINGS))
def test_settings_in_a_page_exist(page, block):
    """Every leakcheck_… key of an ini or toml block is one that the plugin declares."""
    parser = configparser.ConfigParser()
    parser.read_string(block.body)

    keys = [key for section in parser.sections() for key in parser[section] if key.startswith("leakcheck")]

    assert keys, f"{page.name}: nothing to check"
    assert set(keys) <= set(options.ENTRIES)


def test_every_page_is_in_the_navigation():
    """A page that nobody links to is never read."""
    navigation = (ROOT / "docs" / "mkdocs.yml").read_text("utf-8")

    assert all(f": {page.name}\n" in navigation for page in PAGES[1:])


def test_one_sentence_a_line():
    """Prose has one sentence a line, so that a change of one sentence is a change of one line."""
    for page in PAGES:
        prose = re.sub(r"```.*?```|`[^`\n]*`|<!--.*?-->", "", page.read_text("utf-8"), flags=re.DOTALL)
        together = re.findall(r"^.*[a-z)][.?!] [A-Z].*$", prose, re.MULTILINE)

        assert not together, page.name


def test_links_lead_somewhere():
    """Relative links of the README and the pages name files, and headings of them."""
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([\w-]+))?\)", page.read_text("utf-8")):
            path = page.parent / target if target else page
            assert path.exists(), f"{page.name}: {target}"
            assert not anchor or anchor in anchors(path), f"{page.name}: {target}#{anchor}"


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_each_advice_names_a_heading():
    """`See: docs, "Observers".` leads to a heading of the how-to guides."""
    guides = (ROOT / "docs" / "pages" / "guides.md").read_text("utf-8")

    for text in advice.ADVICE.values():
        heading = re.search(r'See: docs, "(.+)"\.$', text)
        assert heading, text
        assert f"\n## {heading[1]}\n" in guides


def test_reference_names_all_that_is_there():
    """No option, ini key, marker, fixture, root kind or weak structure is missing from the reference."""
    reference = (ROOT / "docs" / "pages" / "reference.md").read_text("utf-8")
    structures = (ROOT / "docs" / "pages" / "patterns.md").read_text("utf-8")
    shown = run("pytest --help") + run("pytest --fixtures more/test_now.py")

    for option in set(re.findall(r"^  (--[\w-]*leakcheck[\w-]*)", shown, re.MULTILINE)) | set(options.ENTRIES):
        assert f"`{option}`" in reference
    for method in [name for name in vars(AssertCollected) if not name.startswith("_")]:
        assert f"`assert_collected.{method}(" in reference
    for fixture in re.findall(r"^(weak\w+|assert_collected)\b", shown, re.MULTILINE):
        assert f"`{fixture}`" in reference
    for name in patterns.__all__:
        assert name in structures


def test_gallery_answers_three_questions():
    """Each of ten reports names what leaked, and a holder that stands in the lines above the report, and has advice."""
    gallery = blocks(ROOT / "docs" / "pages" / "gallery.md")
    pairs = list(zip(gallery[::2], gallery[1::2], strict=True))

    assert len(pairs) == 10
    for code, report in pairs:
        assert (code.kind, report.kind) == ("source", "report")
        chain = report.body.partition("GC root")[2].partition("\n\n")[0]
        leaked = re.search(r"^  (?:\S+\.)?(\w+)\s+registered", report.body, re.MULTILINE)
        assert leaked
        assert re.search(rf"\b{leaked[1]}\b.*LEAKED", chain)
        assert set(re.findall(r"\w+", chain)) & set(re.findall(r"\w{3,}", code.body)), report.argument
        assert any(" ".join(text.split()) in " ".join(report.body.split()) for text in advice.ADVICE.values())


def test_leaky_and_mended_are_twins():
    """Each example of leaky/ has its mended twin in mended/, and a name of its own for each test of leaky/."""
    leaky, mended = (sorted(path.name for path in (EXAMPLES / side).glob("test_*.py")) for side in ("leaky", "mended"))
    tests = [
        name
        for path in (EXAMPLES / "leaky").glob("*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    ]

    assert leaky == mended
    assert len(tests) == len(set(tests))


def test_demo_tells_that_all_is_as_intended():
    """`make demo` ends well: exactly the tests in leaky/ leak."""
    done = subprocess.run(
        [sys.executable, "demo.py"], cwd=EXAMPLES, env=environment(), capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
    assert inspect.cleandoc(done.stdout).splitlines()[-1].startswith("demo: as intended")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit("usage: python tests/test_docs.py --update")
    update()
