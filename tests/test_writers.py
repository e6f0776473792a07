"""Whose functions change a global: what has it by an import mostly only reads it."""

import collections
import types

import pytest

from pytest_leakcheck.heap.writers import is_writer


@pytest.mark.parametrize(
    "source",
    [
        "def put(key, value): TABLE[key] = value",
        "def put(value): TABLE['key'] = value",
        "def drop(key): del TABLE[key]",
        "def put(value): TABLE.append(value)",
        "class Registry:\n    def put(self, value): TABLE.setdefault(1, value)",
        "def put(value):\n    if value: print(TABLE)\n    TABLE.add(value)",
    ],
)
def test_a_function_that_puts_something_in_or_takes_it_out(source):
    """Also a method; by an item, or by a method that all containers of that kind have."""
    assert _is_writer(source)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "def get(key): return TABLE.get(key)",
        "def get(key, memo): memo[key] = TABLE[key]",
        "def get(key): return TABLE",
        "def get(key, other): other.append(TABLE)",
        "def put(value): OTHER.append(value)",
        "def put(TABLE): TABLE.append(1)",
        "TABLE.append(1)",
        "put = collections.namedtuple('put', 'x')._make",
    ],
)
def test_one_that_only_reads_it(source):
    """However much it changes of others."""
    assert not _is_writer(source)


def test_a_function_of_another_module_is_none_of_its_own():
    """One that was imported changes the global of its own module, whatever that has."""
    module, other = types.ModuleType("app"), types.ModuleType("other")
    module.TABLE = other.TABLE = []
    exec("def put(value): TABLE.append(value)", vars(other))  # noqa: S102 - as source it is plain
    module.put = other.put

    assert is_writer(other, module.TABLE)
    assert not is_writer(module, module.TABLE)


def _is_writer(source):
    module = types.ModuleType("app")
    module.TABLE, module.OTHER, module.collections = [], {}, collections
    exec(source, vars(module))  # noqa: S102 - the functions are written as source
    return is_writer(module, module.TABLE)
