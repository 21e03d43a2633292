"""A process that a service starts reads the settings that the service was started with."""

import subprocess
import sys
from pathlib import Path

_SERVICE = """
import asyncio, subprocess, sys
from evenflow.common.runtime.process.service import run_service

CHILD = "from evenflow.common.runtime.settings import load; print(load().shard.name)"

async def serve(ctx):
    found = subprocess.run([sys.executable, "-c", CHILD], cwd="/", capture_output=True, text=True)
    print(found.stdout)
    sys.stdout.flush()
    ctx.health.started()

run_service("demo", serve)
"""


def test_a_child_reads_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("shard: {name: north}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _SERVICE, "--config", "own.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["north"], done.stderr
