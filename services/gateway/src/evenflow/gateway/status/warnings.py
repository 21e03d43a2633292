"""What works and is dangerous all the same, said in the status until it is changed."""

import os

from evenflow.common.runtime.settings import Settings

AS_ROOT = (
    "the services run as root: jobs of admins run as root, all others as the account of their "
    "user. Use an account of its own where people need no accounts on this machine"
)


def warnings_of(settings: Settings) -> list[str]:
    """Return what whoever runs this system should know; empty is as it should be."""
    found = []
    if settings.cluster_choice.kind == "local" and os.geteuid() == 0:
        found.append(AS_ROOT)
    return found
