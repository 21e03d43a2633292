"""A distribution with entry points, installed as pip would leave it, for tests of plug-ins."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import invalidate_caches
from pathlib import Path


def install(
    folder: Path, name: str, points: Mapping[str, Mapping[str, str]], **modules: str
) -> Path:
    """Write a distribution into `folder`: entry points by group and name, modules by name."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = []
    for group, entries in points.items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)
    return folder


@contextmanager
def on_path(*folders: Path) -> Iterator[None]:
    """Let this process import from the folders, for a while."""
    before, known = list(sys.path), set(sys.modules)
    sys.path[:0] = [str(folder) for folder in folders]
    invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before
        for name in set(sys.modules) - known:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if any(file.startswith(str(folder)) for folder in folders):
                del sys.modules[name]
