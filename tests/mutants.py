"""Changes the code that reaches verdicts, one small thing at a time, and tells which changes no test notices.

``make mutants``, or ``python tests/mutants.py [OPTION]... [MODULE]...``; ``--help`` tells of the options. Each change
is made in a copy of the package, on which the tests that specify the module are run until one fails. A survivor is
printed by its name, unless ``mutants.txt`` beside this file has that under a reason why it changes no verdict. The exit
status is 1 if any was printed, or an entry of that file is out of date.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import contextlib
import difflib
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator
from parso.python.tree import Keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "pytest_leakcheck"
KNOWN = Path(__file__).with_suffix(".txt")

TESTS = {
    "paths": ("paths",),
    "watch": ("watch", "addresses"),
    "confirm": ("judgement", "confirm", "baseline", "hooks", "scopes"),
    "ledger": ("ledger", "judgement", "confirm", "baseline", "hooks", "scopes"),
    "held": ("held",),
    "evidence": ("judgement", "confirm"),
    "grades": ("judgement", "by_refcount", "faults"),
    "trials": ("trials",),
    "patience": ("patience",),
    "check": ("judgement", "block", "within", "by_refcount", "hooks", "baseline"),
    "judging": ("judging", "housekeeping", "outcomes", "verdict", "repeat", "neighbours", "timeouts", "wider_scopes"),
}
"""The tests that specify each module, by the word after ``test_``: those that tell soonest first."""

OPERATORS = (
    *(f"ReplaceComparisonOperator_{word}" for word in ("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")),
    *(f"ReplaceComparisonOperator_{word}" for word in ("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt")),
    *(f"ReplaceComparisonOperator_{word}" for word in ("Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt")),
    *(f"ReplaceBinaryOperator_{word}" for word in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul")),
    *(f"ReplaceBinaryOperator_{word}" for word in ("BitOr_BitAnd", "BitAnd_BitOr")),
    *("ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_Delete_USub", "AddNot"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "NumberReplacer"),
    *("RemoveDecorator", "ZeroIterationForLoop"),
)
"""Of cosmic-ray's operators those that are likely to survive; the others make much the same of the same places."""


class RemoveStatement(Operator):
    """Puts ``pass`` for a statement of a function."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "simple_stmt" and parso.tree.search_ancestor(node, "funcdef"):
            statement = node.children[0]
            if statement.type not in ("string", "import_name", "import_from"):
                yield statement.start_pos, statement.end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002
        statement = node.children[0]
        node.children[0] = Keyword("pass", statement.start_pos, prefix=statement.get_first_leaf().prefix)
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


class NegateFilter(Operator):
    """Puts ``not`` into the condition of a comprehension."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "comp_if":
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002
        node.children[1] = parso.parse(f" not ({node.children[1].get_code()})")
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


@dataclass(frozen=True)
class Mutant:
    """A module with one thing changed."""

    module: str
    name: str
    """Where and what: it stays as it is while other lines change."""
    code: str


def mutants_of(module: str) -> list[Mutant]:
    """Return what a module is changed to, in the order of its lines."""
    source = _file(module).read_text(encoding="utf-8")
    tree, functions = get_ast(source), _functions(source)
    operators = [get_operator(f"core/{name}")() for name in OPERATORS] + [RemoveStatement(), NegateFilter()]
    seen, made = {_meaning(source), ""}, []
    for operator in operators:
        positions = [start for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)]
        for number, start in enumerate(positions):
            code = mutate_code(source, operator, number)
            meaning = _meaning(code)
            if meaning not in seen:
                seen.add(meaning)
                made.append((start, f"{module}.{functions[start[0]]}: {_change(source, code)}", code))
    return [Mutant(module, name, code) for name, code in _numbered(sorted(made))]


def _numbered(made: list[tuple[tuple[int, int], str, str]]) -> Iterator[tuple[str, str]]:
    """Tell the second one of a name from the first."""
    numbers: Counter[str] = Counter()
    for _, name, code in made:
        numbers[name] += 1
        yield (name if numbers[name] == 1 else f"{name} ({numbers[name]})"), code


_PAIRS = ((ast.Eq, ast.NotEq), (ast.Lt, ast.GtE), (ast.Gt, ast.LtE), (ast.Is, ast.IsNot), (ast.In, ast.NotIn))
_INVERSE = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}


class _Meaning(ast.NodeTransformer):
    """Leaves out what tells nothing at run time, and writes conditions in one way.

    That is annotations, what only the type checker imports, and what only spares memory or forbids a call.
    """

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
        node.defaults = [*node.defaults, *filter(None, node.kw_defaults)]
        node.posonlyargs, node.kwonlyargs, node.kw_defaults = [], [], []
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "dataclass":
            return node.func
        return self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Not):
            return node
        match node.operand:
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return inner
            case ast.Compare(left=left, ops=[op], comparators=comparators):
                return ast.Compare(left, [_INVERSE[type(op)]()], comparators)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Name("object")
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if "TYPE_CHECKING" in ast.dump(node.test) else self.generic_visit(node)


def _meaning(source: str) -> str:
    """Return what differs where the code does; the empty string where it is none."""
    try:
        return ast.dump(_Meaning().visit(ast.parse(source)))
    except SyntaxError:
        return ""


