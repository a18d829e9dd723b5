"""What mutation testing changes in a source: one operator, number, condition or statement at a time.

A mutant is a piece of text in place of another, found in the syntax tree, so that all else of the file stays
as it is, and the difference is short. Texts for people (docstrings, messages of errors), types and imports
are left alone.
"""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}
ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "//",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "//",
    ast.LShift: ">>",
    ast.RShift: "<<",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.BitXor: "&",
    ast.Pow: "*",
}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}
"""Functions and methods that are taken for one another."""
DOMAINS = {"sync": "comb", "comb": "sync"}
"""Amaranth's domains: a stage of delay less, or more."""
TEXTS = {"__repr__", "__str__", "__rich__"}
"""Functions for people."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes:
        path: of the file, from the root of the project. line: where the change is, counted from 1.
        start, end: the characters that are replaced, counted in the whole text. text: what stands there then.
        kind: of change, a word.
    """

    path: str
    line: int
    start: int
    end: int
    text: str
    kind: str

    @property
    def key(self) -> str:
        """A name that no other mutant of the same sources has."""
        return f"{self.path}:{self.line}:{self.start}-{self.end}:{self.kind}:{self.text}"

    def applied(self, source: str) -> str:
        """The file's text with the change."""
        return source[: self.start] + self.text + source[self.end :]

    def diff(self, source: str) -> str:
        """The change as a unified difference without lines around it."""
        before, after = source.splitlines(), self.applied(source).splitlines()
        lines = list(difflib.unified_diff(before, after, self.path, self.path, n=0, lineterm=""))
        return "\n".join(lines)


def mutants(path: str, source: str) -> list[Mutant]:
    """All mutants of a file, in the order of its text.

    Raises:
        SyntaxError: it is not Python.
    """
    found = _Finder(path, source)
    found.visit(ast.parse(source))
    return sorted(found.mutants, key=lambda mutant: (mutant.start, mutant.end, mutant.kind, mutant.text))


def sources(root: Path, folder: str) -> Iterator[tuple[str, str]]:
    """Names from the root, and texts, of all Python files of a folder, sorted."""
    for file in sorted((root / folder).rglob("*.py")):
        yield file.relative_to(root).as_posix(), file.read_text()


class _Finder(ast.NodeVisitor):
    """Walks a module and notes what may be changed."""

    def __init__(self, path: str, source: str) -> None:
        self.path, self.source = path, source
        self.mutants: list[Mutant] = []
        # The parser counts columns in bytes of UTF-8.
        self._lines = [line.encode() for line in source.splitlines(keepends=True)]
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line.decode()))

    # places:

    def _at(self, line: int, column: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1][:column].decode())

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset)

    def _text(self, node: ast.expr | ast.stmt) -> str:
        start, end = self._span(node)
        return self.source[start:end]

    def _add(self, kind: str, start: int, end: int, text: str) -> None:
        line = self.source.count("\n", 0, start) + 1
        self.mutants.append(Mutant(self.path, line, start, end, text, kind))

    def _between(self, kind: str, left: ast.expr, right: ast.expr, new: str) -> None:
        """Put another operator between two operands."""
        start, end = self._span(left)[1], self._span(right)[0]
        between = self.source[start:end]
        sign = between.strip("()\\ \n\t")
        if sign and "#" not in between:
            begin = start + between.index(sign)
            self._add(kind, begin, begin + len(sign), new)

    # what is left alone:

    def visit_Raise(self, node: ast.Raise) -> None:
        """What an error says is for people."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """So is a text with values in it."""

    def visit_Import(self, node: ast.Import) -> None: ...

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None: ...

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Assert(self, node: ast.Assert) -> None:
        self.visit(node.test)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if node.name in TEXTS:
            return
        for value in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(value)
        for statement in node.body:
            self.visit(statement)

    visit_FunctionDef = visit_AsyncFunctionDef = _function

    # what is changed:

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, sign, right in zip(
            [node.left, *node.comparators], node.ops, node.comparators, strict=False
        ):
            self._between("comparison", left, right, COMPARISONS[type(sign)])
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        new = ARITHMETIC.get(type(node.op))
        # A sum of texts, a union of types.
        words = any(isinstance(side, ast.JoinedStr) or _is_text(side) for side in (node.left, node.right))
        if new and not words:
            self._between("arithmetic", node.left, node.right, new)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        new = "or" if isinstance(node.op, ast.And) else "and"
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._between("boolean", left, right, new)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        start, _ = self._span(node)
        self._add("sign", start, start + len("not" if isinstance(node.op, ast.Not) else "-"), "")
        # With the number itself changed too, −1 would only be another one.
        if not isinstance(node.operand, ast.Constant):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        start, end = self._span(node)
        if isinstance(node.value, bool):
            self._add("constant", start, end, str(not node.value))
        elif isinstance(node.value, int):
            self._add("constant", start, end, str(node.value + 1))
            if node.value > 0:
                self._add("constant", start, end, str(node.value - 1))
        elif isinstance(node.value, float):
            self._add("constant", start, end, repr(2 * node.value + 1))

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        new = CALLS.get(name)
        end = self._span(node.func)[1]
        if new and not (isinstance(node.func, ast.Attribute) and name in ("all", "any")):
            self._add("call", end - len(name), end, new)
        if name == "range" and node.args and isinstance(node.func, ast.Name):
            last = node.args[0] if len(node.args) == 1 else node.args[1]
            start, end = self._span(last)
            self._add("range", start, end, f"({self._text(last)}) - 1")
        if name in ("If", "Elif", "While") and len(node.args) == 1:
            start, end = self._span(node.args[0])
            self._add("condition", start, end, f"~({self._text(node.args[0])}).bool()")
        self.generic_visit(node)

    def _condition(self, node: ast.If | ast.IfExp | ast.While) -> None:
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            start, end = self._span(node.test)
            self._add("condition", start, end, f"not ({self._text(node.test)})")
            self.generic_visit(node)

    visit_If = visit_IfExp = visit_While = _condition

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        # Of several statements of hardware each is left out for itself.
        if isinstance(node.value, ast.List):
            for element in node.value.elts:
                self._add("statement", *self._span(element), "*()")
        else:
            self._add("statement", *self._span(node), "pass")
        domain = node.target.attr if isinstance(node.target, ast.Attribute) else ""
        if domain in DOMAINS:
            target = self._span(node.target)[1]
            self._add("domain", target - len(domain), target, DOMAINS[domain])
        self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node.value, ast.Call):
            self._add("statement", *self._span(node), "pass")
        self.visit(node.value)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str | bytes))
