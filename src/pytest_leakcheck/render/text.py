"""A report as plain text for a terminal: verdict, survivors, path, accounting, advice, in that order."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_leakcheck.describe import counted
from pytest_leakcheck.model import gaps
from pytest_leakcheck.runtime import rawtypes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_leakcheck.model import Leak, Link, Proof, Report, Survivor, Trace

WIDTH = 80
_MOST_SURVIVORS = 5
_WEAK = "make it weak"
_Cell = tuple[str, str, str]
"""One row: a reference, what it leads to, and the mark beside it."""
_CODES = {"red": "\x1b[1;31m", "yellow": "\x1b[33m", "bold": "\x1b[1m", "dim": "\x1b[2m"}
_ASCII = str.maketrans({"…": "~", "→": ">", "·": "-", "×": "x", "–": "-"})


@dataclass(frozen=True, slots=True)
class Style:
    """How the text is to look."""

    width: int = WIDTH
    """Columns; less than 60 are taken for 60."""
    has_colour: bool = False
    is_ascii: bool = False
    """Whether to keep to ASCII; other characters become a likeness or an escape."""
    is_verbose: bool = False
    """Whether to show all independent holders, not two of them."""

    def paint(self, text: str, colour: str) -> str:
        """Return `text` in a colour, where there are colours."""
        return f"{_CODES[colour]}{text}\x1b[0m" if self.has_colour and text else text


PLAIN = Style(is_verbose=True)
"""For files and programs: all there is to tell, without colours."""


def render(report: Report, style: Style = PLAIN) -> str:
    """Return the text of a whole report, lines of at most ``style.width`` columns where names allow."""
    lines = [_verdict(report, style)]
    for number, leak in enumerate(report.leaks):
        if number:
            lines.append("")
        lines += _leak(leak, style)
    if report.pictures:
        lines += ["", *(style.paint(f"  Picture: {picture}", "dim") for picture in report.pictures)]
    if report.rerun:
        lines += ["", style.paint(f"  Rerun: {report.rerun}", "dim")]
    text = "\n".join(map(_inert, lines))
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode() if style.is_ascii else text


def render_alive(leak: Leak, style: Style = PLAIN) -> str:
    """Return the text on an object that nobody says should be gone."""
    title = style.paint("ALIVE", "bold")
    lines = [f"{title}  {leak.survivors[0].type_name}", "", *_trace_or_why(leak, style, mark="this object")]
    return "\n".join(map(_inert, [*lines, *_proof_and_accounting(leak, style, mark="this object")]))


def _inert(line: str) -> str:
    """Return a line that GitHub does not take for a command, whatever name it starts with."""
    return line.replace("::", r"\x3a:", 1) if line.lstrip().startswith("::") else line


def headline(report: Report) -> str:
    """Return the report's first line without the word LEAKED: what a summary shows."""
    first = report.leaks[0]
    if report.count == 1 and first.trace:
        does = "is still alive, held by" if first.grade == "survives" else "waits for the cycle collector, held by"
        return f"{first.survivors[0].type_name} {does} {_held_by(first.trace)}"
    causes = f" ({len(report.leaks)} causes)" if len(report.leaks) > 1 else ""
    return f"{_what_happened(report)}{causes}"


def _what_happened(report: Report) -> str:
    alive, waiting = (
        sum(leak.count for leak in report.leaks if leak.grade == grade) for grade in ("survives", "collected")
    )
    told = []
    if alive:
        told.append(f"{counted(alive, 'object')} that should be gone {'is' if alive == 1 else 'are'} still alive")
    if waiting:
        verb = "waits" if waiting == 1 else "wait"
        told.append(f"{counted(waiting, 'object')} that should die at once {verb} for the cycle collector")
    return ", ".join(told)


def _held_by(trace: Trace) -> str:
    if trace.cycle:
        return f"the cycle {trace.spelled(trace.cycle - 1)}"
    first = trace.links[0].text if trace.links else ""
    return f"{trace.root.name}{first}" if first.startswith((".", "[")) else f"{trace.root.name}: {first}"


