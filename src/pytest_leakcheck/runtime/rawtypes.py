"""Facts about an object's type, its module and its ``__dict__`` that are read without running a line of user code.

``obj.__class__``, ``isinstance(obj, …)``, ``cls.__module__`` and ``vars(obj)`` all consult what a class or metaclass
may override; the descriptors of ``type``, ``object`` and ``ModuleType`` used here do not.
"""

from __future__ import annotations

import os
import sys
import types
import weakref
from collections import Counter, _count_elements, deque  # type: ignore[attr-defined] # what a Counter counts with, in C
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

from pytest_leakcheck.runtime import interpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_Of = TypeVar("_Of")
_ENVIRONMENT_DIRS = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_type_dict: Any = type.__dict__
_module_getter = _type_dict["__module__"].__get__
_qualname_getter = _type_dict["__qualname__"].__get__
_mro_getter = _type_dict["__mro__"].__get__
_class_dict_getter = _type_dict["__dict__"].__get__
_raw_module_dict: Any = types.ModuleType.__dict__
_module_dict_getter = _raw_module_dict["__dict__"].__get__


def mro_of(kind: type) -> tuple[type, ...]:
    """Return the method resolution order of a type; empty for one that is half made."""
    return _mro_getter(kind) or ()


def derives(kind: type, base: type) -> bool:
    """Tell whether a type derives from `base`; ``base in mro_of(kind)`` would ask a metaclass's ``__eq__``."""
    return type.__subclasscheck__(base, kind)


def is_one_of(kind: type, kinds: Iterable[type]) -> bool:
    """Tell whether a type is one of `kinds` itself, without the ``__eq__`` and ``__hash__`` of its metaclass."""
    return any(kind is one for one in kinds)


def is_type(obj: object) -> TypeGuard[type]:
    """Tell whether `obj` is a class, whatever it claims."""
    return derives(type(obj), type)


_HEAP_TYPE = 1 << 9
_flags_getter: Any = type.__dict__["__flags__"].__get__


def is_static(kind: type) -> bool:
    """Tell whether a type is part of the interpreter or of a C module for good: no address of one is used again."""
    flags: int = _flags_getter(kind)
    return not flags & _HEAP_TYPE


_finalizers: dict[int, tuple[weakref.ref[type], int, bool]] = {}
"""By the ids of classes what `has_finalizer` came to, and how many attributes the class had then with its bases."""
_MOST_CLASSES = 10_000


def has_finalizer(kind: type) -> bool:
    """Tell whether a class or a base of it has a ``__del__`` that may bring an object back to life.

    That of Python's files and streams only does so by a ``close`` of the class's own. Errs towards a missed survivor
    where a ``flush`` that this calls keeps what it flushes, and where a class was given a ``__del__`` in the stead of
    another attribute since it was last asked about.
    """
    size = sum(map(len, map(class_dict, mro_of(kind))))
    ref, known, answer = _finalizers.get(id(kind), (None, 0, False))
    if ref is None or ref() is not kind or known != size:
        if len(_finalizers) > _MOST_CLASSES:
            _finalizers.clear()
        answer = _finds_finalizer(kind)
        _finalizers[id(kind)] = weakref.ref(kind), size, answer
    return answer


def with_finalizer(objects: Sequence[Any]) -> list[Any]:
    """Return those of many `objects` whose class is such a one; each class is looked at once."""
    kinds = by_id(list(map(type, objects)))
    perilous = {node for node in kinds if has_finalizer(kinds[node])}
    return [obj for obj in objects if id(type(obj)) in perilous] if perilous else []


def _finds_finalizer(kind: type) -> bool:
    for base in mro_of(kind):
        finalizer = item_of(class_dict(base), "__del__")
        if finalizer is not None:
            is_of_files = module_of(base) == "_io" and interpreter.is_builtin(finalizer)
            return not is_of_files or _has_own(kind, "close")
    return False


