"""Imports of ours in the middle of a run, whatever tests have done to the import system by then."""

from __future__ import annotations

import builtins
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# pytest's, which rewrites asserts, looks for files with functions that tests may put others in the place of.
_FINDERS = tuple(finder for finder in sys.meta_path if not type(finder).__module__.startswith("_pytest."))
_HOOKS, _PATH = tuple(sys.path_hooks), tuple(sys.path)
_IMPORT = builtins.__import__


@contextmanager
def undisturbed() -> Iterator[None]:
    """Import by what was there when the plugin was loaded, while this lasts: a hook of a test's may refuse or fail.

    The lists of the user's are put aside, not changed. Limit: a thread that imports meanwhile goes without hooks added
    later.
    """
    kept = sys.meta_path, sys.path_hooks, sys.path, builtins.__import__
    sys.meta_path, sys.path_hooks, sys.path = list(_FINDERS), list(_HOOKS), [*_PATH, *_texts(kept[2])]
    builtins.__import__ = _IMPORT
    try:
        yield
    finally:
        sys.meta_path, sys.path_hooks, sys.path, builtins.__import__ = kept


def _texts(path: object) -> list[str]:
    """Return the folders that were added since, as far as they are texts."""
    return [folder for folder in path if type(folder) is str and folder not in _PATH] if type(path) is list else []
