"""Trees whose nodes know their parent: weakly, or in a reference cycle."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Tree(ABC, Generic[T]):
    """A node with a value, children that it keeps alive, and a parent.

    `WeakTree` and `StrongTree` differ only in how a node holds its parent.
    `on_delete` is called with the node's value when the node dies, in whichever thread that happens; what it raises is
    reported by `sys.unraisablehook` and goes no further.
    Nodes are told apart by identity, never by `==`.
    Not locked: a tree that several threads change needs a lock around it.
    """

    _on_delete: Callable[[T], object] | None = None

    def __init__(self, value: T, *, on_delete: Callable[[T], object] | None = None) -> None:
        self.value = value
        self._children: list[Tree[T]] = []
        self._on_delete = on_delete

    @property
    @abstractmethod
    def parent(self) -> Tree[T] | None:
        """The node that has this one among its children, or None."""

    @abstractmethod
    def _hold_parent(self, parent: Tree[T] | None) -> None:
        """Remember the parent, or forget it."""

    @property
    def children(self) -> tuple[Tree[T], ...]:
        """The children, in the order in which they were added."""
        return tuple(self._children)

    def add(self, child: Tree[T]) -> Tree[T]:
        """Make a node without parent the last child of this one, and return it.

        Raises `ValueError` where that would close a cycle (the node is this one or above it), and where the node
        already has a living parent: nothing is moved behind its parent's back, so remove it there first.
        """
        if any(node is child for node in self._lineage()):
            raise ValueError(f"{child!r} can't become a child of {self!r}: it is that node or above it")
        if child.parent is not None:
            raise ValueError(f"{child!r} already has the parent {child.parent!r}: remove it there first")
        child._hold_parent(self)
        self._children.append(child)
        return child

    def remove(self, child: Tree[T]) -> None:
        """Take a child, with all below it, out of this node; raises `ValueError` if it is not one of its children."""
        if child.parent is not self:
            raise ValueError(f"{child!r} is not a child of {self!r}")
        child._hold_parent(None)
        self._children = [node for node in self._children if node is not child]

    def path(self) -> tuple[T, ...]:
        """Return the values from the root down to this node.

        The root is the topmost node that is still alive: a node whose parent died starts its own path.
        """
        return tuple(node.value for node in reversed(self._lineage()))

    def _lineage(self) -> list[Tree[T]]:
        nodes: list[Tree[T]] = [self]
        while (parent := nodes[-1].parent) is not None:
            nodes.append(parent)
        return nodes

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    def __del__(self) -> None:
        if self._on_delete is not None:
            self._on_delete(self.value)


class WeakTree(Tree[T]):
    """A tree node that doesn't keep its parent alive.

    No cycle arises, so a tree dies by reference counting as soon as its root is dropped; a node that is held
    elsewhere lives on, as a root with the children that it has.
    Limit: holding a node alone doesn't hold what is above it. Keep the root for as long as `parent` and `path` matter.
    """

    _parent: weakref.ref[Tree[T]] | None = None

    @property
    def parent(self) -> Tree[T] | None:
        """The parent; None for a root, and once the parent is dead."""
        return None if self._parent is None else self._parent()

    def _hold_parent(self, parent: Tree[T] | None) -> None:
        self._parent = None if parent is None else weakref.ref(parent)


class StrongTree(Tree[T]):
    """A tree node that keeps its parent alive: the leaky counterpart of `WeakTree`.

    Parent and child are a reference cycle: a dropped tree waits for the cycle collector, and whoever holds one node
    holds the whole tree.
    """

    _parent: Tree[T] | None = None

    @property
    def parent(self) -> Tree[T] | None:
        """The parent; None for a root."""
        return self._parent

    def _hold_parent(self, parent: Tree[T] | None) -> None:
        self._parent = parent