def _functions(source: str) -> dict[int, str]:
    """Return for each line the dotted name of the function or class that it is in."""
    names = dict.fromkeys(range(1, source.count("\n") + 2), "")

    def note(node: ast.AST, outer: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = outer
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                name = f"{outer}.{child.name}".lstrip(".")
                first = min([child.lineno, *(each.lineno for each in child.decorator_list)])
                names.update(dict.fromkeys(range(first, (child.end_lineno or first) + 1), name))
            note(child, name)

    note(ast.parse(source), "")
    return {line: name or "<module>" for line, name in names.items()}


def _change(source: str, code: str) -> str:
    lines = list(difflib.unified_diff(source.splitlines(), code.splitlines(), n=0))[3:]
    before, after = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return f"{before} -> {after or 'nothing'}"


def _file(module: str) -> Path:
    """Return the file of a module by its name alone: no two rooms have one of the same name."""
    return next(PACKAGE.rglob(f"{module}.py"))


class Copy:
    """A copy of the package, which the tests find before the one that is installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = folder / PACKAGE.name
        shutil.copytree(PACKAGE, self.package, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(self.package, quiet=1)

    def fails(self, module: str, code: str, times: Times) -> bool:
        """Tell whether a test fails, or a file of them takes too long, where `code` is in a module's stead."""
        return any(self._run(module, code, word, times.limit(self, module, word)) != 0 for word in TESTS[module])

    def passes(self, module: str, word: str) -> bool:
        """Tell whether a file of tests passes on the package as it is."""
        return self._run(module, _file(module).read_text(encoding="utf-8"), word, None) == 0

    def _run(self, module: str, code: str, word: str, seconds: float | None) -> int:
        path = self.package / _file(module).relative_to(PACKAGE)
        for compiled in path.parent.glob(f"__pycache__/{module}.*"):
            compiled.unlink()  # it may be as old and as long as what comes now
        path.write_text(code, encoding="utf-8")
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(self.folder / "hypothesis"),
            "TMPDIR": str(self.folder),
        }
        options = ("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0")
        run = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, f"tests/test_{word}.py"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return run.wait(seconds)
        except subprocess.TimeoutExpired:
            return -1
        finally:
            _end(run)


class Times:
    """How long each file of tests may take of a mutant, by how long it takes of the package as it is.

    That is measured when the first mutant gets so far: most fall to the first file, and hang there, if they do.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: dict[str, float] = {}

    def limit(self, copy: Copy, module: str, word: str) -> float:
        """Return it in seconds."""
        with self._lock:
            if word not in self._limits:
                started = time.monotonic()
                if not copy.passes(module, word):
                    sys.exit(f"tests/test_{word}.py fails on the code as it is")
                took = time.monotonic() - started
                print(f"  tests/test_{word}.py takes {took:.0f} s", flush=True)
                self._limits[word] = 20 + 3 * took
            return self._limits[word]


def _end(run: subprocess.Popen[bytes]) -> None:
    """End a run and what it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def known() -> dict[str, str]:
    """Return the names of survivors that change no verdict, with the reasons."""
    reasons = {}
    for block in f"\n{KNOWN.read_text(encoding='utf-8')}".split("\n== ")[1:]:
        reason, *names = block.splitlines()
        reasons.update({name: reason for name in names if name.strip()})
    return reasons


def main() -> int:
    """Run what is asked for; return the exit status."""
    parser = argparse.ArgumentParser(description="Tell which small changes of the code no test notices.")
    parser.add_argument("--workers", type=int, default=2, help="mutants that are tested at once")
    parser.add_argument("--sample", type=int, metavar="N", help="test only N mutants of each module, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--containing", default="", metavar="TEXT", help="test only mutants with this in their names")
    parser.add_argument("--all", action="store_true", help="test those in mutants.txt, too")
    parser.add_argument("--list", action="store_true", help="print the names of the mutants, and test none")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(TESTS)}; default: all of them")
    options = parser.parse_args()
    modules = options.modules or list(TESTS)
    if not TESTS.keys() >= set(modules):
        parser.error(f"only of {', '.join(TESTS)}")
    outcomes = [_try_module(module, options) for module in modules]
    return int(not all(outcomes))


def _try_module(module: str, options: argparse.Namespace) -> bool:
    """Test the mutants of a module and tell of the survivors; return whether there is nothing to do."""
    reasons, made = known(), mutants_of(module)
    names = {mutant.name for mutant in made}
    stale = [name for name in reasons if name.startswith(f"{module}.") and name not in names]
    chosen = [
        mutant for mutant in made if options.containing in mutant.name and (options.all or mutant.name not in reasons)
    ]
    if options.sample is not None and options.sample < len(chosen):
        chosen = random.Random(options.seed).sample(chosen, options.sample)  # noqa: S311 - a draw that can be made again
    if options.list:
        print(*(mutant.name for mutant in chosen), sep="\n")
        return True
    survivors = _survivors(module, chosen, options.workers)
    for name in stale:
        print(f"  OUT OF DATE {name}", flush=True)
    print(f"{module}: {len(chosen)} of {len(made)} mutants tested, {len(survivors)} survived", flush=True)
    return not survivors and not stale


def _survivors(module: str, chosen: list[Mutant], workers: int) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        times, copies = Times(), queue.Queue[Copy]()
        for number in range(workers):
            copies.put(Copy(Path(folder) / str(number)))

        def survives(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                is_alive = not copy.fails(module, mutant.code, times)
            finally:
                copies.put(copy)
            if is_alive:
                print(f"  SURVIVED {mutant.name}", flush=True)
            return is_alive

        with ThreadPoolExecutor(workers) as pool:
            return [
                mutant.name for mutant, is_alive in zip(chosen, pool.map(survives, chosen), strict=True) if is_alive
            ]


if __name__ == "__main__":
    sys.exit(main())
