"""How the hooks are called: each implementation by itself, so that one that raises stops neither others nor the run."""

from __future__ import annotations

import importlib.metadata
import os
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.outcomes import OutcomeException

from pytest_leakcheck.describe import MAX_TEXT, clean, error_text, short_type_name
from pytest_leakcheck.extensions import Extensions, KnownHolder, enter, leave
from pytest_leakcheck.integrations import register_loaded
from pytest_leakcheck.runtime import rawtypes
from pytest_leakcheck.runtime.loading import undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_leakcheck.model import FoundLeak

MOST_EXPANDED = 1_000
"""Objects taken from one answer to ``expand``."""
FAULTS = pytest.StashKey["Faults"]()


class Faults:
    """What went wrong in hooks, told once for each hook and plugin."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        """By the words for the hook and its plugin what happened, as plain values that cross to xdist's controller."""

    def note(self, which: str, what: str) -> None:
        """Note a fault, unless there was one before."""
        self.found.setdefault(which, what)

    def take_over(self, found: dict[str, str]) -> None:
        """Note the faults of another process."""
        for which, what in found.items():
            self.note(which, what)

    def lines(self) -> list[str]:
        """Return a line on each."""
        return [f"{which} {what}" for which, what in self.found.items()]


def add_extensions(config: pytest.Config) -> Extensions:
    """Return what the plugins of a run add to checks, and make it that of blocks in this process until the run ends."""
    config.stash[FAULTS] = Faults()
    extensions = extensions_of(config, config)
    enter(replace(extensions, is_off=bool(config.getoption("no_leakcheck"))))
    config.add_cleanup(leave)
    return extensions


def extensions_of(config: pytest.Config, node: pytest.Config | pytest.Item) -> Extensions:
    """Return what plugins add to the check of a test, or of what belongs to none."""
    hooks = Hooks(config, node)
    return Extensions(hooks.drain, hooks.expand, hooks.describe, hooks.known)


class Hooks:
    """The hooks as a test has them: with the conftest.py files of the folders that it lies in."""

    def __init__(self, config: pytest.Config, node: pytest.Config | pytest.Item) -> None:
        self._config = config
        self._node = node

    def drain(self) -> bool:
        """Let pending work finish; tell whether there may have been some."""
        return not all(answer is False for answer in list(self._answers("drain")))  # every plugin is asked

    def expand(self, obj: object) -> list[object]:
        """Return what all plugins together want to be watched with `obj`."""
        return [part for parts in self._answers("expand", _read_parts, obj=obj) for part in parts]

    def describe(self, obj: object) -> str:
        """Return the words of the first plugin that has any."""
        return next(filter(None, self._answers("describe", _read_words, obj=obj)), "")

    def known(self) -> tuple[KnownHolder, ...]:
        """Return the known holders that apply to what is installed."""
        return tuple(known for answer in self._answers("known_holders", _read_known) for known in answer)

    def report(self, leaks: Sequence[FoundLeak]) -> None:
        """Show what was found in the whole run."""
        list(self._answers("report", leaks=leaks))

    def _answers(self, name: str, read: Callable[[Any], Any] = lambda answer: answer, **given: object) -> Iterator[Any]:
        """Yield what each implementation answers, the one registered last first; those that raise are left out."""
        hook = f"pytest_leakcheck_{name}"
        for impl in reversed(self._implementations(hook)):
            if impl.hookwrapper or impl.wrapper:
                self._note(hook, impl, "is a wrapper, which is not called")
                continue
            try:
                answer = read(impl.function(*(given[each] for each in impl.argnames)))
            except (Exception, OutcomeException) as error:  # noqa: BLE001 - whatever a plugin does, the run goes on
                self._note(hook, impl, f"raised {error_text(error)}, so it was left out")
                error.__traceback__ = None  # whoever keeps the error does not keep what the hook was given
                continue
            yield answer

    def _implementations(self, hook: str) -> list[Any]:
        register_loaded(self._config.pluginmanager)
        implementations: list[Any] = getattr(self._relay, hook).get_hookimpls()
        return implementations

    @cached_property
    def _relay(self) -> Any:
        """The hooks that serve the test; pytest makes them anew each time that it is asked for them."""
        return self._node.hook if isinstance(self._node, pytest.Config) else self._node.ihook

    def _note(self, hook: str, impl: Any, what: str) -> None:
        self._config.stash[FAULTS].note(f"the hook {hook} of plugin {plugin_name(self._config, impl)!r}", what)


def plugin_name(config: pytest.Config, impl: Any) -> str:
    """Return what to call the plugin of an implementation of a hook: a conftest.py by its path below rootdir."""
    folder = os.path.join(config.rootpath, "")  # noqa: PTH118 - a prefix, to end in a separator
    name: str = short_type_name(type(impl.plugin)) if impl.plugin_name.isdigit() else impl.plugin_name
    return name.replace("\\", "/").removeprefix(folder.replace("\\", "/"))


def _read_parts(answer: Any) -> list[object]:
    return [] if answer is None else list(islice(answer, MOST_EXPANDED))


def _read_words(answer: Any) -> str:
    if answer is None:
        return ""
    if not rawtypes.is_instance(answer, str):
        raise TypeError(f"describe returned {short_type_name(type(answer))}, not str")
    return clean(answer, MAX_TEXT)


def _read_known(answer: Any) -> list[KnownHolder]:
    return [] if answer is None else [known for known in answer if _applies(known)]


def _applies(known: Any) -> bool:
    """Tell whether a known holder is about what is installed here."""
    if type(known) is not KnownHolder:
        raise TypeError(f"known_holders returned {short_type_name(type(known))}, not KnownHolder")
    if not known.package:
        return True
    with undisturbed():
        from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - pytest brings it, and most runs need it not

    try:
        version = importlib.metadata.version(known.package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return SpecifierSet(known.versions).contains(version, prereleases=True)