def _verdict(report: Report, style: Style) -> str:
    waited = f" after {report.waited:.1f} s of waiting" if report.waited else ""
    return f"{style.paint('LEAKED', 'red')}  {_what_happened(report)}{waited}"


def _leak(leak: Leak, style: Style) -> list[str]:
    lines = _survivors(leak.survivors, style)
    if leak.seen_in:
        held = f", held by {_held_by(leak.trace)}" if leak.trace else ""
        return [*lines, "", *_wrapped(f"The same leak as in {leak.seen_in}{held}.", style)]
    if leak.also_keeps:
        does = "also keeps alive" if leak.grade == "survives" else "and below it"
        lines += ["", f"  {does}", *_survivors(leak.also_keeps, style)]
    lines += ["", *_trace_or_why(leak, style, mark="LEAKED")]
    lines += _proof_and_accounting(leak, style, mark="LEAKED")
    for note in (leak.note, leak.advice):
        lines += ["", *_wrapped(note, style)] if note else []
    return lines


def _proof_and_accounting(leak: Leak, style: Style, mark: str) -> list[str]:
    """Return in one paragraph what is proved and how many references are explained; further holders come between."""
    proof, lines, sentences = leak.proof, [], []
    if proof is not None and proof.link:
        sentences.append(_dominating(proof.link, is_cycle=leak.grade == "collected"))
        sentences += [f"Below it, {' and '.join(proof.ways)} both lead to the object."] if proof.ways else []
    elif proof is not None and proof.others:
        lines = _independent(proof, style, mark)
    elif proof is not None and proof.reason:
        sentences.append(f"Not proven that there is no other path: {proof.reason}.")
    sentences += [leak.accounting] if leak.accounting else []
    return [*lines, "", *_wrapped(" ".join(sentences), style)] if sentences else lines


def _dominating(link: str, *, is_cycle: bool) -> str:
    if is_cycle:
        return f"Nothing else keeps it: without {link} it dies at once."
    if link.startswith("thread "):
        return f"Every path starts at {link}: the object goes once that has ended."
    return f"Every path goes through {link}: dropping it frees the object."


_ORDINALS = ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def _independent(proof: Proof, style: Style, mark: str) -> list[str]:
    """Return the further holders: one, or all of them where the style is verbose."""
    number = len(proof.others) + 1
    least = "" if proof.is_all else "At least "
    which = "The other" if number == 2 else "The second"
    what = "cycles: cutting" if proof.others[0].cycle else "independent holders: dropping"
    text = f"{least}{number} {what} one is not enough. {which}:"
    lines = ["", *_wrapped(text, style), "", *_trace(proof.others[0], style, mark)]
    if not style.is_verbose and number > 2:
        return [
            *lines,
            "",
            *_wrapped(f"{number - 2} more: run with -v to see {'it' if number == 3 else 'them'}.", style),
        ]
    for ordinal, other in zip(_ORDINALS[1:], proof.others[1:], strict=False):
        lines += ["", f"  The {ordinal}:", "", *_trace(other, style, mark)]
    return lines


def _survivors(survivors: tuple[Survivor, ...], style: Style) -> list[str]:
    rows = rawtypes.counts_of((s.type_name, _origin(s)) for s in survivors)
    cells = [(f"{name}{f' × {number:,}' if number > 1 else ''}", origin, "") for (name, origin), number in rows.items()]
    lines = _table(cells[:_MOST_SURVIVORS], 2, style)
    if len(cells) > _MOST_SURVIVORS:
        rest = sum(list(rows.values())[_MOST_SURVIVORS:])
        lines.append(f"  and {rest:,} more, kept by the same cause")
    return lines


def _origin(survivor: Survivor) -> str:
    reason = f' ("{survivor.reason}")' if survivor.reason else ""
    made = f" at {survivor.made}" if survivor.made else ""
    return f"{survivor.origin}{made}{reason}"


