"""Weak structures that free what they refer to, each beside the leaky shape that it cures."""

from __future__ import annotations

from .cache import StrongCache, WeakValueCache
from .callback import ClosureCallback, WeakCallback
from .metadata import SelfReferringMetadata, WeakKeyMetadata
from .observer import ListenerList, WeakSubject
from .proxy import StrongAlias, WeakProxy
from .smart_cache import SmartCache, StrongSmartCache
from .tree import StrongTree, Tree, WeakTree
from .weakable import Weakable, weakable

__all__ = [
    "ClosureCallback",
    "ListenerList",
    "SelfReferringMetadata",
    "SmartCache",
    "StrongAlias",
    "StrongCache",
    "StrongSmartCache",
    "StrongTree",
    "Tree",
    "WeakCallback",
    "WeakKeyMetadata",
    "WeakProxy",
    "WeakSubject",
    "WeakTree",
    "WeakValueCache",
    "Weakable",
    "weakable",
]
