"""`evenflow up` with stand-ins as services: stand_in_up.py DATA_DIR [OPTION=VALUE ...]."""

import os
import sys
from pathlib import Path

from evenflow.cli.launcher.layout.plan import Options
from evenflow.cli.launcher.services import ServiceSpec
from evenflow.cli.launcher.supervisor import up

STAND_IN = str(Path(__file__).with_name("stand_in.py"))

if __name__ == "__main__":
    data_dir, *options = sys.argv[1:]
    kinds = {"port": int, "speed": int, "keep_jobs": bool, "config": Path}
    chosen = {
        name: kinds.get(name, str)(value)
        for name, _, value in (option.partition("=") for option in options)
    }
    wanted = os.environ.get("UP_SERVICES", "binder gateway").split()
    table = [ServiceSpec(name, (sys.executable, STAND_IN, name)) for name in wanted]
    sys.exit(up(Options(data_dir=Path(data_dir), **chosen), table))