def _trace_or_why(leak: Leak, style: Style, *, mark: str) -> list[str]:
    if leak.trace is None:
        return _wrapped(f"chain unavailable: {leak.unavailable}", style)
    size = f"{leak.retained:,} objects ({_size(leak.retained_bytes)})"
    keeps = size if leak.trace.cycle else f", keeps {size} alive"
    return _trace(leak.trace, style, mark, keeps if leak.retained > 1 else "")


def _size(number: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:.1f} {unit}"
        number = number / 1000  # type: ignore[assignment]
    return f"{number:.1f} GB"


def _trace(trace: Trace, style: Style, mark: str, keeps: str = "") -> list[str]:
    if trace.cycle:
        return _table(_around(trace, mark, keeps), 2, style)
    detail = f", {trace.root.detail}" if trace.root.detail else ""
    cells = [(trace.root.name, f"{trace.root.kind}{detail}", "GC root")]
    links = [(f"  {link.text}", link.label, "suspect" if link.is_suspect else "") for link in trace.links[:-1]]
    links += [(f"  {link.text}", link.label + keeps, mark) for link in trace.links[-1:]]
    return _table(cells + _cut_short(links, trace.links), 2, style)


def _cut_short(cells: list[_Cell], links: Sequence[Link]) -> list[_Cell]:
    """Return the cells of links with one for the middle of each long run of like ones."""
    for start, stop in reversed(gaps(links)):
        cells[start:stop] = [("  …", f"{stop - start:,} more like these", "")]
    return cells


def _around(trace: Trace, mark: str, whole: str) -> list[_Cell]:
    """Return the cells of a cycle: the links back to its first object, and from there down."""
    links, after = trace.links[: trace.cycle], trace.links[trace.cycle :]
    below = _cut_short([(f"  {link.text}", link.label, "") for link in after], after)
    around = [(f"  {link.text}", link.label, _WEAK if link.is_suspect else "") for link in links]
    around = _cut_short(around, links)
    name, label, weak = around[-1]
    around[-1] = (name, f"{label}, where it began", weak)
    first = (trace.root.name, f"cycle of {whole}" if whole else trace.root.kind, "" if below else mark)
    if not below:
        return [first, *around]
    return [first, *around, ("and from there down", "", ""), *below[:-1], (*below[-1][:2], mark)]


def _table(cells: list[_Cell], indent: int, style: Style) -> list[str]:
    width = max(60, style.width) - indent
    marks = max(len(mark) for _, _, mark in cells)
    fits = [len(text) for text, _, _ in cells if len(text) <= width // 2]
    first = max(fits, default=0) + 2
    second = width - first - (marks + 2 if marks else 0)
    lines: list[str] = []
    for text, label, mark in cells:
        lines += _row(text, label, mark, (indent, first, second), style)
    return lines


def _row(text: str, label: str, mark: str, columns: tuple[int, int, int], style: Style) -> list[str]:
    """Lay out one row; a text too long for its column has a line of its own, a label too long goes on below itself."""
    indent, first, second = columns
    pad, lines = " " * indent, []
    if len(text) > first - 2:
        lead = len(text) - len(text.lstrip())
        lines = [pad + part for part in _broken(text, max(60, style.width) - indent, lead + 4)]
        text = ""
    labels = _broken(label, second, 0) or [""]
    colour = {"LEAKED": "red", "suspect": "yellow", _WEAK: "yellow", "GC root": "bold"}.get(mark, "")
    tail = f"{labels[0]:<{second}}  {style.paint(mark, colour)}" if mark else labels[0]
    lines.append(f"{pad}{text:<{first}}{tail}".rstrip())
    return lines + [f"{pad}{'':<{first}}{part}" for part in labels[1:]]


def _broken(text: str, width: int, hang: int) -> list[str]:
    lead = " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(
        text.lstrip(), width, initial_indent=lead, subsequent_indent=" " * hang, break_on_hyphens=False
    )


def _wrapped(text: str, style: Style) -> list[str]:
    """Return the lines of a paragraph; the id of a test is left whole, however long it is, to be copied."""
    return textwrap.wrap(
        text,
        max(60, style.width),
        initial_indent="  ",
        subsequent_indent="  ",
        break_on_hyphens=False,
        break_long_words="::" not in text,
    )
