"""Which supported Pythons this machine has, and an environment of the locked packages for each."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")


def find(version: str) -> Path | None:
    """Return an interpreter of that version that runs; shims of version managers may not."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    try:
        installed = sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)
    except PermissionError:  # somebody else's
        installed = []
    candidates = [
        *installed,
        shutil.which(f"python{version}"),
        shutil.which("python3"),
    ]
    return next((Path(c) for c in candidates if c and _version(c) == version), None)


def _version(python: str | Path) -> str:
    try:
        told = subprocess.run(
            [python, "--version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    match = re.match(r"Python (\d+\.\d+)\.\d+$", told.stdout.strip())  # no release candidates
    return match.group(1) if match else ""


def find_uv() -> str | None:
    """Return the uv of `make setup`, or one on the PATH."""
    own = ROOT / ".tools/bin/uv"
    return str(own) if own.exists() else shutil.which("uv")


def environment(python: Path, uv: str, folder: Path) -> Path:
    """Install the engine at its locked versions for `python`; return that environment's Python."""
    environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    package = ["--no-dev", "--package", "evenflow-policy-engine"]
    subprocess.run(
        [uv, "sync", "--quiet", "--locked", *package, "--python", str(python)],
        cwd=ROOT,
        env={**environ, "UV_PROJECT_ENVIRONMENT": str(folder), "UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        text=True,
        check=True,
    )
    return folder / "bin/python"
