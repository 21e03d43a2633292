"""A user's name as clusters take it: Kubernetes labels and Slurm accounts know fewer letters. Pure.

What directories call people (`alice@example.org`, `Müller, J.`) stays as it is in the log and in
REST; this form is for names outside of Evenflow. It is one to one, so that nobody is taken for
somebody else.
"""

import hashlib
import re
from typing import Final

LONGEST: Final = 63
"""Of a label's value in Kubernetes, and of a name in DNS."""
_PLAIN: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_MADE: Final = re.compile(r".*x[0-9a-f]{16}")
_DIGITS: Final = 16


def user_label(user: str) -> str:
    """Return at most 63 of `a-z`, `0-9` and `-`, beginning and ending with a letter or digit.

    A name that is such a label already is returned as it is. Any other keeps what it can, and ends
    in `x` and 16 digits of its digest; so does a name that only looks as if it were made so.
    """
    if len(user) <= LONGEST and _PLAIN.fullmatch(user) and not _MADE.fullmatch(user):
        return user
    kept = re.sub(r"[^a-z0-9]+", "-", user.lower()).strip("-")[: LONGEST - _DIGITS - 2]
    digest = hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{kept.rstrip('-')}-x{digest}" if kept else f"x{digest}"
