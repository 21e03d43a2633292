"""The modules of the source tree and what they import: read, never run."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = ("libs/*/src", "services/*/src", "tools/*/src", "examples/*/src")
"""Folders that stand on the path of the interpreter."""
TOOLS: Final = ("tools/checks", "tools/docs")
"""Packages that are imported from the root itself."""


@dataclass(frozen=True, slots=True)
class Module:
    """A file of source. `path` is relative to the root of the tree."""

    name: str
    path: Path
    source: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        """Whether the file is the `__init__` of a folder."""
        return self.path.name == "__init__.py"

    @property
    def lines(self) -> int:
        """How long the file is."""
        return len(self.source.splitlines())

    @property
    def docstring(self) -> str:
        """What the module says of itself; empty when it says nothing."""
        return ast.get_docstring(self.tree) or ""


Modules = Mapping[str, Module]
Imports = Mapping[str, Mapping[str, int]]
"""Importer to imported to the first line that does it."""


def read_modules(root: Path = ROOT) -> dict[str, Module]:
    """Return the modules of all distributions and of the tools, by name, in order of names."""
    found = {}
    for base, folder in _folders(root):
        for path in folder.rglob("*.py"):
            name = ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")
            source = path.read_text(encoding="utf-8")
            tree = ast.parse(source, str(path))
            found[name] = Module(name, path.relative_to(root), source, tree)
    return {name: found[name] for name in sorted(found)}


def imports_of(modules: Modules) -> dict[str, dict[str, int]]:
    """Return who imports whom among the modules, those of functions and TYPE_CHECKING included."""
    return {name: _imported(module, modules) for name, module in modules.items()}


def _folders(root: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the folders to read, each with the folder that names start from."""
    for pattern in SOURCES:
        for folder in sorted(root.glob(pattern)):
            yield folder, folder
    for package in TOOLS:
        yield root, root / package


def _imported(module: Module, modules: Modules) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.setdefault(inner if inner in modules else base, node.lineno)
    return {name: found[name] for name in sorted(found) if name in modules and name != module.name}


def _base(module: Module, node: ast.ImportFrom) -> str:
    """Return the module that names are imported from; leading dots count from the package."""
    if not node.level:
        return node.module or ""
    package = module.name if module.is_package else module.name.rpartition(".")[0]
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, node.module] if node.module else above)
