"""Which types a census counts: named classes and dotted globs, or the project's own classes."""

from __future__ import annotations

import fnmatch
import os
import sys
import sysconfig
import types
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_leakcheck.runtime import rawtypes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


class TypeFilter:
    """Tells wanted types from others, judging each type once.

    The types are held weakly: a strong cache would keep alive every class that a test makes.
    """

    def __init__(self, judge: Callable[[type], bool]) -> None:
        self._judge = judge
        self._known: dict[int, weakref.KeyedRef[int, type]] = {}
        self._wanted: set[int] = set()
        self.passed_over: set[int] = set()
        """The ids of living types that are known to be unwanted, for those who pass over many objects."""
        self._on_death = _forgetting(weakref.ref(self))

    def __call__(self, kind: type) -> bool:
        """Tell whether instances of `kind` are wanted."""
        node = id(kind)
        known = self._known.get(node)
        if known is None or known() is not kind:
            is_wanted = self._judge(kind)
            self._known[node] = weakref.KeyedRef(kind, self._on_death, node)
            (self._wanted if is_wanted else self.passed_over).add(node)
        return node in self._wanted

    def peek(self, kind: type) -> bool:
        """Tell the same without remembering it: amid a test, which may count what the collector tracks."""
        known = self._known.get(id(kind))
        return self._judge(kind) if known is None or known() is not kind else id(kind) in self._wanted

    def forget(self, ref: weakref.KeyedRef[int, type]) -> None:
        """Forget a type that has died: another one may come to its address.

        Nothing is left of it that the collector tracks: tests count such objects.
        """
        if self._known.get(ref.key) is ref:
            del self._known[ref.key]
            self._wanted.discard(ref.key)
            self.passed_over.discard(ref.key)

    def is_any_wanted(self, but: Collection[int]) -> bool:
        """Tell whether a class judged so far is wanted and alive, its id not being among `but`."""
        return any(self._known[node]() is not None and node not in but for node in list(self._wanted))


def _forgetting(filter_of: weakref.ref[TypeFilter]) -> Callable[[Any], None]:
    """Return what a filter is told of dead types by; it does not keep the filter."""

    def forget(ref: Any) -> None:
        type_filter = filter_of()
        if type_filter is not None:
            type_filter.forget(ref)

    return forget


def named(targets: Sequence[type | str]) -> TypeFilter:
    """Return a filter of the classes and dotted globs in `targets`, subclasses included."""
    classes = [target for target in targets if rawtypes.is_type(target)]
    globs = [rawtypes.text_of(target) for target in targets if not rawtypes.is_type(target)]

    def judge(kind: type) -> bool:
        bases = rawtypes.mro_of(kind)
        if any(base is wanted for base in bases for wanted in classes):
            return True
        names = [f"{rawtypes.module_of(base)}.{rawtypes.qualname_of(base)}" for base in bases if globs]
        return any(fnmatch.fnmatchcase(name, glob) for name in names for glob in globs)

    return TypeFilter(judge)


class OwnTypes(TypeFilter):
    """The project's own classes, and its modules."""

    def __init__(self, judge: Callable[[type], bool], is_own_module: Callable[..., bool]) -> None:
        super().__init__(judge)
        self.is_own_module = is_own_module
        """Tells whether the module of that name is the project's; quickly, where that itself is given as well."""
        self._loaded: tuple[int, frozenset[str]] = 0, frozenset()

    def modules(self) -> list[types.ModuleType]:
        """Return the project's modules that are loaded."""
        return [module for module in self._modules().values() if rawtypes.is_module(module)]

    def loaded(self) -> frozenset[str]:
        """Return the names of these modules, as they were when the number of all modules changed last."""
        number, names = self._loaded
        if number != len(sys.modules):
            names = frozenset(self._modules())
            self._loaded = len(sys.modules), names
        return names

    def _modules(self) -> dict[str, object]:
        loaded = [(name, module) for name, module in rawtypes.items_of(sys.modules) if type(name) is str]
        return {name: module for name, module in loaded if self.is_own_module(name, module)}

    def ids_of_globals(self) -> set[int]:
        """Return the ids of what these modules have names for."""
        values = (value for module in self.modules() for _, value in rawtypes.items_of(rawtypes.module_dict(module)))
        return set(map(id, values))


