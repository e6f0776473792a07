"""Live objects to words, asking an object only what cannot run its code.

Types are read through the descriptors of ``type`` and ``object``, so that no ``__class__``, ``__getattr__``,
``__repr__``, ``__len__`` or metaclass of a user's runs; the text is bounded in length and free of control characters.
"""

from __future__ import annotations

import enum
import os
import re
import types
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.runtime import rawtypes

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TEXT = 60
"""The longest name or key, in characters, that a report shows whole."""
_MOST_OF_PATH = 1_000
"""Characters at the end of a file's path that are looked at for its last parts."""
_MOST_OF_KEY, _MOST_OF_BYTES = 40, 16
"""Longer keys are told by their kind and length: they are users' data more likely than names."""
_MOST_PARTS = 4
"""Tuples with more parts are told by their kind."""
_LEAST_OF_VALUE = 8
"""Environment variables have shorter values that are words, numbers and switches."""
_WORD = re.compile(r"[A-Za-z0-9_+=~-]{16,}")
"""What a token, a password, a digest or a number of an account may be part of."""
_COMMAND = re.compile(r"##(?=\w*\[)")
"""What CI systems read commands from, wherever it is in a line: ``##[error]``, ``##vso[``, ``##teamcity[``."""
_ENVIRONMENT: Any = os.environ
"""The real one, whatever a test has put in its place."""
_RUNNING = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_MOST_BITS = 128
"""Greater numbers are not written out: that takes the square of their length."""


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Return `text` in printable characters alone, cut to `limit` characters: it steers neither terminal nor CI."""
    head = str.__getitem__(text, slice(limit + 1))  # of a subclass too, it is a plain text
    is_whole = len(head) <= limit
    if "##" in head:
        head = _COMMAND.sub(r"#\\x23", head)
        is_whole &= len(head) <= limit
    if is_whole and head.isascii() and head.isprintable():
        return head
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in head)
    printable = printable.encode("utf-8", "backslashreplace").decode()
    return printable if is_whole and len(printable) <= limit else printable[: limit - 1] + "…"


def quoted(text: str, limit: int = MAX_TEXT) -> str:
    """Return `text` in quotes, as a person could type it, cut as `clean` does: what is not printable escaped once."""
    told = repr(str.__getitem__(text, slice(limit + 1)))
    return f"{told[0]}{clean(told[1:-1], limit)}{told[0]}"


def type_name(kind: type) -> str:
    """Return the dotted name of a type, without its module where that is ``builtins``."""
    module, name = (text[: 2 * MAX_TEXT] for text in (rawtypes.module_of(kind), rawtypes.qualname_of(kind)))
    return clean(name if module in ("", "builtins") else f"{module}.{name}", 2 * MAX_TEXT)


def name_of(obj: Any) -> str:
    """Return what an object is: the dotted name of its type, or its own where it is a class, a function or a module."""
    kind = type(obj)
    if rawtypes.is_type(obj):
        return f"class {type_name(obj)}"
    if kind is types.FunctionType:
        name = ".".join(map(rawtypes.text_of, (obj.__module__, obj.__qualname__)))
        return f"function {clean(name, 2 * MAX_TEXT)}"
    is_named = rawtypes.is_module(obj) or rawtypes.is_one_of(kind, _RUNNING)
    return label(obj) if is_named else type_name(kind)


def fixture_name(scope: str, name: str) -> str:
    """Return the words for a fixture: ``module-scoped fixture 'server'``."""
    return f"{scope}-scoped fixture {quoted(name)}"


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


def is_telling(text: str) -> bool:
    """Tell whether a text is short, and by its looks no token, password or number: such are data, and no names."""
    return len(text) <= _MOST_OF_KEY and not has_token(text)


def has_token(text: str) -> bool:
    """Tell whether a text, at its start, has something in it that looks like a token."""
    return any(_is_token(word) for word in _WORD.findall(text[: 2 * MAX_TEXT]))


def _is_token(word: str) -> bool:
    digits, letters = sum(map(str.isdigit, word)), sum(map(str.isalpha, word))
    return digits >= 4 and (letters >= 4 or digits >= 12)


def _is_in_environment(text: str) -> bool:
    """Tell whether a text is the value of an environment variable."""
    if len(text) < _LEAST_OF_VALUE:
        return False
    try:
        wanted = _ENVIRONMENT.encodevalue(text)
    except UnicodeEncodeError:
        return False
    return wanted in list(_ENVIRONMENT._data.values())  # noqa: SLF001 - its own methods decode each one


def key_text(key: object, *, depth: int = 2) -> str:
    """Return a dict key as a person could type it where it is a plain value, else what it is in angle brackets.

    A long text, one that looks like a token, and the value of an environment variable are told by kind and length: a
    report must not carry users' data about. Tuples are told down to `depth`, as one that holds
    another several times over has no end.
    """
    kind = type(key)
    if kind is str:
        return _text_as_key(key)  # type: ignore[arg-type]
    if kind is int and key.bit_length() > _MOST_BITS:  # type: ignore[attr-defined]
        return "<int>"
    if rawtypes.is_one_of(kind, (int, float, bool, type(None), complex, type(...))):
        text = clean(repr(key), 40)
        return _NOT_TYPABLE.get(text, text)
    if kind is bytes:
        is_short = len(key) <= _MOST_OF_BYTES and is_telling(key.decode("latin-1"))  # type: ignore[arg-type,attr-defined]
        return clean(repr(key), 40) if is_short else f"<bytes of length {len(key)}>"  # type: ignore[arg-type]
    text = _tuple_text(key, depth) if depth else ""
    return text or _name_of_key(key) or f"<{short_type_name(kind)}>"


_NOT_TYPABLE = {"inf": "float('inf')", "-inf": "float('-inf')", "nan": "float('nan')", "Ellipsis": "..."}
"""How to type what its ``repr`` is no Python of."""


def _tuple_text(key: object, depth: int) -> str:
    """Return a short tuple as a person could type it, or a named one with its class; empty for anything else."""
    kind = type(key)
    if not (kind is tuple or rawtypes.fields_of(kind)) or tuple.__len__(key) > _MOST_PARTS:  # type: ignore[arg-type]
        return ""
    inner = ", ".join(key_text(part, depth=depth - 1) for part in rawtypes.items_in(key))
    if kind is not tuple:
        return clean(f"{short_type_name(kind)}({inner})")
    return clean(f"({inner},)" if tuple.__len__(key) == 1 else f"({inner})")  # type: ignore[arg-type]


def _name_of_key(key: object) -> str:
    """Return what names a key that is no plain value: a class, an enum's member, a function, a module; else empty."""
    kind = type(key)
    if rawtypes.is_type(key):
        return short_type_name(key)
    if rawtypes.derives(type(kind), enum.EnumMeta):
        return _member_text(kind, rawtypes.attribute(key, "_name_"))
    is_function = rawtypes.is_one_of(kind, (types.FunctionType, types.MethodType, types.BuiltinMethodType))
    if is_function or rawtypes.is_module(key):
        return f"<{label(key)}>"
    if rawtypes.derives(kind, weakref.ref):
        referent = weakref.ref.__call__(key)  # type: ignore[arg-type]
        return "<dead weak reference>" if referent is None else f"<weak reference to {short_type_name(type(referent))}>"
    return ""


def _member_text(kind: type, name: object) -> str:
    """Return a member of an enum as a person could type it, or several members of a flag; empty without names."""
    if type(name) is not str or not is_telling(name):
        return ""
    names = name.split("|")
    return "|".join(f"{short_type_name(kind)}.{each}" for each in names) if all(map(str.isidentifier, names)) else ""


def _text_as_key(text: str) -> str:
    """Return a text as a person could type it, or its kind and length."""
    if not is_telling(text) or _is_in_environment(text):
        return f"<str of length {len(text)}>"
    return quoted(text, 2 * _MOST_OF_KEY)


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
    """Return how often each of `names` occurs: ``2 shop.Session, 1 shop.Item``; of many, the first few and the rest."""
    counts = list(rawtypes.counts_of(names).items())
    parts = [f"{number} {name}" for name, number in counts[:_MOST_TALLIED]]
    rest = sum(number for _, number in counts[_MOST_TALLIED:])
    return ", ".join([*parts, f"{rest} more"] if rest else parts)


_MOST_TALLIED = 4


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
    if rawtypes.is_one_of(kind, _RUNNING):
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
