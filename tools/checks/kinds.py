"""What kind of value an expression has, as far as annotations tell: enough to see sets and floats.

No type checker: it follows names, attributes, calls and subscripts through the annotations of the
checked files, and where it does not know it says so. mypy proves that the annotations are true.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

Kind = ast.expr
"""An annotation, as its syntax tree."""
Scope = dict[str, Kind]
Function = ast.FunctionDef | ast.AsyncFunctionDef

SET: Final[Kind] = ast.Name("set")
FLOAT: Final[Kind] = ast.Name("float")
INT: Final[Kind] = ast.Name("int")
_SETS: Final = frozenset({"set", "frozenset", "Set", "AbstractSet", "MutableSet", "KeysView"})
_SET_METHODS: Final = frozenset({"union", "intersection", "difference", "symmetric_difference"})
_MAPPINGS: Final = frozenset({"dict", "Mapping", "MutableMapping", "defaultdict", "SortedDict"})
_SET_OPERATORS: Final = (ast.BitOr, ast.BitAnd, ast.BitXor, ast.Sub)


@dataclass(slots=True)
class _Class:
    fields: dict[str, Kind] = field(default_factory=dict)
    methods: dict[str, Kind | None] = field(default_factory=dict)
    bases: list[str] = field(default_factory=list)


class Kinds:
    """The annotations of all checked files together; names are taken to be unique among them."""

    def __init__(self, trees: Iterable[ast.Module]) -> None:
        """Gather classes, functions and aliases."""
        self._classes: dict[str, _Class] = {}
        self._functions: dict[str, Kind | None] = {}
        self._aliases: dict[str, Kind] = {}
        for tree in trees:
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    self._classes[node.name] = _class(node)
                elif isinstance(node, Function):
                    self._functions[node.name] = node.returns
                elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
                    self._aliases[ast.unparse(node.targets[0])] = node.value

    def scope_of(self, function: Function, outer: Scope, owner: str | None) -> Scope:
        """Return what is known of a function's names; where a name has two kinds, a set wins."""
        scope = dict(outer)
        arguments = function.args
        given = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        for index, argument in enumerate(given):
            scope.pop(argument.arg, None)
            if argument.annotation is not None:
                scope[argument.arg] = argument.annotation
            elif owner is not None and index == 0:
                scope[argument.arg] = ast.Name(owner)
        self.learn(ast.walk(function), scope)
        return scope

    def learn(self, nodes: Iterable[ast.AST], scope: Scope) -> None:
        """Add the names that the nodes bind."""
        bound = [binding for node in nodes for binding in _bindings(node)]
        for _ in range(2):  # a name may be bound by one that stands further down
            for target, value, how in bound:
                kind = self._bound_kind(value, how, scope)
                known = scope.get(target)
                if kind is not None and (known is None or not self.is_set(known)):
                    scope[target] = kind

    def _bound_kind(self, value: ast.expr, how: str, scope: Scope) -> Kind | None:
        if how == "annotation":
            return value
        kind = self.of(value, scope)
        return kind if how == "value" else self.element(kind)

    def of(  # noqa: C901, PLR0911 - one case a form of expression
        self, node: ast.expr, scope: Scope
    ) -> Kind | None:
        """Return the kind of an expression, None where the annotations do not tell."""
        match node:
            case ast.Set() | ast.SetComp():
                return SET
            case ast.Constant(value=float()):
                return FLOAT
            case ast.Constant(value=int()):
                return INT
            case ast.Name(id=name):
                return scope.get(name)
            case ast.Attribute(value=value, attr=name):
                return self._attribute(self.of(value, scope), name)
            case ast.Call():
                return self._call(node, scope)
            case ast.BinOp():
                return self._operation(node, scope)
            case ast.BoolOp(values=values):
                return self._first(values, scope)
            case ast.IfExp(body=body, orelse=orelse):
                return self._first([body, orelse], scope)
            case ast.UnaryOp(operand=operand) | ast.NamedExpr(value=operand):
                return self.of(operand, scope)
            case ast.Subscript(value=value):
                return self._item(self.of(value, scope))
            case _:
                return None

    def is_set(self, kind: Kind | None) -> bool:
        """Whether a value of that kind has no order of its own."""
        return any(_name(option) in _SETS for option in self._options(kind))

    def is_float(self, kind: Kind | None) -> bool:
        """Whether a value of that kind may be a float."""
        return any(_name(option) == "float" for option in self._options(kind))

    def element(self, kind: Kind | None) -> Kind | None:
        """Return the kind of what iterating gives."""
        for option in self._options(kind):
            if isinstance(option, ast.Subscript):
                inner = option.slice
                return inner.elts[0] if isinstance(inner, ast.Tuple) else inner
        return None

    def _options(self, kind: Kind | None) -> Iterator[Kind]:
        """Yield the members of a union, with aliases and quotes undone."""
        if isinstance(kind, ast.BinOp) and isinstance(kind.op, ast.BitOr):
            yield from self._options(kind.left)
            yield from self._options(kind.right)
        elif isinstance(kind, ast.Constant) and isinstance(kind.value, str):
            yield from self._options(ast.parse(kind.value, mode="eval").body)
        elif isinstance(kind, ast.Name) and kind.id in self._aliases:
            yield from self._options(self._aliases[kind.id])
        elif isinstance(kind, ast.Subscript) and _name(kind.value) in {"Final", "ClassVar"}:
            yield from self._options(kind.slice)
        elif kind is not None:
            yield kind

    def _item(self, kind: Kind | None) -> Kind | None:
        """Return the kind of `x[...]`."""
        for option in self._options(kind):
            if isinstance(option, ast.Subscript):
                inner = option.slice
                if _name(option) in _MAPPINGS and isinstance(inner, ast.Tuple):
                    return inner.elts[1]
                return inner.elts[0] if isinstance(inner, ast.Tuple) else inner
        return None

    def _attribute(self, kind: Kind | None, name: str) -> Kind | None:
        for option in self._options(kind):
            known = self._classes.get(_name(option))
            while known is not None:
                if name in known.fields:
                    return known.fields[name]
                if name in known.methods:
                    return known.methods[name]
                known = next((self._classes[b] for b in known.bases if b in self._classes), None)
        return None

    def _call(  # noqa: PLR0911 - as above
        self, node: ast.Call, scope: Scope
    ) -> Kind | None:
        match node.func:
            case ast.Name(id="set" | "frozenset"):
                return SET
            case ast.Name(id="float" | "fsum"):
                return FLOAT
            case ast.Name(id="int" | "len" | "round"):
                return INT
            case ast.Name(id=name) if name in self._classes:
                return node.func
            case ast.Name(id=name):
                return self._functions.get(name)
            case ast.Attribute(value=value, attr=name):
                return self._method(self.of(value, scope), name)
            case _:
                return None

    def _method(self, kind: Kind | None, name: str) -> Kind | None:
        if self.is_set(kind) and name in _SET_METHODS | {"copy"}:
            return SET
        for option in self._options(kind):
            if _name(option) in _MAPPINGS:
                if name in {"get", "pop", "setdefault"}:
                    return self._item(option)
                if name == "values" and (value := self._item(option)) is not None:
                    return ast.Subscript(ast.Name("Iterable"), value)
                return option if name == "copy" else None
        return self._attribute(kind, name)

    def _operation(self, node: ast.BinOp, scope: Scope) -> Kind | None:
        if isinstance(node.op, ast.Div):
            return FLOAT
        sides = [self.of(node.left, scope), self.of(node.right, scope)]
        if isinstance(node.op, _SET_OPERATORS) and (
            any(map(self.is_set, sides)) or any(map(_is_key_view, (node.left, node.right)))
        ):
            return SET
        return next((FLOAT for side in sides if self.is_float(side)), sides[0])

    def _first(self, values: list[ast.expr], scope: Scope) -> Kind | None:
        kinds = [kind for value in values if (kind := self.of(value, scope)) is not None]
        return next(filter(self.is_set, kinds), kinds[0] if kinds else None)