def _has_own(kind: type, name: str) -> bool:
    """Tell whether a class or a base of it that is written in Python has something under a name."""
    found = (item_of(class_dict(base), name) for base in mro_of(kind))
    return any(each is not None and not interpreter.is_builtin(each) for each in found)


def weak_reference(obj: object) -> weakref.ref[Any] | None:
    """Return a weak reference to `obj`, or None where there can be none."""
    try:
        return weakref.ref(obj)
    except TypeError:
        return None


def weak_references(objects: Sequence[object]) -> list[weakref.ref[Any] | None]:
    """Return the same for each of many `objects`."""
    try:
        return list(map(weakref.ref, objects))
    except TypeError:
        return list(map(weak_reference, objects))


def by_id(objects: Sequence[_Of]) -> dict[int, _Of]:
    """Return many `objects` by their ids, each once; a set of them would ask for their hashes, classes' as well."""
    return dict(zip(map(id, objects), objects, strict=True))


def each_once(objects: Iterable[_Of]) -> list[_Of]:
    """Return many `objects`, each once, in their order."""
    index = by_id(list(objects))
    return list(index.values())


def is_module(obj: object) -> TypeGuard[types.ModuleType]:
    """Tell whether `obj` is a module or of a subclass of it, whatever it claims."""
    return derives(type(obj), types.ModuleType)


def is_instance(obj: object, kind: type) -> bool:
    """Tell whether the type of `obj` derives from `kind`, without ``__class__`` or ``__instancecheck__``."""
    return derives(type(obj), kind)


def text_of(value: object, default: str = "") -> str:
    """Return a plain copy of a text, whose class may have methods of its own; `default` for anything else."""
    if type(value) is str:
        return value
    return str.__str__(value) if is_instance(value, str) else default


def item_of(names: Any, name: str) -> Any:
    """Return what a dict, or the view of a class's attributes, has under a name, or None.

    A look-up by hash would ask the ``__eq__`` of a key that is equal to the name, a subclass of ``str``.
    """
    items = dict.items(names) if is_instance(names, dict) else names.items()
    try:
        return _first_of(items, name)
    except RuntimeError:  # another thread has changed it meanwhile
        return _first_of(listed(items), name)


def _first_of(items: Iterable[tuple[Any, Any]], name: str) -> Any:
    for key, value in items:
        if type(key) is str and key == name:
            return value
    return None


class Names:
    """Looks up many names as `item_of` does, by hash where no key can be asked; each dict is checked for that once."""

    def __init__(self) -> None:
        self._is_plain: dict[int, bool] = {}

    def item_of(self, names: Any, name: str) -> Any:
        """Return what a dict, or the view of a class's attributes, has under a name, or None."""
        if type(names) is not dict:
            return item_of(names, name)
        if id(names) not in self._is_plain:
            self._is_plain[id(names)] = all(type(key) is str for key in list(names))
        return names.get(name) if self._is_plain[id(names)] else item_of(names, name)


def listed(items: Iterable[Any]) -> list[Any]:
    """Return what an iterator or a view of a container yields.

    PyPy's ``list``, and a comprehension as well, would ask the container for its ``len``, which may be the user's.
    """
    return list(items) if interpreter.COUNTS_REFERENCES else _one_by_one(items)


_MOST_TRIES = 100


def _one_by_one(items: Iterable[Any]) -> list[Any]:  # pragma: only on PyPy
    for _ in range(_MOST_TRIES):
        found: list[Any] = []
        try:
            for item in items:
                found.append(item)  # noqa: PERF402 - see there
        except RuntimeError:  # another thread has changed it meanwhile
            continue
        return found
    return []


def items_of(names: Any) -> Iterable[tuple[Any, Any]]:
    """Return the items of a dict, of a view of a class's attributes or of a context; a subclass's own are not asked."""
    return listed(dict.items(names) if is_instance(names, dict) else names.items())


def first_key(names: dict[Any, Any]) -> Any:
    """Return the first key of a dict; None of an empty one, or one that another thread changes meanwhile."""
    try:
        return next(dict.__iter__(names), None)
    except RuntimeError:
        return None


