"""Live objects to words, asking an object only what cannot run its code.

Types are read through the descriptors of ``type`` and ``object``, so that no ``__class__``, ``__getattr__``,
``__repr__``, ``__len__`` or metaclass of a user's runs; the text is bounded in length and free of control characters.
"""

from __future__ import annotations

import types
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from pytest_leakcheck import rawtypes

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TEXT = 60
"""The longest name or key, in characters, that a report shows whole."""
_MOST_OF_PATH = 1_000
"""Characters at the end of a file's path that are looked at for its last parts."""
_MOST_BITS = 128
"""Greater numbers are not written out: that takes the square of their length."""


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Return `text` in printable characters alone, cut to `limit` characters: nothing in it can steer a terminal."""
    head = str.__getitem__(text, slice(limit + 1))  # of a subclass too, it is a plain text
    is_whole = len(head) <= limit
    if is_whole and head.isascii() and head.isprintable():
        return head
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in head)
    printable = printable.encode("utf-8", "backslashreplace").decode()
    return printable if is_whole and len(printable) <= limit else printable[: limit - 1] + "…"


def type_name(kind: type) -> str:
    """Return the dotted name of a type, without its module where that is ``builtins``."""
    module, name = (text[: 2 * MAX_TEXT] for text in (rawtypes.module_of(kind), rawtypes.qualname_of(kind)))
    return clean(name if module in ("", "builtins") else f"{module}.{name}", 2 * MAX_TEXT)


def fixture_name(scope: str, name: str) -> str:
    """Return the words for a fixture: ``module-scoped fixture 'server'``."""
    return f"{scope}-scoped fixture {clean(name)!r}"


def short_type_name(kind: type) -> str:
    """Return a type's name without module and enclosing scopes."""
    return clean(rawtypes.qualname_of(kind).rpartition(".")[2])


def function_name(function: types.FunctionType | types.CodeType) -> str:
    """Return a function's qualified name, without the ``<locals>`` that say only that it is nested."""
    name = (
        getattr(function, "co_qualname", function.co_name)
        if type(function) is types.CodeType
        else function.__qualname__
    )
    return _without_locals(name)


def _without_locals(name: str) -> str:
    return clean(rawtypes.text_of(name).replace(".<locals>", ""))


def place(code: types.CodeType, line: int | None = None) -> str:
    """Return ``file.py:12`` for a code object, the file by its last two parts."""
    return short_place(code.co_filename, line or code.co_firstlineno)


def short_place(file: str, line: int) -> str:
    """Return ``folder/file.py:12``: a file by its last two parts, and a line."""
    parts = rawtypes.text_of(file)[-_MOST_OF_PATH:].replace("\\", "/").split("/")
    return f"{clean('/'.join(parts[-2:]), 2 * MAX_TEXT - 10)}:{line}"


def key_text(key: object, *, depth: int = 2) -> str:  # noqa: PLR0911 - one line a kind of key
    """Return a dict key as a person could type it where it is a plain value, else its type in angle brackets.

    Long text is cut: a report must not carry users' data about. Tuples are told down to `depth`, as one that holds
    another several times over has no end.
    """
    kind = type(key)
    if kind is str:
        return repr(clean(key, 40)).replace("\\\\", "\\")  # type: ignore[arg-type]
    if kind is int and key.bit_length() > _MOST_BITS:  # type: ignore[attr-defined]
        return "<int>"
    if rawtypes.is_one_of(kind, (int, float, bool, type(None), complex)):
        return clean(repr(key), 40)
    if kind is bytes:
        return clean(repr(key[:40]), 40)  # type: ignore[index]
    if kind is tuple and len(key) <= 4 and depth:  # type: ignore[arg-type]
        inner = ", ".join(key_text(part, depth=depth - 1) for part in key)  # type: ignore[attr-defined]
        return clean(f"({inner},)" if len(key) == 1 else f"({inner})")  # type: ignore[arg-type]
    if rawtypes.is_type(key):
        return short_type_name(key)
    if rawtypes.derives(kind, weakref.ref):
        referent = weakref.ref.__call__(key)  # type: ignore[arg-type]
        return "<dead weak reference>" if referent is None else f"<weak reference to {short_type_name(type(referent))}>"
    return f"<{short_type_name(kind)}>"


def error_text(error: BaseException) -> str:
    """Return an error's type and message, or its type alone where a message is not to be had without its own code."""
    name, message = short_type_name(type(error)), message_of(error)
    return clean(f"{name}: {message}" if message else name, 200)


def fault_text(error: BaseException) -> str:
    """Return an error's type and message, and the line that raised it."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    where = f" ({place(traceback.tb_frame.f_code, traceback.tb_lineno)})" if traceback is not None else ""
    return error_text(error) + where


def message_of(error: BaseException) -> str:
    """Return an error's message, or the empty string where telling it would run code of an argument's.

    A ``__str__`` that a class defines in Python is passed over for that of the built-in class.
    """
    base: Any = next((kind for kind in (OSError, KeyError) if rawtypes.is_instance(error, kind)), BaseException)
    told = [*rawtypes.items_in(base.args.__get__(error))]
    if base is OSError:
        told += [getattr(base, name).__get__(error) for name in ("errno", "strerror", "filename", "filename2")]
    return str(base.__str__(error)) if all(map(_is_plain, told)) else ""


def _is_plain(value: object) -> bool:
    is_short = type(value) is int and value.bit_length() <= _MOST_BITS
    return is_short or rawtypes.is_one_of(type(value), (str, bool, float, type(None)))


def tally(names: Iterable[str]) -> str:
    """Return how often each of `names` occurs: ``2 shop.Session, 1 shop.Item``."""
    return ", ".join(f"{number} {name}" for name, number in rawtypes.counts_of(names).items())


def counted(number: int, noun: str) -> str:
    """Return ``1 item`` or ``2 items``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


_SIZED: dict[type, Any] = {
    dict: dict.__len__,
    list: list.__len__,
    set: set.__len__,
    frozenset: frozenset.__len__,
    tuple: tuple.__len__,
    deque: deque.__len__,
}


def label(obj: Any) -> str:  # noqa: PLR0911 - one line a kind of object
    """Return what `obj` is, in a few words."""
    kind = type(obj)
    for base, length in _SIZED.items():
        if rawtypes.derives(kind, base):
            return f"{short_type_name(kind)}, {counted(length(obj), 'item')}"
    if kind is types.MethodType:
        return f"bound method {_method_name(obj)}"
    if kind is types.BuiltinMethodType:
        return f"built-in method {clean(obj.__name__)}"
    if kind is types.FunctionType:
        return f"function {function_name(obj)}"
    if rawtypes.is_one_of(kind, (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)):
        return f"{short_type_name(kind).replace('_', ' ')} {_without_locals(obj.__qualname__)}"
    if kind is types.FrameType:
        return f"frame of {function_name(obj.f_code)}"
    if rawtypes.is_module(obj):
        return f"module {clean(rawtypes.module_name(obj))}"
    if rawtypes.is_type(obj):
        return f"class {short_type_name(obj)}"
    return short_type_name(kind)


def _method_name(method: Any) -> str:
    function = method.__func__
    is_plain = type(function) is types.FunctionType
    name = clean(function.__name__) if is_plain else short_type_name(type(function))
    owner = method.__self__
    return clean(f"{short_type_name(owner if rawtypes.is_type(owner) else type(owner))}.{name}")