def _class(node: ast.ClassDef) -> _Class:
    found = _Class(bases=[_name(base) for base in node.bases])
    for member in node.body:
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            found.fields[member.target.id] = member.annotation
        elif isinstance(member, Function):
            found.methods[member.name] = member.returns
            for inner in ast.walk(member):
                if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Attribute):
                    found.fields[inner.target.attr] = inner.annotation
                elif isinstance(inner, ast.Assign) and isinstance(inner.targets[0], ast.Attribute):
                    _learn_field(found, inner.targets[0].attr, inner.value, member)
    return found


def _learn_field(found: _Class, name: str, value: ast.expr, method: Function) -> None:
    """`self.x = X(...)` and `self.x = x`, where the parameter says what x is."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        found.fields.setdefault(name, value.func)
    elif isinstance(value, ast.Name):
        for argument in (*method.args.args, *method.args.kwonlyargs):
            if argument.arg == value.id and argument.annotation is not None:
                found.fields.setdefault(name, argument.annotation)


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr, str]]:
    """Yield (name, expression, how the expression tells the name's kind)."""
    match node:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
            yield name, annotation, "annotation"
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, value, "value"
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            yield name, value, "value"
        case (
            ast.For(target=ast.Name(id=name), iter=value)
            | ast.comprehension(target=ast.Name(id=name), iter=value)
        ):
            yield name, value, "element"


def _name(kind: ast.expr) -> str:
    """Return the last word of an annotation's head: `set` of `set[str]`, `Room` of `rooms.Room`."""
    match kind:
        case ast.Subscript(value=value):
            return _name(value)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _is_key_view(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"keys", "items"}
        and not node.args
    )
