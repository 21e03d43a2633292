"""A binder that starts one run and waits to be killed: `local_binder.py RUNS TOKEN COMMAND`.

Prints the fork server's pid when the run has started.
"""

import asyncio
import sys
from pathlib import Path

from evenflow.common.adapters.local.executor import LocalExecutor
from evenflow.common.ports.executor import RunOrder, RunStarted


async def main(runs: str, token: str, command: str) -> None:
    executor = LocalExecutor(Path(runs))
    await executor.open([])
    await executor.start(
        RunOrder(
            token=token,
            job_id=token,
            attempt=1,
            task_index=0,
            task_count=1,
            node="here",
            resources={},
            config={"command": command, "working_directory": "/"},
            time_limit_us=20_000_000,
        )
    )
    async for event in executor.events():
        if isinstance(event, RunStarted):
            print(executor.fork_server_pid, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
