"""What keeps `evenflow up` from starting."""

from evenflow.common.domain.errors import EvenflowError


class CannotStart(EvenflowError):
    """The system was not started; the message says what is in the way and what to do."""
