"""The nodes refer to their parent weakly: an open file keeps nothing but itself."""

from pytest_leakcheck.patterns import WeakTree


class Editor:
    file = None


EDITOR = Editor()


def test_tree_is_freed_while_a_file_of_it_is_open(assert_collected):
    root = assert_collected(WeakTree("/"))
    home = root.add(WeakTree("home"))
    EDITOR.file = home.add(WeakTree("notes.txt"))

    assert EDITOR.file.path() == ("/", "home", "notes.txt")
