"""A leak as a picture: drawn by objgraph from stand-ins for the objects of the trace, so that no user's is touched."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import objgraph  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_leakcheck.model import Link, Report, Trace

_MOST_CHARACTERS = 119
_DRAW_SECONDS = 20


class _Node(dict[Any, Any]):
    """Stands for an object of the trace; objgraph labels the edge from a dict with its key."""

    words = ""
    border: str | None = None


class reference:  # noqa: N801 - objgraph shows a key's type
    """A key that stands for the text of a link, which objgraph would cut short."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"@{id(self)}@"


def write_graphs(report: Report, folder: Path, name: str) -> tuple[str, ...]:
    """Write one graph per leak into `folder`, made if need be; return the paths of the files, ``.dot`` first.

    `name` is the test's; it may hold anything, and stays within the folder. ``.svg`` files are made where Graphviz's
    ``dot`` is found. Raises OSError where the folder can't be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    for number, leak in enumerate(report.leaks, start=1):
        if leak.trace is None:
            continue
        path = folder / f"{file_stem(name)}{f'-{number}' if number > 1 else ''}.dot"
        others = leak.proof.others if leak.proof else ()
        path.write_text(draw(leak.trace, *others), encoding="utf-8")
        written += [str(path), *_svg(path)]
    return tuple(written)


def file_stem(name: str) -> str:
    """Return a file name without a suffix for any text: the same for the same text, another for another."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name.replace("::", "-")).strip("._")
    if plain and plain == name and len(plain) <= _MOST_CHARACTERS:
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()[:10]
    return f"{plain[:_MOST_CHARACTERS] or 'leak'}-{digest}"


def draw(*traces: Trace) -> str:
    """Return the traces, all to the same survivor, as a graph in the DOT language."""
    survivor = _node(traces[0].links[-1], is_survivor=True)
    chains = [_chain(trace, survivor) for trace in traces]
    output = io.StringIO()
    objgraph.show_chain(
        *chains,
        backrefs=False,
        output=output,
        extra_node_attrs=lambda node: {"label": node.words, "color": node.border, "penwidth": node.border and "3"},
    )
    return _tidied(output.getvalue(), chains)


def _tidied(dot: str, chains: list[list[_Node]]) -> str:
    """Take out what objgraph tells of the stand-ins themselves, addresses included: the same leak, the same file."""
    dot = re.sub(r'label="_Node\\n\d+ items", ', "", dot).replace(f'[label="{reference.__name__}\\n', '[label="')
    for number, node in enumerate(dict.fromkeys(id(node) for chain in chains for node in chain)):
        dot = dot.replace(f"o{node}", f"n{number}")
    for key in (key for chain in chains for node in chain for key in node):
        dot = dot.replace(repr(key), key.text.replace("\\", "\\\\").replace('"', '\\"'))
    return dot


def _chain(trace: Trace, survivor: _Node) -> list[_Node]:
    root = _Node()
    root.words, root.border = f"{trace.root.name}\n{trace.root.kind} (GC root)", "darkgreen"
    nodes = [root, *(_node(link, is_survivor=False) for link in trace.links[:-1]), survivor]
    for holder, held, link in zip(nodes, nodes[1:], trace.links, strict=False):
        holder[reference(link.text)] = held
    return nodes


def _node(link: Link, *, is_survivor: bool) -> _Node:
    node = _Node()
    node.words = f"{link.label}\nLEAKED" if is_survivor else link.label
    node.border = "red" if is_survivor else "orange" if link.is_suspect else None
    return node


def _svg(path: Path) -> list[str]:
    """Draw a DOT file with Graphviz; nothing is made where it is missing or fails."""
    program = shutil.which("dot")
    if program is None:
        return []
    picture = path.with_suffix(".svg")
    command = [program, "-Tsvg", f"-o{picture}", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_DRAW_SECONDS, check=False)  # noqa: S603 - our file
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [str(picture)] if done.returncode == 0 else []
