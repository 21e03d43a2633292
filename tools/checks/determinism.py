"""Find what could make two runs of a core differ. Rules and reasons: docs/determinism.md.

`python -m tools.checks.determinism [FILE...]`; without files, the shared domain and every core.
A line may be excused by `# determinism: REASON` on it or above it; an excuse that excuses nothing
is itself a finding.
"""

import ast
import io
import sys
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from tools.checks.kinds import Function, Kinds, Scope

ROOT: Final = Path(__file__).resolve().parents[2]
CHECKED: Final = (
    "libs/common/src/evenflow/common/domain",
    "services/*/src/evenflow/*/core",
    "services/gateway/src/evenflow/gateway/*/rules",
    "services/gateway/src/evenflow/gateway/*/rules.py",
    "services/gateway/src/evenflow/gateway/values",
    "tools/*/src/evenflow/*/core",
)
MODULES: Final = frozenset(
    "abc bisect collections contextlib copy dataclasses datetime decimal difflib enum fractions "
    "base64 binascii zlib "  # of bytes that are given: what they make of them is always the same
    "functools hashlib heapq itertools json math operator re string typing types uuid "
    "numpy sortedcontainers evenflow".split()
)
"""What a core may import: nothing here reads a clock, a file or the environment by itself."""
INEXACT: Final = frozenset(
    "acos acosh asin asinh atan atan2 atanh cbrt cos cosh dist erf erfc exp exp2 expm1 gamma hypot "
    "lgamma log log10 log1p log2 pow sin sinh sumprod tan tanh".split()
)
CALLS: Final = {
    "datetime.now": "time",
    "datetime.utcnow": "time",
    "datetime.today": "time",
    "datetime.fromtimestamp": "time",
    "date.today": "time",
    "date.fromtimestamp": "time",
    "open": "input",
    "input": "input",
    "print": "input",
    "hash": "hash",
    "id": "hash",
}
REDUCTIONS: Final = frozenset(
    "average convolve cov cumprod cumsum dot einsum inner matmul mean median nanmean nansum norm "
    "prod std sum trace var vdot".split()
)
IN_ORDER: Final = frozenset("deque enumerate filter iter list map next reversed tuple zip".split())
"""Calls that hand on the order of what they are given."""
NO_ORDER: Final = frozenset("all any frozenset len max min set sorted SortedList".split())
"""Calls whose answer does not depend on the order of what they are given."""
ADVICE: Final = {
    "import": "only {modules} may be imported here; pass what you need as a value",
    "time": "reads the clock; take `now` as a parameter",
    "chance": "draws at random; take the value from a fact",
    "input": "does input or output; take the value as a parameter, return the result",
    "hash": "differs between processes; compare or sort by a unique id",
    "inexact": "is rounded differently by other C libraries; use integers or exact operations",
    "sum": "sums floats, which Python 3.12 rounds otherwise than 3.11; use math.fsum",
    "numpy": "adds in an order that depends on the processor; reduce integers, or use math.fsum",
    "sort": "is not stable; pass kind='stable'",
    "set": "goes through a set, whose order differs between processes; use sorted(...)",
    "json": "may write NaN, which is not JSON; pass allow_nan=False",
    "excuse": "excuses nothing, or gives no reason; remove it or say why in a sentence",
}
_MARK: Final = "determinism:"
_LEAST_REASON: Final = 3  # words


class Finding(NamedTuple):
    """A line that breaks a rule."""

    line: int
    rule: str
    what: str

    def __str__(self) -> str:
        """What, then what to do instead."""
        modules = ", ".join(sorted(MODULES))
        return f"[{self.rule}] {self.what} {ADVICE[self.rule].format(modules=modules)}"


