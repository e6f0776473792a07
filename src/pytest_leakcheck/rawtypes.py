"""Facts about an object's type, its module and its ``__dict__`` that are read without running a line of user code.

``obj.__class__``, ``isinstance(obj, …)``, ``cls.__module__`` and ``vars(obj)`` all consult what a class or metaclass
may override; the descriptors of ``type``, ``object`` and ``ModuleType`` used here do not.
"""

from __future__ import annotations

import os
import sys
import types
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def is_module(obj: object) -> TypeGuard[types.ModuleType]:
    """Tell whether `obj` is a module or of a subclass of it, whatever it claims."""
    return derives(type(obj), types.ModuleType)


def is_instance(obj: object, kind: type) -> bool:
    """Tell whether the type of `obj` derives from `kind`, without ``__class__`` or ``__instancecheck__``."""
    return derives(type(obj), kind)


def module_of(kind: type) -> str:
    """Return the name of the module that a type says it was defined in, or the empty string."""
    try:
        name = _module_getter(kind)
    except AttributeError:
        return ""
    return name if type(name) is str else ""


def qualname_of(kind: type) -> str:
    """Return a type's qualified name."""
    name: str = _qualname_getter(kind)
    return name


def class_dict(kind: type) -> types.MappingProxyType[str, Any]:
    """Return the read-only view of the attributes that a class itself defines."""
    view: types.MappingProxyType[str, Any] = _class_dict_getter(kind)
    return view


def module_dict(module: types.ModuleType) -> dict[str, Any]:
    """Return a module's globals without waking one that loads lazily."""
    names: dict[str, Any] = _module_dict_getter(module)
    return names


def module_name(module: types.ModuleType) -> str:
    """Return a module's ``__name__`` if it is a plain string, else a question mark."""
    name = module_dict(module).get("__name__")
    return name if type(name) is str else "?"


def instance_dict(obj: object) -> dict[str, Any] | None:
    """Return the instance ``__dict__`` of `obj`, or None where it has none.

    From CPython 3.11 on this makes a dict of attributes that were stored inline: for the objects of one path only.
    """
    for kind in mro_of(type(obj)):
        descriptor: Any = class_dict(kind).get("__dict__")
        if is_one_of(type(descriptor), (types.GetSetDescriptorType, types.MemberDescriptorType)):
            names: Any = descriptor.__get__(obj)
            return names if derives(type(names), dict) else None
    return None


def c_attribute(obj: object, name: str) -> Any:
    """Return what a C type's own getter of `name` answers, or None; a Python class's override is not asked."""
    for kind in mro_of(type(obj)):
        descriptor: Any = class_dict(kind).get(name)
        if is_one_of(type(descriptor), (types.GetSetDescriptorType, types.MemberDescriptorType)):
            try:
                return descriptor.__get__(obj)
            except (AttributeError, TypeError, ValueError):
                return None
    return None


def slots_of(obj: object) -> dict[str, Any]:
    """Return the filled ``__slots__`` of `obj` (and the members of a C type), by name."""
    filled = {}
    for kind in mro_of(type(obj)):
        for name, descriptor in class_dict(kind).items():
            if type(descriptor) is types.MemberDescriptorType:
                try:
                    filled[name] = descriptor.__get__(obj)
                except (AttributeError, TypeError):
                    continue
    return filled


def key_of(names: Any, value: object) -> tuple[object] | None:
    """Return the key of the first item of a dict, view or context whose value is `value`.

    It comes in a tuple, since any object may be a key. A dict subclass's own ``items`` is not asked.
    """
    items = dict.items(names) if is_instance(names, dict) else names.items()
    for key, found in list(items):
        if found is value:
            return (key,)
    return None


def module_file(name: str) -> str:
    """Return the path of the file that a loaded module came from, or the empty string.

    It asks nothing of the file system: types are judged in a callback of the collector, amid any code of the user's.
    """
    module = sys.modules.get(name)
    if module is None or not is_module(module):
        return ""
    file = module_dict(module).get("__file__")
    return os.path.normcase(file) if type(file) is str else ""


def is_in_environment(file: str) -> bool:
    """Tell whether a path lies below the folder that an environment installs packages to."""
    return any(folder in file for folder in _ENVIRONMENT_DIRS)


def reference_count(table: dict[int, Any], node: int) -> int:
    """Return how many references there are to an object of `table`, that of the table included, that of asking not."""
    return sys.getrefcount(table[node]) - _ASKING


def _count_asking() -> int:
    table: dict[int, Any] = {0: object()}
    return sys.getrefcount(table[0]) - 1


_ASKING = _count_asking()
"""What asking for an object's reference count adds to it: 1, or 0 where loads are borrowed (CPython 3.14)."""


def resolves_by_name(kind: type, modules: dict[str, Any]) -> bool:
    """Tell whether a class can be reached from its own module by its qualified name."""
    module = modules.get(module_of(kind))
    if module is None or not is_module(module):
        return False
    names: Any = module_dict(module)
    found = None
    for part in qualname_of(kind).split("."):
        found = names.get(part)
        if not is_type(found):
            return False
        names = class_dict(found)
    return found is kind