def items_in(values: Any) -> Iterable[Any]:
    """Return what is in a tuple or list; a subclass's own ``__iter__`` is not asked. Nothing for anything else."""
    for base in (tuple, list):
        if is_instance(values, base):
            return listed(base.__iter__(values))
    return ()


def length_of(obj: Any, kinds: Iterable[type] = (list, dict, set, deque)) -> int | None:
    """Return how many entries a container of one of `kinds` has, or None; a subclass's own ``__len__`` is not asked."""
    kind: Any = next((kind for kind in kinds if is_instance(obj, kind)), None)
    return None if kind is None else kind.__len__(obj)


def loaded(name: str) -> types.ModuleType | None:
    """Return the module that is loaded under a name, or None; whatever else may be entered there is no module."""
    module = item_of(sys.modules, name)
    return module if is_module(module) else None


def loaded_class(module: str, name: str) -> type | None:
    """Return the class that a loaded module has under a name, or None."""
    found = loaded(module)
    kind = item_of(module_dict(found), name) if found is not None else None
    return kind if is_type(kind) else None


def module_of(kind: type) -> str:
    """Return the name of the module that a type says it was defined in, or the empty string."""
    try:
        name = _module_getter(kind)
    except AttributeError:
        return ""
    return name if type(name) is str else ""


def is_of_pytest(kind: type) -> bool:
    """Tell whether a type says that it is pytest's own."""
    return module_of(kind).startswith("_pytest.")


def qualname_of(kind: type) -> str:
    """Return a type's qualified name."""
    return text_of(_qualname_getter(kind))


def class_dict(kind: type) -> types.MappingProxyType[str, Any]:
    """Return the read-only view of the attributes that a class itself defines."""
    view: types.MappingProxyType[str, Any] = _class_dict_getter(kind)
    return view


def module_dict(module: types.ModuleType) -> dict[str, Any]:
    """Return a module's globals without waking one that loads lazily; none for one that is half made."""
    names: dict[str, Any] | None = _module_dict_getter(module)
    return {} if names is None else names


def module_name(module: types.ModuleType) -> str:
    """Return a module's ``__name__`` if it is a string, else a question mark."""
    return text_of(item_of(module_dict(module), "__name__"), "?")


def fields_of(kind: type) -> tuple[Any, ...]:
    """Return the fields of a class of named tuples; none of any other class."""
    found = (item_of(class_dict(base), "_fields") for base in mro_of(kind)) if derives(kind, tuple) else ()
    return next((names for names in found if type(names) is tuple), ())


def instance_dict(obj: object) -> dict[str, Any] | None:
    """Return the instance ``__dict__`` of `obj`, or None where it has none.

    From CPython 3.11 on this makes a dict of attributes that were stored inline: for the objects of one path only.
    """
    for kind in mro_of(type(obj)):
        descriptor: Any = item_of(class_dict(kind), "__dict__")
        if is_one_of(type(descriptor), (types.GetSetDescriptorType, types.MemberDescriptorType)):
            names: Any = descriptor.__get__(obj)
            return names if derives(type(names), dict) else None
    return None


def attribute(obj: object, name: str) -> Any:
    """Return what the instance ``__dict__`` of `obj` has under a name, or None."""
    names = instance_dict(obj)
    return None if names is None else item_of(names, name)


def c_attribute(obj: object, name: str) -> Any:
    """Return what a C type's own getter of `name` answers, or None; a Python class's override is not asked.

    A Python class's slot of that name answers too, with whatever is in it.
    """
    descriptor = _own_descriptor(obj, name, (types.GetSetDescriptorType, types.MemberDescriptorType))
    try:
        return None if descriptor is None else descriptor.__get__(obj)
    except (AttributeError, TypeError, ValueError, RuntimeError):  # the last of a task that was not initialised
        return None