def _prefix(folder: str) -> str:
    """Return what the paths of all files in a folder start with; that of the root of all ends in a separator."""
    return os.path.join(os.path.normcase(folder), "")  # noqa: PTH118 - a text, to end in a separator


_LIBRARY = tuple(map(_prefix, {sysconfig.get_path("stdlib"), os.path.realpath(sysconfig.get_path("stdlib"))}))
"""Where the interpreter's own modules are, which lie below a project's folder if that is the root of all."""


def own(root: str, packages: Sequence[str], *, watched: Sequence[str] = (), ignored: Sequence[str] = ()) -> OwnTypes:
    """Return a filter of the project's own classes.

    `root` is the folder that they are below of, environments in it left out; `packages` are dotted names of packages
    that belong to the project wherever they are installed, as do those whose sources lie in `root`. `watched` and
    `ignored` are dotted names with ``*`` of classes wanted and not wanted beside. Classes of classes are never wanted.
    """
    folders = _prefix(os.path.realpath(root)), _prefix(str(Path(root).absolute()))
    environment = _prefix(os.path.realpath(sys.prefix))
    verdicts: dict[str, bool] = {}
    packages = (*packages, *project_packages(root))

    def is_own(module: str, file: str) -> bool:
        if any(module == package or module.startswith(f"{package}.") for package in packages):
            return True
        if not file.startswith(folders) or file.startswith(_LIBRARY) or rawtypes.is_in_environment(file):
            return False
        return not (environment.startswith(folders) and environment not in folders and file.startswith(environment))

    def is_own_module(module: str, loaded: object = None) -> bool:
        if module not in verdicts:
            file = rawtypes.module_file(module) if loaded is None else rawtypes.file_of(loaded)
            verdict = bool(module) and is_own(module, file)
            is_known = module in sys.builtin_module_names or file
            if not (verdict or is_known):  # it may be the stub of a test's, in another's place
                return False
            verdicts[module] = verdict
        return verdicts[module]

    also, never = named(watched).peek, named(ignored).peek  # the answer to all of it is what is remembered

    def judge(kind: type) -> bool:
        module = rawtypes.module_of(kind)
        if rawtypes.derives(kind, type) or module.partition(".")[0] == "pytest_leakcheck":
            return False
        return (is_own_module(module) or also(kind)) and not never(kind)

    types_of = OwnTypes(judge, is_own_module)
    types_of.loaded()  # by now: a test may take its own module out of sys.modules
    return types_of


def project_packages(root: str) -> list[str]:
    """Return the dotted names of the packages and modules whose sources lie in a project's folder or its ``src``.

    A package that is installed from there into an environment is the project's own all the same. Below ``src``, a
    folder without ``__init__.py`` is a namespace, whose packages count one by one.
    """
    found: list[str] = []
    source = Path(root, "src")
    for folder in (Path(root), source):
        if not folder.is_dir():
            continue
        for entry in sorted(folder.iterdir()):
            if (entry / "__init__.py").is_file():
                found.append(entry.name)
            elif folder == source and entry.is_dir():
                found += [f"{entry.name}.{inner.parent.name}" for inner in sorted(entry.glob("*/__init__.py"))]
            elif folder == source and entry.suffix == ".py":
                found.append(entry.stem)
    return found


def is_plain_instance(obj: object) -> bool:
    """Tell whether `obj` is neither a class, nor a module, nor a function, nor of ours: those are never blamed."""
    if rawtypes.module_of(type(obj)).partition(".")[0] == "pytest_leakcheck":
        return False
    kind = type(obj)
    is_function = kind is types.FunctionType or kind is types.BuiltinFunctionType
    return not (is_function or rawtypes.is_type(obj) or rawtypes.is_module(obj))
