"""The commands of a checkout: the targets of its Makefile."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_each_command_that_is_named_is_there():
    """What the list or a page names can be made: a target that has no rule does nothing and tells nobody."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs" / "pages").glob("*.md")]
    listed = re.search(r"^\.PHONY: (.*)", makefile, flags=re.MULTILINE).group(1).split()
    told = [name for page in pages for name in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))]
    rules = re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE)

    assert sorted(rules) == sorted(listed)
    assert set(told) <= set(rules)
