"""Keys in words: as a person could type them, without asking the key."""

import enum
import typing

import pytest

from pytest_leakcheck.describe import key_text, quoted


class Color(enum.Enum):
    RED = 1


class Number(enum.IntEnum):
    ONE = 1


class Word(str, enum.Enum):
    YES = "yes"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Point(typing.NamedTuple):
    x: int
    y: object


class Wide(typing.NamedTuple):
    a: int
    b: int
    c: int
    d: int
    e: int


class Derived(Point):
    pass


class Lying(tuple):  # noqa: SLOT001 - as users write them
    _fields: typing.ClassVar = ["x"]


class Pretending(int):
    _name_ = "RED"


class Session:
    def close(self): ...


def handler(): ...


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (Color.RED, "Color.RED"),
        (Number.ONE, "Number.ONE"),
        (Word.YES, "Word.YES"),
        (Right.READ, "Right.READ"),
        (enum.Enum("Odd", {"a b": 1})["a b"], "<Odd>"),
        (enum.Enum("Odd", {"x" * 41: 1})["x" * 41], "<Odd>"),
        (Pretending(1), "<Pretending>"),
        (handler, "<function handler>"),
        (enum, "<module enum>"),
        (Session().close, "<bound method Session.close>"),
        (float("inf"), "float('inf')"),
        (float("-inf"), "float('-inf')"),
        (float("nan"), "float('nan')"),
        (1.5, "1.5"),
        (..., "..."),
        ((1, ...), "(1, ...)"),
        (Point(1, Color.RED), "Point(1, Color.RED)"),
        (Point(1, Point(2, Point(3, 4))), "Point(1, Point(2, <Point>))"),
        (Derived(1, ()), "Derived(1, ())"),
        (Wide(1, 2, 3, 4, 5), "<Wide>"),
        (Lying([1]), "<Lying>"),
    ],
)
def test_a_key_is_told_as_it_can_be_typed(key, text):
    """A member of an enum by its name, a number that has no literal by a call; what can't be typed in brackets."""
    assert key_text(key) == text


@pytest.mark.skipif(not hasattr(enum, "FlagBoundary"), reason="up to CPython 3.10, several members have no name")
def test_several_members_of_a_flag_are_told_one_by_one():
    """Their common name is that of each, joined."""
    assert key_text(Right.READ | Right.WRITE) == "Right.READ|Right.WRITE"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("t\x1b[0m", r"'t\x1b[0m'"),
        ("\ud800\n", r"'\ud800\n'"),
        (r"C:\shop", r"'C:\\shop'"),
        ("it's", '"it\'s"'),
        ("##[error]", r"'#\x23[error]'"),
        ("x" * 60, f"'{'x' * 60}'"),
        ("x" * 61, f"'{'x' * 59}…'"),
        ("x" * 10_000_000, f"'{'x' * 59}…'"),
    ],
)
def test_a_name_is_escaped_once(text, told):
    """In quotes, it is the literal that a person would type, unless it is cut."""
    assert quoted(text) == told
