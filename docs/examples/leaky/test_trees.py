"""A file tree whose nodes hold their parent: whoever keeps one file keeps the whole tree."""

from pytest_leakcheck.patterns import StrongTree


class Editor:
    file = None


EDITOR = Editor()


def test_tree_is_freed_while_a_file_of_it_is_open(assert_collected):
    root = assert_collected(StrongTree("/"))
    home = root.add(StrongTree("home"))
    EDITOR.file = home.add(StrongTree("notes.txt"))

    assert EDITOR.file.path() == ("/", "home", "notes.txt")
