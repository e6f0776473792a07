"""A graph of small integers drawn by hand, as `paths` and `proof` see the heap."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_leakcheck.search.paths import Anchor


@dataclass
class Drawn:
    """Edges ``(holder, held)``, in any order and any number; `roots` are nodes with the rank of their root."""

    edges: list[tuple[int, int]]
    roots: dict[int, int]
    names: dict[int, str] = field(default_factory=dict)
    extra: dict[int, int] = field(default_factory=dict)
    outer: dict[int, int] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    parts: set[tuple[int, int]] = field(default_factory=set)
    asked: list[int] = field(default_factory=list)

    def holders(self, nodes):
        self.asked.append(len(nodes))
        return list(dict.fromkeys((holder, held) for holder, held in self.edges if held in set(nodes)))

    def anchor(self, node):
        if node not in self.roots:
            return None
        return Anchor(self.roots[node], self.extra.get(node, 0), self.names.get(node, str(node)))

    def in_order(self, _, held):
        return sorted(set(held))

    def may_be_part(self, node):
        return any(held == node for _, held in self.parts)

    def is_part(self, holder, held):
        return (holder, held) in self.parts

    def anchor_itself(self, node):
        return self.anchor(node)

    def outside_anchor(self, node, number):
        return Anchor(0, 0, "") if number < self.outer.get(node, 0) else None

    def route(self, node):
        return (node,) if node in self.roots else None

    def multiplicity(self, holder, held):
        return self.edges.count((holder, held))

    def missing(self, node):
        return int(node in self.lost)

    def outside(self, node):
        return self.outer.get(node, 0)