@dataclass(slots=True)
class _Checker:
    """Walks one module, keeping what is known of the names in sight."""

    kinds: Kinds
    uses_numpy: bool

    def check(self, node: ast.AST, scope: Scope, owner: str | None = None) -> Iterator[Finding]:
        """Yield what is wrong at the node and below it."""
        if isinstance(node, Function):
            scope = self.kinds.scope_of(node, scope, owner)
        elif isinstance(node, ast.Module):
            scope = dict(scope)
            self.kinds.learn(node.body, scope)
        yield from self._here(node, scope)
        for child in ast.iter_child_nodes(node):
            inside = node.name if isinstance(node, ast.ClassDef) else None
            yield from self.check(child, scope, inside)

    def _here(  # noqa: C901, PLR0912 - one case a form of syntax, each two lines
        self, node: ast.AST, scope: Scope
    ) -> Iterator[Finding]:
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield from _imported(node.lineno, alias.name)
            case ast.ImportFrom(module=module, names=names):
                yield from _imported(node.lineno, module or "evenflow")
                for alias in names:
                    yield from _named(node.lineno, f"{module}.{alias.name}")
            case ast.Attribute(value=ast.Name(id=name), attr=attr):
                yield from _named(node.lineno, f"{name}.{attr}")
            case ast.Call():
                yield from self._called(node, scope)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                if self._is_inexact_power(left, right, scope):
                    yield Finding(node.lineno, "inexact", f"`{ast.unparse(node)}`")
            case ast.BinOp(op=ast.MatMult()):
                yield Finding(node.lineno, "numpy", f"`{ast.unparse(node)}`")
            case ast.For(iter=source) | ast.Starred(value=source):
                yield from self._unordered(source, scope)
            case ast.Assign(targets=[ast.Tuple() | ast.List()], value=source):
                yield from self._unordered(source, scope)
            case ast.ListComp() | ast.DictComp() | ast.GeneratorExp():
                for part in node.generators:
                    if not getattr(node, "is_order_free", False):
                        yield from self._unordered(part.iter, scope)

    def _called(self, node: ast.Call, scope: Scope) -> Iterator[Finding]:
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        keywords = {keyword.arg for keyword in node.keywords}
        known = ".".join(name.split(".")[-2:])  # datetime.now, by whatever import
        if known in CALLS:
            yield Finding(node.lineno, CALLS[known], f"`{name}()`")
        if name == "sum" and node.args and self._sums_floats(node.args[0], scope):
            yield Finding(node.lineno, "sum", f"`{ast.unparse(node)}`")
        is_power = name == "pow" and len(node.args) > 1
        if is_power and self._is_inexact_power(node.args[0], node.args[1], scope):
            yield Finding(node.lineno, "inexact", f"`{ast.unparse(node)}`")
        if name in {"json.dumps", "json.dump"} and "allow_nan" not in keywords:
            yield Finding(node.lineno, "json", f"`{name}()`")
        if self.uses_numpy:
            yield from _array(node, name, last, keywords)
        yield from self._consumed(node, name, last, keywords, scope)

    def _consumed(
        self, node: ast.Call, name: str, last: str, keywords: set[str | None], scope: Scope
    ) -> Iterator[Finding]:
        """Look at what a call makes of the order of its arguments."""
        is_order_free = name in NO_ORDER and "key" not in keywords
        is_order_free |= name == "sum"  # of integers: floats were looked at before
        for argument in node.args:
            if isinstance(argument, ast.GeneratorExp) and is_order_free:
                argument.is_order_free = True  # type: ignore[attr-defined]
            elif name in IN_ORDER or last in {"join", "extend", "fromkeys", "chain"}:
                yield from self._unordered(argument, scope)
            elif name in {"sorted", "min", "max"} and not is_order_free:
                # Ties are settled by the order of what is given.
                yield from self._unordered(argument, scope)
        if isinstance(node.func, ast.Attribute) and last == "pop" and not node.args:
            yield from self._unordered(node.func.value, scope)

    def _unordered(self, source: ast.expr, scope: Scope) -> Iterator[Finding]:
        if self.kinds.is_set(self.kinds.of(source, scope)):
            yield Finding(source.lineno, "set", f"`{ast.unparse(source)}`")

    def _sums_floats(self, source: ast.expr, scope: Scope) -> bool:
        if isinstance(source, ast.GeneratorExp | ast.ListComp):
            return self.kinds.is_float(self.kinds.of(source.elt, scope))
        return self.kinds.is_float(self.kinds.element(self.kinds.of(source, scope)))

    def _is_inexact_power(self, base: ast.expr, exponent: ast.expr, scope: Scope) -> bool:
        if isinstance(base, ast.Constant) and isinstance(exponent, ast.Constant):
            return False  # a number written as a power, such as 2.0**30
        if any(self.kinds.is_float(self.kinds.of(side, scope)) for side in (base, exponent)):
            return True
        return isinstance(exponent, ast.UnaryOp) and isinstance(exponent.op, ast.USub)