def c_answer(obj: object, name: str) -> Any:
    """Return what a C type's own method `name` answers, or None; a Python class's override is not asked."""
    method = _own_descriptor(obj, name, (types.MethodDescriptorType, types.WrapperDescriptorType))
    try:
        return None if method is None or not interpreter.is_builtin(method) else method(obj)
    except RuntimeError:  # a task that a subclass has not initialised
        return None


def _own_descriptor(obj: object, name: str, kinds: tuple[type, ...]) -> Any:
    """Return the first descriptor in C under a name, not one that a class took from another or under another name."""
    for kind in mro_of(type(obj)):
        found: Any = item_of(class_dict(kind), name)
        if is_one_of(type(found), kinds) and getattr(found, "__objclass__", None) is kind and found.__name__ == name:
            return found
    return None


def slots_of(obj: object) -> list[tuple[Any, Any]]:
    """Return the filled ``__slots__`` of `obj` (and the members of a C type), each with its name."""
    filled = []
    for kind in mro_of(type(obj)):
        for name, descriptor in items_of(class_dict(kind)):
            if type(descriptor) is types.MemberDescriptorType:
                try:
                    filled.append((name, descriptor.__get__(obj)))
                except (AttributeError, TypeError):
                    continue
    return filled


def attributes_of(obj: object) -> list[tuple[Any, Any]]:
    """Return what an object has by which name, in its slots and its ``__dict__``."""
    names = instance_dict(obj)
    return [*slots_of(obj), *(() if names is None else items_of(names))]


def key_of(names: Any, value: object) -> tuple[object] | None:
    """Return the key of the first item of a dict, view or context whose value is `value`.

    It comes in a tuple, since any object may be a key.
    """
    for key, found in items_of(names):
        if found is value:
            return (key,)
    return None


def module_file(name: str) -> str:
    """Return the path of the file that a loaded module came from, or the empty string.

    It asks nothing of the file system: types are judged in a callback of the collector, amid any code of the user's.
    """
    return file_of(loaded(name))


def file_of(module: object) -> str:
    """Return the path of the file that a module came from, or the empty string; also where it is no module."""
    return os.path.normcase(text_of(item_of(module_dict(module), "__file__"))) if is_module(module) else ""


def is_in_environment(file: str) -> bool:
    """Tell whether a path lies below the folder that an environment installs packages to."""
    return any(folder in file for folder in _ENVIRONMENT_DIRS)


def counts_of(values: Iterable[_Of]) -> Counter[_Of]:
    """Return how often each of `values`, which are our own, comes.

    Given them itself, a Counter would ask whether they are a mapping, and so the metaclass of each mapping class of a
    user's.
    """
    counts: Counter[_Of] = Counter()
    _count_elements(counts, values)
    return counts


def is_context_tree(obj: object) -> bool:
    """Tell whether `obj` is a part of the tree that a context has its variables in."""
    module, name = module_of(type(obj)), qualname_of(type(obj))
    return (name.startswith("hamt") and module in ("", "builtins")) or module == "_immutables_map"


def reference_count(table: dict[int, Any], node: int) -> int:
    """Return how many references there are to an object of `table`, that of the table included, that of asking not.

    Only for where references are counted.
    """
    return sys.getrefcount(table[node]) - _ASKING


def _count_asking() -> int:
    table: dict[int, Any] = {0: object()}
    return sys.getrefcount(table[0]) - 1


_ASKING = _count_asking() if interpreter.COUNTS_REFERENCES else 0
"""What asking for an object's reference count adds to it: 1, or 0 where loads are borrowed (CPython 3.14)."""


def module_naming(kind: type, look_up: Callable[[Any, str], Any] = item_of) -> types.ModuleType | None:
    """Return the module of a class if it can be reached from there by its qualified name."""
    module = look_up(sys.modules, module_of(kind))
    if not is_module(module):
        return None
    names: Any = module_dict(module)
    found = None
    for part in qualname_of(kind).split("."):
        found = look_up(names, part)
        if not is_type(found):
            return None
        names = class_dict(found)
    return module if found is kind else None
