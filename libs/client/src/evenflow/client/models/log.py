"""The log itself, as REST shows it."""

from typing import Any

LogStatus = dict[str, Any]
"""Size, limit, first and last sequence with their times, growth a day, what holds the next cut."""

LogReaderPlace = dict[str, Any]
"""A reader of the log: name, sequence, lag, when it last told its place, whether it is dead."""

LogCut = dict[str, Any]
"""A cut: when, from which sequence to which, bytes freed, what did not let more go, who cut."""