def _imported(line: int, module: str) -> Iterator[Finding]:
    if module.partition(".")[0] not in MODULES:
        yield Finding(line, "import", f"`{module}` is not on the list:")


def _named(line: int, dotted: str) -> Iterator[Finding]:
    module, _, name = dotted.rpartition(".")
    if module in {"math", "np", "numpy"} and name in INEXACT:
        yield Finding(line, "inexact", f"`{dotted}`")
    if module == "uuid" and name.startswith("uuid"):
        yield Finding(line, "chance", f"`{dotted}`")


def _array(node: ast.Call, name: str, last: str, keywords: set[str | None]) -> Iterator[Finding]:
    """Look at calls in a module that uses numpy; whoever names a dtype has thought of it."""
    is_method_or_numpy = "." in name and not name.startswith(("math.", "self."))
    if last in REDUCTIONS and is_method_or_numpy and "dtype" not in keywords:
        yield Finding(node.lineno, "numpy", f"`{name}()`")
    if (
        last in {"argsort", "sort"}
        and name.startswith(("np.", "numpy."))
        and "kind" not in keywords
    ):
        yield Finding(node.lineno, "sort", f"`{name}()`")


def excuses(source: str) -> dict[int, str]:
    """Return line number to reason, for each `# determinism: REASON`."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        text = token.string.lstrip("# ")
        if token.type == tokenize.COMMENT and text.startswith(_MARK):
            found[token.start[0]] = text.removeprefix(_MARK).strip()
    return found


def check(sources: dict[str, str]) -> dict[str, list[Finding]]:
    """Return the findings of each file, by line; files without any are left out."""
    trees = {name: ast.parse(source, name) for name, source in sources.items()}
    kinds = Kinds(trees.values())
    found = {}
    for name, tree in trees.items():
        uses_numpy = any(
            isinstance(node, ast.Import) and any(alias.name == "numpy" for alias in node.names)
            for node in ast.walk(tree)
        )
        raw = _Checker(kinds, uses_numpy).check(tree, {})
        if left := sorted(_unexcused(raw, excuses(sources[name]))):
            found[name] = left
    return found


def _unexcused(findings: Iterable[Finding], reasons: dict[int, str]) -> Iterator[Finding]:
    used = set()
    for finding in dict.fromkeys(findings):
        place = next((line for line in (finding.line, finding.line - 1) if line in reasons), None)
        if place is None:
            yield finding
        used.add(place)
    for line, reason in reasons.items():
        if line not in used or len(reason.split()) < _LEAST_REASON:
            yield Finding(line, "excuse", f"`# {_MARK} {reason}`")


def checked_files(root: Path = ROOT) -> list[Path]:
    """Return the files that decide."""
    found = (path for pattern in CHECKED for path in root.glob(pattern))
    return sorted(
        file for path in found for file in (path.rglob("*.py") if path.is_dir() else (path,))
    )


def main(arguments: Sequence[str]) -> int:
    """Print findings; return the exit code."""
    files = [Path(argument) for argument in arguments] or checked_files()
    found = check({str(file): file.read_text(encoding="utf-8") for file in files})
    for name, findings in found.items():
        path = Path(name)
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        for finding in findings:
            print(f"{shown}:{finding.line}: {finding}")
    count = sum(map(len, found.values()))
    print(f"determinism: {len(files)} files, {count} findings; the rules: docs/determinism.md")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
